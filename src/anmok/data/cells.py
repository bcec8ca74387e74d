"""Cells of CSV files that spreadsheets leave alone: names from outside must not run as formulas there. Light."""

from __future__ import annotations

import re

# What begins like a formula (also in full width), begins with an apostrophe, or is nothing but a number, date or truth.
_GUARDED = re.compile(r"[=+\-@\t\r\n'＝＋－＠]|[ \t0-9.,:/%e+\-]+\Z|(?:true|false)\Z", re.ASCII | re.IGNORECASE)


def guard(text: str) -> str:
    """Return ``text`` as a cell that spreadsheets leave alone; ``unguard`` undoes it."""
    return f"'{text}" if _GUARDED.match(text) else text


def unguard(cell: str) -> str:
    """Return the text of which ``guard`` made ``cell``."""
    return cell[1:] if cell.startswith("'") and _GUARDED.match(cell[1:]) else cell
