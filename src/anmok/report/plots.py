"""Plots by matplotlib as inline SVG that takes the report's colours and fonts, light and dark.

No words enter matplotlib: it measures text with its own font, which has no Hangul. Headings, legends and units stand
in HTML around the plot, and matplotlib writes digits only.
"""

from __future__ import annotations

import io
import math
import re
import xml.etree.ElementTree as ET
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from markupsafe import Markup, escape

from anmok.i18n import _

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# Colours that stand for those of the style sheet, which differ between light and dark.
_INK, _MUTED, _GRID, _FIRST, _SECOND = "#010101", "#020202", "#030303", "#040404", "#050505"
#: Colours of several models in one plot, by their places in the palette ``--k0`` to ``--k9``: neighbours differ for
#: eyes that do not tell red from green, too.
PALETTE = (0, 1, 4, 9, 6, 5, 8, 7, 2, 3)
SERIES = tuple(f"#0a0a0{place}" for place in PALETTE)
INK, MUTED, ACCENT, WARM = _INK, _MUTED, _FIRST, _SECOND
_VARIABLES = {_INK: "--ink", _MUTED: "--muted", _GRID: "--line", _FIRST: "--accent", _SECOND: "--warm"} | {
    colour: f"--k{place}" for place, colour in zip(PALETTE, SERIES, strict=True)
}
#: Settings of matplotlib for every plot of a page.
PLOT_STYLE = {
    "svg.fonttype": "none",
    "svg.hashsalt": "anmok",
    "font.size": 9.5,
    "axes.edgecolor": _GRID,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.spines.left": False,
    "axes.grid": True,
    "axes.grid.axis": "y",
    "axes.axisbelow": True,
    "grid.color": _GRID,
    "grid.linewidth": 0.6,
    "xtick.color": _GRID,
    "ytick.color": _GRID,
    "xtick.labelcolor": _MUTED,
    "ytick.labelcolor": _MUTED,
    "ytick.left": False,
}
_SVG, _XLINK = "{http://www.w3.org/2000/svg}", "{http://www.w3.org/1999/xlink}"


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a plot for its legend: the style class and what it is."""

    style: str
    title: str


@dataclass(frozen=True, slots=True)
class Plot:
    """A plot with the words that stand around it in HTML."""

    title: str
    lines: tuple[Line, ...]
    svg: Markup


def learning_curves(history: Sequence[Mapping[str, float]], *, key: str) -> tuple[Plot, ...]:
    """Return loss and accuracy by epoch, each where the history has it.

    Args:
        history: one mapping an epoch, as in ``ModelResult.history``.
        key: unique in the page; makes the ids inside the SVG unique.
    """
    import matplotlib.style

    plots = []
    with matplotlib.style.context(["default", PLOT_STYLE]):
        for measure, title, scale in (("loss", _("Loss by epoch"), 1), ("accuracy", _("Accuracy by epoch, %"), 100)):
            curves = [
                (line, _points(history, name, scale))
                for name, line in (
                    (f"train_{measure}", Line("first", _("Training"))),
                    (f"valid_{measure}", Line("second", _("Validation"))),
                )
            ]
            curves = [(line, points) for line, points in curves if points]
            if curves:
                drawn = _draw([(line.style, points) for line, points in curves])
                plots.append(Plot(title, tuple(line for line, _p in curves), themed(drawn, title, f"{key}-{measure}")))
    return tuple(plots)


def _points(history: Sequence[Mapping[str, float]], name: str, scale: float) -> list[tuple[float, float]]:
    pairs = [(row.get("epoch", number), row.get(name, math.nan)) for number, row in enumerate(history, 1)]
    return [(x, y * scale) for x, y in pairs if math.isfinite(x) and math.isfinite(y)]


def _draw(curves: Sequence[tuple[str, list[tuple[float, float]]]]) -> Figure:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(5.4, 2.7))
    # Fixed margins: a layout that measures text would depend on the fonts of the machine.
    axes: Axes = figure.add_axes((0.085, 0.115, 0.9, 0.85))
    axes.locator_params(axis="x", integer=True, nbins=8)
    axes.locator_params(axis="y", nbins=5)
    for style, points in curves:
        x, y = zip(*points, strict=True)
        axes.plot(
            x,
            y,
            color=_FIRST if style == "first" else _SECOND,
            linestyle="-" if style == "first" else (0, (4, 1.6)),
            linewidth=1.8,
            marker="o" if len(points) < 3 else "",
        )
    axes.margins(x=0.02, y=0.06)
    return figure


def themed(figure: Figure, label: str, key: str, names: Mapping[str, str] | None = None) -> Markup:
    """Return ``figure`` as inline SVG without ids, fonts, metadata or addresses of its own.

    Args:
        label: what a screen reader says.
        key: unique in the page.
        names: texts that are put in for those that were drawn: matplotlib never sees a name from outside.
    """
    stream = io.StringIO()
    figure.savefig(stream, format="svg", transparent=True, metadata={"Date": None, "Creator": None})
    root = ET.fromstring(stream.getvalue())  # noqa: S314 - matplotlib's own text, nothing from outside
    for parent in list(root.iter()):
        for child in list(parent):
            if child.tag in (f"{_SVG}metadata", f"{_SVG}style"):
                parent.remove(child)
    root.attrib.clear()
    width, height = figure.get_size_inches() * 72
    referenced = set(re.findall(r"#([A-Za-z][\w.-]*)\)?\"", stream.getvalue()))
    for element in root.iter(f"{_SVG}text"):
        element.text = (names or {}).get((element.text or "").strip(), element.text)
    body = "".join(_inline(child, key, referenced) for child in root)
    return Markup(  # noqa: S704 - every attribute and text was escaped by _inline
        f'<svg class="plot" role="img" viewBox="0 0 {width:g} {height:g}" aria-label="{escape(label)}">{body}</svg>'
    )


def _inline(element: ET.Element, key: str, referenced: set[str]) -> str:
    tag = element.tag.removeprefix(_SVG)
    attributes = []
    for name, value in element.attrib.items():
        if name == "id" and value not in referenced:
            continue
        short = name.removeprefix(_XLINK)
        attributes.append(f' {short}="{escape(_themed_value(short, value, key))}"')
    inside = escape((element.text or "").strip()) + Markup("").join(
        Markup(_inline(child, key, referenced))  # noqa: S704
        for child in element
    )
    return f"<{tag}{''.join(attributes)}>{inside}</{tag}>" if inside or tag == "g" else f"<{tag}{''.join(attributes)}/>"


def _themed_value(name: str, value: str, key: str) -> str:
    if name == "id":
        return f"{key}-{value}"
    if name == "href":
        return f"#{key}-{value.removeprefix('#')}"
    value = re.sub(r"url\(#([^)]+)\)", rf"url(#{key}-\1)", value)
    if name == "style":
        value = re.sub(r"font: ([\d.]+px)[^;]*", r"font-size: \1", value)
        value = re.sub(r"font-family: [^;]*;?", "", value)
        for colour, variable in _VARIABLES.items():
            value = value.replace(colour, f"var({variable})")
    return " ".join(value.split())
