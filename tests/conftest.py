"""Fixtures for all tests: a clean cache for each, the real pictures where they are, no network, fixed language."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

if os.environ.get("PYTEST_XDIST_WORKER"):
    # The processes share the cores already; threads of BLAS and PyTorch in each would only wait for one another.
    # Set before NumPy and PyTorch are imported, and handed on to the processes that tests start.
    os.environ.setdefault("OMP_NUM_THREADS", "1")

SHARED = Path(__file__).resolve().parents[2] / "shared"

# Timings on shared machines are noisy, so no test may fail for being slow; examples are the same in every run.
settings.register_profile("anmok", deadline=None, derandomize=True, print_blob=True)
settings.load_profile("anmok")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with files that hold tests on the real pictures: they take longest, and other processes do the rest."""
    slow = {item.path for item in items if item.get_closest_marker("real")}
    items.sort(key=lambda item: item.path not in slow)


def _beside_project(variable: str, folder: str) -> Path:
    path = Path(os.environ.get(variable) or SHARED / folder)
    if not path.is_dir():
        reason = f"the real pictures are not here: set {variable}, or put them into {path}"
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)
    return path


@pytest.fixture(scope="session")
def data_dir() -> Path:
    """The folder with the zips of real pictures."""
    return _beside_project("ANMOK_DATA", "data")


@pytest.fixture(scope="session")
def weights_dir() -> Path:
    """The folder with real weight packs."""
    return _beside_project("ANMOK_WEIGHTS", "weights")


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Each test speaks English, has an empty cache of its own, no weights and no network."""
    monkeypatch.setenv("ANMOK_CACHE", str(tmp_path_factory.mktemp("cache")))
    monkeypatch.setenv("ANMOK_LANG", "en")
    monkeypatch.setenv("ANMOK_OFFLINE", "1")
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.delenv("ANMOK_WEIGHTS", raising=False)


@pytest.fixture(scope="session")
def session_cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One cache folder for the whole session, all its processes: drawn pictures, vectors and backbones are made once.

    A cache is made for several processes, so the tests use it as people do.
    """
    base = tmp_path_factory.getbasetemp()
    # Each process of pytest-xdist has a folder of its own in the session's.
    folder = (base.parent if os.environ.get("PYTEST_XDIST_WORKER") else base) / "shared-cache"
    folder.mkdir(exist_ok=True)
    return folder


@pytest.fixture(scope="module")
def module_cache(session_cache: Path) -> Iterator[Path]:
    """Let fixtures of a whole module use the session's cache, and speak English; tests themselves do not."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ANMOK_CACHE", str(session_cache))
        patch.setenv("ANMOK_LANG", "en")
        patch.setenv("ANMOK_OFFLINE", "1")
        patch.delenv("ANMOK_WEIGHTS", raising=False)
        yield session_cache


@pytest.fixture
def shared_cache(session_cache: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Let this test use the session's cache instead of an empty one."""
    monkeypatch.setenv("ANMOK_CACHE", str(session_cache))
    return session_cache


@pytest.fixture
def real_weights(weights_dir: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Let this test find the real weight packs."""
    monkeypatch.setenv("ANMOK_WEIGHTS", str(weights_dir))
    return weights_dir
