"""How far a model's probabilities can be believed: the reliability diagram, and thresholds for a wanted precision."""

from __future__ import annotations

import math
from dataclasses import dataclass

from markupsafe import Markup

from anmok.evaluation.calibration import Calibration, CalibrationFigures
from anmok.evaluation.results import ModelResult
from anmok.evaluation.thresholds import Accepted, Threshold, Thresholds
from anmok.i18n import _, ngettext
from anmok.records import Interval
from anmok.report import words
from anmok.report.plots import ACCENT, MUTED, PLOT_STYLE, WARM, themed

#: Calibration error; where chance alone may show more, finding no more than that is no reason for trust.
BLIND = 0.1


@dataclass(frozen=True, slots=True)
class Reliability:
    """The diagram and what stands beside it.

    Attributes:
        sentence: what it comes to.
        figures: (title, before the temperature, after it).
        temperature, fitted_on: the temperature, and on how many pictures it was found.
    """

    sentence: str
    figures: tuple[tuple[str, str, str], ...]
    temperature: str
    fitted_on: str
    svg: Markup


@dataclass(frozen=True, slots=True)
class ThresholdRow:
    """One class, or all together (``label`` empty): the threshold, and what it gives on test pictures."""

    label: str
    threshold: str
    answers: str
    precision: str
    recall: str


@dataclass(frozen=True, slots=True)
class ThresholdTable:
    """Thresholds for a wanted precision: in words, for all answers, and by class."""

    wanted: str
    pictures: str
    rows: tuple[ThresholdRow, ...]
    many: bool


def reliability(model: ModelResult, *, key: str) -> Reliability | None:
    """Return the diagram of a model; None where its calibration was not measured.

    Args:
        key: unique in the page.
    """
    found = model.calibration
    if found is None or not found.after.bins:
        return None
    return Reliability(
        sentence=_sentence(found.after),
        figures=(
            (_("Calibration error (ECE), %"), _share(found.before.ece), _share(found.after.ece)),
            (_("Brier score"), _plain(found.before.brier), _plain(found.after.brier)),
            (_("Log loss"), _plain(found.before.log_loss), _plain(found.after.log_loss)),
        ),
        temperature=f"{found.temperature:.2f}",
        fitted_on=words.count(found.fitted_on),
        svg=_diagram(found, key),
    )


def thresholds(found: Thresholds | None, *, many: int) -> ThresholdTable | None:
    """Return the table of thresholds; None where there are none.

    Args:
        many: more classes than these are folded away.
    """
    if found is None:
        return None
    return ThresholdTable(
        wanted=words.percent(found.precision).removesuffix(".0"),
        pictures=words.count(found.pictures),
        rows=tuple(map(_row, (found.overall, *found.per_class))),
        many=len(found.per_class) > many,
    )


def _sentence(after: CalibrationFigures) -> str:
    if after.ece.value <= after.ece_chance_limit > BLIND:
        pictures = sum(bin_.pictures for bin_ in after.bins)
        return ngettext(
            "{count} test picture is too little to tell whether its probabilities can be believed: even exactly right"
            " ones could look {limit:.0%} off by chance.",
            "{count} test pictures are too few to tell whether its probabilities can be believed: even exactly right"
            " ones could look {limit:.0%} off by chance.",
            pictures,
        ).format(count=pictures, limit=after.ece_chance_limit)
    if after.ece.value <= after.ece_chance_limit:
        return _("Its probabilities can be believed: they are no farther off than chance alone would make them look.")
    surplus = sum(bin_.pictures * (bin_.confidence - bin_.accuracy.value) for bin_ in after.bins)
    if surplus > 0:
        return _("It is surer than it should be: fewer of its answers are right than its probabilities say.")
    return _("It is less sure than it could be: more of its answers are right than its probabilities say.")


def _row(found: Threshold) -> ThresholdRow:
    test = found.test or Accepted(0, None, None)
    return ThresholdRow(
        label=found.label,
        threshold=words.MISSING if found.threshold is None else f"{words.percent(found.threshold)}%",
        answers=words.MISSING if found.threshold is None else words.count(test.answers),
        precision=_share(test.precision),
        recall=_share(test.recall),
    )


def _share(interval: Interval | None) -> str:
    if interval is None or not math.isfinite(interval.value):
        return words.MISSING
    return f"{words.percent(interval.value)} ({words.percent(interval.low)} – {words.percent(interval.high)})"


def _plain(interval: Interval) -> str:
    return f"{interval.value:.3f} ({interval.low:.3f} – {interval.high:.3f})"


def _diagram(found: Calibration, key: str) -> Markup:
    import matplotlib.style
    from matplotlib.figure import Figure

    with matplotlib.style.context(["default", PLOT_STYLE]):
        figure = Figure(figsize=(4.2, 3.4))
        axes = figure.add_axes((0.11, 0.1, 0.86, 0.87))
        axes.plot([0, 100], [0, 100], color=MUTED, linewidth=1, linestyle=(0, (2, 2)))
        for bins, colour, face in ((found.before.bins, WARM, "none"), (found.after.bins, ACCENT, ACCENT)):
            confidence = [100 * bin_.confidence for bin_ in bins]
            accuracy = [100 * bin_.accuracy.value for bin_ in bins]
            # The area tells how many pictures a dot stands for.
            areas = [12 + 110 * bin_.pictures / found.pictures for bin_ in bins]
            axes.plot(confidence, accuracy, color=colour, linewidth=1, alpha=0.4)
            axes.scatter(confidence, accuracy, s=areas, edgecolors=colour, facecolors=face, linewidths=1.4, zorder=3)
        for bin_ in found.after.bins:
            ends = (100 * bin_.accuracy.low, 100 * bin_.accuracy.high)
            axes.vlines(100 * bin_.confidence, *ends, color=ACCENT, linewidth=2, alpha=0.35)
        axes.set_xlim(0, 102)
        axes.set_ylim(-3, 104)
        return themed(figure, _("Share of right answers against the probability that was given"), f"{key}-reliability")
