"""The app's name for Django, and what it listens to."""

from __future__ import annotations

from django.apps import AppConfig

from anmok.service.language import gettext_lazy


class AccountsConfig(AppConfig):
    """Roles, tokens, preferences, log."""

    name = "anmok.service.accounts"
    label = "accounts"
    verbose_name = gettext_lazy("accounts of programs, preferences and log")

    def ready(self) -> None:
        """Django calls it once all models are known."""
        from django.contrib.auth import get_user_model
        from django.db.models.signals import m2m_changed, post_migrate, post_save

        from anmok.service.accounts import log, preferences, roles
        from anmok.service.accounts.models import OwnerPreferences

        post_save.connect(preferences.forget, sender=OwnerPreferences, dispatch_uid="preferences")
        post_migrate.connect(roles.bring_up_to_date, sender=self, dispatch_uid="roles")
        m2m_changed.connect(roles.let_in, sender=get_user_model().groups.through, dispatch_uid="roles")
        log.watch()
