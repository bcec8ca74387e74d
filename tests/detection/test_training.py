"""A detector learns, goes on where it was stopped, and its bundle answers as it does."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from anmok.cli.app import run
from anmok.detection.boxset import BoxSet
from anmok.detection.bundle import read_detector, write_detector
from anmok.detection.examples import Example, load_examples
from anmok.detection.loop import DetectorLoop
from anmok.detection.network import pretrained_detector
from anmok.detection.reading import read_boxes
from anmok.detection.results import DetectResult
from anmok.detection.settings import DetectConfig, epochs_for
from anmok.detection.splitting import split_boxes
from anmok.errors import BundleError, UsageError
from anmok.models.packs import find_pack
from anmok.pipeline.detect import train_detector_from
from anmok.progress import SilentProgress
from anmok.records import TRAIN, VALID
from anmok.training.device import own_random_numbers
from anmok.training.workers import Workers
from detection.conftest import CONFIG

Trained = tuple[Path, DetectResult]


class _Task:
    def advance(self, steps: int = 1, /) -> None:
        pass

    def note(self, text: str, /) -> None:
        pass


@pytest.fixture(scope="module")
def boxes(boxes_folder: Path) -> BoxSet:
    """The made data set, divided."""
    return split_boxes(read_boxes(boxes_folder), CONFIG)


def _examples(boxes: BoxSet, split: str) -> Sequence[Example]:
    return load_examples(boxes, boxes.of_split(split), side=64, threads=2, progress=SilentProgress())


def _loop(boxes: BoxSet, workers: Workers, config: DetectConfig = CONFIG) -> DetectorLoop:
    torch.manual_seed(config.seed)
    network = pretrained_detector(find_pack(config.backbone), len(boxes.classes))
    train, valid = _examples(boxes, TRAIN), _examples(boxes, VALID)
    return DetectorLoop(network, config, train, valid, workers=workers, epochs=config.epochs, minutes=0)


class _Killed(Exception):
    pass


@pytest.mark.usefixtures("packs")
@pytest.mark.parametrize("step", [1, 3], ids=["in the first epoch", "in the second"])
def test_a_training_that_was_killed_ends_with_the_very_weights_of_one_that_was_not(boxes: BoxSet, step: int) -> None:
    with own_random_numbers(), Workers(2) as workers:
        whole = _loop(boxes, workers)
        whole.run(_Task(), lambda: None)
        kept = []
        killed = _loop(boxes, workers)

        def keep() -> None:
            state = killed.state()
            kept.append(replace(state, tensors={name: value.clone() for name, value in state.tensors.items()}))
            if len(kept) == step:
                raise _Killed

        with pytest.raises(_Killed):
            killed.run(_Task(), keep)
    with own_random_numbers(), Workers(1) as workers:
        other = _loop(boxes, workers)
        other.restore(kept[-1])
        other.run(_Task(), lambda: None)
    assert [row["train_loss"] for row in other.history] == [row["train_loss"] for row in whole.history]
    for name, tensor in whole.network.state_dict().items():
        assert torch.equal(tensor, other.network.state_dict()[name]), name


@pytest.mark.real
@pytest.mark.usefixtures("real_weights")
def test_a_detector_learns_rectangles_by_colour(boxes: BoxSet) -> None:
    config = replace(CONFIG, backbone="mobilenetv2_100", side=96, epochs=24, ema=0.9, learning_rate=2e-3)
    with own_random_numbers(), Workers(2) as workers:
        torch.manual_seed(0)
        network = pretrained_detector(find_pack(config.backbone), len(boxes.classes))
        network.freeze_first()
        pictures = load_examples(boxes, boxes.pictures, side=96, threads=2, progress=SilentProgress())
        loop = DetectorLoop(network, config, pictures, pictures, workers=workers, epochs=config.epochs)
        loop.run(_Task(), lambda: None)
    assert loop.history[-1]["train_loss"] < 0.7 * loop.history[0]["train_loss"]
    assert max(row["map50"] for row in loop.history) > 0.6


def test_the_fixed_files_are_left_with_value_low_and_high(trained: Trained) -> None:
    folder, result = trained
    metrics = json.loads((folder / "metrics.json").read_text())
    assert set(metrics) == {"map50", "map", "precision", "recall"}
    for figure in metrics.values():
        assert 0 <= figure["low"] <= figure["value"] <= figure["high"] <= 1
    assert (folder / "report.html").is_file()
    assert result.test.pictures == 3
    assert result.score_difference < 1e-4


def test_the_bundle_carries_what_was_measured(trained: Trained) -> None:
    folder, result = trained
    info = read_detector(folder / "best.anmok").info
    assert info.measured == result.test.figures
    assert info.threshold == result.threshold
    assert info.labels == ("red & <big>", "하늘")


@pytest.mark.usefixtures("packs")
def test_the_same_training_again_only_measures(boxes_folder: Path, trained: Trained, tmp_path: Path) -> None:
    result = trained[1]
    folder = Path(shutil.copytree(trained[0], tmp_path / "again"))
    before = (folder / "run/checkpoint/model.safetensors").stat().st_mtime_ns
    again = train_detector_from(boxes_folder, folder, CONFIG, threads=2)
    assert (folder / "run/checkpoint/model.safetensors").stat().st_mtime_ns == before
    assert again.test == result.test


def test_the_report_shows_measures_curves_and_mistakes_and_escapes_names(trained: Trained) -> None:
    folder, _result = trained
    text = (folder / "report.html").read_text(encoding="utf-8")
    assert "mAP50-95" in text
    assert text.count('class="plot"') == 4
    assert "red &amp; &lt;big&gt;" in text
    assert "<big>" not in text
    assert "anmok detect train &lt;boxes&gt;" in text


def _lines(capfd: pytest.CaptureFixture[str]) -> list[dict[str, object]]:
    return [json.loads(line) for line in capfd.readouterr().out.splitlines()]


def test_predict_prints_boxes_inside_the_photo_and_draws_them(
    trained: Trained, boxes_folder: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in/a.png").write_bytes(next((boxes_folder / "test").glob("*.png")).read_bytes())
    (tmp_path / "in/broken.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    arguments = ["detect", "predict", str(trained[0]), str(tmp_path / "in"), "--json", "--threshold", "0.03"]
    assert run([*arguments, "--out", str(tmp_path / "out")]) == 1
    photo, broken = _lines(capfd)
    assert broken["path"] == "broken.png"
    assert "error" in broken
    assert (photo["width"], photo["height"]) == (96, 72)
    for box in photo["boxes"]:  # type: ignore[attr-defined]
        assert 0 <= box["x0"] < box["x1"] <= 96
        assert 0 <= box["y0"] < box["y1"] <= 72
        assert box["score"] >= 0.03
    assert (tmp_path / "out/a.png.boxes.jpg").read_bytes().startswith(b"\xff\xd8")


def test_evaluate_measures_the_test_pictures_as_training_did(
    trained: Trained, boxes_folder: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert run(["detect", "evaluate", str(trained[0]), str(boxes_folder), "--json"]) == 0
    (metrics,) = _lines(capfd)
    assert metrics["map50"] == json.loads((trained[0] / "metrics.json").read_text())["map50"]


def test_check_counts_boxes_and_convert_writes_them(
    boxes_folder: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert run(["detect", "check", str(boxes_folder)]) == 0
    assert "하늘" in capfd.readouterr().out
    assert run(["detect", "convert", str(boxes_folder), "--to", "yolo", "--out", str(tmp_path / "yolo")]) == 0
    assert len(read_boxes(tmp_path / "yolo")) == 12


def test_a_bundle_that_was_tampered_with_is_refused(trained: Trained, tmp_path: Path) -> None:
    whole = (trained[0] / "best.anmok").read_bytes()
    bundle = read_detector(trained[0] / "best.anmok")
    (tmp_path / "cut.anmok").write_bytes(whole[: len(whole) // 2])
    write_detector(tmp_path / "labels.anmok", replace(bundle.info, labels=("one", "two", "three")), bundle.model)
    write_detector(tmp_path / "model.anmok", bundle.info, b"no model")
    with zipfile.ZipFile(tmp_path / "more.anmok", "w") as archive:
        archive.writestr("evil.pkl", b"x")
    for name in ("cut", "labels", "model", "more"):
        with pytest.raises(BundleError):
            read_detector(tmp_path / f"{name}.anmok")


def test_asking_a_detector_needs_neither_pytorch_nor_pandas(trained: Trained, boxes_folder: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from anmok.detection.predictor import DetectionPredictor;"
        "p = DetectionPredictor.open(Path(sys.argv[1]));"
        "p.detect(next(Path(sys.argv[2]).glob('*.png')).read_bytes(), name='a');"
        "assert not {'torch', 'pandas', 'matplotlib', 'sklearn'} & set(sys.modules)"
    )
    arguments = [str(trained[0] / "best.anmok"), str(boxes_folder / "test")]
    subprocess.run([sys.executable, "-c", code, *arguments], check=True)


def test_settings_that_no_network_can_follow_are_refused() -> None:
    with pytest.raises(UsageError, match="multiple of 32"):
        DetectConfig(side=100)
    with pytest.raises(UsageError, match="learning_rate"):
        DetectConfig(learning_rate=-1.0)


def test_small_sets_are_seen_more_often() -> None:
    assert epochs_for(40) > epochs_for(260) > epochs_for(2000) >= 12
