from __future__ import annotations

import math

from hypothesis import given
from hypothesis import strategies as st

from anmok.records import Interval
from anmok.report import scores
from anmok.report.scores import Axis
from report.comparisons import comparison


@given(st.floats(allow_nan=True, allow_infinity=True), st.floats(0, 0.9))
def test_positions_stay_on_the_axis(value: float, low: float) -> None:
    assert 0 <= Axis(low, 1.0).at(value) <= 100


def test_interval_is_drawn_where_it_lies() -> None:
    drawn = scores.score("accuracy", Interval(0.75, 0.7, 0.9), Axis(0.5, 1.0))
    assert (drawn.low, drawn.middle, drawn.high) == (40, 50, 80)
    assert drawn.drawn
    assert not scores.score("accuracy", Interval(math.nan, 0, 1)).drawn


def test_axes_hold_all_intervals_and_percentages_share_one() -> None:
    table = scores.build(comparison())
    shares = {column.axis for column in table.columns if column.unit}
    assert len(shares) == 1
    for row in table.rows:
        for drawn in row.scores:
            assert drawn is not None
            assert 0 <= drawn.low < drawn.middle < drawn.high <= 100


def test_metric_that_is_missing_everywhere_has_no_column() -> None:
    given = comparison(("a", "b"), models=(("handcrafted", 0.8),))
    names = {column.metric for column in scores.build(given).columns}
    assert names == {"accuracy", "balanced_accuracy", "macro_f1", "roc_auc", "log_loss"}
    assert [row.recommended for row in scores.build(given).rows] == [True]
