"""Killed processes of the service, its database and an import lose nothing: the short form of a benchmark."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"


@pytest.fixture
def short() -> Iterator[Path]:
    """A folder whose path is short enough for a socket file."""
    with tempfile.TemporaryDirectory(prefix="kill") as folder:
        yield Path(folder)


@pytest.mark.skipif(
    not os.environ.get("CI") and not (shutil.which("mariadbd") or Path("/usr/sbin/mariadbd").exists()),
    reason="no MariaDB is installed: apt-get install mariadb-server",
)
def test_no_accepted_photo_is_lost_and_no_card_is_half_whatever_is_killed(
    short: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    import service_kill

    try:
        outcome = service_kill.kill_and_look(short, rounds=len(service_kill.VICTIMS), clients=2, seconds=1)
    finally:
        for name in ("service_kill", "_private_mariadb", "_service_process", "_hostile_files"):
            sys.modules.pop(name, None)
    assert not outcome.wrong
    assert len(outcome.accepted) >= 4 * len(service_kill.VICTIMS)
