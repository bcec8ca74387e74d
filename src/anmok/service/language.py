"""Each visitor is answered in their language: what they chose, else what their browser asks for."""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.utils import translation
from django.utils.cache import patch_vary_headers
from django.utils.functional import lazy

from anmok.i18n import LANGUAGES, gettext, use_language

#: The cookie that keeps a visitor's choice, and for how many seconds.
COOKIE, SECONDS = "anmok_language", 365 * 24 * 3600


def _text(message: str) -> str:
    # Django speaks no language while it writes migrations, which shall be the same on every machine.
    return message if translation.get_language() is None else gettext(message)


#: As Django's function of that name, but from Anmok's catalogue: for names of models and fields, which the admin shows.
gettext_lazy = lazy(_text, str)


class VisitorsLanguage:
    """Middleware: sets the language of Anmok's texts and of Django's."""

    def __init__(self, respond: Callable[[HttpRequest], HttpResponse]) -> None:
        self._respond = respond

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer a request."""
        language = chosen_language(request)
        with use_language(language), translation.override(language):
            request.LANGUAGE_CODE = language
            response = self._respond(request)
        response.headers.setdefault("Content-Language", language)
        if not response.headers.get("Content-Type", "").startswith("image/"):
            # Whoever stores it in between shall not give it to those who read another language.
            patch_vary_headers(response, ("Accept-Language", "Cookie"))
        return response


def chosen_language(request: HttpRequest) -> str:
    """Return ``"en"`` or ``"ko"``."""
    chosen = request.COOKIES.get(COOKIE, "")
    if chosen in LANGUAGES:
        return chosen
    return translation.get_language_from_request(request)[:2]
