"""Spoilt pictures are found among real ones, sound ones are left alone, and each set teaches what is usual."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray

from anmok.clean.evidence import Evidence
from anmok.clean.quality_colour import colourfulness
from anmok.clean.quality_fences import FEWEST, folders_of, learn_fence
from anmok.clean.registry import CheckResult, get_check
from anmok.data.catalog import get_dataset
from anmok.data.manifest import Manifest
from anmok.data.scan import scan
from tests.clean.faulty import FAULTS, spoil
from tests.data.made import manifest_of

CHECKS = ("dark", "light", "low-information", "blurred", "odd-size", "odd-aspect", "greyscale", "screenshot")


def flagged(manifest: Manifest) -> dict[str, set[str]]:
    """Paths that each check flags."""
    evidence = Evidence(manifest)
    paths = manifest.table["path"].to_numpy(dtype=object)
    return {name: set(paths[get_check(name).find(evidence).flags]) for name in CHECKS}


@pytest.fixture(scope="module")
def scenes(data_dir: Path, module_cache: Path) -> Manifest:
    return scan(data_dir / "scenes6.zip").of_split("train")


@pytest.fixture(scope="module")
def sound(scenes: Manifest) -> dict[str, set[str]]:
    return flagged(scenes)


@pytest.fixture(scope="module")
def spoilt(scenes: Manifest, tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, str], dict[str, set[str]]]:
    """The fault of each spoilt picture, and what the checks flag."""
    folder = tmp_path_factory.mktemp("spoilt")
    faults = spoil(scenes, folder, each=12, seed=7)
    return faults, flagged(scan(folder))


@pytest.mark.parametrize("fault", FAULTS)
def test_real_pictures_spoilt_by_a_known_amount_are_found(
    fault: str, spoilt: tuple[dict[str, str], dict[str, set[str]]]
) -> None:
    faults, found = spoilt
    planted = {path for path, name in faults.items() if name == fault}
    assert len(planted) == 12
    assert len(planted & found[FAULTS[fault][0]]) >= 11


def test_what_was_not_spoilt_is_flagged_no_more_than_before(
    sound: dict[str, set[str]], spoilt: tuple[dict[str, str], dict[str, set[str]]]
) -> None:
    faults, found = spoilt
    for name in CHECKS:
        assert found[name] - set(faults) <= sound[name], name


def test_hardly_a_sound_picture_is_flagged_but_the_grey_ones_are(scenes: Manifest, sound: dict[str, set[str]]) -> None:
    for name in set(CHECKS) - {"greyscale"}:
        assert len(sound[name]) <= 0.005 * len(scenes), name
    # By the scan's own figures: the channels of a picture without colour have the same mean, but for what JPEG leaves.
    table = scenes.table.set_index("path")
    means = table.loc[sorted(sound["greyscale"]), ["mean_r", "mean_g", "mean_b"]]
    assert (means.max(axis=1) - means.min(axis=1)).max() < 3
    assert 0.02 < len(sound["greyscale"]) / len(scenes) < 0.08


def test_digits_are_neither_small_nor_grey_nor_dark_nor_screens(shared_cache: Path) -> None:
    manifest = scan(get_dataset("digits"))
    found = flagged(manifest)
    counts = {name: len(paths) for name, paths in found.items()}
    assert all(count <= 0.005 * len(manifest) for count in counts.values()), counts


def test_drawings_on_white_are_not_too_light_nor_empty_nor_screens(data_dir: Path, shared_cache: Path) -> None:
    found = flagged(scan(data_dir / "drawings-with-photos.zip"))
    for name in ("light", "low-information", "screenshot", "odd-size", "odd-aspect"):
        assert not found[name], name


def made(**columns: NDArray[np.float64]) -> Manifest:
    """A manifest of one class with these columns."""
    count = len(next(iter(columns.values())))
    manifest = manifest_of([(f"{row:064d}", f"{row}.png", "a", "", "") for row in range(count)])
    whole = {name: values.astype(np.int64) for name, values in columns.items() if name in ("width", "height")}
    return manifest.with_table(manifest.table.assign(**(columns | whole)))


def find(name: str, manifest: Manifest) -> CheckResult:
    return get_check(name).find(Evidence(manifest))


def test_a_set_of_night_photos_does_not_flag_half_of_itself() -> None:
    rng = np.random.default_rng(0)
    night = made(brightness=rng.uniform(8, 30, 300), contrast=rng.uniform(5, 20, 300))
    assert find("dark", night).flags.mean() < 0.02
    assert "bright_parts" in find("dark", night).thresholds


def test_a_class_of_caves_may_be_dark_while_one_dark_picture_elsewhere_is_found() -> None:
    rng = np.random.default_rng(0)
    light = rng.uniform(100, 140, 300)
    light[:40] = rng.uniform(10, 20, 40)
    light[200] = 10
    manifest = made(brightness=light, contrast=np.full(300, 20.0) * (light / 120))
    table = manifest.table.assign(label=["cave"] * 40 + ["beach"] * 260)
    assert np.flatnonzero(find("dark", manifest.with_table(table)).flags).tolist() == [200]


def test_pictures_that_are_all_alike_are_all_usual() -> None:
    rng = np.random.default_rng(1)
    bright = 120 * (1 + rng.uniform(-0.02, 0.02, 400))
    manifest = made(
        brightness=bright,
        contrast=np.full(400, 40.0),
        sharpness=1000 * (1 + rng.uniform(-0.02, 0.02, 400)),
        entropy=7 + rng.uniform(-0.1, 0.1, 400),
        width=np.full(400, 200.0),
        height=200 + rng.integers(-3, 4, 400).astype(np.float64),
    )
    for name in ("dark", "light", "low-information", "blurred", "odd-size", "odd-aspect"):
        assert not find(name, manifest).flags.any(), name


def test_a_dark_picture_is_not_called_blurred_for_its_weak_edges() -> None:
    contrast, sharpness = np.full(100, 50.0), np.full(100, 1600.0)
    contrast[0], sharpness[0] = 5, 16
    sharpness[1] = 16
    flags = find("blurred", made(contrast=contrast, sharpness=sharpness)).flags
    assert np.flatnonzero(flags).tolist() == [1]


def test_sentences_say_the_value_the_limit_and_what_is_usual() -> None:
    sides = np.full(50, 224.0)
    sides[3] = 20
    result = find("odd-size", made(width=sides, height=sides))
    assert get_check("odd-size").reason(result.values[3]) == (
        "It is small: 20x20 pixels. Usual are sides of 224 pixels; below 75 is odd."
    )
    assert result.thresholds["size_low"] == pytest.approx(224 / 3)


def grey_share(share: float, tmp_path: Path) -> CheckResult:
    rng = np.random.default_rng(0)
    thumbs = rng.integers(0, 256, (200, 32, 32, 3), dtype=np.uint8)
    grey = int(200 * share)
    thumbs[:grey] = thumbs[:grey, :, :, :1]
    evidence = Evidence(manifest_of([(f"{row:064d}", f"{row}.png", "a", "", "") for row in range(200)]))
    evidence.__dict__["thumbs"] = thumbs
    return get_check("greyscale").find(evidence)


@pytest.mark.parametrize(("share", "found"), [(0.0, 0), (0.05, 10), (0.5, 0), (1.0, 0)])
def test_few_grey_pictures_among_colour_are_found_and_a_grey_set_is_left_alone(
    share: float, found: int, tmp_path: Path
) -> None:
    result = grey_share(share, tmp_path)
    assert result.flags.sum() == found
    assert result.about["share"] == pytest.approx(share)


def test_a_tint_is_colour() -> None:
    sepia = np.full((1, 32, 32, 3), (120, 100, 80), dtype=np.uint8)
    assert colourfulness(sepia)[0] == 40


VALUES = arrays(
    np.float64, st.integers(FEWEST, 60), elements=st.floats(-1e3, 1e3, allow_nan=False, allow_subnormal=False, width=32)
)
SIDES = st.sampled_from(["low", "high"])


@given(values=VALUES, side=SIDES, seed=st.integers(0, 5))
def test_a_fence_does_not_depend_on_the_order(values: NDArray[np.float64], side: str, seed: int) -> None:
    rng = np.random.default_rng(seed)
    folders, order = rng.integers(0, 3, len(values)), rng.permutation(len(values))
    fence = learn_fence(values, folders, side, apart=1.0)  # type: ignore[arg-type]
    mixed = learn_fence(values[order], folders[order], side, apart=1.0)  # type: ignore[arg-type]
    assert np.array_equal(fence.flags[order], mixed.flags)
    assert np.array_equal(fence.scores[order], mixed.scores)


@given(values=VALUES, side=SIDES)
def test_what_is_farther_out_is_never_judged_more_mildly(values: NDArray[np.float64], side: str) -> None:
    fence = learn_fence(values, np.zeros(len(values), np.int64), side, apart=1.0)  # type: ignore[arg-type]
    order = np.argsort(values if side == "low" else -values, kind="stable")
    assert (np.diff(fence.scores[order]) >= 0).all()
    assert (np.diff(fence.flags[order].astype(int)) <= 0).all()
    assert (fence.scores[fence.flags] < 0.5).all()
    assert (fence.scores[~fence.flags] >= 0.5).all()
    assert fence.flags.mean() <= 0.5


@given(values=VALUES, factor=st.sampled_from([0.25, 4.0, 1024.0]), shift=st.sampled_from([0.0, 64.0]))
def test_units_do_not_matter(values: NDArray[np.float64], factor: float, shift: float) -> None:
    rounded = np.round(values)
    folders = np.zeros(len(values), np.int64)
    fence = learn_fence(rounded, folders, "low", apart=1.0)
    other = learn_fence(rounded * factor + shift, folders, "low", apart=factor)
    near = np.abs(rounded - fence.limit) < 1e-6 * (1 + abs(fence.limit))
    assert np.array_equal(fence.flags[~near], other.flags[~near])


@given(values=VALUES)
def test_low_and_high_mirror_each_other(values: NDArray[np.float64]) -> None:
    folders = np.zeros(len(values), np.int64)
    low, high = learn_fence(values, folders, "low", apart=2.0), learn_fence(-values, folders, "high", apart=2.0)
    assert np.array_equal(low.flags, high.flags)
    assert low.limit == -high.limit


def test_a_fifth_of_faulty_pictures_does_not_move_the_fence_to_them() -> None:
    rng = np.random.default_rng(3)
    values = rng.normal(100, 5, 500)
    values[:100] = rng.normal(20, 5, 100)
    fence = learn_fence(values, np.zeros(500, np.int64), "low", apart=1.0)
    assert fence.flags[:100].all()
    assert not fence.flags[100:].any()


def test_bounds_hold_and_too_few_pictures_teach_nothing() -> None:
    values = np.concatenate([np.full(99, 200.0), [100.0]])
    folders = np.zeros(100, np.int64)
    assert learn_fence(values, folders, "low", apart=1.0).flags[99]
    assert not learn_fence(values, folders, "low", apart=1.0, bound=60).flags.any()
    few = learn_fence(values[-(FEWEST - 1) :], folders[: FEWEST - 1], "low", apart=1.0)
    assert not few.flags.any()
    assert (few.scores == 1).all()
    assert np.isnan(few.limit)


def test_folders_are_classes_in_splits() -> None:
    rows = [
        ("1", "a", "x", "train", ""),
        ("2", "b", "x", "test", ""),
        ("3", "c", "y", "train", ""),
        ("4", "d", "x", "train", ""),
    ]
    assert pd.factorize(folders_of(manifest_of(rows)))[0].tolist() == [0, 1, 2, 0]
