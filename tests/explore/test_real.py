"""What is said of real pictures is true and no flood."""

from __future__ import annotations

import csv
import zipfile
from pathlib import Path

import pytest

from anmok.data.scan import scan
from anmok.explore.standouts import find_stand_outs

pytestmark = pytest.mark.real


def test_a_class_that_photos_have_taken_over_is_darker_than_classes_of_drawings(
    data_dir: Path, shared_cache: Path
) -> None:
    path = data_dir / "drawings-with-photos.zip"
    with zipfile.ZipFile(path) as archive:
        rows = csv.DictReader(archive.read("truth.csv").decode("utf-8-sig").splitlines())
        photos = {row["path"] for row in rows if row["kind"] == "photo"}
    manifest = scan(path)
    # As they are, all classes hold as many photos, so none is unlike the others.
    assert find_stand_outs(manifest) == ()
    is_photo = manifest.table["path"].isin(photos)
    for label in manifest.classes:
        kept = ~is_photo | (manifest.table["label"] == label)
        drawings = (manifest.table["label"] == label) & ~is_photo
        # Two photos to a drawing in this class, drawings alone in the others.
        kept &= ~(drawings & (drawings.cumsum() > 20))
        found = find_stand_outs(manifest.with_table(manifest.table[kept]))
        darker = {one.group for one in found if one.measure == "brightness" and not one.more}
        assert darker == {label}


def test_forest_is_the_dark_one_of_six_scenes(data_dir: Path, shared_cache: Path) -> None:
    found = find_stand_outs(scan(data_dir / "scenes6.zip"))
    assert {one.group for one in found} == {"forest"}
    assert ("brightness", False) in {(one.measure, one.more) for one in found}


def test_drawn_training_pictures_and_real_test_photos_are_told_apart(data_dir: Path, shared_cache: Path) -> None:
    found = find_stand_outs(scan(data_dir / "horse-or-human.zip"))
    assert {(one.among, one.group, one.against) for one in found} == {("split", "valid", "train")}
    assert ("brightness", True) in {(one.measure, one.more) for one in found}


def test_a_hundred_classes_are_no_flood(data_dir: Path, shared_cache: Path) -> None:
    found = find_stand_outs(scan(data_dir / "sports100-small.zip"))
    assert 1 <= len({one.group for one in found}) <= 20
    assert {one.among for one in found} == {"class"}
