"""Logging in and out, for staff and members alike."""

from __future__ import annotations

from typing import Any

from django.contrib.auth import views
from django.contrib.auth.forms import AuthenticationForm
from django.http import HttpResponse
from django.urls import reverse

from anmok.service.accounts.browsers import know


class Login(views.LoginView):
    """The page of the login. The admin's own leads here."""

    template_name = "login.html"

    def form_valid(self, form: AuthenticationForm) -> HttpResponse:
        """Log in, and let the browser remember that this account did."""
        response = super().form_valid(form)
        know(response, form.get_user().pk)
        return response

    def get_default_redirect_url(self) -> str:
        """Return where to go: staff to its work, others to the search bar."""
        return reverse("admin:index" if self.request.user.is_staff else "home")

    def get_context_data(self, **more: Any) -> dict[str, Any]:
        """Return what the page shows."""
        user = self.request.user
        name = user.get_username() if user.is_authenticated else ""
        return {**super().get_context_data(**more), "name": name, "next": self.get_redirect_url()}


class Logout(views.LogoutView):
    """Ends a visit; by a form alone, so that no other page can do it."""

    next_page = "home"
