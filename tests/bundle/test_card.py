from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from anmok.bundle.card import render_card
from anmok.bundle.info import Measured
from anmok.bundle.origin import Origin, Spread, spreads_of
from anmok.records import Interval
from bundle.small_bundles import RULE, colour_info


def test_the_card_names_classes_counts_and_measures() -> None:
    info = replace(colour_info(), measured=Measured("test", 6, {"accuracy": Interval(0.9, 0.6, 0.98)}))
    card = render_card(info)
    assert "| red | 5 | 1 |" in card
    assert "| accuracy | 0.9000 | 0.6000 | 0.9800 |" in card
    assert "few pictures" in card
    assert info.data_hash in card


def test_the_card_says_when_nothing_was_measured() -> None:
    assert "Not measured" in render_card(colour_info())


def test_the_card_says_that_it_cannot_refuse_an_answer_only_while_it_cannot() -> None:
    assert 'cannot say "none of these"' in render_card(colour_info())
    card = render_card(replace(colour_info(), unknown=RULE))
    assert 'cannot say "none of these"' not in card
    assert "80 calibration pictures of its classes set the threshold; it accepts 95% of those" in card


def test_the_card_names_the_licence_of_pretrained_weights() -> None:
    info = replace(colour_info(), weights_licence="Apache-2.0", weights_source="timm")
    assert "Apache-2.0 (timm)" in render_card(info)
    assert "No pretrained weights" in render_card(colour_info())


def test_a_class_name_cannot_break_out_of_its_cell() -> None:
    info = replace(colour_info(), labels=("a | b\n# Title", "<script>", "c"), pictures={"train": (1, 2, 3)})
    card = render_card(info)
    assert "| a \\| b \\# Title | 1 |" in card
    assert "\\<script\\>" in card


def test_a_card_of_a_thousand_classes_stays_readable() -> None:
    labels = tuple(f"class {i}" for i in range(1000))
    card = render_card(replace(colour_info(), labels=labels, pictures={"train": (1,) * 1000}))
    assert card.count("\n") < 250
    assert "800 more classes" in card


def test_the_data_card_tells_what_the_training_pictures_are_like_and_what_is_not_known() -> None:
    values = np.arange(1.0, 101.0)
    labels = np.repeat([0, 1], [90, 10])
    origin = Origin(measures={"brightness": (*spreads_of(values, labels, 2), Spread(0, ()))}, formats={"JPEG": 100})
    card = render_card(replace(colour_info(), origin=origin))
    measure = next(line for line in card.splitlines() if line.startswith("| brightness"))
    least, median, greatest = (float(cell) for cell in measure.strip("| ").split(" | ")[1:])
    assert (least, greatest) == (1, 100)
    assert median == pytest.approx(50.5, abs=5)
    assert "JPEG 100" in card
    assert "under which licence" in card
    assert card.index("# Data card: colours") > card.index("# colours")
