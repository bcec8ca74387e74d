"""Where staff looks at what came in, and the owner says what is kept."""

from __future__ import annotations

from django.contrib import admin
from django.http import HttpRequest

from anmok.service.uploads.models import KeepingRules, Upload


@admin.register(Upload)
class UploadAdmin(admin.ModelAdmin):
    """Uploads, newest first."""

    list_display = ("created", "label", "probability", "unknown", "model")
    list_filter = ("unknown", "label")
    readonly_fields = tuple(field.name for field in Upload._meta.fields)

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Tell that photos come in by the pages and the API alone: a row without one would be a lie."""
        return False


@admin.register(KeepingRules)
class KeepingRulesAdmin(admin.ModelAdmin):
    """The one row of rules."""

    list_display = ("consent", "days", "megabytes", "visitor_megabytes")

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Allow the first row only."""
        return super().has_add_permission(request) and not KeepingRules.objects.exists()
