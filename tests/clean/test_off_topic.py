"""Photos among drawings, strangers in the sample, and sets with nothing of the kind: on real pictures."""

from __future__ import annotations

import csv
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from anmok.clean.evidence import Evidence
from anmok.clean.examine import findings_of
from anmok.clean.off_topic import find_off_topic
from anmok.clean.registry import CheckResult, get_check
from anmok.config import CleanConfig
from anmok.data.catalog import get_dataset
from anmok.data.manifest import Manifest
from anmok.data.scan import scan
from anmok.errors import UsageError


def truth_of(manifest: Manifest, rows: list[dict[str, str]], column: str, value: str) -> np.ndarray:
    wrong = {row["path"] for row in rows if row[column] == value}
    return np.array([path in wrong for path in manifest.table["path"]])


@pytest.fixture
def drawings(data_dir: Path, real_weights: Path, shared_cache: Path) -> tuple[Manifest, np.ndarray]:
    source = data_dir / "drawings-with-photos.zip"
    with zipfile.ZipFile(source) as opened:
        rows = list(csv.DictReader(opened.read("truth.csv").decode().splitlines()))
    manifest = scan(source)
    return manifest, truth_of(manifest, rows, "kind", "photo")


@pytest.fixture
def sample(shared_cache: Path) -> tuple[Manifest, np.ndarray]:
    folder = get_dataset("sample")
    with (folder / "truth.csv").open(encoding="utf-8-sig", newline="") as stream:
        rows = list(csv.DictReader(stream))
    manifest = scan(folder)
    return manifest, truth_of(manifest, rows, "fault", "off-topic")


@pytest.fixture
def look(shared_cache: Path) -> Callable[..., CheckResult]:
    return lambda manifest, **settings: find_off_topic(Evidence(manifest, CleanConfig(**settings)))


@pytest.mark.real
def test_photos_among_drawings_are_found_without_a_word_and_nearly_all_after_five_marks(
    drawings: tuple[Manifest, np.ndarray], look: Callable[..., CheckResult]
) -> None:
    manifest, is_photo = drawings
    result = look(manifest)
    assert (result.flags == is_photo).mean() >= 0.96
    assert result.about["apart"]
    photos = set(manifest.table["path"][is_photo])
    asked = result.about["uncertain"]
    assert len(asked) == 5
    assert len({path.split("/")[0] for path in asked}) == 5, "one of each class"
    off, on = (tuple(path for path in asked if (path in photos) is kind) for kind in (True, False))
    marked = look(manifest, off_topic_marks=off, on_topic_marks=on)
    assert (marked.flags == is_photo).mean() >= 0.985
    again = set(manifest.table["path"][marked.flags])
    assert set(off) <= again
    assert not set(on) & again
    assert not set(asked) & set(marked.about["uncertain"]), "nobody is asked twice"


@pytest.mark.real
def test_a_few_photos_less_change_nothing_and_none_at_all_are_not_made_up(
    drawings: tuple[Manifest, np.ndarray], look: Callable[..., CheckResult]
) -> None:
    manifest, is_photo = drawings
    half = ~is_photo | (np.cumsum(is_photo) % 2 == 0)
    fewer = look(manifest.with_table(manifest.table[half]))
    assert (fewer.flags == is_photo[half]).mean() >= 0.96
    clean = look(manifest.with_table(manifest.table[~is_photo]))
    assert clean.about["kinds"] == 0
    assert clean.flags.mean() < 0.02


@pytest.mark.real
def test_the_user_names_the_kind_that_goes(
    drawings: tuple[Manifest, np.ndarray], look: Callable[..., CheckResult]
) -> None:
    manifest, is_photo = drawings
    result = look(manifest, drop_clusters=(0,))
    assert result.about["dropped"] == [0]
    assert (result.flags == ~is_photo).mean() >= 0.96
    with pytest.raises(UsageError, match="no cluster 7; 2 were found"):
        look(manifest, drop_clusters=(7,))
    with pytest.raises(UsageError, match="no picture would remain"):
        look(manifest, drop_clusters=(0, 1))


@pytest.mark.real
def test_scenes_hold_no_second_kind_and_hardly_a_stranger(
    data_dir: Path, real_weights: Path, look: Callable[..., CheckResult]
) -> None:
    result = look(scan(data_dir / "scenes6.zip"))
    assert result.about["kinds"] == 0
    assert not result.about["apart"]
    assert result.flags.mean() < 0.01


