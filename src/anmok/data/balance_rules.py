"""Rules of balancing as people write them: ``classes=cat,dog to=mean``."""

from __future__ import annotations

import csv
import re

from anmok.config import BALANCE_WORDS, BalanceRule
from anmok.errors import UsageError
from anmok.i18n import _

# A key begins the text or follows a space, so a class name may hold spaces and "=".
_KEY = re.compile(r"(?:^|\s)(classes|to)=")


def parse_rule(text: str) -> BalanceRule:
    """Read one rule: ``classes=NAMES to=SIZE`` in any order, either of them alone, or only a size.

    Names are separated by commas; one that holds a comma, or what looks like a key, stands in double quotes. A size is
    a whole number or one of ``BALANCE_WORDS``.

    Raises:
        UsageError: it is no rule.
    """
    parts = _KEY.split(_without_quoted_keys(text.strip()))
    before, found = parts[0].strip(), list(zip(parts[1::2], parts[2::2], strict=True))
    if before and not found:
        return BalanceRule(to=_size(before))
    keys = [key for key, _value in found]
    if before or not found or len(set(keys)) < len(keys):
        raise _no_rule(text)
    values = {key: value.replace("\0", "=").strip() for key, value in found}
    names = _names(values["classes"], text) if "classes" in values else ()
    return BalanceRule(classes=names, to=_size(values.get("to", "mean")))


def format_rule(rule: BalanceRule) -> str:
    """Return the rule as ``parse_rule`` reads it."""
    names = ",".join('"' + name.replace('"', '""') + '"' if _wants_quotes(name) else name for name in rule.classes)
    return (f"classes={names} " if names else "") + f"to={rule.to}"


def _wants_quotes(name: str) -> bool:
    return bool(re.search(r'[",]', name) or _KEY.search(name)) or name != name.strip()


def _without_quoted_keys(text: str) -> str:
    return re.sub(r'"[^"]*"', lambda quoted: quoted.group().replace("=", "\0"), text)


def _names(text: str, whole: str) -> tuple[str, ...]:
    try:
        rows = list(csv.reader([text], skipinitialspace=True, strict=True))
    except csv.Error as error:
        raise _no_rule(whole) from error
    names = tuple(dict.fromkeys(name for row in rows for name in row))
    if len(rows) != 1 or not names or not all(name.strip() for name in names):
        raise _no_rule(whole)
    return names


def _size(text: str) -> str | int:
    word = text.strip().lower()
    if word in BALANCE_WORDS:
        return word
    if re.fullmatch(r"[0-9]{1,9}", word) and int(word) >= 1:
        return int(word)
    raise UsageError(
        _("{value} is no size of a class.").format(value=repr(text)),
        hint=_("Give a whole number of at least 1, or one of {words}.").format(words=", ".join(BALANCE_WORDS)),
    )


def _no_rule(text: str) -> UsageError:
    return UsageError(
        _("{text} is no rule of balancing.").format(text=repr(text)),
        hint=_('For example: "classes=cat,dog to=mean", or only to=300.'),
    )
