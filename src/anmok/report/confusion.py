"""The confusion matrix, drawn for its size: a table with numbers for few classes, a heat map for many."""

from __future__ import annotations

from dataclasses import dataclass

from markupsafe import Markup

from anmok.evaluation.results import Evaluation
from anmok.i18n import _
from anmok.report.names import columns, cut, plain_name, sentence, shown

#: Up to here numbers fit into the cells, and the matrix is an HTML table.
MOST_IN_TABLE = 20
MOST_PAIRS = 12
_UPRIGHT_HEADS = 6
_LABEL_COLUMNS = 22


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell: pictures, its share of the row as a strength of colour (0-1), and what it says in words.

    ``deep`` colours need light text.
    """

    count: int
    strength: float
    kind: str
    title: Markup
    deep: bool


@dataclass(frozen=True, slots=True)
class Grid:
    """A matrix as an HTML table; ``turned`` heads are written from top to bottom."""

    labels: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    turned: bool


@dataclass(frozen=True, slots=True)
class Pair:
    """Two classes of which one is taken for the other.

    ``count`` of the ``support`` pictures of the true class; ``length`` of the bar, 0-100.
    """

    true: str
    predicted: str
    count: int
    support: int
    length: float


def grid(evaluation: Evaluation) -> Grid | None:
    """Return the matrix as a table, or None where there are too many classes for numbers in cells."""
    classes = evaluation.classes
    if len(classes) > MOST_IN_TABLE:
        return None
    rows = tuple(tuple(_cell(evaluation, row, column) for column in range(len(classes))) for row in range(len(classes)))
    return Grid(classes, rows, turned=len(classes) > _UPRIGHT_HEADS)


def pairs(evaluation: Evaluation) -> tuple[Pair, ...]:
    """Return the most confused pairs, most pictures first; none for two classes, whose table says it all."""
    classes, confusion = evaluation.classes, evaluation.confusion
    if len(classes) < 3:
        return ()
    found = [
        (number / sum(line), classes[row], classes[column], number, sum(line))
        for row, line in enumerate(confusion)
        for column, number in enumerate(line)
        if number and row != column
    ]
    found.sort(key=lambda pair: (-pair[3], -pair[0], pair[1], pair[2]))
    longest = max((share for share, *_rest in found[:MOST_PAIRS]), default=1.0)
    return tuple(
        Pair(true, predicted, number, support, round(100 * share / longest, 2))
        for share, true, predicted, number, support in found[:MOST_PAIRS]
    )


def heat_map(evaluation: Evaluation) -> Markup:
    """Return the matrix of many classes as SVG: least recognised classes first, empty cells left out.

    Every cell, row and column has a tooltip; labels are written while they are large enough to be read.
    """
    classes, confusion = evaluation.classes, evaluation.confusion
    size = len(classes)
    order = sorted(range(size), key=lambda i: (_share(confusion[i], i), classes[i]))
    side = max(3.0, min(18.0, round(860 / size, 2)))
    labelled = side >= 7
    font = min(11.0, side * 0.86)
    margin = min(_LABEL_COLUMNS, max(columns(shown(c)) for c in classes)) * font * 0.6 + 6 if labelled else 2.0
    total = round(margin + size * side, 1)
    parts = [
        Markup('<svg class="heat" role="img" viewBox="0 0 {t} {t}" style="--font:{f}px;max-width:{w}px" ').format(
            t=total, f=round(font, 2), w=round(total * 1.1)
        ),
        Markup('aria-label="{}">').format(_("Confusion matrix as a heat map; the pairs most confused follow as text.")),
    ]
    parts += [
        _band(evaluation, i, at=round(margin + place * side, 1), side=side, margin=margin)
        for place, i in enumerate(order)
    ]
    parts.append(
        Markup('<path class="axis" d="M{m} {m}H{e}V{e}H{m}Z"/>').format(
            m=round(margin, 1), e=round(margin + size * side, 1)
        )
    )
    for place, i in enumerate(order):
        parts += [
            _mark(_cell(evaluation, i, j), margin + column * side, margin + place * side, side)
            for column, j in enumerate(order)
            if confusion[i][j]
        ]
    if labelled:
        parts += [_label(classes[i], margin, margin + (place + 0.5) * side) for place, i in enumerate(order)]
    parts.append(Markup("</svg>"))
    return Markup("").join(parts)


def _share(line: tuple[int, ...], column: int) -> float:
    return line[column] / max(1, sum(line))


def _cell(evaluation: Evaluation, row: int, column: int) -> Cell:
    line = evaluation.confusion[row]
    share = _share(line, column)
    true, predicted = evaluation.classes[row], evaluation.classes[column]
    if row == column:
        title = _("{count} of {total} pictures of {true} were recognised.")
    else:
        title = _("{count} of {total} pictures of {true} were taken for {predicted}.")
    text = sentence(
        title,
        count=line[column],
        total=sum(line),
        true=plain_name(true, 40),
        predicted=plain_name(predicted, 40),
    )
    # Few mistakes must still be seen beside many hits, so the strength grows with the root of the share.
    kind = "none" if not line[column] else "hit" if row == column else "miss"
    strength = round(share**0.5, 2)
    return Cell(line[column], strength, kind, text, deep=strength > (0.55 if kind == "hit" else 0.8))


def _band(evaluation: Evaluation, i: int, *, at: float, side: float, margin: float) -> Markup:
    # Strips under the cells and the column heads carry the tooltips of rows and columns.
    line = evaluation.confusion[i]
    row = sentence(
        _("{true}: {count} of {total} pictures were recognised."),
        true=plain_name(evaluation.classes[i], 60),
        count=line[i],
        total=sum(line),
    )
    column = sentence(_("Taken for {predicted}"), predicted=plain_name(evaluation.classes[i], 60))
    return Markup(
        '<rect class="band" x="0" y="{at}" width="{length}" height="{side}"><title>{row}</title></rect>'
        '<rect class="band" x="{at}" y="0" width="{side}" height="{margin}"><title>{column}</title></rect>'
    ).format(
        at=at,
        side=side,
        length=round(margin + len(line) * side, 1),
        margin=round(margin, 1),
        row=row,
        column=column,
    )


def _mark(cell: Cell, x: float, y: float, side: float) -> Markup:
    return Markup(
        '<rect class="{kind}" x="{x}" y="{y}" width="{s}" height="{s}" opacity="{o}"><title>{title}</title></rect>'
    ).format(kind=cell.kind, x=round(x, 1), y=round(y, 1), s=side, o=max(0.25, cell.strength), title=cell.title)


def _label(label: str, margin: float, middle: float) -> Markup:
    text = cut(shown(label), _LABEL_COLUMNS)
    return Markup(
        '<text x="{x}" y="{y}" class="end">{text}</text><text transform="translate({y} {x}) rotate(-90)">{text}</text>'
    ).format(x=round(margin - 3, 1), y=round(middle, 1), text=text)