@pytest.mark.real
def test_a_division_that_follows_the_splits_is_no_second_kind(
    data_dir: Path, real_weights: Path, look: Callable[..., CheckResult]
) -> None:
    # The validation pictures of this set stand before white paper, those of train in landscapes.
    manifest = scan(data_dir / "horse-or-human.zip")
    manifest = manifest.with_table(manifest.table.iloc[::3])
    result = look(manifest)
    assert result.about["kinds"] == 0
    assert result.flags.mean() < 0.01
    mixed = manifest.table.assign(split="")
    assert look(manifest.with_table(mixed)).about["apart"], "without the splits it is one"


@pytest.mark.real
def test_the_strangers_of_the_sample_are_found_with_a_network(
    sample: tuple[Manifest, np.ndarray], real_weights: Path, look: Callable[..., CheckResult]
) -> None:
    manifest, is_off = sample
    flags = look(manifest).flags
    assert flags[is_off].all()
    assert is_off[flags].mean() >= 0.5


def test_hand_made_features_find_some_strangers_of_the_sample_and_hardly_anything_else(
    sample: tuple[Manifest, np.ndarray], look: Callable[..., CheckResult]
) -> None:
    manifest, is_off = sample
    flags = look(manifest, vectors="handcrafted").flags
    assert flags[is_off].sum() >= 3
    assert is_off[flags].mean() >= 0.5


def test_digits_hold_no_second_kind_and_hardly_a_stranger(look: Callable[..., CheckResult]) -> None:
    result = look(scan(get_dataset("digits")), vectors="handcrafted")
    assert result.about["kinds"] == 0
    assert result.flags.mean() < 0.01


def test_marks_rule_where_no_kind_was_found(
    sample: tuple[Manifest, np.ndarray], look: Callable[..., CheckResult]
) -> None:
    manifest, _is_off = sample
    paths = manifest.table["path"].tolist()
    off, on = (paths[0],), (paths[-1],)
    only = look(manifest, vectors="handcrafted", off_topic_marks=off)
    assert only.flags[0]
    assert only.about["kinds"] == 1, "one answer gives no rule"
    both = look(manifest, vectors="handcrafted", off_topic_marks=off, on_topic_marks=on)
    assert both.flags[0]
    assert not both.flags[-1]
    reasons = [f.reason for f in findings_of(manifest, get_check("off-topic"), both)]
    assert "It was marked as off topic." in reasons
    assert "It is like the pictures that were marked as off topic." in reasons


@pytest.mark.parametrize("name", ["off_topic_marks", "on_topic_marks"])
def test_a_mark_on_a_picture_that_is_not_there_is_refused(
    name: str, sample: tuple[Manifest, np.ndarray], look: Callable[..., CheckResult]
) -> None:
    with pytest.raises(UsageError, match=r"nowhere/1\.jpg is marked, but there is no such picture"):
        look(sample[0], **{name: ("nowhere/1.jpg",)})


def test_a_mark_that_says_both_is_refused(
    sample: tuple[Manifest, np.ndarray], look: Callable[..., CheckResult]
) -> None:
    path = str(sample[0].table["path"].iloc[0])
    with pytest.raises(UsageError, match="as off topic and as right"):
        look(sample[0], off_topic_marks=(path,), on_topic_marks=(path,))


@pytest.mark.parametrize("method", ["random", "pca", "autoencoder"])
def test_the_reference_ways_show_clusters_and_flag_a_kind_only_when_it_is_named(
    method: str, sample: tuple[Manifest, np.ndarray], look: Callable[..., CheckResult]
) -> None:
    manifest, _is_off = sample
    few = manifest.with_table(manifest.table.iloc[::8])
    shown = look(few, vectors="handcrafted", off_topic=method)
    assert shown.about["method"] == method
    assert shown.about["kinds"] == 0
    assert -1 <= shown.about["silhouette"] <= 1
    assert shown.about["davies_bouldin"] > 0
    sizes = [cluster["size"] for cluster in shown.about["clusters"]]
    assert sizes == sorted(sizes, reverse=True)
    assert sum(sizes) == len(few)
    named = look(few, vectors="handcrafted", off_topic=method, drop_clusters=(1,))
    assert named.about["kinds"] == sizes[1]
