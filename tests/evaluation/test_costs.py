"""Where two models cannot be told apart, the cheaper one is recommended, with its reason, if little can be lost."""

from __future__ import annotations

from typing import Any

import pytest

from anmok.evaluation.comparison import conclude
from anmok.evaluation.costs import clearly_cheaper, cost_words, latency_words, size_words, time_words
from anmok.evaluation.results import ModelResult
from evaluation.made import answers, data, model

CLASSES = ("cafe", "cave")
BIG: dict[str, Any] = {"bundle_bytes": 90_000_000, "latency_ms": 40.0, "seconds": {"training": 600.0}}
SMALL: dict[str, Any] = {"bundle_bytes": 9_000_000, "latency_ms": 4.0, "seconds": {"features": 8.0, "training": 1.0}}


def right_on(name: str, *ranges: range, size: int = 1000, **costs: Any) -> ModelResult:
    right = {number for part in ranges for number in part}
    y_true = [number % 2 for number in range(size)]
    return model(name, answers(CLASSES, y_true, [c if n in right else 1 - c for n, c in enumerate(y_true)]), **costs)


def told(*models: ModelResult) -> tuple[str, str]:
    name, reason, _warnings = conclude(list(models), data(CLASSES))
    return name, reason


def test_the_cheaper_of_two_that_cannot_be_told_apart_is_recommended_and_the_reason_says_why() -> None:
    name, reason = told(right_on("big", range(950), **BIG), right_on("small", range(3, 951), **SMALL))
    assert name == "small"
    assert reason.startswith("small is recommended.")
    assert "big has the best balanced accuracy (95.0%), but small is clearly cheaper on this machine" in reason
    assert "9.0 MB, 4.0 ms a picture, trained in 9.0 s; big: 90.0 MB, 40 ms a picture, trained in 10 min" in reason
    assert "big and small cannot be told apart on 1,000 pictures; about " in reason
    # Bonett and Price, by hand: (4 - 2) / 1002 + 1.96 sqrt((6 / 1002 - 0.002 ** 2) / 1002) = 0.0068.
    assert "With small, at most 0.7 pictures of 100 more are missed" in reason


def test_the_cheaper_one_is_not_recommended_where_too_few_pictures_leave_open_how_much_is_lost() -> None:
    """5 of 50 pictures fewer are no proof (p = 0.06), but with the small one 20 of 100 might be missed."""
    name, reason = told(right_on("big", range(45), size=50, **BIG), right_on("small", range(40), size=50, **SMALL))
    assert name == "big"
    assert reason.startswith("big has the best balanced accuracy.")
    assert "cannot be told apart on 50 pictures" in reason
    assert "The cost on this machine may decide: big: 90.0 MB, 40 ms a picture, trained in 10 min; small: 9.0" in reason


def test_a_clearly_better_model_is_recommended_whatever_it_costs_and_its_cost_is_named() -> None:
    name, reason = told(right_on("big", range(950), **BIG), right_on("small", range(900), **SMALL))
    assert name == "big"
    assert reason.startswith("big is the best.")
    assert reason.endswith("Its cost on this machine: 90.0 MB, 40 ms a picture, trained in 10 min.")


def test_of_several_cheaper_ones_the_cheapest_with_little_to_lose_is_recommended() -> None:
    middle = right_on("middle", range(2, 950), bundle_bytes=30_000_000, latency_ms=12.0)
    name, reason = told(
        right_on("big", range(950), **BIG),
        middle,
        right_on("small", range(3, 950), **SMALL),
        right_on("far", range(500), bundle_bytes=1000, latency_ms=0.1),
    )
    assert name == "small"
    assert "Nor can the best be told apart from middle." in reason
    assert "far" not in reason


@pytest.mark.parametrize(
    ("cheap", "is_cheaper"),
    [
        ({"bundle_bytes": 59, "latency_ms": 10.0}, True),
        ({"bundle_bytes": 100, "latency_ms": 4.9}, True),
        ({"bundle_bytes": 90, "latency_ms": 8.0}, False),
        ({"bundle_bytes": 20, "latency_ms": 13.0}, False),
        ({"bundle_bytes": 130, "latency_ms": 1.0}, False),
        ({"bundle_bytes": 20, "latency_ms": None}, False),
    ],
)
def test_cheaper_is_what_is_clearly_smaller_or_quicker_and_hardly_worse_otherwise(
    cheap: dict[str, Any], is_cheaper: bool
) -> None:
    dear = right_on("dear", range(5), size=10, bundle_bytes=100, latency_ms=10.0)
    assert clearly_cheaper(right_on("cheap", range(5), size=10, **cheap), dear) is is_cheaper


def test_costs_are_written_as_one_says_them() -> None:
    assert [size_words(number) for number in (800, 120_400, 9_700_000)] == ["1 kB", "120 kB", "9.7 MB"]
    assert [latency_words(number) for number in (0.52, 9.94, 41.3)] == ["0.5 ms", "9.9 ms", "41 ms"]
    assert [time_words(number) for number in (3.91, 42.2, 600, 5400)] == ["3.9 s", "42 s", "10 min", "1 h 30 min"]
    unknown = right_on("old", range(5), size=10, latency_ms=None, seconds={"training": float("nan")})
    assert cost_words(unknown) == "1 kB"
