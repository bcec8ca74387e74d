"""What is different about pictures of a second source: told where it is, and not where it is not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import fisher_exact, mannwhitneyu

from anmok.bundle.info import Measured
from anmok.bundle.origin import Origin, spreads_of
from anmok.evaluation.measure_shift import Seen, compare_with_origin
from anmok.evaluation.results import Evaluation
from anmok.evaluation.shift import DISTANCE, Shift
from anmok.evaluation.stored import from_json, to_json
from anmok.report.shift_words import shift_lines, shift_sentences
from evaluation.made import answered

CLASSES = ("cat", "dog", "owl")
#: Mean of a measure of each class: classes differ, which is no shift.
MEANS = np.array([80.0, 120.0, 160.0])
OLD, NEW = (300, 200, 100), (40, 60, 100)


def made(counts: Sequence[int], rng: np.random.Generator, *, add: float = 0.0) -> tuple[np.ndarray, np.ndarray]:
    labels = np.repeat(np.arange(3), counts)
    return labels, MEANS[labels] + rng.normal(scale=20, size=len(labels)) + add


def right(counts: Sequence[int], shares: Sequence[float]) -> Evaluation:
    rows = []
    for number, (count, share) in enumerate(zip(counts, shares, strict=True)):
        hits = round(count * share)
        row = [0, 0, 0]
        row[number], row[(number + 1) % 3] = hits, count - hits
        rows.append(row)
    return answered(CLASSES, rows)


def compared(
    rng: np.random.Generator,
    *,
    add: float = 0.0,
    farther: float = 0.0,
    formats: Sequence[str] = ("JPEG",),
    recalls: Sequence[float] = (0.95, 0.9, 0.9),
    measured: bool = True,
) -> Shift:
    old_labels, old_values = made(OLD, rng)
    new_labels, new_values = made(NEW, rng, add=add)
    held_labels, held = made((60, 40, 30), rng)
    origin = Origin(
        measures={
            "brightness": spreads_of(old_values, old_labels, 3),
            "size": spreads_of(np.full(600, 300.0), old_labels, 3),
        },
        formats={"JPEG": 600},
        distances=spreads_of(held, held_labels, 3),
    )
    seen = Seen(
        paths=tuple(f"{number:03d}.jpg" for number in range(sum(NEW))),
        labels=new_labels,
        measures={"brightness": new_values, "size": np.full(sum(NEW), 300.0)},
        formats=tuple(formats[number % len(formats)] for number in range(sum(NEW))),
        distances=made(NEW, rng, add=farther)[1],
    )
    own = Measured("test", 130, {}, recognised=(57, 36, 27), of_class=(60, 40, 30)) if measured else None
    shift = compare_with_origin(origin, own, seen, right(NEW, recalls))
    assert shift is not None
    return shift


def told(shift: Shift) -> set[str]:
    return {one.measure for one in shift.measures if one.matters}


def test_other_shares_of_classes_that_differ_are_no_shift_and_false_alarms_are_rare() -> None:
    rng = np.random.default_rng(0)
    alarms = [compared(rng).is_told for _trial in range(200)]
    assert np.mean(alarms) <= 0.05


def test_what_changed_is_named_with_its_direction_and_what_did_not_is_not() -> None:
    shift = compared(np.random.default_rng(1), add=-15)
    assert told(shift) == {"brightness"}
    (brightness,) = [one for one in shift.measures if one.measure == "brightness"]
    # Three quarters of a standard deviation: P(new > old) = Phi(-0.75 / sqrt 2).
    assert brightness.above == pytest.approx(0.298, abs=0.06)
    assert shift_sentences(shift)[-1].startswith("They are darker: median")
    assert told(compared(np.random.default_rng(1), add=15)) == {"brightness"}


def test_sides_are_told_in_whole_pixels() -> None:
    shift = compared(np.random.default_rng(1), add=-15)
    (brightness,) = [one for one in shift.measures if one.measure == "brightness"]
    size = replace(brightness, measure="size", before=(1.0, 2.0, 83.66, 90.0, 99.0), now=(1.0, 2.0, 1204.4, 3.0, 4.0))
    said = shift_sentences(replace(shift, measures=(size,)))[-1]
    assert "median 1,204 pixels, training pictures 84 (" in said


def test_of_a_single_class_it_is_the_rank_sum_test() -> None:
    rng = np.random.default_rng(2)
    old, new = rng.gamma(3, size=400), rng.gamma(3.6, size=150)
    origin = Origin(measures={"contrast": spreads_of(old, np.zeros(400, dtype=int), 3)}, formats={})
    seen = Seen(tuple(map(str, range(150))), np.zeros(150, dtype=np.int64), {"contrast": new}, ("JPEG",) * 150)
    shift = compare_with_origin(origin, None, seen, answered(CLASSES, [[150, 0, 0], [0, 0, 0], [0, 0, 0]]))
    assert shift is not None
    (found,) = shift.measures
    exact = mannwhitneyu(new, old)
    # Eleven quantiles stand for four hundred pictures.
    assert found.above == pytest.approx(exact.statistic / (150 * 400), abs=0.01)
    assert np.log10(found.p) == pytest.approx(np.log10(exact.pvalue), abs=0.6)


def test_pictures_farther_from_the_training_pictures_are_told_and_nearer_ones_are_not() -> None:
    assert told(compared(np.random.default_rng(3), farther=20)) == {DISTANCE}
    assert told(compared(np.random.default_rng(3), farther=-20)) == set()


def test_nearest_and_farthest_are_by_distance() -> None:
    rng = np.random.default_rng(4)
    labels = np.zeros(20, dtype=np.int64)
    origin = Origin(measures={}, formats={}, distances=spreads_of(rng.random(50), np.zeros(50, dtype=int), 3))
    seen = Seen(tuple(f"{n:02d}" for n in range(20)), labels, {}, ("PNG",) * 20, distances=np.arange(20.0))
    shift = compare_with_origin(origin, None, seen, answered(CLASSES, [[20, 0, 0], [0, 0, 0], [0, 0, 0]]))
    assert shift is not None
    assert shift.nearest[0] == "00"
    assert shift.farthest[0] == "19"


def test_other_file_formats_are_told_where_enough_pictures_have_them() -> None:
    assert compared(np.random.default_rng(5), formats=("PNG", "JPEG")).formats[0].now == pytest.approx(0.5)
    assert not compared(np.random.default_rng(5), formats=("JPEG",) * 19 + ("PNG",)).formats


def test_a_class_that_lost_surely_and_enough_suffers_by_fishers_test() -> None:
    shift = compared(np.random.default_rng(6), recalls=(0.95, 0.5, 0.88))
    assert [one.label for one in shift.classes if one.suffers] == ["dog"]
    first = shift.classes[0]
    assert (first.label, first.now.value, first.before.value) == ("dog", 0.5, 0.9)
    assert first.p == pytest.approx(fisher_exact([[30, 30], [36, 4]], alternative="less").pvalue, rel=1e-9)
    assert shift.worse
    assert "dog (90% to 50%)" in " ".join(shift_sentences(shift))
    assert "does worse here" in shift_sentences(shift)[0]


def test_a_bundle_that_does_not_say_how_it_did_says_nothing_of_classes() -> None:
    shift = compared(np.random.default_rng(7), recalls=(0.1, 0.1, 0.1), measured=False)
    assert (shift.classes, shift.before, shift.now, shift.worse) == ((), None, None, False)
    assert not shift.is_told


def test_a_shift_that_costs_nothing_is_told_with_that() -> None:
    sentences = shift_sentences(compared(np.random.default_rng(8), add=40))
    assert sentences[0] == "No class is recognised surely less than on the model's own test pictures."
    assert sentences[1].startswith("They are brighter")


def test_where_nothing_is_different_one_line_says_so() -> None:
    (line,) = shift_lines(compared(np.random.default_rng(9)))
    assert "are like those that the model was trained on" in line
    assert shift_lines(None) == ()


def test_with_fewer_than_ten_pictures_nothing_is_concluded() -> None:
    seen = Seen(tuple("abcdefghi"), np.zeros(9, dtype=np.int64), {}, ("PNG",) * 9)
    assert compare_with_origin(Origin({}, {}), None, seen, answered(CLASSES, [[9, 0, 0], [0, 0, 0], [0, 0, 0]])) is None


def test_it_survives_json() -> None:
    shift = compared(np.random.default_rng(10), add=-30, formats=("PNG",), recalls=(0.5, 0.5, 0.5))
    assert from_json(Shift, to_json(shift), where="here") == shift
    assert replace(shift, pictures=0) != shift
