"""`anmok train`: one model the whole way, with settings changed, interrupted, gone on with, and made longer."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from anmok.cli.app import run
from anmok.storage import read_json, write_json
from anmok.training import networks
from tests.training.made import picture_folder

#: A small network that learns for seconds, without anything that knows the end of the training.
QUICK = ["--recipe", "cnn-small", "--image-size", "32", "--batch-size", "8", "--set", "schedule=constant"]
QUICK += ["--set", "warmup=0", "--no-precheck", "--threads", "1", "--valid", "0.3"]


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return picture_folder(tmp_path_factory.mktemp("train") / "stripes")


@pytest.fixture(scope="module")
def trained(pictures: Path, module_cache: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A training of two epochs."""
    out = tmp_path_factory.mktemp("trained") / "out"
    assert run(["train", str(pictures), *QUICK, "--epochs", "2", "--tensorboard", "--out", str(out)]) == 0
    return out


def history(out: Path) -> list[list[str]]:
    """Every history below a folder but its seconds, the longest first."""
    texts = [path.read_text().splitlines() for path in out.glob("runs/*/history.csv")]
    return [[line.rsplit(",", 1)[0] for line in text] for text in sorted(texts, key=len, reverse=True)]


def test_a_training_leaves_what_a_comparison_leaves_and_says_how_to_go_on(
    trained: Path, pictures: Path, shared_cache: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["train", str(pictures), *QUICK, "--epochs", "2", "--out", str(trained)]) == 0
    told = capsys.readouterr()
    assert "that run is used again" in told.err
    assert f"anmok train --resume {trained} --epochs 4" in told.out.replace("\n", "")
    assert "of 2 was kept" in told.out
    names = {path.name for path in trained.iterdir()}
    assert {"report.html", "best.anmok", "summary.json", "comparison.json", "manifest.parquet", "runs"} <= names
    summary = read_json(trained / "summary.json")
    assert summary["best"] == "cnn-small"
    assert summary["command"].startswith(f"anmok train {pictures} --recipe=cnn-small")
    assert len(history(trained)) == 1


def test_a_finished_run_is_not_measured_again(trained: Path, pictures: Path, shared_cache: Path) -> None:
    measured = next(trained.glob("runs/*/metrics.json"))
    before = measured.stat().st_mtime_ns
    assert run(["train", str(pictures), *QUICK, "--epochs", "2", "--out", str(trained)]) == 0
    assert measured.stat().st_mtime_ns == before


