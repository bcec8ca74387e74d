"""Rules of balancing are read as people type them, and what is no rule is refused in a sentence."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anmok.config import BALANCE_WORDS, BalanceRule
from anmok.data.balance_rules import format_rule, parse_rule
from anmok.errors import UsageError

names = st.text(st.characters(blacklist_categories=("Cc", "Cs", "Zl", "Zp")), min_size=1, max_size=12).filter(
    lambda name: name.strip() == name
)


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("classes=a,b to=mean", BalanceRule(classes=("a", "b"))),
        ("to=300 classes=a", BalanceRule(classes=("a",), to=300)),
        ("to=median", BalanceRule(to="median")),
        ("MAX", BalanceRule(to="max")),
        ("250", BalanceRule(to=250)),
        ("classes=천지연 폭포, 성산 일출봉 to=MIN", BalanceRule(classes=("천지연 폭포", "성산 일출봉"), to="min")),
        ('classes="a,b",c', BalanceRule(classes=("a,b", "c"))),
        ("classes=x=y to=7", BalanceRule(classes=("x=y",), to=7)),
        ('classes="go to=5" to=7', BalanceRule(classes=("go to=5",), to=7)),
    ],
)
def test_a_rule_is_read(text: str, rule: BalanceRule) -> None:
    assert parse_rule(text) == rule


@given(st.lists(names, max_size=4, unique=True), st.sampled_from(BALANCE_WORDS) | st.integers(1, 10**6))
def test_a_rule_comes_back_from_its_text(classes: list[str], to: str | int) -> None:
    rule = BalanceRule(classes=tuple(classes), to=to)
    assert parse_rule(format_rule(rule)) == rule


@pytest.mark.parametrize(
    "text",
    ["", "  ", "classes=", "classes=a,,b", "to=", "to=0", "to=-3", "to=1.5", "to=most", "a,b to=3", "mean of"],
)
def test_what_is_no_rule_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="is no "):
        parse_rule(text)


@pytest.mark.parametrize("text", ["to=1 to=2", 'classes="a to=3', "to=²"], ids=["twice", "open quote", "superscript"])
def test_what_looks_like_a_rule_is_refused_too(text: str) -> None:
    with pytest.raises(UsageError, match="is no "):
        parse_rule(text)


@given(st.text(max_size=30))
def test_any_text_gives_a_rule_or_a_usage_error(text: str) -> None:
    with contextlib.suppress(UsageError):
        assert isinstance(parse_rule(text), BalanceRule)
