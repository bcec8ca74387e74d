"""The language that a person reads: gettext catalogues, chosen by context and never at import.

Messages are written in English in the code and wrapped in ``_()``; ``locale/ko`` holds the Korean.
``_`` looks the text up when it is called, so one process can speak both languages (a Korean report
made from an English terminal, a web service that answers each visitor in their own).
"""

from __future__ import annotations

import functools
import gettext as _gettext
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path

LANGUAGES = ("en", "ko")
LOCALE_DIR = Path(__file__).parent / "locale"

_language: ContextVar[str | None] = ContextVar("anmok_language", default=None)


def language_of(environment: Mapping[str, str] = os.environ) -> str:
    """Return ``"ko"`` or ``"en"``, as the environment asks for: ANMOK_LANG, then the locale's variables."""
    for name in ("ANMOK_LANG", "LANGUAGE", "LC_ALL", "LC_MESSAGES", "LANG"):
        value = environment.get(name, "").lower()
        if value:
            return "ko" if value.startswith("ko") else "en"
    return "en"


def current_language() -> str:
    """Return the language of this context: what ``use_language`` set, else what the environment says."""
    return _language.get() or language_of()


@contextmanager
def use_language(language: str) -> Iterator[None]:
    """Speak ``language`` (one of ``LANGUAGES``) inside the ``with`` block."""
    if language not in LANGUAGES:
        raise ValueError(f"language {language!r} is not known; choose one of {', '.join(LANGUAGES)}")
    token = _language.set(language)
    try:
        yield
    finally:
        _language.reset(token)


def speak(language: str) -> None:
    """Speak ``language`` in this thread from now on: the ``initializer`` of a pool whose threads make sentences."""
    _language.set(language)


@functools.cache
def _catalogue(language: str) -> _gettext.NullTranslations:
    return _gettext.translation("anmok", LOCALE_DIR, languages=[language], fallback=True)


def gettext(message: str) -> str:
    """Return ``message`` in the current language; itself where no translation is known."""
    return _catalogue(current_language()).gettext(message)


def ngettext(singular: str, plural: str, n: int) -> str:
    """Return the form of the message that fits the number ``n``, in the current language."""
    return _catalogue(current_language()).ngettext(singular, plural, n)


def marked(message: str) -> str:
    """Return ``message`` as it is: a text that the catalogue must know, and that is looked up when it is shown.

    Imported as ``_`` where constants are made at import, when nobody has chosen a language yet.
    """
    return message


_ = gettext
