"""Addresses of cards and their photos."""

from __future__ import annotations

from django.urls import path, re_path

from anmok.service.cards import views

urlpatterns = [
    path("", views.all_cards, name="cards"),
    path("<int:number>/", views.card, name="card"),
    re_path(r"^photos/(?P<picture>[0-9a-f]{64})\.jpg$", views.photo, name="card_photo"),
    re_path(r"^photos/(?P<picture>[0-9a-f]{64})\.small\.jpg$", views.small_photo, name="card_photo_small"),
]
