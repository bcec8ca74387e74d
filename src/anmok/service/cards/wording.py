"""What a single value of a card may be, and the words for one that is not: the same in the admin and in files.

Nothing here knows of Django or of a file: a value in, the value as it is stored out, or ``Unwanted``.
"""

from __future__ import annotations

import math
import re
import unicodedata
from dataclasses import dataclass
from urllib.parse import urlsplit

from anmok.i18n import _

#: Characters of names and labels, of links and of descriptions; the largest number of a class.
MOST_NAME, MOST_LINK, MOST_DESCRIPTION, MOST_NUMBER = 255, 1000, 20_000, 999_999
#: Degrees.
MOST_LATITUDE, MOST_LONGITUDE = 90.0, 180.0
#: Characters of a value that a message repeats.
SHOWN = 60
#: What no text may hold: they show nothing, and some databases refuse them. Lone surrogates are no text at all.
_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\ud800-\udfff]")


class Unwanted(ValueError):
    """A value that cannot be taken: what came and what was wanted, in the reader's language."""

    def __init__(self, came: str, wanted: str) -> None:
        super().__init__(f"{came} {wanted}")
        self.came, self.wanted = came, wanted


@dataclass(frozen=True, slots=True)
class PairProblem:
    """What is wrong with two fields together: the field to change, what came and what was wanted."""

    field: str
    came: str
    wanted: str


def shown(value: object) -> str:
    """Return a value as a message repeats it: quoted, short, on one line."""
    text = _CONTROLS.sub("\N{REPLACEMENT CHARACTER}", str(value)).replace("\n", "⏎").replace("\t", " ")
    return f"“{text[:SHOWN]}…”" if len(text) > SHOWN else f"“{text}”"


def came(value: object) -> str:
    """Return the sentence that says what came."""
    return _("{value} came.").format(value=shown(value)) if value not in ("", None) else _("Nothing came.")


def as_text(value: str, *, most: int, lines: bool = False) -> str:
    """Return a text as it is stored: composed (NFC), without space at its ends, with ``\\n`` between lines.

    Args:
        most: characters that it may have.
        lines: whether it may have several lines.

    Raises:
        Unwanted: too long, or with characters that are no text.
    """
    text = unicodedata.normalize("NFC", value.replace("\r\n", "\n").replace("\r", "\n")).strip()
    if not lines and "\n" in text:
        raise Unwanted(came(text), _("One line is wanted."))
    found = _CONTROLS.search(text)
    if found is not None:
        raise Unwanted(
            _("The character U+{code:04X} came, which shows nothing.").format(code=ord(found[0])),
            _("Letters, digits and signs are wanted."),
        )
    if len(text) > most:
        raise Unwanted(
            _("{count:,} characters came ({value}).").format(count=len(text), value=shown(text)),
            _("At most {most:,} are wanted.").format(most=most),
        )
    return text


def as_number(value: object) -> int:
    """Return the number of a class.

    Raises:
        Unwanted: none, negative or too large.
    """
    wanted = _("A whole number from 0 to {most:,} is wanted.").format(most=MOST_NUMBER)
    if isinstance(value, bool) or not isinstance(value, int | str):
        raise Unwanted(came(value), wanted)
    if isinstance(value, str):
        if not re.fullmatch(r"[0-9]{1,6}", value.strip(), re.ASCII):
            raise Unwanted(came(value), wanted)
        value = int(value)
    if not 0 <= value <= MOST_NUMBER:
        raise Unwanted(came(value if abs(value) < 10**SHOWN else "…"), wanted)
    return value


def as_latitude(value: object) -> float | None:
    """Return degrees north, or None where nothing came.

    Raises:
        Unwanted: no number, or none from -90 to 90.
    """
    return _degrees(value, MOST_LATITUDE, _("A latitude from -90 to 90 is wanted, for example 33.306."))


def as_longitude(value: object) -> float | None:
    """Return degrees east, or None where nothing came.

    Raises:
        Unwanted: no number, or none from -180 to 180.
    """
    return _degrees(value, MOST_LONGITUDE, _("A longitude from -180 to 180 is wanted, for example 126.29."))


def as_link(value: str) -> str:
    """Return an address of the web, or "".

    Raises:
        Unwanted: it is none, or of another kind than http and https.
    """
    text = as_text(value, most=MOST_LINK)
    if not text:
        return ""
    wanted = _("An address that begins with https:// or http:// is wanted.")
    try:
        parts = urlsplit(text)
        whole = parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port or 1) > 0
    except ValueError:
        whole = False
    if not whole or re.search(r"\s", text):
        raise Unwanted(came(text), wanted)
    return text


def pair_problem(name_en: str, name_ko: str, latitude: float | None, longitude: float | None) -> PairProblem | None:
    """Return what is wrong with names and position together, or None."""
    if not name_en and not name_ko:
        return PairProblem("name_en", _("No name came."), _("One in English or in Korean is wanted."))
    if (latitude is None) != (longitude is None):
        missing = "latitude" if latitude is None else "longitude"
        return PairProblem(missing, _("Half a position came."), _("Latitude and longitude are wanted, or neither."))
    return None


def _degrees(value: object, most: float, wanted: str) -> float | None:
    if value is None or (isinstance(value, str) and not value.strip()):
        return None
    degrees = math.nan
    if isinstance(value, int | float) and not isinstance(value, bool):
        degrees = float(value) if abs(value) < 1e9 else math.inf
    elif isinstance(value, str) and re.fullmatch(r"[+-]?[0-9]{1,4}(\.[0-9]{0,20})?(e-[0-9]{1,3})?", value.strip()):
        degrees = float(value)
    if not -most <= degrees <= most:
        if most == MOST_LATITUDE and most < abs(degrees) <= MOST_LONGITUDE:
            wanted += " " + _("Are latitude and longitude swapped?")
        raise Unwanted(came(value), wanted)
    return degrees
