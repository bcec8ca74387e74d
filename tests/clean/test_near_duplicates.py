"""Near copies planted in real pictures are found, others are not taken for copies, and nothing hangs on weights."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from anmok.clean.evidence import Evidence
from anmok.clean.near_copies import HIGHEST_BAR, near_copies
from anmok.clean.near_groups import grouped, with_groups
from anmok.config import CleanConfig
from anmok.data.manifest import Manifest
from anmok.data.scan import scan
from tests.clean.planted import Planted, plant

pytestmark = pytest.mark.real

#: Pairs that the sets hold by themselves, each looked at: the same photograph, cut, scaled or coloured otherwise.
NATURAL = {
    "cats-dogs": [{"train/dogs/dog.180.jpg", "train/dogs/dog.74.jpg"}],
    "scenes6": [],
    "drawings-with-photos": [
        # Stock drawings, with and without a watermark or a frame; a guitar with one string more.
        {"dog/dog_072.jpg", "dog/dog_104.jpg"},
        {"elephant/elephant_041.jpg", "elephant/elephant_088.jpg"},
        {"guitar/guitar_005.jpg", "guitar/guitar_015.jpg"},
        {"guitar/guitar_113.jpg", "guitar/guitar_131.jpg"},
    ],
    "sports100-small": [
        {"train/frisbee/086.jpg", "train/ultimate/55.jpg"},
        {"train/wingsuit flying/11.jpg", "train/wingsuit flying/58.jpg"},
    ],
}


def found_in(manifest: Manifest, **settings: bool) -> list[tuple[str, str]]:
    paths = manifest.table["path"].tolist()
    pairs = near_copies(Evidence(manifest, CleanConfig(**settings))).pairs
    return [(paths[one], paths[other]) for one, other in pairs.tolist()]


def recall_and_precision(
    found: list[tuple[str, str]], planted: tuple[Planted, ...], natural: list[set[str]]
) -> tuple[float, float]:
    """Recall of the planted pairs; precision, where pairs that were looked at and named count as right."""
    root = {copy.path: copy.original for copy in planted}
    right = []
    for pair in found:
        roots = {root.get(path, path) for path in pair}
        right.append(len(roots) == 1 or roots in natural)
    pairs = {frozenset(pair) for pair in found}
    recall = np.mean([frozenset((copy.path, copy.original)) in pairs for copy in planted])
    return float(recall), float(np.mean(right))


# The first row is what was promised; the others show that nothing was fitted to it.
@pytest.mark.parametrize(
    ("name", "count", "seed"), [("cats-dogs", 600, 0), ("scenes6", 200, 11), ("drawings-with-photos", 100, 12)]
)
def test_planted_copies_are_found_and_nothing_else(
    name: str, count: int, seed: int, data_dir: Path, shared_cache: Path, tmp_path: Path
) -> None:
    planted = plant(scan(data_dir / f"{name}.zip"), tmp_path, count=count, seed=seed)
    recall, precision = recall_and_precision(found_in(scan(tmp_path)), planted, NATURAL[name])
    assert recall >= 0.97
    assert precision >= 0.99


def test_mirrored_copies_are_found_if_asked_for(data_dir: Path, shared_cache: Path, tmp_path: Path) -> None:
    planted = plant(scan(data_dir / "scenes6.zip"), tmp_path, count=60, seed=5, everything=False, mirrored=True)
    manifest = scan(tmp_path)
    assert found_in(manifest) == []
    recall, precision = recall_and_precision(found_in(manifest, flips=True), planted, [])
    assert recall >= 0.97
    assert precision >= 0.99


@pytest.mark.parametrize(
    ("name", "count"), [("scenes6", 0), ("cats-dogs", 1), ("drawings-with-photos", 4), ("sports100-small", 2)]
)
def test_the_sets_as_they_are_hold_only_what_was_looked_at(
    name: str, count: int, data_dir: Path, shared_cache: Path
) -> None:
    found = found_in(scan(data_dir / f"{name}.zip"))
    assert sorted(map(sorted, found)) == sorted(map(sorted, NATURAL[name]))
    assert len(found) == count


def test_frames_that_follow_one_another_raise_the_bar_and_do_not_melt_into_one_group(
    data_dir: Path, shared_cache: Path
) -> None:
    manifest = scan(data_dir / "horse-or-human.zip")
    evidence = Evidence(manifest)
    near = near_copies(evidence)
    assert near.bar == HIGHEST_BAR
    table = grouped(evidence).table
    groups = table[table["group"] != ""].groupby("group")
    # A chain may link frames of one figure, never of two; and it stays short.
    assert groups.size().max() <= 10
    assert groups["split"].nunique().max() == 1
    assert groups["label"].nunique().max() == 1


def test_the_order_of_the_rows_and_more_files_of_the_same_bytes_change_nothing(
    data_dir: Path, shared_cache: Path, tmp_path: Path
) -> None:
    planted = plant(scan(data_dir / "scenes6.zip"), tmp_path, count=30, seed=9, everything=False)
    again = tmp_path / "train" / "sea"
    again.mkdir(parents=True, exist_ok=True)
    (again / "again.jpg").write_bytes((tmp_path / planted[0].path).read_bytes())
    manifest = scan(tmp_path)
    groups = {row.path: row.group for row in with_groups(manifest).records()}
    assert groups["train/sea/again.jpg"] == groups[planted[0].path] == groups[planted[0].original] != ""
    order = np.random.default_rng(1).permutation(len(manifest))
    shuffled = manifest.with_table(manifest.table.iloc[order])
    assert {row.path: row.group for row in with_groups(shuffled).records()} == groups
    assert with_groups(with_groups(manifest)).content_hash == with_groups(manifest).content_hash
