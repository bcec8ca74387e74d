"""``anmok balance``: rules to a manifest or a folder, before and after shown, nothing of the user's touched."""

from __future__ import annotations

import hashlib
import json
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest

from anmok.clean.near_groups import with_groups
from anmok.cli.app import run
from anmok.config import Recipe
from anmok.data.leaks import find_leaks
from anmok.data.manifest import Manifest
from anmok.data.scan import scan
from anmok.errors import DataError
from anmok.images import decode
from anmok.pipeline import variant_folder
from anmok.pipeline.balance import oversample
from anmok.training.train import train
from tests.data.made import manifest_of, pictures_of, write_tree, write_zip
from tests.data.test_balance import illustrations, of_sizes
from tests.pictures import encode, photo
from tests.training.made import CLASSES, picture_folder

SIZES = {"train/가로": 9, "train/b": 4, "train/c": 2, "valid/가로": 2, "valid/b": 2, "valid/c": 2, "test/가로": 5}
SIZES |= {"test/b": 3, "test/c": 1}


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    return write_tree(tmp_path / "pictures", pictures_of(SIZES))


def contents(folder: Path) -> dict[str, str]:
    files = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def train_sizes(manifest: Manifest) -> dict[str, int]:
    counts = manifest.of_split("train").table["label"].value_counts()
    return {str(label): int(count) for label, count in sorted(counts.items())}


class Ended(NamedTuple):
    code: int
    out: str
    err: str


@pytest.fixture
def balance(capsys: pytest.CaptureFixture[str]) -> Any:
    def call(*words: object) -> Ended:
        code = run(["balance", *map(str, words)])
        printed = capsys.readouterr()
        return Ended(code, printed.out, printed.err)

    return call


def test_the_table_shows_before_and_after_and_the_manifest_says_who_went(
    pictures: Path, tmp_path: Path, balance: Any
) -> None:
    before, out = contents(pictures), tmp_path / "even.parquet"
    ended = balance(pictures, "-o", out, "--undersample", "classes=가로 to=mean")
    assert ended.code == 0, ended.err
    line = next(line for line in ended.out.splitlines() if "가로" in line)
    assert line.split()[1:4] == ["9", "−6", "3"]
    assert "Largest class to smallest: 4.5 to 1 before, 2.0 to 1 now." in ended.out
    manifest = Manifest.load(out)
    assert train_sizes(manifest) == {"b": 4, "c": 2, "가로": 3}
    assert len(manifest.of_split("test")) == 9
    assert [row.code for row in manifest.quarantined] == ["undersampled"] * 6
    assert contents(pictures) == before


def test_a_rule_needs_no_quotes_and_json_gives_the_same_figures(pictures: Path, tmp_path: Path, balance: Any) -> None:
    out = tmp_path / "even.parquet"
    ended = balance(pictures, "--undersample", "classes=가로,b", "to=3", "-o", out, "--json")
    shown = json.loads(ended.out)
    assert shown["classes"] == [
        {"class": "b", "before": 4, "removed": 1, "added": 0, "after": 3},
        {"class": "c", "before": 2, "removed": 0, "added": 0, "after": 2},
        {"class": "가로", "before": 9, "removed": 6, "added": 0, "after": 3},
    ]
    assert (shown["ratio_before"], shown["ratio_after"]) == (4.5, 1.5)
    assert shown["pictures"] == len(Manifest.load(out)) == 23
    assert balance(pictures, "nonsense", "--undersample", "to=3", "-o", out).code == 2


def test_a_source_without_splits_is_split_first_and_the_test_stays_as_the_world_is(
    tmp_path: Path, balance: Any
) -> None:
    source = write_tree(tmp_path / "pictures", pictures_of({"a": 100, "b": 20, "c": 10}))
    out = tmp_path / "even.parquet"
    assert balance(source, "-o", out, "--undersample", "classes=a to=mean").code == 0
    counts = Manifest.load(out).table.groupby(["split", "label"]).size()
    assert counts["test"].to_dict() == {"a": 20, "b": 4, "c": 2}
    assert counts["valid"].to_dict() == {"a": 12, "b": 2, "c": 1}
    assert counts["train"].to_dict() == {"a": 11, "b": 14, "c": 7}
    ended = balance(source, "-o", out, "--undersample", "classes=a to=mean", "--whole")
    assert Manifest.load(out).table["label"].value_counts().to_dict() == {"a": 15, "b": 20, "c": 10}
    assert "the test pictures are balanced too" in ended.out


def test_reference_e_s_numbers_come_out_of_the_command_too(tmp_path: Path, balance: Any) -> None:
    sizes = illustrations(13_108)
    scanned, out = tmp_path / "all.parquet", tmp_path / "even.parquet"
    manifest_of(of_sizes(sizes, "")).save(scanned)
    ended = balance(scanned, "-o", out, "--whole", "--undersample", "classes=L2_3,L2_10 to=mean", "--json")
    shown = json.loads(ended.out)
    assert shown["pictures"] == len(Manifest.load(out)) == 14_564
    rows = {row["class"]: (row["before"], row["removed"], row["after"]) for row in shown["classes"]}
    assert rows["L2_3"] == (6189, 5461, 728)
    assert rows["L2_10"] == (6206, 5478, 728)
    assert all(rows[label] == (size, 0, size) for label, size in sizes.items() if label not in ("L2_3", "L2_10"))
    assert shown["ratio_before"] == pytest.approx(6206 / 180)


