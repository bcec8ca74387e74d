from __future__ import annotations

import math
import re

from anmok.i18n import use_language
from anmok.report.plots import learning_curves
from report.comparisons import history


def test_curves_take_the_colours_and_fonts_of_the_page() -> None:
    loss, accuracy = learning_curves(history(24, 0.8), key="m1")
    for plot in (loss, accuracy):
        svg = str(plot.svg)
        assert "var(--accent)" in svg
        assert "var(--warm)" in svg
        assert not re.search("#0[1-9]0[1-9]0[1-9]|font-family|DejaVu|https?:|<metadata|<style", svg)
        ids = re.findall(r'\bid="([^"]+)"', svg)
        assert len(ids) == len(set(ids))
        assert set(re.findall(r'(?:href="|url\()#([^")]+)', svg)) == set(ids)
    assert set(re.findall(r'\bid="([^"]+)"', loss.svg)).isdisjoint(re.findall(r'\bid="([^"]+)"', accuracy.svg))


def test_curves_are_drawn_over_the_whole_range_of_epochs() -> None:
    loss = str(learning_curves(history(12, 0.8), key="m")[0].svg)
    assert len(re.findall(r"<path d=\"[^\"]*(?:L [\d.]+ [\d.]+ ?){11}\"", loss)) == 2


def test_no_words_enter_the_drawing_so_that_hangul_needs_no_font() -> None:
    with use_language("ko"):
        for plot in learning_curves(history(5, 0.8), key="m"):
            assert all(re.fullmatch(r"[\d.\u2212]+", text) for text in re.findall(r"<text[^>]*>([^<]*)<", plot.svg))


def test_history_with_gaps_is_drawn_as_far_as_it_goes() -> None:
    rows = [{"epoch": 1.0, "train_loss": 1.0}, {"epoch": 2.0, "train_loss": math.nan}, {"train_loss": 0.5}]
    (only,) = learning_curves(rows, key="m")
    assert [line.style for line in only.lines] == ["first"]
    assert learning_curves([], key="m") == ()
    assert learning_curves([{"epoch": 1.0}], key="m") == ()


def test_single_epoch_is_a_visible_point() -> None:
    (loss, _accuracy) = learning_curves(history(1, 0.8), key="m")
    assert "<use" in str(loss.svg)
