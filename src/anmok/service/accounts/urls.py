"""Addresses of the login."""

from __future__ import annotations

from django.urls import path

from anmok.service.accounts.views import Login, Logout

urlpatterns = [
    path("login/", Login.as_view(), name="login"),
    path("logout/", Logout.as_view(), name="logout"),
    # Before the admin's own, so that there is one place where passwords are taken.
    path("admin/login/", Login.as_view(), name="admin_login"),
]
