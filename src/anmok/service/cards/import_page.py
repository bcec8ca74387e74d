"""The admin's page that takes a file of cards: first it says what would change, then it changes that."""

from __future__ import annotations

import base64
from typing import Any

from django.contrib import admin, messages
from django.core import signing
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse

from anmok.errors import AnmokError
from anmok.i18n import _
from anmok.service.cards.forms import ImportForm
from anmok.service.cards.transfer.importing import Plan, import_cards

#: Bytes of a file; larger ones are for `anmok manage cards import`. It travels to the browser and back in a form.
MOST_BYTES = 1_500_000
#: Seconds that a look is worth: what is stored may be another by then, so it is looked at again while it is taken.
WORTH = 3600
_SALT = "anmok.cards.import"


def import_page(request: HttpRequest, site: admin.ModelAdmin) -> HttpResponse:
    """Show the form; look at a file; take one that was looked at."""
    if not (site.has_add_permission(request) and site.has_change_permission(request)):
        raise PermissionDenied
    if "content" in request.POST:
        return _take(request, site)
    form = ImportForm(request.POST or None, request.FILES or None)
    if request.method != "POST" or not form.is_valid():
        return _page(request, site, form)
    upload, replace = form.cleaned_data["file"], form.cleaned_data["replace"]
    if replace and not site.has_delete_permission(request):
        raise PermissionDenied
    if upload.size > MOST_BYTES:
        text = _("{path} has {size:,} bytes; at most {limit:,} are accepted.")
        return _page(request, site, form, [text.format(path=upload.name, size=upload.size, limit=MOST_BYTES)])
    data = upload.read()
    try:
        plan = import_cards(data, upload.name, replace=replace, dry_run=True)
    except AnmokError as error:
        return _page(request, site, form, error.message.splitlines())
    content = {"name": upload.name, "data": base64.b64encode(data).decode(), "replace": replace}
    return _page(request, site, ImportForm(), plan=plan, content=signing.dumps(content, salt=_SALT, compress=True))


def _take(request: HttpRequest, site: admin.ModelAdmin) -> HttpResponse:
    try:
        content = signing.loads(request.POST["content"], salt=_SALT, max_age=WORTH)
    except signing.BadSignature:
        return _page(request, site, ImportForm(), [_("That was too long ago. Choose the file again.")])
    if content["replace"] and not site.has_delete_permission(request):
        raise PermissionDenied
    try:
        plan = import_cards(base64.b64decode(content["data"]), content["name"], replace=content["replace"])
    except AnmokError as error:
        return _page(request, site, ImportForm(), error.message.splitlines())
    site.note_import(request, content["name"], plan)
    messages.success(request, plan.summary(done=True))
    return redirect("admin:cards_card_changelist")


def _page(
    request: HttpRequest,
    site: admin.ModelAdmin,
    form: ImportForm,
    problems: list[str] | None = None,
    *,
    plan: Plan | None = None,
    content: str = "",
) -> HttpResponse:
    values: dict[str, Any] = {
        **site.admin_site.each_context(request),
        "title": _("Cards from a file"),
        "opts": site.model._meta,
        "form": form,
        "problems": problems,
        "plan": plan,
        "summary": plan.summary(done=False) if plan else "",
        "content": content,
        "words": {
            "start": _("Start"),
            "cards": _("Cards"),
            "refused": _("The file was not taken. Nothing was changed."),
            "take": _("Do that"),
            "another": _("Another file"),
            "look": _("See what it would change"),
            "help": _(
                "Where a file has photos of a card, or places near it, they take the place of all that the card had. "
                "Photos are named by their hash; new ones are added in the form of the card."
            ),
        },
    }
    return TemplateResponse(request, "cards_admin/import.djhtml", values, status=422 if problems else 200)