def test_augmented_pictures_fill_small_classes_in_a_folder_of_its_own(
    pictures: Path, tmp_path: Path, balance: Any
) -> None:
    before, out = contents(pictures), tmp_path / "more"
    ended = balance(pictures, "-o", out, "--oversample", "max")
    assert ended.code == 0, ended.err
    manifest = Manifest.load(out / "manifest.parquet")
    assert train_sizes(manifest) == {"b": 9, "c": 9, "가로": 9}
    assert manifest.table["split"].value_counts().to_dict() == {"train": 27, "test": 9, "valid": 6}
    # Everything the manifest names is there, and is what it says.
    with manifest.open_source() as source:
        for record in manifest.records():
            assert hashlib.sha256(source.read(record.path)).hexdigest() == record.id
    assert (out / "train/가로/000.png").samefile(pictures / "train/가로/000.png")
    assert contents(pictures) == before
    assert manifest.table["id"].is_unique
    # A picture and what was drawn of it are one group.
    table = manifest.table
    drawn = table[table["path"].str.contains("~aug")]
    assert len(drawn) == 12
    for path, group in zip(drawn["path"], drawn["group"], strict=True):
        original = table.loc[table["path"] == path.split("~aug")[0] + ".png"].iloc[0]
        assert group == original["group"] == original["id"]
    assert find_leaks(manifest) == ()
    # A scan of the folder knows splits and classes.
    scanned = scan(out)
    assert train_sizes(scanned) == train_sizes(manifest)
    assert not scanned.quarantined


def test_a_variant_shows_its_original_changed_a_little(tmp_path: Path, data_dir: Path) -> None:
    source = scan(data_dir / "scenes6.zip")
    few = source.with_table(source.table[source.table["split"] == "train"].groupby("label").head(3))
    manifest = few.with_table(few.table.drop(few.table.index[:1]))
    made = oversample(manifest, tmp_path / "out", to=5)
    with made.open_source() as pictures:
        for group, rows in made.table.groupby("group"):
            if not group:
                continue
            first, *others = (decode(pictures.read(path), name=path).pixels for path in rows["path"])
            for other in others:
                assert other.shape == first.shape
                assert np.abs(other.astype(int) - first).mean() > 3
                assert abs(other.mean() - first.mean()) < 60
    # Out of a zip the originals are copies of the very bytes.
    copies = made.table[~made.table["path"].str.contains("~aug")]
    assert sorted(copies["id"]) == sorted(manifest.table["id"])


def test_the_same_seed_gives_the_same_bytes_and_another_others(pictures: Path, tmp_path: Path, balance: Any) -> None:
    made = {}
    for name, seed in (("one", 0), ("two", 0), ("three", 1)):
        assert (
            balance(pictures, "-o", tmp_path / name, "--oversample", "to=9", "--seed", seed, "--threads", 3).code == 0
        )
        files = contents(tmp_path / name)
        made[name] = {path: digest for path, digest in files.items() if "~aug" in path}
    assert made["one"] == made["two"]
    assert not set(made["one"].values()) & set(made["three"].values())


def test_both_ways_together_and_out_of_a_zip(tmp_path: Path, balance: Any) -> None:
    source = write_zip(tmp_path / "pictures.zip", pictures_of(SIZES))
    out = tmp_path / "even"
    assert balance(source, "-o", out, "--undersample", "to=5", "--oversample", "classes=c to=min").code == 0
    assert train_sizes(Manifest.load(out / "manifest.parquet")) == {"b": 4, "c": 4, "가로": 5}
    result = json.loads((out / "balance.json").read_text(encoding="utf-8"))
    assert {"class": "c", "before": 2, "removed": 0, "added": 2, "after": 4} in result["classes"]
    assert not any(path.name.endswith(".part") for path in out.rglob("*"))


