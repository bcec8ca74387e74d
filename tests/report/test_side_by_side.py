"""Matrices, classes and mistakes of several models beside each other."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import replace

from anmok.report import class_table, galleries, scores, side_by_side
from anmok.report.pictures import Thumbnails
from report.comparisons import SCENES, comparison, hundred


def test_all_matrices_have_the_same_order_of_classes_and_every_count() -> None:
    given = comparison()
    made = side_by_side.build(given)
    assert made is not None
    assert made.names == tuple(model.name for model in given.models)
    for small, model in zip(made.matrices, given.models, strict=True):
        svg = str(small.svg)
        assert re.findall(r'class="end"[^>]*>([^<]*)<', svg) == list(SCENES)
        drawn = Counter(int(text) for text in re.findall(r'class="count[^>]*>(\d+)<', svg))
        assert drawn == Counter(number for row in model.evaluation.confusion for number in row if number)


def test_a_hundred_classes_are_a_few_paths_that_hold_a_square_for_every_cell() -> None:
    given = hundred()
    made = side_by_side.build(given)
    assert made is not None
    assert made.sorted
    for small, model in zip(made.matrices, given.models, strict=True):
        svg = str(small.svg)
        assert svg.count("<path") <= 10
        assert svg.count("<text") == 0
        assert svg.count("z") >= sum(number > 0 for row in model.evaluation.confusion for number in row)


def test_the_largest_confusions_are_those_of_all_models_together() -> None:
    given = comparison()
    made = side_by_side.build(given)
    assert made is not None
    sums = sorted(
        (
            sum(model.evaluation.confusion[row][column] for model in given.models)
            for row in range(6)
            for column in range(6)
            if row != column
        ),
        reverse=True,
    )
    assert [sum(one.counts) for one in made.confusions] == sums[: len(made.confusions)]


def test_models_of_different_classes_or_one_model_have_no_matrices_side_by_side() -> None:
    given = comparison()
    other = comparison(("a", "b")).models[0]
    assert side_by_side.build(replace(given, models=(given.models[0], other))) is None
    assert side_by_side.build(replace(given, models=given.models[:1])) is None


def test_each_class_has_one_row_with_a_score_of_every_model() -> None:
    given = comparison()
    table = class_table.build(given, scores.class_axis(given.models))
    assert table is not None
    assert [row.label for row in table.rows] == list(SCENES)
    for number, row in enumerate(table.rows):
        figures = [model.evaluation.per_class[number].f1.value for model in given.models]
        assert [score.sort for score in row.scores if score] == [round(value, 6) for value in figures]
        assert abs(row.spread - (max(figures) - min(figures))) < 1e-6


def test_a_small_picture_is_kept_once_however_many_lists_name_it(noise: bytes) -> None:
    pictures = galleries.SmallPictures(Thumbnails(lambda path: noise, budget=10**6))
    model = comparison().models[0]
    first, second = (galleries.listed(model, 3, pictures) for _time in range(2))
    assert [item.mistake for item in first] == list(model.evaluation.mistakes[3:])
    assert first == second
    assert {item.picture for item in first} == set(range(len({item.mistake.path for item in first})))
    assert str(pictures.block).count("/9j/") == len({item.picture for item in first})


def test_without_the_source_lists_name_no_picture() -> None:
    pictures = galleries.SmallPictures(Thumbnails(None, budget=10**6))
    assert {item.picture for item in galleries.listed(comparison().models[0], 0, pictures)} == {-1}
    assert str(pictures.block) == ""


def test_galleries_say_how_many_more_there_are() -> None:
    given = hundred()
    made = galleries.build(given, Thumbnails(None, budget=0))
    assert made is not None
    assert made.shared_count == given.shared_mistakes_count > len(made.shared) == galleries.MOST_SHARED
    assert made.shared_more == made.shared_count - len(made.shared)
    for alone in made.alone:
        assert alone.count == given.only_mistakes_count[alone.name] == alone.more + len(alone.shots)
    for shared in made.shared:
        assert (shared.alike != "") == (len({answer for _model, answer in shared.answers}) == 1)
