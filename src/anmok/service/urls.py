"""The addresses of the service."""

from __future__ import annotations

from django.contrib import admin
from django.urls import include, path

from anmok.service.api.routes import api, try_page

urlpatterns = [
    path("", include("anmok.service.identify.urls")),
    path("cards/", include("anmok.service.cards.urls")),
    path("", include("anmok.service.accounts.urls")),
    path("api/v1/docs/try", try_page, name="api_try"),
    path("api/v1/", api.urls),
    path("admin/", admin.site.urls),
]

handler400 = "anmok.service.refusals.bad_request"
handler403 = "anmok.service.refusals.forbidden"
handler404 = "anmok.service.refusals.not_found"
handler500 = "anmok.service.refusals.broken"
