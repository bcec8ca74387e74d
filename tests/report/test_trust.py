"""What a model's part says of its probabilities, its thresholds and its refusals; the learning curve in the report."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from anmok.evaluation.calibration import Calibration, figures
from anmok.evaluation.data_size import ClassGain, CurvePlace, DataSizeCurve, Forecast, SizePoint
from anmok.evaluation.results import Comparison
from anmok.evaluation.thresholds import Accepted, Threshold, Thresholds
from anmok.evaluation.unknown import CoverageCurve, CoveragePoint, UnknownResult
from anmok.records import Interval
from anmok.report import calibration, refusals, words
from report.comparisons import HOSTILE, comparison
from report.conftest import Draw


def measured(*, says: float, right: float, pictures: int = 4000) -> Calibration:
    """Return the calibration of two classes where every answer is given with one probability."""
    y_true = (np.arange(pictures) >= right * pictures).astype(np.int64)
    probabilities = np.tile(np.array([says, 1 - says], dtype=np.float32), (pictures, 1))
    found = figures(y_true, probabilities, resamples=50)
    return Calibration(pictures=pictures, temperature=1.37, fitted_on=720, before=found, after=found)


@pytest.mark.parametrize(
    ("says", "right", "told"),
    [(0.8, 0.8, "can be believed"), (0.95, 0.7, "surer than it should be"), (0.6, 0.9, "less sure than it could be")],
)
def test_probabilities_are_judged_in_a_sentence(says: float, right: float, told: str) -> None:
    model = replace(comparison().models[0], calibration=measured(says=says, right=right))
    made = calibration.reliability(model, key="m")
    assert made is not None
    assert told in made.sentence
    assert (made.temperature, made.fitted_on) == ("1.37", "720")
    assert calibration.reliability(comparison().models[0], key="m") is None


def test_probabilities_are_not_called_believable_on_a_dozen_pictures() -> None:
    model = replace(comparison().models[0], calibration=measured(says=0.8, right=0.75, pictures=12))
    made = calibration.reliability(model, key="m")
    assert made is not None
    assert made.sentence.startswith("12 test pictures are too few")


def with_trust(given: Comparison) -> Comparison:
    share = Interval(0.913, 0.871, 0.944)
    accepted = Accepted(211, share, Interval(0.6, 0.5, 0.7))
    curve = CoverageCurve(tuple(CoveragePoint(c, share) for c in (1.0, 0.8, 0.5)), 0.03)
    one = given.models[-1]
    labels = one.evaluation.classes
    unknown = UnknownResult(
        score="neighbours",
        title="distance to the nearest pictures",
        threshold=0.4,
        calibrated_on=500,
        calibrated_accepts=0.95,
        pictures=360,
        accepted=Interval(0.957, 0.93, 0.974),
        accuracy=share,
        accuracy_accepted=Interval(0.921, 0.88, 0.95),
        accuracy_refused=Interval(float("nan"), 0, 1),
        by_score=curve,
        by_probability=curve,
    )
    thresholds = Thresholds(
        precision=0.95,
        pictures=720,
        overall=Threshold("", 0.864, accepted, accepted),
        per_class=tuple(Threshold(label, None) for label in labels),
    )
    point = SizePoint(720, (0.91,), share, (0.9,) * len(labels))
    growth = DataSizeCurve(
        model=one.name,
        split="test",
        classes=labels,
        measured=360,
        points=(replace(point, pictures=90), point),
        shape="rising",
        gain=Interval(0.02, 0.01, 0.03),
        forecasts=(Forecast(2, 1440, Interval(0.93, 0.91, 0.95), share), Forecast(10, 7200, share, share)),
        curve=tuple(CurvePlace(n, share) for n in (90, 720, 7200)),
        per_class=tuple(ClassGain(label, 120, 60, share, Interval(0.02, 0, 0.04), False) for label in labels),
    )
    result = replace(one, calibration=measured(says=0.9, right=0.9), thresholds=thresholds, unknown=unknown)
    return replace(given, models=(*given.models[:-1], result), learning_curve=growth)


@pytest.mark.parametrize("classes", [("horse", "human"), HOSTILE], ids=["two classes", "hostile names"])
def test_the_report_tells_what_is_stored_of_trust_and_growth(draw: Draw, classes: tuple[str, ...]) -> None:
    page = draw(with_trust(comparison(classes)))
    for said in (
        "Can its probabilities be believed?",
        "From which probability on are its answers 95% right?",
        "86.4%",
        "91.3 (87.1 – 94.4)",
        "When it answers “none of these”",
        "95.7% (93.0 – 97.4)",
        "92.1% (88.0 – 95.0)",
        "What would more pictures bring?",
        "0.91 to 0.95",
    ):
        assert said in page.text
    ids = [found["id"] for _tag, found in page.elements if "id" in found]
    assert len(ids) == len(set(ids))


def test_what_is_not_stored_leaves_no_trace(draw: Draw) -> None:
    page = draw(comparison())
    for said in ("probabilities be believed", "none of these", "What would more pictures bring"):
        assert said not in page.text


def test_where_nothing_was_refused_its_accuracy_is_a_dash() -> None:
    model = with_trust(comparison()).models[-1]
    made = refusals.build(model, key="m")
    assert made is not None
    assert made.facts[-1][1] == words.MISSING
    assert refusals.build(replace(model, unknown=None), key="m") is None
