"""The page of ``anmok detect train``: how well boxes are found, how that came to be, and what goes wrong."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from markupsafe import Markup

from anmok.detection.measures import FIGURES, RECALLS, ClassFigures, SizeRecall
from anmok.detection.mistakes import Mistaken
from anmok.detection.results import DetectResult
from anmok.detection.statistics import SIDES
from anmok.i18n import _, use_language
from anmok.records import Box, Interval
from anmok.report import words
from anmok.report.page import render_page
from anmok.report.pictures import Thumbnail, Thumbnails
from anmok.report.plots import PLOT_STYLE, SERIES, Line, Plot, themed

#: Characters that all pictures together may take; the longer side of one, pixels; pictures of the gallery.
BUDGET, SIDE, MOST_SHOWN = 4_000_000, 320, 24
#: Problems that are listed.
MOST_PROBLEMS = 20
#: Classes whose precision-recall curves are drawn.
MOST_CURVES = len(SERIES)


@dataclass(frozen=True, slots=True)
class Drawn:
    """A rectangle on a picture: its kind (``missed``, ``false``, ``right``), edges and words."""

    kind: str
    x: float
    y: float
    width: float
    height: float
    text: str


@dataclass(frozen=True, slots=True)
class Shot:
    """A picture of the gallery with its rectangles; ``unit`` is one hundredth of its longer side, pixels."""

    path: str
    width: int
    height: int
    unit: float
    thumbnail: Thumbnail
    boxes: tuple[Drawn, ...]
    missed: int
    false: int


def render_detection(
    result: DetectResult, path: Path, *, read_picture: Callable[[str], bytes] | None, language: str
) -> Path:
    """Draw ``result`` as a self-contained HTML file and return its path.

    Args:
        read_picture: gives the bytes of a picture by its path; None where the source is not at hand.

    Raises:
        StorageError: the file could not be written.
    """
    thumbnails = Thumbnails(read_picture, budget=BUDGET)
    with use_language(language):
        values: dict[str, object] = {
            "result": result,
            "figures": [
                (figure_title(name), figure_meaning(name), *_cells(result.test.figures[name])) for name in FIGURES
            ],
            "classes": [_class_row(one) for one in result.test.classes],
            "sizes": [_size_row(one) for one in result.test.sizes],
            "threshold": f"{result.threshold:.3f}",
            "plots": [*_history_plots(result), *_precision_recall(result.test.classes)],
            "shots": [_shot(one, thumbnails) for one in result.mistakes[:MOST_SHOWN]],
            "more": max(0, len(result.mistakes) - MOST_SHOWN),
            "statistics": result.statistics,
            "sides": list(zip(_side_titles(), result.statistics.sides, strict=False)),
            "positions": _positions(result),
            "problems": result.problems[:MOST_PROBLEMS],
            "more_problems": max(0, len(result.problems) - MOST_PROBLEMS),
            "remarks": _remarks(result),
            "seconds": [
                (words.stage_title(stage), words.duration(time))
                for stage, time in result.seconds.items()
                if time >= 0.05
            ],
        }
    return render_page("detection.html", path, language=language, values=values, styles=("detection.css",))


def figure_title(name: str) -> str:
    """Return what a figure is called."""
    titles = {
        "map50": _("mAP50"),
        "map": _("mAP50-95"),
        "precision": _("Precision"),
        "recall": _("Recall"),
    }
    return titles[name]


def figure_meaning(name: str) -> str:
    """Return in a sentence what a figure says."""
    meanings = {
        "map50": _("Mean average precision; a box counts where it overlaps the true one by half."),
        "map": _("The same, averaged over overlaps from 0.50 to 0.95: it also asks how tightly boxes fit."),
        "precision": _("Share of the reported boxes that are right, at the threshold; mean of the classes."),
        "recall": _("Share of the true boxes that are found, at the threshold; mean of the classes."),
    }
    return meanings[name]


def _cells(interval: Interval | None) -> tuple[str, str]:
    if interval is None:
        return "–", ""
    return words.percent(interval.value), f"{words.percent(interval.low)} – {words.percent(interval.high)}"


def _class_row(one: ClassFigures) -> dict[str, object]:
    return {
        "label": one.label,
        "true": words.count(one.true),
        "cells": [_cells(interval) for interval in (one.map50, one.map, one.precision, one.recall)],
    }


def _size_row(one: SizeRecall) -> tuple[str, str, str, str]:
    title = _("{least} to {most}% of the side").format(least=round(100 * one.least), most=round(100 * one.most))
    return title, words.count(one.true), *_cells(one.recall)


def _remarks(result: DetectResult) -> list[str]:
    """Return sentences on how far the figures can be trusted."""
    remarks = list(result.notes)
    boxes = sum(one.true for one in result.test.classes)
    if boxes < 100:
        remarks.append(
            _("Only {count} boxes measure this detector, so the intervals are wide; label more test pictures.").format(
                count=boxes
            )
        )
    silent = [one.label for one in result.test.classes if one.true and not one.hits]
    if silent:
        remarks.append(_("Of these classes not one box was found: {names}.").format(names=", ".join(silent)))
    absent = [one.label for one in result.test.classes if not one.true]
    if absent:
        remarks.append(
            _("The test holds no box of {names}, so nothing is known of them.").format(names=", ".join(absent))
        )
    if len(result.history) and result.best_epoch == len(result.history) and _still_rises(result):
        remarks.append(_("The last epoch was the best one and the measures still rose: more epochs may help."))
    return remarks


def _still_rises(result: DetectResult) -> bool:
    values = [row.get("map", math.nan) for row in result.history]
    tenth = max(1, len(values) // 10)
    return len(values) > 5 and values[-1] - values[-1 - tenth] > 0.02


def _history_plots(result: DetectResult) -> list[Plot]:
    sets = (
        (_("Loss by epoch"), (("train_loss", _("Training")), ("valid_loss", _("Validation"))), 1),
        (
            _("Precision and recall on validation by epoch, %"),
            (("precision", _("Precision")), ("recall", _("Recall"))),
            100,
        ),
        (_("mAP on validation by epoch, %"), (("map50", _("mAP50")), ("map", _("mAP50-95"))), 100),
    )
    plots = []
    for number, (title, lines, scale) in enumerate(sets):
        curves = []
        for name, line in lines:
            points = [
                (row["epoch"], scale * row[name]) for row in result.history if math.isfinite(row.get(name, math.nan))
            ]
            if points:
                curves.append((line, points))
        if curves:
            plots.append(_plot(title, curves, f"history-{number}"))
    return plots


def _precision_recall(classes: Sequence[ClassFigures]) -> list[Plot]:
    known = [one for one in classes if one.true][:MOST_CURVES]
    curves = [
        (one.label, [(100 * float(recall), 100 * value) for recall, value in zip(RECALLS, one.curve, strict=True)])
        for one in known
    ]
    return [_plot(_("Precision (upwards) at each recall on the test, %"), curves, "precision-recall")] if curves else []


def _plot(title: str, curves: Sequence[tuple[str, Sequence[tuple[float, float]]]], key: str) -> Plot:
    import matplotlib.style
    from matplotlib.figure import Figure

    with matplotlib.style.context(["default", PLOT_STYLE]):
        figure = Figure(figsize=(5.4, 2.9))
        axes = figure.add_axes((0.085, 0.115, 0.9, 0.85))
        axes.locator_params(axis="x", integer=True, nbins=8)
        for number, (_title, points) in enumerate(curves):
            x, y = zip(*points, strict=True)
            axes.plot(x, y, color=SERIES[number], linewidth=1.7, marker="o" if len(points) < 3 else "")
        axes.margins(x=0.02, y=0.06)
        svg = themed(figure, title, key)
    # The style classes of the legend: places in the palette, as the plots of several models have them.
    return Plot(title, tuple(Line(SERIES[number][-1], name) for number, (name, _points) in enumerate(curves)), svg)


def _shot(one: Mistaken, thumbnails: Thumbnails) -> Shot:
    boxes = [
        *(_drawn(box, "right", f"{box.label} {box.score:.2f}") for box in one.right),
        *(_drawn(box, "missed", _("missed: {label}").format(label=box.label)) for box in one.missed),
        *(_drawn(box, "false", f"{box.label} {box.score:.2f}") for box in one.false),
    ]
    return Shot(
        one.path,
        one.width,
        one.height,
        max(one.width, one.height) / 100,
        thumbnails.of(one.path, SIDE),
        tuple(boxes),
        len(one.missed),
        len(one.false),
    )


def _drawn(box: Box, kind: str, text: str) -> Drawn:
    return Drawn(kind, round(box.x0, 1), round(box.y0, 1), round(box.x1 - box.x0, 1), round(box.y1 - box.y0, 1), text)


def _side_titles() -> list[str]:
    begins = (0.0, *SIDES[:-1])
    return [f"{round(100 * least)}–{round(100 * most)}%" for least, most in zip(begins, SIDES, strict=True)]


def _positions(result: DetectResult) -> Markup:
    """Return where boxes lie as a small picture: the darker, the more boxes cover that part."""
    rows = result.statistics.positions
    most = max((value for row in rows for value in row), default=0) or 1
    cells = [
        Markup('<rect x="{}" y="{}" width="1.02" height="1.02" fill="var(--accent)" fill-opacity="{}"/>').format(
            x, y, round(value / most, 3)
        )
        for y, row in enumerate(rows)
        for x, value in enumerate(row)
        if value
    ]
    return Markup('<svg class="positions" viewBox="0 0 {0} {0}" role="img" aria-label="{1}">{2}</svg>').format(
        len(rows), _("Where boxes lie"), Markup("").join(cells)
    )
