from __future__ import annotations

import re

from anmok.report import confusion
from report.comparisons import evaluation


def test_few_classes_are_a_table_with_every_count() -> None:
    measured = evaluation(("a", "b"), 0.7)
    grid = confusion.grid(measured)
    assert grid is not None
    assert tuple(tuple(cell.count for cell in row) for row in grid.rows) == measured.confusion
    assert [[cell.kind for cell in row] for row in grid.rows] == [["hit", "miss"], ["miss", "hit"]]
    assert not grid.turned


def test_colour_grows_with_the_share_of_the_row() -> None:
    measured = evaluation(("a", "b", "c"), 0.6, per_class=200)
    grid = confusion.grid(measured)
    assert grid is not None
    for row in grid.rows:
        ordered = sorted(row, key=lambda cell: cell.count)
        assert [cell.strength for cell in ordered] == sorted(cell.strength for cell in row)
        assert all(0 <= cell.strength <= 1 for cell in row)


def test_many_classes_are_a_heat_map_with_a_cell_for_every_count_that_is_not_zero() -> None:
    classes = tuple(f"class <{n}>" for n in range(100))
    measured = evaluation(classes, 0.5, per_class=25)
    assert confusion.grid(measured) is None
    svg = str(confusion.heat_map(measured))
    filled = sum(number > 0 for row in measured.confusion for number in row)
    assert svg.count('class="hit"') + svg.count('class="miss"') == filled
    assert "class <" not in svg
    assert svg.count('class="band"') == 200
    assert svg.count('class="end">class &lt;') == 100


def test_heat_map_puts_the_classes_that_are_recognised_least_first() -> None:
    classes = tuple(f"c{n:02d}" for n in range(30))
    measured = evaluation(classes, 0.6)
    labels = re.findall(r'class="end">(c\d\d)<', str(confusion.heat_map(measured)))
    hits = [measured.confusion[classes.index(label)][classes.index(label)] for label in labels]
    assert hits == sorted(hits)


def test_heat_map_of_five_hundred_classes_has_tooltips_but_no_labels() -> None:
    svg = str(confusion.heat_map(evaluation(tuple(f"c{n}" for n in range(500)), 0.9, per_class=2)))
    assert "<text" not in svg
    assert svg.count('class="band"') == 1000


def test_pairs_are_the_largest_counts_beside_the_diagonal() -> None:
    measured = evaluation(tuple("abcdef"), 0.6)
    found = confusion.pairs(measured)
    beside = sorted(
        (n for i, row in enumerate(measured.confusion) for j, n in enumerate(row) if n and i != j), reverse=True
    )
    assert [pair.count for pair in found] == beside[: confusion.MOST_PAIRS]
    assert max(pair.length for pair in found) == 100
    assert confusion.pairs(evaluation(("a", "b"), 0.6)) == ()
    assert confusion.pairs(evaluation(tuple("abc"), 1.0)) == ()
