"""Cells and words of the cards, whatever text is in them."""

from __future__ import annotations


def row(cells: list[str]) -> str:
    """Return a row of a table."""
    return f"| {' | '.join(cells)} |"


def plain(text: str) -> str:
    """Keep foreign text from acting as Markdown or breaking a table row."""
    one_line = " ".join(text.split())
    return "".join(f"\\{c}" if c in "\\`*_|<>[]#" else c for c in one_line)
