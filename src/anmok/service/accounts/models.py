"""Tokens of programs, the owner's preferences, and the log of what was done."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.db import models
from django.utils import timezone

from anmok.service.accounts.preferences import Preferences
from anmok.service.accounts.scopes import NEEDED
from anmok.service.language import gettext_lazy

_DEFAULT = Preferences()


class OwnerPreferences(models.Model):
    """The one row of the owner's preferences; ``preferences()`` reads it."""

    visitors = models.BooleanField(
        gettext_lazy("visitors may identify photos"),
        default=_DEFAULT.visitors,
        help_text=gettext_lazy("If not, one must log in, and programs need a token for everything."),
    )
    photos_per_address = models.PositiveIntegerField(
        gettext_lazy("photos a minute from one address"),
        default=_DEFAULT.photos_per_address,
        help_text=gettext_lazy("So many at once, too. 0: any number."),
    )
    photos_per_token = models.PositiveIntegerField(
        gettext_lazy("photos a minute with one token"), default=_DEFAULT.photos_per_token
    )
    requests_per_address = models.PositiveIntegerField(
        gettext_lazy("other requests of programs a minute from one address"), default=_DEFAULT.requests_per_address
    )
    requests_per_token = models.PositiveIntegerField(
        gettext_lazy("other requests of programs a minute with one token"), default=_DEFAULT.requests_per_token
    )
    log_days = models.PositiveIntegerField(
        gettext_lazy("days that the log is kept"),
        default=_DEFAULT.log_days,
        help_text=gettext_lazy("`anmok manage prune` removes what is older. 0: for ever."),
    )

    class Meta:
        verbose_name = verbose_name_plural = gettext_lazy("preferences")

    def __str__(self) -> str:
        return str(self._meta.verbose_name)

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Keep it; there is one row."""
        self.pk = 1
        super().save(*args, **kwargs)


class Token(models.Model):
    """What lets a program in. Of the token itself the hash is kept, and a beginning by which people recognise it.

    ``account`` is whom it acts for; without one, which only the command line makes, its scopes are all that counts.
    """

    name = models.CharField(gettext_lazy("name"), max_length=100, help_text=gettext_lazy("What uses it, and where."))
    account = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.CASCADE,
        null=True,
        blank=True,
        related_name="tokens",
        verbose_name=gettext_lazy("account"),
    )
    beginning = models.CharField(gettext_lazy("beginning"), max_length=20, editable=False)
    digest = models.CharField(max_length=64, unique=True, editable=False)
    scopes = models.JSONField(gettext_lazy("scopes"), default=list)
    created = models.DateTimeField(gettext_lazy("made"), auto_now_add=True)
    expires = models.DateTimeField(gettext_lazy("ends"), null=True, blank=True)
    revoked = models.DateTimeField(gettext_lazy("revoked"), null=True, editable=False)
    used = models.DateTimeField(gettext_lazy("last used"), null=True, editable=False)

    class Meta:
        ordering = ("-created",)
        verbose_name = gettext_lazy("token")
        verbose_name_plural = gettext_lazy("tokens")

    def __str__(self) -> str:
        return f"{self.name} ({self.beginning}…)"

    @property
    def holds(self) -> bool:
        """Whether it lets in: not revoked, not ended, its account not closed."""
        return (
            self.revoked is None
            and (self.expires is None or self.expires > timezone.now())
            and (self.account is None or self.account.is_active)
        )

    def allows(self, scope: models.TextChoices) -> bool:
        """Tell whether it was made for that, and its account may do that."""
        return scope in self.scopes and (self.account is None or self.account.has_perms(NEEDED[scope]))


class Unchangeable(models.QuerySet["Entry"]):
    """Entries of the log: they are written once, and removed by ``pruning`` alone."""

    def update(self, **_values: Any) -> int:
        """Refuse."""
        raise TypeError("entries of the log are not changed")

    def delete(self) -> tuple[int, dict[str, int]]:
        """Refuse."""
        raise TypeError("entries of the log are not deleted; `anmok manage prune` removes old ones")


class Entry(models.Model):
    """One thing that was done. It names what it is about in words, so that it outlives that.

    Attributes:
        actor: the account's name, or that of a token, or ``visitor``, or the command line's user.
        account: the account's number at that time; no key of another table, so that nothing changes an entry.
        via: how it came.
        address: whom a request came from.
        kind, target, title: which table's row, its key, and what it is called.
        changes: by field ``[before, after]``; of what is secret only that it changed.
    """

    class Via(models.TextChoices):
        """How something was done."""

        PAGE = "page", gettext_lazy("page")
        ADMIN = "admin", gettext_lazy("admin")
        API = "api", gettext_lazy("API")
        COMMAND = "command", gettext_lazy("command line")

    class Action(models.TextChoices):
        """What was done."""

        CREATED = "created", gettext_lazy("created")
        CHANGED = "changed", gettext_lazy("changed")
        DELETED = "deleted", gettext_lazy("deleted")
        REVOKED = "revoked", gettext_lazy("revoked")
        LOGGED_IN = "logged in", gettext_lazy("logged in")
        LOGGED_OUT = "logged out", gettext_lazy("logged out")
        LOGIN_FAILED = "login failed", gettext_lazy("login failed")
        PRUNED = "pruned", gettext_lazy("pruned")

    created = models.DateTimeField(gettext_lazy("when"), default=timezone.now, db_index=True)
    actor = models.CharField(gettext_lazy("who"), max_length=200)
    account = models.BigIntegerField(gettext_lazy("account number"), null=True)
    via = models.CharField(gettext_lazy("how"), max_length=10, choices=Via)
    address = models.CharField(gettext_lazy("address"), max_length=45, blank=True)
    action = models.CharField(gettext_lazy("what"), max_length=20, choices=Action)
    kind = models.CharField(gettext_lazy("kind"), max_length=50)
    target = models.CharField(gettext_lazy("number"), max_length=64, blank=True)
    title = models.CharField(gettext_lazy("of what"), max_length=200, blank=True)
    changes = models.JSONField(gettext_lazy("changes"), default=dict)

    objects = Unchangeable.as_manager()

    class Meta:
        ordering = ("-id",)
        default_permissions = ("view",)
        verbose_name = gettext_lazy("log entry")
        verbose_name_plural = gettext_lazy("log")

    def __str__(self) -> str:
        return f"{self.actor}: {self.action} {self.kind} {self.title}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Write a new entry; one that was written is not changed."""
        if not self._state.adding:
            raise TypeError("entries of the log are not changed")
        super().save(*args, **{**kwargs, "force_insert": True})

    def delete(self, *_args: Any, **_kwargs: Any) -> tuple[int, dict[str, int]]:
        """Refuse."""
        raise TypeError("entries of the log are not deleted; `anmok manage prune` removes old ones")
