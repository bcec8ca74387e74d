"""Text from outside (class names, file names, reasons) made fit to be shown: visible, isolated, escaped.

Class and file names come from strangers' folders. Markup in them is escaped by Jinja and markupsafe; what escaping
does not reach - control characters, bidirectional overrides that would turn the rest of a line around, bytes that
were no text - is handled here.
"""

from __future__ import annotations

import re
import unicodedata

from markupsafe import Markup, escape

# Overrides, embeddings, isolates and marks of the bidirectional algorithm (Unicode Annex 9).
_BIDI = {*range(0x202A, 0x202F), *range(0x2066, 0x206A), 0x200E, 0x200F, 0x061C}
_BREAKS = {0x09, 0x0A, 0x0D, 0x2028, 0x2029}
_P_VALUE = re.compile(r"\bp ([<=]) (?=\d)")
_FIRST_STRONG_ISOLATE, _POP_ISOLATE = "\u2068", "\u2069"


def shown(text: str) -> str:
    """Return ``text`` in NFC, line breaks as spaces, and every invisible control as U+FFFD."""
    return "".join(map(_visible, unicodedata.normalize("NFC", text)))


def exact(text: str) -> Markup:
    """Return text that is copied from the page, a command say: not brought into NFC, unless it hides something."""
    seen = shown(text)
    return escape(text if seen == unicodedata.normalize("NFC", text) else seen)


def _visible(character: str) -> str:
    code = ord(character)
    if code in _BREAKS:
        return " "
    if code in _BIDI or unicodedata.category(character) in ("Cc", "Cs"):
        return "\ufffd"
    return character


def name(text: str) -> Markup:
    """Return a name from outside as HTML whose writing direction cannot leak into its surroundings."""
    return Markup("<bdi>{}</bdi>").format(shown(text))


def plain_name(text: str, width: int = 0) -> Markup:
    """Return a name, escaped, for attributes and SVG titles, which hold no ``<bdi>``; cut to ``width`` if given."""
    return escape(f"{_FIRST_STRONG_ISOLATE}{cut(shown(text), width) if width else shown(text)}{_POP_ISOLATE}")


def cut(text: str, width: int) -> str:
    """Return ``text`` cut with an ellipsis to ``width`` columns, where Hangul and Han take two each."""
    used = 0
    for position, character in enumerate(text):
        used += columns(character)
        if used > width:
            kept = text[:position]
            while kept and columns(kept) > width - 1:
                kept = kept[:-1]
            return kept + "…"
    return text


def columns(text: str) -> int:
    """Return how many columns ``text`` takes in a fixed-width font."""
    return sum(
        0 if unicodedata.combining(character) else 2 if unicodedata.east_asian_width(character) in "WF" else 1
        for character in text
    )


def sentence(text: str, **values: object) -> Markup:
    """Fill a translated sentence: ``{...}`` become values, escaped; values that are Markup stay as they are."""
    return escape(unbroken(text)).format(**values)


def unbroken(text: str) -> str:
    """Return ``text`` with ``p < 0.05`` on one line."""
    return _P_VALUE.sub("p\u00a0\\1\u00a0", text)
