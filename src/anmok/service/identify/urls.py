"""Addresses of the pages."""

from __future__ import annotations

from django.urls import path, register_converter

from anmok.service.hosting.addresses import ModelName
from anmok.service.identify import views

register_converter(ModelName, "model")

urlpatterns = [
    path("", views.home, name="home"),
    path("identify/", views.give, name="identify"),
    path("m/<model:model>/", views.home, name="model_home"),
    path("m/<model:model>/identify/", views.give, name="model_identify"),
    path("r/<uuid:number>/", views.result, name="result"),
    path("r/<uuid:number>/photo.jpg", views.photo, name="photo"),
    path("r/<uuid:number>/where.png", views.heat_map, name="heat_map"),
    path("r/<uuid:number>/delete/", views.delete, name="delete"),
    path("language/", views.set_language, name="language"),
]
