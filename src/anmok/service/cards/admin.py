"""Where a curator fills cards in."""

from __future__ import annotations

from functools import partial
from typing import Any

from django.contrib import admin
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.contenttypes.models import ContentType
from django.core.exceptions import PermissionDenied
from django.db.models import Count, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html

from anmok.i18n import _
from anmok.service.cards.classes import answering_classes
from anmok.service.cards.coverage import compare
from anmok.service.cards.forms import CardForm, NearbyForm, PhotoForm, encode_photos
from anmok.service.cards.import_page import import_page
from anmok.service.cards.models import Card, CardPhoto, Nearby
from anmok.service.cards.transfer.content import stored_cards
from anmok.service.cards.transfer.exporting import file_of, missing_cards
from anmok.service.cards.transfer.importing import Plan
from anmok.service.language import gettext_lazy

TYPES = {"csv": "text/csv; charset=utf-8", "json": "application/json"}


def preview(photo: CardPhoto | None, width: int) -> str:
    """Return a small picture that leads to the large one."""
    if photo is None or not photo.picture:
        return "–"
    return format_html(
        '<a href="{}"><img src="{}" width="{}" alt="{}"></a>',
        reverse("card_photo", args=[photo.picture]),
        reverse("card_photo_small", args=[photo.picture]),
        width,
        str(photo),
    )


class PhotoInline(admin.TabularInline):
    """Photos of a card, below it; the first represents it."""

    model = CardPhoto
    form = PhotoForm
    extra = 1
    readonly_fields = ("look",)
    fields = ("look", "photo", "order", "description_en", "description_ko", "credit")

    @admin.display(description=gettext_lazy("photo"))
    def look(self, photo: CardPhoto) -> str:
        """The photo itself."""
        return preview(photo, 120)


class NearbyInline(admin.TabularInline):
    """Places near a card, below it."""

    model = Nearby
    form = NearbyForm
    extra = 1


@admin.register(Card)
class CardAdmin(admin.ModelAdmin):
    """Cards by number; what classes and cards do not have in common; ways to and from files."""

    form = CardForm
    list_display = (
        "number",
        "look",
        "label",
        "name_en",
        "name_ko",
        "is_placed",
        "photo_count",
        "nearby_count",
        "known",
    )
    list_display_links = ("number", "label")
    search_fields = ("label", "name_en", "name_ko")
    inlines = (PhotoInline, NearbyInline)
    change_list_template = "cards_admin/list.djhtml"

    def get_queryset(self, request: HttpRequest) -> QuerySet[Card]:
        """Return cards with their counts."""
        cards = super().get_queryset(request).prefetch_related("photos")
        return cards.annotate(places=Count("nearby", distinct=True), pictures=Count("photos", distinct=True))

    @admin.display(description=gettext_lazy("photo"))
    def look(self, card: Card) -> str:
        """The representative photo."""
        return preview(card.photo, 64)

    @admin.display(description=gettext_lazy("position"), boolean=True)
    def is_placed(self, card: Card) -> bool:
        """Whether it has a position."""
        return card.latitude is not None and card.longitude is not None

    @admin.display(description=gettext_lazy("photos"), ordering="pictures")
    def photo_count(self, card: Any) -> int:
        """How many photos it has."""
        return int(card.pictures)

    @admin.display(description=gettext_lazy("places nearby"), ordering="places")
    def nearby_count(self, card: Any) -> int:
        """How many places lie near it."""
        return int(card.places)

    @admin.display(description=gettext_lazy("in the model"), boolean=True)
    def known(self, card: Card) -> bool:
        """Whether a model that answers knows its class."""
        return card.label in answering_classes()

    def view_on_site(self, card: Card) -> str:
        """Return the card's page."""
        return reverse("card", args=[card.number])

    def get_urls(self) -> list[URLPattern]:
        """Return the addresses of the admin's pages, with those of files in front."""
        view = self.admin_site.admin_view
        return [
            path("import/", view(partial(import_page, site=self)), name="cards_card_import"),
            path("export/<str:name>", view(self.export_named), name="cards_card_export"),
            *super().get_urls(),
        ]

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """List the cards; say first what is missing."""
        coverage = compare(answering_classes(), Card.objects.values_list("label", flat=True))
        values = {
            "coverage": coverage.sentences(),
            "missing": bool(coverage.without_card),
            "may_import": self.has_add_permission(request) and self.has_change_permission(request),
            "words": {
                "import": _("Import a file"),
                "csv": _("Export as CSV"),
                "json": _("Export as JSON"),
                "missing": _("A file with a card to fill in for each class that has none"),
            },
        }
        return super().changelist_view(request, {**values, **(extra_context or {})})

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """Show or take the form of a card."""
        if self.has_add_permission(request) or self.has_change_permission(request):
            encode_photos(request.FILES)
        return super().changeform_view(request, object_id, form_url, extra_context)

    def export_named(self, request: HttpRequest, name: str) -> HttpResponse:
        """Return all cards as a file; ``missing.csv``: cards to fill in instead."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        if name not in ("cards.csv", "cards.json", "missing.csv", "missing.json"):
            raise Http404
        cards = stored_cards()
        if name.startswith("missing"):
            cards = missing_cards(cards, answering_classes())
        response = HttpResponse(file_of(cards, name), content_type=TYPES[name.rpartition(".")[2]])
        response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
        return response

    def note_import(self, request: HttpRequest, name: str, plan: Plan) -> None:
        """Write into the admin's log who took which file."""
        LogEntry.objects.create(
            user_id=request.user.pk,
            content_type=ContentType.objects.get_for_model(Card),
            object_repr=name[:200],
            action_flag=CHANGE,
            change_message=plan.summary(done=True),
        )
