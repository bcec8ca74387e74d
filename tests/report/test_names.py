from __future__ import annotations

import unicodedata

from hypothesis import given
from hypothesis import strategies as st
from markupsafe import Markup

from anmok.report.names import columns, cut, name, plain_name, sentence, shown, unbroken


@given(st.text(st.characters()))
def test_shown_text_can_be_stored_and_cannot_turn_or_hide_its_surroundings(text: str) -> None:
    result = shown(text)
    result.encode("utf-8")
    assert not [c for c in result if unicodedata.category(c) == "Cc"]
    assert not [c for c in result if unicodedata.bidirectional(c) in ("LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "PDI")]
    assert shown(result) == result


def test_hangul_in_parts_is_shown_whole() -> None:
    assert shown(unicodedata.normalize("NFD", "천지연 폭포")) == "천지연 폭포"


@given(st.text(), st.integers(1, 30))
def test_cut_text_fits_its_width(text: str, width: int) -> None:
    result = cut(text, width)
    assert columns(result) <= width
    assert result == text or result.endswith("…")


def test_hangul_takes_two_columns() -> None:
    assert cut("천지연 폭포", 7) == "천지연…"
    assert cut("천지연 폭포", 11) == "천지연 폭포"


def test_names_are_escaped_and_isolated() -> None:
    assert name("<b>") == Markup("<bdi>&lt;b&gt;</bdi>")
    assert plain_name('"x\u2069') == Markup("\u2068&#34;x\ufffd\u2069")


def test_sentences_escape_their_values_but_not_markup() -> None:
    result = sentence("{a} & {b}: p < 0.05", a="<i>", b=name("c"))
    assert result == Markup("&lt;i&gt; &amp; <bdi>c</bdi>: p\u00a0&lt;\u00a00.05")


def test_numbers_stay_on_one_line_with_what_they_measure() -> None:
    assert unbroken("95% of them (exact test, p < 0.001); p = 0.04, and p is small") == (
        "95% of them (exact test, p\u00a0<\u00a00.001); p\u00a0=\u00a00.04, and p is small"
    )
