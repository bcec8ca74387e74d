"""Single values of cards: taken as they are stored, or refused in words."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anmok.service.cards.wording import Unwanted, as_latitude, as_link, as_number


@pytest.mark.parametrize("value", ["", " ", None])
def test_an_empty_position_is_none(value: object) -> None:
    assert as_latitude(value) is None


@given(st.floats(-90, 90))
def test_every_latitude_is_read_as_it_is_written(value: float) -> None:
    assert as_latitude(repr(value)) == value
    assert as_latitude(value) == value


@given(st.one_of(st.text(max_size=20), st.integers(), st.floats(), st.booleans(), st.none()))
def test_whatever_comes_as_a_value_is_taken_or_refused_in_words(value: Any) -> None:
    for check in (as_latitude, as_number):
        taken = outcome(check, value)
        assert all(taken) if isinstance(taken, tuple) else taken is None or -90 <= taken <= 999_999


def outcome(check: Callable[[Any], Any], value: Any) -> Any:
    """Return what a check takes, or what came and what was wanted."""
    try:
        return check(value)
    except Unwanted as unwanted:
        return unwanted.came, unwanted.wanted


@pytest.mark.parametrize(
    "link", ["ftp://a.kr", "//a.kr", "https://", "https:///x", "a.kr", "https://a b", "https://[", "data:,x"]
)
def test_a_link_leads_into_the_web(link: str) -> None:
    with pytest.raises(Unwanted):
        as_link(link)
