"""``anmok augment``: a page and a sheet of one picture, or a folder with copies; what it takes and what it refuses."""

from __future__ import annotations

import hashlib
import importlib.util
import json
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
from PIL import Image

from anmok.cli.app import run
from anmok.data.leaks import find_leaks
from anmok.data.manifest import Manifest
from anmok.data.scan import scan
from anmok.images import decode
from anmok.training.augmentation import draw, get_policy, policy_names
from anmok.training.augmentation.drawing import variant_seed
from report.pages import Page
from tests.data.made import pictures_of, write_tree, write_zip
from tests.pictures import encode, photo

SIZES = {"train/가로": 4, "train/b": 3, "valid/가로": 2, "valid/b": 2, "test/가로": 2, "test/b": 2}
LEAVES = {"augment.html", "augment.json", "augment.png"}


class Ended(NamedTuple):
    code: int
    out: str
    err: str


@pytest.fixture
def augment(capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setenv("ANMOK_CACHE", str(tmp_path / "cache"))

    def call(*words: object) -> Ended:
        code = run(["augment", *map(str, words)])
        printed = capsys.readouterr()
        return Ended(code, printed.out, printed.err)

    return call


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    return write_tree(tmp_path / "pictures", pictures_of(SIZES))


def contents(folder: Path) -> dict[str, str]:
    files = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


# -- preview -----------------------------------------------------------------------------------------------------


def test_a_preview_is_a_page_and_a_sheet_of_the_first_training_picture(
    pictures: Path, tmp_path: Path, augment: Any
) -> None:
    before, out = contents(pictures), tmp_path / "out"
    ended = augment(pictures, "--preview", "--policy", "dog-preview, light", "-o", out)
    assert ended.code == 0, ended.err
    assert {path.name for path in out.iterdir()} == LEAVES
    assert "train/b/" in ended.out
    assert str(out / "augment.html") in ended.out
    page = Page((out / "augment.html").read_text(encoding="utf-8"))
    assert [row for row in ("dog-preview", "light", "flip-shift") if row in page.text] == ["dog-preview", "light"]
    assert page.of_class("variants") == 2
    # For each policy the unchanged picture and eight variants, then the three resize rules.
    assert len(page.attributes("img", "src")) == 2 * 9 + 3
    with Image.open(out / "augment.png") as sheet:
        assert sheet.size == (4 + 9 * 132, 4 + 2 * 154)
    assert contents(pictures) == before


def test_without_names_every_policy_but_none_is_drawn(pictures: Path, tmp_path: Path, augment: Any) -> None:
    ended = augment(pictures, "--preview", "--count", 1, "-o", tmp_path / "out", "--json")
    wanted = [{"policy": name, "variants": 1} for name in policy_names() if name != "none"]
    assert json.loads(ended.out)["policies"] == wanted


def test_the_seed_decides_what_is_drawn(pictures: Path, tmp_path: Path, augment: Any) -> None:
    sheets = []
    for number, seed in enumerate((1, 1, 2)):
        words = ("--preview", "-p", "cats-dogs", "--count", 2, "--seed", seed, "-o", tmp_path / f"{number}")
        assert augment(pictures, *words).code == 0
        sheets.append((tmp_path / f"{number}" / "augment.png").read_bytes())
    assert sheets[0] == sheets[1] != sheets[2]


def test_the_picture_may_be_named_and_every_form_of_source_will_do(tmp_path: Path, augment: Any) -> None:
    made = pictures_of(SIZES)
    folder, archive = write_tree(tmp_path / "tree", made), write_zip(tmp_path / "some.zip", made)
    manifest = tmp_path / "all.parquet"
    scan(folder).save(manifest)
    picture = next(path for path in sorted(made) if path.startswith("valid/"))
    for number, source in enumerate((folder, archive, manifest)):
        words = (source, "--preview", "-p", "light", "--picture", picture, "-o", tmp_path / f"{number}", "--json")
        assert json.loads(augment(*words).out)["picture"] == picture
    ended = augment(folder / picture, "--preview", "-p", "light", "-o", tmp_path / "alone", "--json")
    assert json.loads(ended.out)["picture"] == Path(picture).name
    ended = augment(folder, "--preview", "--picture", "train/b/nothing.jpg", "-o", tmp_path / "none")
    assert ended.code == 2
    assert "train/b/" in ended.err
    assert not (tmp_path / "none").exists()


def test_a_damaged_picture_is_passed_over_unless_it_was_named(tmp_path: Path, augment: Any) -> None:
    folder = tmp_path / "pictures"
    (folder / "a").mkdir(parents=True)
    whole = encode(photo(40, 30, seed=1), "JPEG")
    (folder / "a" / "1.jpg").write_bytes(whole[: len(whole) // 3])
    (folder / "a" / "2.jpg").write_bytes(whole)
    ended = augment(folder, "--preview", "-p", "light", "-o", tmp_path / "out", "--json")
    assert json.loads(ended.out)["picture"] == "a/2.jpg"
    ended = augment(folder, "--preview", "-p", "light", "--picture", "a/1.jpg", "-o", tmp_path / "other")
    assert ended.code == 1
    assert "a/1.jpg" in ended.err


def test_a_recipe_brings_its_size_its_rule_and_its_policy(pictures: Path, tmp_path: Path, augment: Any) -> None:
    recipe = tmp_path / "own.toml"
    recipe.write_text(
        'name = "own"\nmodel = "cnn-small"\nstrategy = "scratch"\nhead = "linear"\nimage_size = 48\nresize = "pad"\n'
        'augmentation = "cats-dogs"\n',
        encoding="utf-8",
    )
    ended = augment(pictures, "--preview", "--recipe", recipe, "-o", tmp_path / "out", "--json")
    shown = json.loads(ended.out)
    assert (shown["size"], shown["resize"]) == (48, "pad")
    assert [row["policy"] for row in shown["policies"]] == ["cats-dogs"]
    page = Page((tmp_path / "out" / "augment.html").read_text(encoding="utf-8"))
    assert "recipe own" in page.text
    assert "scales them itself" in page.text
    assert set(page.attributes("img", "width")) == {"48"}


def test_a_policy_or_recipe_that_does_not_exist_is_refused_with_a_hint(
    pictures: Path, tmp_path: Path, augment: Any
) -> None:
    for words in (("-p", "dog-previe"), ("-r", "mobilenetv")):
        ended = augment(pictures, "--preview", *words, "-o", tmp_path / "out")
        assert ended.code == 2
        assert "Did you mean" in ended.err
    assert not (tmp_path / "out").exists()


def test_results_go_over_those_of_an_earlier_run_and_never_into_a_strangers_folder(
    pictures: Path, tmp_path: Path, augment: Any
) -> None:
    out = tmp_path / "out"
    for _time in range(2):
        assert augment(pictures, "--preview", "-p", "light", "-o", out).code == 0
    strange = tmp_path / "strange"
    strange.mkdir()
    (strange / "letter.txt").write_text("mine")
    ended = augment(pictures, "--preview", "-p", "light", "-o", strange)
    assert ended.code == 1
    assert contents(strange).keys() == {"letter.txt"}


def test_without_pytorch_one_is_told_how_to_get_it(
    pictures: Path, tmp_path: Path, augment: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _name: None)
    for words in (("--preview",), ("--copies", 1)):
        ended = augment(pictures, *words, "-o", tmp_path / "out")
        assert ended.code != 0
        assert "anmok[train]" in ended.err


# -- copies ------------------------------------------------------------------------------------------------------


def test_copies_stand_beside_their_originals_in_one_group_and_only_among_training_pictures(
    pictures: Path, tmp_path: Path, augment: Any
) -> None:
    before, out = contents(pictures), tmp_path / "more"
    ended = augment(pictures, "--copies", 2, "--policy", "horse-human", "--seed", 12345, "-o", out)
    assert ended.code == 0, ended.err
    assert "7 before, 21 now" in ended.out
    assert contents(pictures) == before
    manifest = Manifest.load(out / "manifest.parquet")
    table = manifest.table
    assert table["split"].value_counts().to_dict() == {"train": 21, "valid": 4, "test": 4}
    drawn = table[table["path"].str.contains("~aug")]
    assert len(drawn) == 14
    assert set(drawn["split"]) == {"train"}
    assert not find_leaks(manifest)
    # Each copy is the original as the policy draws it by seed, picture and number; both are of one group.
    for record in drawn.itertuples():
        stem, _mark, number = record.path.rpartition(".")[0].rpartition("~aug")
        (original,) = table[table["path"].str.startswith(stem + ".")].itertuples()
        assert record.group == original.group != ""
        assert record.label == original.label
        pixels = decode((out / original.path).read_bytes(), name="original").pixels
        seed = variant_seed(12345, "horse-human", original.id, int(number))
        wanted = draw(pixels, get_policy("horse-human"), seed=seed).astype(int)
        found = decode((out / record.path).read_bytes(), name="copy").pixels.astype(int)
        assert np.abs(found - wanted).mean() < 6  # stored as JPEG


def test_the_same_command_changes_nothing_and_another_one_is_refused(
    pictures: Path, tmp_path: Path, augment: Any
) -> None:
    out = tmp_path / "more"
    assert augment(pictures, "--copies", 1, "-o", out).code == 0
    first = contents(out)
    ended = augment(pictures, "--copies", 1, "-o", out, "--json")
    assert json.loads(ended.out)["added"] == 7
    assert contents(out) == first
    ended = augment(pictures, "--copies", 1, "--seed", 3, "-o", out)
    assert ended.code == 1
    assert "other settings" in ended.err
    assert contents(out) == first


def test_what_is_there_is_not_drawn_again_and_what_is_missing_is_the_same_as_before(
    pictures: Path, tmp_path: Path, augment: Any
) -> None:
    # A kill leaves whole pictures, the mark and no manifest; that it does, tests of `anmok balance` show.
    out, words = tmp_path / "more", ("--copies", 2, "-p", "sports-mobilenetv2")
    assert augment(pictures, *words, "-o", out).code == 0
    first = contents(out)
    drawn = sorted(path for path in first if "~aug" in path)
    kept = {path: (out / path).stat().st_mtime_ns for path in drawn[:5]}
    for path in (*drawn[5:], "manifest.parquet"):
        (out / path).unlink()
    assert augment(pictures, *words, "-o", out).code == 0
    assert contents(out) == first
    assert {path: (out / path).stat().st_mtime_ns for path in kept} == kept


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ((), "--preview"),
        (("--preview", "--copies", 1), "exclude each other"),
        (("--copies", 1), "--out"),
        (("--copies", 1, "-o", "more", "-p", "light,strong"), "one policy"),
        (("--copies", 1, "-o", "more", "--picture", "a.jpg"), "--picture"),
        (("--copies", 1, "-o", "more", "-p", "none"), "changes nothing"),
        (("--copies", 1, "-o", "pictures/more"), "must not come among"),
    ],
)
def test_what_makes_no_sense_is_refused_before_anything_is_written(
    pictures: Path, augment: Any, monkeypatch: pytest.MonkeyPatch, words: tuple[object, ...], told: str
) -> None:
    monkeypatch.chdir(pictures.parent)
    before = contents(pictures)
    ended = augment("pictures", *words)
    assert ended.code == 2
    assert told in " ".join(ended.err.split())
    assert not Path("more").exists()
    assert contents(pictures) == before