@pytest.mark.usefixtures("shared_cache")
def test_ctrl_c_says_once_how_far_it_came_and_once_how_to_go_on(
    pictures: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    # The signal comes when the first epoch's checkpoint is written: at the end of an epoch, whatever the machine.
    saved = networks.save_state
    monkeypatch.setattr(networks, "save_state", lambda *state: (saved(*state), signal.raise_signal(signal.SIGINT)))
    assert run(["train", str(pictures), *QUICK, "--epochs", "3", "--out", str(tmp_path / "out")]) == 130
    told = capsys.readouterr().err
    assert told.count("stopped after 1 of 3 epochs") == 1
    assert told.lower().count("stopped") == 1
    assert told.count("Go on with: ") == 1
    assert "same command" not in told


@pytest.fixture(scope="module")
def whole(pictures: Path, module_cache: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A training of four epochs in one go."""
    out = tmp_path_factory.mktemp("whole") / "out"
    assert run(["train", str(pictures), *QUICK, "--epochs", "4", "--out", str(out)]) == 0
    return out


def test_two_epochs_and_two_more_are_four_to_the_last_bit(
    trained: Path, whole: Path, shared_cache: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    longer = tmp_path / "longer"
    shutil.copytree(trained, longer)
    assert run(["train", "--resume", str(longer), "--epochs", "4", "--threads", "1"]) == 0
    assert history(longer)[0] == history(whole)[0]
    assert len(history(longer)[0]) == 5
    assert history(longer)[1] == history(trained)[0]
    capsys.readouterr()
    assert run(["train", "--resume", str(longer), "--epochs", "3"]) == 2
    assert "has 4 epochs already" in capsys.readouterr().err
    assert run(["train", "--resume", str(longer)]) == 2
    assert "is finished" in capsys.readouterr().err


def test_a_training_that_was_killed_before_its_end_is_finished_by_resume(
    trained: Path, shared_cache: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "killed"
    shutil.copytree(trained, out)
    begun = next(out.glob("runs/*"))
    # What a kill leaves between the last epoch's checkpoint and the end. (Kills at any other moment: tests/training.)
    for name in ("finished.json", "predictions.parquet", "model.anmok", "metrics.json", "checkpoint/model.safetensors"):
        (begun / name).unlink()
    for name in ("summary.json", "comparison.json", "report.html", "best.anmok"):
        (out / name).unlink()
    assert run(["train", "--resume", str(out), "--epochs", "9"]) == 2
    assert "cannot be made longer yet" in capsys.readouterr().err
    assert run(["train", "--resume", str(begun), "--threads", "1"]) == 0
    assert history(out) == history(trained)
    figures = [read_json(folder / "summary.json")["models"]["cnn-small"]["log_loss"] for folder in (out, trained)]
    assert figures[0] == figures[1]
    assert (out / "report.html").is_file()


def test_the_logs_for_tensorboard_hold_every_epoch_once(trained: Path) -> None:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    folder = next(trained.glob("runs/*/tensorboard"))
    rows = [line.split(",") for line in next(trained.glob("runs/*/history.csv")).read_text().splitlines()[1:]]
    for log, loss in (("train", 1), ("validation", 3)):
        events = EventAccumulator(str(folder / log)).Reload()
        points = [(event.step, event.value) for event in events.Scalars("loss")]
        assert points == [(int(row[0]), pytest.approx(float(row[loss]))) for row in rows]


def test_json_is_the_summary(
    trained: Path, pictures: Path, shared_cache: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["train", str(pictures), *QUICK, "--epochs", "2", "--out", str(trained), "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == read_json(trained / "summary.json")


def test_a_head_on_vectors_is_trained_without_pytorch(pictures: Path, shared_cache: Path, tmp_path: Path) -> None:
    words = ["train", str(pictures), "--model", "handcrafted", "--strategy", "frozen", "--out", str(tmp_path / "out")]
    code = (
        "import sys\nfrom anmok.cli.app import run\n"
        f"code = run({words!r})\nassert 'torch' not in sys.modules\nsys.exit(code)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--recipe", "cnn-small", "--set", "learning_rate=fast"], "a number is wanted"),
        (["--recipe", "cnn-small", "--set", "colour=red"], "'colour' is not known"),
        (["--recipe", "cnn-small", "--set", "epochs=3", "--epochs", "4"], "given twice"),
        (["--recipe", "cnn-small", "--learning-rate", "-1"], "more than 0 is wanted"),
        (["--recipe", "cnn-small", "--set", "strategy=partial"], "needs freeze"),
        (["--recipe", "cnn-small", "--as-published"], "no mistake"),
        (["--recipe", "handcrafted", "--epochs", "9"], "would change nothing"),
        (["--recipe", "cnn-smal"], "Did you mean cnn-small"),
        (["--model", "cnn-small", "--recipe", "cnn-small"], "either a recipe or a model"),
        (["--model", "mobilenetv2", "--strategy", "partial:some"], "partial:last-30-layers"),
        (["--recipe", "cnn-small", "--augmentation", "flipshift"], "Did you mean flip-shift"),
        ([], "either a recipe or a model"),
    ],
)
def test_what_cannot_be_trained_is_said_before_anything_is_done(
    pictures: Path, tmp_path: Path, words: list[str], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    assert run(["train", str(pictures), *words, "--out", str(out)]) == 2
    assert told in " ".join(capsys.readouterr().err.split())
    assert not out.exists()


def test_a_misspelt_policy_is_told_before_pictures_are_looked_for_and_a_misspelt_source_leaves_no_folder(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["train", str(tmp_path / "missing"), "--recipe", "cnn-small", "--out", str(tmp_path / "out")]
    assert run([*words, "--augmentation", "flipshift"]) == 2
    assert "flip-shift" in capsys.readouterr().err
    assert run(words) == 2
    assert "missing" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_a_misspelt_source_leaves_an_earlier_training_as_it_was(trained: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(trained, tmp_path / "copy")
    earlier = (copy / "training.json").read_bytes()
    words = ["train", str(tmp_path / "missing"), "--recipe", "cats-dogs-cnn", "--out", str(copy)]
    assert run(words) == 2
    assert (copy / "training.json").read_bytes() == earlier


def test_as_published_says_which_mistakes_are_taken_back_in(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["train", str(tmp_path / "missing"), "--recipe", "horse-human-mobilenetv2", "--out", str(tmp_path / "out")]
    assert run([*words, "--as-published"]) == 2
    assert "got pixels of 0 to 1" in " ".join(capsys.readouterr().err.split())
    assert run(words) == 2
    assert "got pixels of 0 to 1" not in " ".join(capsys.readouterr().err.split())


def test_going_on_takes_no_other_settings(trained: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["train", "--resume", str(trained), "--learning-rate", "0.1"]) == 2
    assert run(["train"]) == 2
    assert "No pictures were named" in capsys.readouterr().err


def test_what_cannot_be_gone_on_with_is_said_in_a_sentence(
    trained: Path, pictures: Path, shared_cache: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def told(out: Path, *words: str) -> str:
        assert run(["train", "--resume", str(out), *words]) in (1, 2)
        return " ".join(capsys.readouterr().err.split())

    assert "No training was begun" in told(tmp_path)
    copy = tmp_path / "copy"
    shutil.copytree(trained, copy)
    (copy / "training.json").write_text("{", encoding="utf-8")
    assert "not readable JSON" in told(copy)
    write_json(copy / "training.json", {**read_json(trained / "training.json"), "recipe": {"name": "x"}})
    assert "training.json is damaged" in told(copy)
    shutil.copy(trained / "training.json", copy)
    next(copy.glob("runs/*/checkpoint/last.safetensors")).write_bytes(b"nothing")
    assert "is damaged" in told(copy, "--epochs", "3")
    next(copy.glob("runs/*/checkpoint/last.safetensors")).unlink()
    assert "did not keep" in told(copy, "--epochs", "3")
    shutil.rmtree(copy / "runs")
    assert "nothing was trained yet" in told(copy)


def test_pictures_that_were_moved_away_are_named_and_how_to_go_on(
    shared_cache: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source, moved, out = picture_folder(tmp_path / "here"), tmp_path / "there", tmp_path / "out"
    assert run(["train", str(source), "--recipe", "handcrafted", "--out", str(out)]) == 0
    source.rename(moved)
    (out / "summary.json").unlink()
    capsys.readouterr()
    assert run(["train", "--resume", str(out)]) == 2
    assert f"not at {source} any more" in " ".join(capsys.readouterr().err.split()).replace(" /", "/").replace(
        "at/", "at /"
    )
    assert run(["train", str(moved), "--recipe", "handcrafted", "--out", str(out)]) == 0
    assert "that run is used again" in capsys.readouterr().err
