"""Licences by their codes: what sources call them, what people call them, and where their text stands."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import takewhile

from anmok.errors import UsageError
from anmok.i18n import _

#: Codes as Openverse and Creative Commons write them.
CODES = ("cc0", "pdm", "by", "by-sa", "by-nd", "by-nc", "by-nc-sa", "by-nc-nd")
#: Of sites with licences of their own, and what other sources name: free, but not under one of the codes above.
OTHERS = ("unsplash", "pexels", "pixabay", "no-known-restrictions", "us-government", "other-free")

_PUBLIC = {
    "cc0": ("CC0 1.0", "https://creativecommons.org/publicdomain/zero/1.0/"),
    "pdm": ("Public Domain Mark 1.0", "https://creativecommons.org/publicdomain/mark/1.0/"),
    "unsplash": ("Unsplash License", "https://unsplash.com/license"),
    "pexels": ("Pexels License", "https://www.pexels.com/license/"),
    "pixabay": ("Pixabay Content License", "https://pixabay.com/service/license-summary/"),
    "no-known-restrictions": ("No known copyright restrictions", "https://www.flickr.com/commons/usage/"),
    "us-government": ("United States Government Work", "https://www.usa.gov/government-copyright"),
}
#: Words and versions in the name of a licence; the words that, after "by", make its code.
_PARTS, _VERSION = re.compile(r"[a-z]+|\d\.\d"), re.compile(r"\d\.\d")
_ELEMENTS = frozenset({"by", "nc", "nd", "sa"})


@dataclass(frozen=True, slots=True)
class Licence:
    """A licence.

    Attributes:
        code: one of ``CODES`` or ``OTHERS``; ``""`` is unknown, which means that all rights are reserved.
        name: for people (``"CC BY-SA 4.0"``). url: of its text; ``""`` where it has none.
    """

    code: str
    name: str
    url: str = ""


UNKNOWN = Licence("", "")


def licence(code: str, version: str = "", url: str = "") -> Licence:
    """Return the licence of a code and a version; an unknown code is kept as the name of an unknown licence."""
    code = code.strip().lower().removeprefix("cc-")
    if code in _PUBLIC:
        name, home = _PUBLIC[code]
        return Licence(code, name, _safe(url) or home)
    if code in CODES:
        version = version if re.fullmatch(r"\d\.\d", version) else ""
        name = f"CC {code.upper()} {version}".strip()
        return Licence(code, name, _safe(url) or f"https://creativecommons.org/licenses/{code}/{version or '4.0'}/")
    return Licence("", code[:80], _safe(url))


def licence_of_name(name: str, url: str = "") -> Licence:
    """Return the licence that people call ``CC BY-SA 4.0``, ``CC0``, ``Public domain``."""
    text = " ".join(name.lower().replace("_", "-").split())
    if not text:
        return UNKNOWN
    if "cc0" in text or "cc-zero" in text:
        return licence("cc0", url=url)
    if "public domain" in text or text.startswith(("pd-", "pd ")) or text == "pd":
        return Licence("pdm", name.strip()[:80], _safe(url))
    code, version = _code_of_name(text)
    return licence(code, version, url) if code else Licence("", name.strip()[:80], _safe(url))


def _code_of_name(text: str) -> tuple[str, str]:
    """Return code and version of ``cc by-nc-sa 4.0``, in whatever order and with whatever between the words.

    An unknown word before the version makes it unknown (two empty texts): it may be a condition.
    """
    words = _PARTS.findall(text)
    words = words[1:] if words[:1] == ["cc"] else words
    elements = list(takewhile(_ELEMENTS.__contains__, words))
    version, *rest = [*words[len(elements) :], ""]
    if "by" not in elements or {"nd", "sa"} <= {*elements} or _ELEMENTS & {*rest}:
        return "", ""
    if version and not _VERSION.fullmatch(version):
        return "", ""
    return "-".join(["by", *(part for part in ("nc", "nd", "sa") if part in elements)]), version


def check_codes(codes: Sequence[str]) -> tuple[str, ...]:
    """Return the codes in lower case, each once.

    Raises:
        UsageError: there is no such licence.
    """
    known = (*CODES, *OTHERS)
    cleaned = tuple(dict.fromkeys(code.strip().lower().removeprefix("cc-") for code in codes if code.strip()))
    for code in cleaned:
        if code not in known:
            raise UsageError(
                _("The licence {name} is not known; known are {names}.").format(name=code, names=", ".join(known))
            )
    return cleaned


def _safe(url: str) -> str:
    """Return the address where it can be put into a link, and none else: it comes from outside."""
    if url.startswith("//"):
        url = "https:" + url
    return url if re.match(r"https?://[^\s\"'<>]+\Z", url) else ""
