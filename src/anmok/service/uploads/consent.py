"""Whether a photo may be kept: what its giver agreed to, and whether there is room for it."""

from __future__ import annotations

from dataclasses import dataclass

from django.conf import settings
from django.db.models import Sum
from django.http import HttpRequest
from django.utils.crypto import salted_hmac

from anmok.i18n import _, ngettext
from anmok.service.limits.address import client_address, network_of
from anmok.service.uploads.models import KeepingRules, Upload

#: The form's field that says that a photo may be kept, and the value that means yes.
FIELD, YES = "keep", "yes"
_SALT = "anmok.service.uploads.visitor"


@dataclass(frozen=True, slots=True)
class Giver:
    """Who gives a photo: a keyed hash, so that no address is stored; and whether they said that it may be kept."""

    visitor: str = ""
    agrees: bool = False


@dataclass(frozen=True, slots=True)
class Beside:
    """What stands beside the form: the owner's text, what becomes of a photo, and whether that is to be ticked."""

    text: str
    notice: str
    asks: bool


def beside_form() -> Beside:
    """Return what a page shows where photos are given."""
    rules = KeepingRules.current()
    return Beside(rules.text, notice(rules), rules.consent == KeepingRules.Consent.ASK)


def giver_of(request: HttpRequest) -> Giver:
    """Return who gives a photo: the account that is logged in or that a token acts for, else the address."""
    if hasattr(request, "token"):
        # A program asks (``api.access``): cookies count for nothing there.
        user = request.token.account if request.token is not None else None
    else:
        user = getattr(request, "user", None)
    if user is not None and user.is_authenticated:
        who = f"account {user.pk}"
    else:
        who = f"address {network_of(client_address(request))}"
    visitor = salted_hmac(_SALT, who, secret=settings.SECRET_KEY, algorithm="sha256").hexdigest()
    # A program that sends a photo as the whole body says it in the address.
    return Giver(visitor, YES in (request.POST.get(FIELD), request.GET.get(FIELD)))


def why_forgotten(rules: KeepingRules, giver: Giver, size: int) -> str:
    """Return why a photo of so many bytes is not kept, for its giver; empty: it may be kept.

    Photos that come at the same moment do not see each other, so that a quota can be passed by as many of them as the
    service answers at once.
    """
    if rules.consent == KeepingRules.Consent.NEVER:
        return _("This service keeps no photos: yours was looked at and forgotten.")
    if rules.consent == KeepingRules.Consent.ASK and not giver.agrees:
        return _("You did not ask to keep this photo: it was looked at and forgotten.")
    if _is_full(rules.visitor_megabytes, size, visitor=giver.visitor):
        return _("Your photos here are {size} MB, and no more are kept: this one was looked at and forgotten.").format(
            size=rules.visitor_megabytes
        )
    if _is_full(rules.megabytes, size):
        return _("The service has no room for more photos: this one was looked at and forgotten.")
    return ""


def notice(rules: KeepingRules) -> str:
    """Return what becomes of a photo, for whoever is about to give it. Under ``ASK`` it is what they agree to."""
    if rules.consent == KeepingRules.Consent.NEVER:
        return _("Photos are looked at and forgotten.")
    if rules.consent == KeepingRules.Consent.ASK:
        if rules.days is None:
            return _("Keep my photo until I delete it. Otherwise it is looked at and forgotten.")
        return ngettext(
            "Keep my photo for {days} day. Otherwise it is looked at and forgotten.",
            "Keep my photo for {days} days. Otherwise it is looked at and forgotten.",
            rules.days,
        ).format(days=rules.days)
    if rules.days is None:
        return _("Photos are kept, without their metadata, until you delete them. By giving one you agree.")
    return ngettext(
        "Photos are kept, without their metadata, for {days} day. By giving one you agree.",
        "Photos are kept, without their metadata, for {days} days. By giving one you agree.",
        rules.days,
    ).format(days=rules.days)


def _is_full(megabytes: int | None, size: int, **whose: str) -> bool:
    if megabytes is None:
        return False
    kept = Upload.objects.filter(**whose).aggregate(sum=Sum("bytes"))["sum"] or 0
    return bool(kept + size > megabytes * 2**20)
