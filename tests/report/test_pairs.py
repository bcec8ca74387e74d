"""Every two models in words and bars, what accuracy costs, and what to do next."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given as drawn
from hypothesis import strategies as st

from anmok.evaluation.pair_results import Difference, Pair
from anmok.evaluation.results import Comparison
from anmok.records import Interval
from anmok.report import checks, next_steps, pairs, trade_off
from anmok.report.pictures import Thumbnails
from anmok.report.trade_off import Point
from report.comparisons import comparison


def pair(p: float, *, more: int | None = None, value: float = 0.05, low: float = 0.0, high: float = 0.1) -> Pair:
    difference = Difference(value, low, high, p, p)
    return Pair(
        first="mobilenetv2",
        second="cnn-small",
        pictures=200,
        only_first=30,
        only_second=20,
        both_wrong=10,
        differences={"accuracy": difference, "log_loss": replace(difference, value=-0.25)},
        more_pictures=more,
    )


def of(found: Pair) -> Comparison:
    return replace(comparison(), pairs=(found,))


def test_shares_of_a_pair_are_all_of_its_pictures() -> None:
    made = pairs.build(of(pair(0.01)))
    assert made is not None
    (line,) = made.lines
    assert [(style, count) for style, count, _share in line.shares] == [
        ("both", 140),
        ("first", 30),
        ("second", 20),
        ("wrong", 10),
    ]
    assert sum(share for _style, _count, share in line.shares) == pytest.approx(100)


@pytest.mark.parametrize(
    ("p", "more", "verdict"),
    [
        (0.0004, 0, "told apart"),
        (0.2, 1900, "cannot be told apart; about 1,900 more test pictures would be needed"),
        (0.9, None, "cannot be told apart"),
    ],
)
def test_the_verdict_is_that_of_the_corrected_test(p: float, more: int | None, verdict: str) -> None:
    made = pairs.build(of(pair(p, more=more)))
    assert made is not None
    assert made.lines[0].verdict == verdict
    assert made.lines[0].apart == (p < 0.05)


@drawn(st.floats(-1, 1), st.floats(0, 0.5), st.floats(0, 0.5))
def test_an_interval_crosses_the_middle_exactly_where_it_holds_zero(value: float, below: float, above: float) -> None:
    low, high = max(-1.0, value - below), min(1.0, value + above)
    made = pairs.build(of(pair(0.5, value=value, low=low, high=high)))
    assert made is not None
    score = made.lines[0].difference
    assert score is not None
    assert 0 <= score.low <= score.middle <= score.high <= 100
    if abs(low) > 1e-3 and abs(high) > 1e-3:
        assert (score.low < 50 < score.high) == (low < 0 < high)


def test_differences_carry_their_sign_and_p_is_never_zero() -> None:
    made = pairs.build(of(pair(1e-12, value=-0.05, low=-0.1, high=0.02)))
    assert made is not None
    score = made.lines[0].difference
    assert score is not None
    assert (score.value, score.span) == ("\u22125.0", "\u221210.0 to +2.0")
    assert made.lines[0].p == "< 0.001"
    assert made.metrics == ("Log loss",)
    assert made.lines[0].others[0] is not None
    assert made.lines[0].others[0][0].value == "\u22120.250"


def test_pairs_with_the_recommended_model_come_first() -> None:
    made = pairs.build(comparison())
    assert made is not None
    assert len(made.lines) == 3
    assert all("mobilenetv2" in (line.first, line.second) for line in made.lines[:2])
    assert pairs.build(replace(comparison(), pairs=())) is None


@drawn(st.lists(st.tuples(st.floats(0.1, 100), st.floats(0, 1)), min_size=1, max_size=8))
def test_no_model_on_the_line_is_beaten_in_both_and_every_other_one_is(figures: list[tuple[float, float]]) -> None:
    points = [Point(str(n), cost, Interval(a, a, a), False) for n, (cost, a) in enumerate(figures)]
    kept = trade_off.frontier(points)
    for point in points:
        beaten = any(
            other.cost <= point.cost
            and other.accuracy.value >= point.accuracy.value
            and (other.cost, other.accuracy.value) != (point.cost, point.accuracy.value)
            for other in points
        )
        same = any((k.cost, k.accuracy.value) == (point.cost, point.accuracy.value) for k in kept)
        assert same != beaten


def test_names_stand_in_the_plot_of_costs_as_text_and_hostile_ones_too() -> None:
    given = comparison()
    nasty = replace(given.models[0], name="<b>녹차 & co</b>")
    time, size = trade_off.build((nasty, *given.models[1:]), given.best)
    for plot in (time, size):
        assert "&lt;b&gt;녹차 &amp; co&lt;/b&gt;" in plot.svg
        assert "@0" not in plot.svg
        assert all(model.name in plot.svg for model in given.models[1:])
    assert trade_off.build(given.models[:1], given.best) == ()


def steps(given: Comparison) -> list[str]:
    found = checks.build(given, Thumbnails(None, budget=0))
    return [str(step.text) for step in next_steps.build(given, found)]


def test_what_to_do_next_names_pictures_that_decide_and_classes_that_are_weak() -> None:
    given = of(pair(0.3, more=1900))
    said = steps(given)
    assert "Collect about 1,900 more test pictures" in said[0]
    best = given.models[-1].evaluation
    weakest = min(best.per_class, key=lambda row: (row.recall.value, row.label))
    assert weakest.recall.value < best.metrics["accuracy"].value - 0.05
    assert f"<bdi>{weakest.label}</bdi> ({weakest.recall.value:.0%}".removesuffix("%") in said[1]
    assert len(said) <= next_steps.MOST_STEPS


def test_nothing_is_to_be_collected_where_the_models_are_told_apart() -> None:
    assert not [text for text in steps(of(pair(0.001, more=0))) if "Collect" in text or "Choose" in text]
    assert steps(replace(comparison(), best="", pairs=())) == []
