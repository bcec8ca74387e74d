from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anmok.records import Interval
from anmok.report import words


@given(st.floats(0, 1))
def test_percentage_is_close_and_certainty_is_never_rounded_to(share: float) -> None:
    text = words.percent(share)
    assert abs(float(text) - share * 100) <= 0.0501
    if 1e-9 < share < 1 - 1e-9:
        assert 0 < float(text) < 100


@pytest.mark.parametrize(
    ("share", "text"),
    [(0.0, "0.0"), (1.0, "100.0"), (1 - 1e-16, "100.0"), (0.9996, "99.96"), (0.99999, "99.99"), (0.00001, "0.01")],
)
def test_percentages_near_the_ends(share: float, text: str) -> None:
    assert words.percent(share) == text


def test_shares_are_per_cent_and_others_have_three_decimals() -> None:
    interval = Interval(0.95, 0.914, 0.969)
    assert words.span("accuracy", interval) == "91.4 – 96.9"
    assert words.span("roc_auc", interval) == "0.914 – 0.969"
    assert words.figure("log_loss", 1.23456) == "1.235"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.07, "0.07 s"), (83.7, "83.7 s"), (99.96, "1 min 40 s"), (131.4, "2 min 11 s"), (3599.7, "1 h 0 min")],
)
def test_durations_are_in_the_unit_that_one_reads(seconds: float, text: str) -> None:
    assert words.duration(seconds) == text


@pytest.mark.parametrize(
    ("number", "text"),
    [(0, "0"), (1234.5, "1,234"), (83.7, "83.7"), (0.0312, "0.0312"), (3.1e-06, "3.1e-06"), (241.3, "241")],
)
def test_numbers_have_three_digits_or_so(number: float, text: str) -> None:
    assert words.decimal(number) == text


@pytest.mark.parametrize(
    ("number", "text"),
    [(1, "1 bytes"), (999, "999 bytes"), (9_214_330, "9.2 MB"), (999_960, "1.0 MB"), (5e12, "5000 GB")],
)
def test_sizes_are_decimal(number: float, text: str) -> None:
    assert words.size(number) == text


@pytest.mark.parametrize("write", [words.percent, words.count, words.decimal, words.duration])
@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_what_is_no_number_is_a_dash(write: object, value: float) -> None:
    assert callable(write)
    assert write(value) == "–"


def test_moments_are_utc_and_other_texts_stay() -> None:
    assert words.moment("2026-11-20T18:41:07+09:00") == "2026-11-20 09:41 UTC"
    assert words.moment("yesterday") == "yesterday"
