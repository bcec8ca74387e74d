"""One tiny detector, trained once for all tests that ask it."""

from __future__ import annotations

from pathlib import Path

import pytest

from anmok.detection.results import DetectResult
from anmok.detection.settings import DetectConfig
from anmok.pipeline.detect import train_detector_from
from detection.made import voc_folder
from models.packs import TINY, make_pack

CONFIG = DetectConfig(backbone=TINY, side=64, epochs=2, batch_size=4, valid=0.25)


@pytest.fixture(scope="session")
def boxes_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data set with boxes: nine pictures to learn from, three to measure on."""
    return voc_folder(tmp_path_factory.mktemp("boxes") / "사진과 상자", train=9, test=3)


@pytest.fixture(scope="session")
def tiny_pack(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a weight pack of random numbers."""
    home = tmp_path_factory.mktemp("packs")
    make_pack(home)
    return home


@pytest.fixture
def packs(tiny_pack: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Let this test find the tiny pack."""
    monkeypatch.setenv("ANMOK_WEIGHTS", str(tiny_pack))
    return tiny_pack


@pytest.fixture(scope="session")
def trained(boxes_folder: Path, tiny_pack: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, DetectResult]:
    """The folder of a training of two epochs, and what it found."""
    folder = tmp_path_factory.mktemp("detector")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ANMOK_CACHE", str(tmp_path_factory.mktemp("cache")))
        patch.setenv("ANMOK_WEIGHTS", str(tiny_pack))
        patch.setenv("ANMOK_LANG", "en")
        patch.setenv("ANMOK_OFFLINE", "1")
        result = train_detector_from(boxes_folder, folder, CONFIG, threads=2, command="anmok detect train <boxes>")
    return folder, result
