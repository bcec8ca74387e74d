"""The Jinja environment of the pages: gettext, addresses, and the formats of figures."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.templatetags.static import static
from django.urls import reverse
from jinja2 import Environment, StrictUndefined

import anmok
from anmok.i18n import current_language, gettext, ngettext
from anmok.service.accounts.access import logged_in


def environment(**options: Any) -> Environment:
    """Return the environment that Django asks for; ``options`` are its own."""
    # Models are known by the time that Django asks, and not when it reads this file.
    from anmok.service.uploads.consent import beside_form

    made = Environment(**{**options, "undefined": StrictUndefined, "autoescape": True})  # noqa: S701 - it is True
    made.globals.update(
        _=gettext,
        gettext=gettext,
        ngettext=ngettext,
        language=current_language,
        static=static,
        logged_in=logged_in,
        url=_url,
        beside_form=beside_form,
        version=anmok.__version__,
        most_photos=settings.DATA_UPLOAD_MAX_NUMBER_FILES,
        most_photo_bytes=settings.MOST_PHOTO_BYTES,
        most_request_bytes=settings.MOST_REQUEST_BYTES,
    )
    made.filters.update(percent=percent, metres=metres)
    return made


def percent(probability: float) -> str:
    """Return ``97%``; what is not certain is never written as 100%, what is possible never as 0%."""
    rounded = round(100 * probability)
    if rounded >= 100 and probability < 1:
        return "> 99%"
    if rounded <= 0 < probability:
        return "< 1%"
    return f"{rounded}%"


def metres(distance: float) -> str:
    """Return a distance in metres as ``240 m``, ``1.2 km`` or ``83 km``: no finer than a camera's position is."""
    if distance < 995:
        return f"{round(distance, -1):.0f} m"
    return f"{distance / 1000:.1f} km" if distance < 9950 else f"{distance / 1000:,.0f} km"


def _url(name: str, *parts: object) -> str:
    return reverse(name, args=parts)