def test_a_second_run_draws_nothing_again(
    pictures: Path, tmp_path: Path, balance: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from anmok.training import augmentation

    out = tmp_path / "more"
    assert balance(pictures, "-o", out, "--oversample", "max").code == 0
    wanted = contents(out)
    lost = out / "train/c/000~aug2.png"
    lost.unlink()
    drawn = []
    draw = augmentation.draw
    monkeypatch.setattr(augmentation, "draw", lambda *words, **more: drawn.append(1) or draw(*words, **more))
    assert balance(pictures, "-o", out, "--oversample", "max").code == 0
    assert drawn == [1]
    assert contents(out) == wanted


def test_killed_and_run_again_it_ends_as_if_nothing_had_been(pictures: Path, tmp_path: Path, balance: Any) -> None:
    out, words = tmp_path / "more", ["--oversample", "to=60"]
    command = [sys.executable, "-m", "anmok", "balance", str(pictures), "-o", str(out), *words]
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    until = time.monotonic() + 60
    while len(list(out.rglob("*~aug*"))) < 10 and process.poll() is None and time.monotonic() < until:
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.wait(timeout=30)
    halfway = {path: path.stat().st_mtime_ns for path in out.rglob("*~aug*")}
    assert 10 <= len(halfway) < 165
    assert not (out / "manifest.parquet").exists()
    assert balance(pictures, "-o", out, *words).code == 0
    assert {path: path.stat().st_mtime_ns for path in halfway} == halfway
    assert balance(pictures, "-o", tmp_path / "whole", *words).code == 0
    one, other = ({k: v for k, v in contents(tmp_path / f).items() if k.endswith(".png")} for f in ("more", "whole"))
    assert one == other
    assert train_sizes(Manifest.load(out / "manifest.parquet")) == {"b": 60, "c": 60, "가로": 60}


def test_what_was_drawn_trains_and_its_folds_keep_groups_whole(tmp_path: Path) -> None:
    source = scan(picture_folder(tmp_path / "pictures"), threads=1)
    split = ["test", "valid", "valid", *["train"] * 9] * 3
    uneven = source.with_table(source.table.assign(split=split).drop(index=list(range(6, 12))))
    manifest = oversample(uneven, tmp_path / "more")
    assert train_sizes(manifest) == dict.fromkeys(sorted(CLASSES), 9)
    assert train(Recipe(name="h", model="handcrafted"), manifest, tmp_path / "runs", threads=1).is_finished


def test_it_refuses_what_would_do_harm(
    pictures: Path, tmp_path: Path, balance: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    mine = write_tree(tmp_path / "mine", {"letter.txt": b"dear"})
    more = ["--oversample", "max"]
    assert "something else" in balance(pictures, "-o", mine, *more).err
    assert sorted(path.name for path in mine.iterdir()) == ["letter.txt"]
    inside = balance(pictures, "-o", pictures / "more", *more)
    assert (inside.code, "where the pictures come from" in " ".join(inside.err.split())) == (2, True)
    assert not (pictures / "more").exists()
    assert balance(pictures, "-o", tmp_path / "more.parquet", *more).code == 2
    assert balance(pictures, "-o", tmp_path / "more", *more, "--whole").code == 2
    assert "changes nothing" in balance(pictures, "-o", tmp_path / "more", *more, "--policy", "none").err
    assert "flip-shift" in balance(pictures, "-o", tmp_path / "more", *more, "--policy", "flop").err
    assert balance(pictures, "-o", tmp_path / "more").code == 2
    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(variant_folder.shutil, "disk_usage", lambda _path: usage._replace(free=1000))
    full = balance(pictures, "-o", tmp_path / "more", *more)
    assert (full.code, "MB are needed" in " ".join(full.err.split())) == (1, True)
    monkeypatch.setattr(variant_folder.importlib.util, "find_spec", lambda _name: None)
    assert "anmok[train]" in balance(pictures, "-o", tmp_path / "more", *more).err
    assert not (tmp_path / "more").exists()


@pytest.mark.parametrize("options", [["--undersample", "to=min"], ["--oversample", "max"]], ids=["under", "over"])
def test_near_copies_are_not_parted_by_the_split_that_balancing_makes(
    options: list[str], tmp_path: Path, balance: Any
) -> None:
    files = {}
    for number in range(30):
        image = photo(96, 72, number)
        for name, each in (("whole", image), ("small", image.resize((64, 48)))):
            files[f"{'a' if number < 20 else 'b'}/{number}-{name}.png"] = encode(each, "PNG")
    out = tmp_path / ("even.parquet" if options[0] == "--undersample" else "even")
    assert balance(write_tree(tmp_path / "pictures", files), "-o", out, *options).code == 0
    manifest = Manifest.load(out if out.is_file() else out / "manifest.parquet")
    assert set(manifest.table["split"]) == {"train", "valid", "test"}
    assert find_leaks(with_groups(manifest)) == ()


def test_it_never_mixes_two_sets_nor_writes_over_the_manifest_that_undoes(
    pictures: Path, tmp_path: Path, balance: Any
) -> None:
    out = tmp_path / "more"
    assert balance(pictures, "-o", out, "--oversample", "max").code == 0
    wanted = contents(out)
    other = balance(pictures, "-o", out, "--oversample", "to=12")
    assert (other.code, "other settings" in " ".join(other.err.split())) == (1, True)
    assert contents(out) == wanted
    manifest = tmp_path / "all.parquet"
    scan(pictures).save(manifest)
    assert balance(manifest, "-o", manifest, "--undersample", "to=2").code == 2
    assert len(Manifest.load(manifest)) == sum(SIZES.values())


def test_an_original_that_changed_since_the_scan_is_not_taken_for_what_it_was(pictures: Path, tmp_path: Path) -> None:
    manifest = scan(pictures)
    first, second = pictures / "train/c/000.png", pictures / "train/c/001.png"
    second.write_bytes(first.read_bytes() + b" ")
    with pytest.raises(DataError, match=r"train/c/001\.png is not the picture that was scanned"):
        oversample(manifest, tmp_path / "out")
