"""What is measured of "none of these": against plain counting, and on a real bundle."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score

from anmok import metrics
from anmok.bundle.format import update_bundle_info
from anmok.bundle.unknown.rule import UnknownRule
from anmok.data.scan import scan
from anmok.errors import EmptySource, UsageError
from anmok.evaluation.measure import evaluate_predictor
from anmok.evaluation.measure_unknown import SeenAnswers, coverage_curve, measure_others, measure_unknown
from anmok.inference.predictor import Predictor
from bundle.small_bundles import write_colour_bundle
from evaluation.tinted import shade, trained_bundle, write_shades
from inference.picture_files import png

RULE = UnknownRule(
    score="neighbours", settings={"neighbours": 3}, threshold=0.5, accepts=0.96, pictures={"valid": 50, "train": 20}
)


@given(
    rows=st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1), st.booleans()), min_size=1, max_size=40),
)
def test_shares_are_counts_with_their_intervals(rows: list[tuple[float, float, bool]]) -> None:
    scores, probabilities, right = (np.array(column) for column in zip(*rows, strict=True))
    found = measure_unknown(RULE, scores, probabilities, right)
    accepted = [row for row in rows if row[0] <= 0.5]
    refused = [row for row in rows if row[0] > 0.5]
    for figure, some, hits in (
        (found.accepted, rows, len(accepted)),
        (found.accuracy, rows, sum(row[2] for row in rows)),
        (found.accuracy_accepted, accepted, sum(row[2] for row in accepted)),
        (found.accuracy_refused, refused, sum(row[2] for row in refused)),
    ):
        low, high = metrics.rate_interval(hits, len(some))
        assert (figure.low, figure.high) == (float(low), float(high))
        assert figure.value == pytest.approx(hits / len(some)) if some else np.isnan(figure.value)
    assert (found.pictures, found.calibrated_on, found.calibrated_accepts) == (len(rows), 70, 0.96)
    assert found.by_score.points[0].coverage == 1
    assert found.by_score.points[0].accuracy == found.accuracy == found.by_probability.points[0].accuracy


@given(count=st.integers(1, 700), seed=st.integers(0, 1000), ties=st.booleans())
def test_a_curve_falls_from_all_pictures_to_few_in_at_most_a_hundred_points(count: int, seed: int, ties: bool) -> None:
    random = np.random.default_rng(seed)
    scores = random.integers(0, 9, count) if ties else random.random(count)
    right = random.random(count) < 0.8
    curve = coverage_curve(scores.astype(float), right)
    covered = [point.coverage for point in curve.points]
    assert covered[0] == 1
    assert covered == sorted(set(covered), reverse=True)
    assert len(covered) <= 100
    if not ties:
        assert len(covered) == min(count, 100)
        assert covered[-1] == pytest.approx(max(1 / count, 0.01), abs=0.01)
    for point in curve.points:
        least_strange = right[np.argsort(scores, kind="stable")][: round(point.coverage * count)]
        assert point.accuracy.value == pytest.approx(least_strange.mean()) or ties
        assert point.accuracy.low <= point.accuracy.value <= point.accuracy.high


def test_a_score_that_knows_its_mistakes_has_the_smaller_area() -> None:
    right = np.arange(100) < 80
    knowing, blind = coverage_curve(np.arange(100.0), right), coverage_curve(np.zeros(100), right)
    assert knowing.area < 0.03
    assert blind.area == pytest.approx(0.2)


@pytest.fixture(scope="module")
def predictor(tmp_path_factory: pytest.TempPathFactory) -> Predictor:
    path = trained_bundle(tmp_path_factory.mktemp("bundle") / "shades.anmok", {"red": 30, "green": 30})
    update_bundle_info(path, unknown=RULE)
    return Predictor.open(path)


def others(numbers: range) -> list:
    return [(f"{n}.png", lambda n=n: png(shade("blue", n))) for n in numbers]


def test_test_pictures_are_measured_while_they_are_answered(tmp_path: Path, predictor: Predictor) -> None:
    folder = write_shades(tmp_path, {"test": {"red": 50, "green": 50}})
    (folder / "test/red/000.png").rename(folder / "test/green/misplaced.png")
    (folder / "test/red/001.png").write_bytes(png(shade("blue", 3)))
    manifest = scan(folder)
    (folder / "test/red/002.png").write_bytes(b"broken since")
    seen = SeenAnswers()
    evaluation, _probabilities, _rate = evaluate_predictor(predictor, manifest, "test", watch=seen.watch)
    found = seen.measure(RULE, evaluation)
    assert found.pictures == evaluation.pictures == 99
    assert found.accuracy.value == pytest.approx(evaluation.metrics["accuracy"].value)
    answers = [predictor.predict_pixels(shade(label, n)[None]) for label, n in (("red", 7), ("green", 30))]
    for answer in answers:
        assert answer.unknown_scores is not None
        assert np.isclose(seen.scores, answer.unknown_scores[0], atol=1e-6).any()
    assert found.accepted.value < 1


def test_other_things_are_counted_that_get_a_name_all_the_same(predictor: Predictor) -> None:
    known = predictor.predict_pixels(np.stack([shade("red", n) for n in range(50, 90)])).unknown_scores
    strange = predictor.predict_pixels(np.stack([shade("blue", n) for n in range(40)])).unknown_scores
    assert known is not None
    assert strange is not None
    bad = [("bad.png", lambda: b"no picture")]
    steps: list[int] = []
    found = measure_others(predictor, [*others(range(40)), *bad], "blue", known=known, advance=lambda: steps.append(1))
    assert (found.pictures, found.unreadable, len(steps)) == (40, ("bad.png",), 41)
    assert found.false_acceptance.value == pytest.approx((strange <= 0.5).mean())
    assert found.auroc is not None
    assert found.auroc.value == pytest.approx(roc_auc_score([0] * 40 + [1] * 40, [*known, *strange]), abs=1e-6)
    assert found.auroc.low < found.auroc.value <= found.auroc.high
    assert found.false_acceptance_at_95 is not None
    threshold = np.sort(known)[37]  # 38 of 40 lie at or below it
    assert found.false_acceptance_at_95.value == pytest.approx((strange <= threshold).mean())
    assert sum(count for _name, count in found.taken_for) == round(found.false_acceptance.value * 40)


def test_without_known_pictures_only_false_acceptance_is_measured(predictor: Predictor) -> None:
    found = measure_others(predictor, others(range(5)), "blue")
    assert (found.auroc, found.false_acceptance_at_95) == (None, None)
    assert found.false_acceptance.high > 0


def test_a_bundle_that_cannot_refuse_is_refused_itself(tmp_path: Path) -> None:
    plain = Predictor.open(write_colour_bundle(tmp_path / "plain.anmok"))
    with pytest.raises(UsageError, match="cannot answer"):
        measure_others(plain, others(range(5)), "blue")


def test_other_pictures_that_all_fail_are_said_so(predictor: Predictor) -> None:
    with pytest.raises(EmptySource, match="blue"):
        measure_others(predictor, [("a", lambda: b"no picture")], "blue")
