"""What ``anmok compare`` refuses: a message that names the file and the way out, an exit code, nothing half-written."""

from __future__ import annotations

import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from anmok.cli.app import run


def picture(path: Path, seed: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    colours = np.random.default_rng(seed).integers(0, 256, (4, 4, 3), dtype=np.uint8)
    Image.fromarray(colours).resize((40, 40)).save(path)


def two_classes(folder: Path, each: int = 6) -> Path:
    for number in range(each):
        picture(folder / "cat" / f"{number}.png", number)
        picture(folder / "dog" / f"{number}.png", 100 + number)
    return folder


def nothing(folder: Path) -> Path:
    folder.mkdir()
    return folder


def one_class(folder: Path) -> Path:
    for number in range(6):
        picture(folder / "cat" / f"{number}.png", number)
    return folder


def a_class_with_one_picture(folder: Path) -> Path:
    picture(two_classes(folder) / "bird" / "lonely.png", 7)
    return folder


def three_pictures_a_class(folder: Path) -> Path:
    return two_classes(folder, each=3)


def no_readable_picture(folder: Path) -> Path:
    for label in ("cat", "dog"):
        (folder / label).mkdir(parents=True)
        (folder / label / "broken.jpg").write_bytes(b"\xff\xd8\xff\xe0 and nothing more")
    return folder


def a_text_file(folder: Path) -> Path:
    path = folder.with_suffix(".docx")
    path.write_text("no pictures here", encoding="utf-8")
    return path


def a_damaged_zip(folder: Path) -> Path:
    path = folder.with_suffix(".zip")
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("cat/1.png", b"x" * 500)
    path.write_bytes(path.read_bytes()[:300])
    return path


def the_same_picture_under_two_labels(folder: Path) -> Path:
    two_classes(folder)
    (folder / "dog" / "really-a-cat.png").write_bytes((folder / "cat" / "0.png").read_bytes())
    return folder


def test_pictures_in_train(folder: Path) -> Path:
    two_classes(folder / "train")
    for number in range(3):
        picture(folder / "test" / "cat" / f"{number}.png", 50 + number)
        picture(folder / "test" / "dog" / f"{number}.png", 150 + number)
    (folder / "test" / "cat" / "seen.png").write_bytes((folder / "train" / "cat" / "3.png").read_bytes())
    return folder


test_pictures_in_train.__test__ = False  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("make", "code", "named"),
    [
        (nothing, 1, ["pictures"]),
        (one_class, 1, ["cat"]),
        (a_class_with_one_picture, 1, ["bird", "lonely.png", "--drop-small-classes"]),
        (three_pictures_a_class, 1, ["too few pictures", "validation"]),
        (no_readable_picture, 1, ["broken.jpg"]),
        (a_text_file, 2, [".docx"]),
        (a_damaged_zip, 2, [".zip"]),
        (the_same_picture_under_two_labels, 1, ["cat/0.png", "dog/really-a-cat.png", "--repair"]),
        (test_pictures_in_train, 1, ["train/cat/3.png", "test/cat/seen.png", "--repair", "--allow-leaks"]),
    ],
    ids=lambda value: value.__name__.replace("_", "-") if callable(value) else "",
)
def test_it_is_refused_with_the_file_and_the_way_out(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    make: Callable[[Path], Path],
    code: int,
    named: list[str],
) -> None:
    source = make(tmp_path / "pictures")
    out = tmp_path / "out"
    assert run(["compare", str(source), "--models", "handcrafted", "--out", str(out)]) == code
    message = capsys.readouterr().err
    for name in named:
        assert name in message
    assert "What to do" in message
    assert not out.exists()


def test_a_results_folder_that_is_a_file_is_refused_before_the_work(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = two_classes(tmp_path / "pictures")
    (tmp_path / "out").write_text("mine", encoding="utf-8")
    assert run(["compare", str(source), "--models", "handcrafted", "--out", str(tmp_path / "out")]) == 1
    assert "--out" in capsys.readouterr().err
    assert (tmp_path / "out").read_text(encoding="utf-8") == "mine"


def test_somebodys_own_folder_is_not_filled_with_results(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source = two_classes(tmp_path / "pictures")
    assert run(["compare", str(source), "--models", "handcrafted", "--out", str(source)]) == 1
    assert "something else" in capsys.readouterr().err
    assert sorted(entry.name for entry in source.iterdir()) == ["cat", "dog"]


@pytest.mark.parametrize(
    "words",
    [
        ["compare"],
        ["compare", "nowhere-to-be-found"],
        ["compare", "digits", "--models", "no-such-model"],
        ["compare", "digits", "--models", ""],
        ["compare", "digits", "--test", "1.5"],
        ["compare", "digits", "--repair", "--allow-leaks"],
        ["compare", "digits", "--lang", "tlh"],
        ["frobnicate"],
    ],
    ids=" ".join,
)
def test_bad_usage_ends_with_2_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], words: list[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run(words) == 2
    assert capsys.readouterr().err.strip()
    assert list(tmp_path.iterdir()) == []


def test_the_only_model_without_weights_is_an_error_with_three_ways_out(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = two_classes(tmp_path / "pictures")
    assert run(["compare", str(source), "--models", "mobilenetv2", "--out", str(tmp_path / "out")]) == 1
    message = capsys.readouterr().err
    assert "ANMOK_WEIGHTS" in message
