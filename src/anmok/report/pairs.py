"""Every two models held against each other: how far apart, how sure, and how many pictures would decide."""

from __future__ import annotations

import math
from dataclasses import dataclass

from anmok.evaluation.pair_results import Difference, Pair
from anmok.evaluation.results import HEADLINE_METRICS, Comparison
from anmok.i18n import _, ngettext
from anmok.report import words
from anmok.report.scores import Axis, Score

#: So many pairs are shown at once; more are folded away.
MOST_OPEN = 12


@dataclass(frozen=True, slots=True)
class Line:
    """One pair.

    Attributes:
        first, second: names, the better ranked first.
        shares: (style, count, per cent of the pictures) of both right, only the first, only the second, both wrong.
        difference: of accuracy, drawn on an axis whose middle is 0; None where it is not known.
        p: after Holm's correction, as text.
        apart: they differ by more than chance. verdict: that in words.
        others: differences of the other metrics in the order of ``Pairs.metrics``; None where one is not known.
    """

    first: str
    second: str
    shares: tuple[tuple[str, int, float], ...]
    difference: Score | None
    p: str
    apart: bool
    verdict: str
    others: tuple[tuple[Score, str] | None, ...]


@dataclass(frozen=True, slots=True)
class Pairs:
    """What the section about differences shows.

    Attributes:
        lines: pairs, those with the recommended model first.
        end: where the axis of differences ends, percentage points on both sides.
        metrics: titles of the metrics other than accuracy. pictures: that all answered for.
        long: so many pairs that they are folded away.
    """

    lines: tuple[Line, ...]
    end: str
    metrics: tuple[str, ...]
    pictures: int
    long: bool


def build(comparison: Comparison) -> Pairs | None:
    """Return the section's values; None where there are no two models on the same pictures."""
    pairs = sorted(comparison.pairs, key=lambda pair: comparison.best not in (pair.first, pair.second))
    if not pairs:
        return None
    known = [pair.differences["accuracy"] for pair in pairs if "accuracy" in pair.differences]
    reach = max((abs(end) for d in known for end in (d.low, d.high) if math.isfinite(end)), default=0.0)
    # The next whole 5 percentage points, so that the written end is the drawn one.
    end = max(0.05, math.ceil(reach * 20 - 1e-9) / 20)
    others = [name for name in HEADLINE_METRICS[1:] if any(name in pair.differences for pair in pairs)]
    return Pairs(
        lines=tuple(_line(pair, Axis(-end, end), others) for pair in pairs),
        end=f"{end * 100:.0f}",
        metrics=tuple(map(words.metric_title, others)),
        pictures=pairs[0].pictures,
        long=len(pairs) > MOST_OPEN,
    )


def _line(pair: Pair, axis: Axis, others: list[str]) -> Line:
    both_right = pair.pictures - pair.only_first - pair.only_second - pair.both_wrong
    counts = (both_right, pair.only_first, pair.only_second, pair.both_wrong)
    styles = ("both", "first", "second", "wrong")
    difference = pair.differences.get("accuracy")
    return Line(
        first=pair.first,
        second=pair.second,
        shares=tuple(
            (style, count, round(100 * count / max(1, pair.pictures), 2))
            for style, count in zip(styles, counts, strict=True)
        ),
        difference=_score("accuracy", difference, axis) if difference else None,
        p=probability(difference.p_holm) if difference else words.MISSING,
        apart=pair.told_apart,
        verdict=_verdict(pair),
        others=tuple(
            (_score(name, pair.differences[name], axis), probability(pair.differences[name].p_holm))
            if name in pair.differences
            else None
            for name in others
        ),
    )


def _verdict(pair: Pair) -> str:
    if pair.told_apart:
        return _("told apart")
    if pair.more_pictures is None or pair.more_pictures == 0:
        return _("cannot be told apart")
    return ngettext(
        "cannot be told apart; about {count} more test picture would be needed",
        "cannot be told apart; about {count} more test pictures would be needed",
        pair.more_pictures,
    ).format(count=words.count(pair.more_pictures))


def _score(metric: str, difference: Difference, axis: Axis) -> Score:
    return Score(
        value=_signed(metric, difference.value),
        span=_("{low} to {high}").format(low=_signed(metric, difference.low), high=_signed(metric, difference.high)),
        low=axis.at(difference.low),
        middle=axis.at(difference.value),
        high=axis.at(difference.high),
        sort=round(difference.value, 6) if math.isfinite(difference.value) else 0.0,
        drawn=all(map(math.isfinite, (difference.low, difference.value, difference.high))),
    )


def _signed(metric: str, value: float) -> str:
    """Return a difference with its sign: percentage points, or three decimals where a metric is written so."""
    if not math.isfinite(value):
        return words.MISSING
    text = f"{value * 100:+.1f}" if words.is_share(metric) else f"{value:+.3f}"
    return text.replace("-", "\u2212")


def probability(p: float) -> str:
    """Return a p value as tables write it: two digits, never 0."""
    if not math.isfinite(p):
        return words.MISSING
    return "< 0.001" if p < 0.001 else f"{p:.3f}" if p < 0.1 else f"{p:.2f}"
