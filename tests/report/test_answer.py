from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anmok.evaluation.results import Comparison
from anmok.records import Interval
from anmok.report import answer
from report.comparisons import comparison


def with_accuracy(interval: Interval) -> Comparison:
    given = comparison(("a", "b"), models=(("mobilenetv2", 0.9),))
    one = given.models[0]
    return replace(given, models=(replace(one, evaluation=replace(one.evaluation, metrics={"accuracy": interval})),))


@given(st.lists(st.floats(0, 1), min_size=3, max_size=3).map(sorted))
def test_interval_in_words_is_never_narrower_than_measured(ends: list[float]) -> None:
    low, value, high = ends
    result = answer.build(with_accuracy(Interval(value, low, high)))
    assert result is not None
    assert result.low <= low * 100 + 1e-6
    assert result.high >= high * 100 - 1e-6
    assert result.low <= result.value <= result.high
    assert len(result.squares) == 100
    assert result.squares.count("sure") == result.low
    assert result.squares.count("miss") == 100 - result.high


@pytest.mark.parametrize(
    ("value", "statement"),
    [
        (0.952, "About 95 of 100 new pictures like these are recognised."),
        (1.0, "All 120 test pictures were recognised."),
        (0.997, "More than 99 of 100 new pictures like these are recognised."),
        (0.003, "Fewer than 1 of 100 new pictures like these is recognised."),
    ],
)
def test_figure_is_said_in_whole_pictures(value: float, statement: str) -> None:
    result = answer.build(with_accuracy(Interval(value, max(0.0, value - 0.03), min(1.0, value + 0.02))))
    assert result is not None
    assert result.statement == statement
    assert "With 120 test pictures" in result.doubt


def test_there_is_no_answer_without_a_recommended_model() -> None:
    assert answer.build(replace(comparison(("a", "b")), best="another")) is None
