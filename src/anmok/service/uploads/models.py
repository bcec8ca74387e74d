"""A kept photo and what the model said of it; and the owner's rules for keeping photos."""

from __future__ import annotations

import uuid
from typing import Any

from django.db import models

from anmok.i18n import current_language
from anmok.records import Prediction
from anmok.service.language import gettext_lazy


class Upload(models.Model):
    """One photo that a visitor gave.

    ``picture`` is the SHA-256 of what is kept (re-encoded, without metadata), ``original`` that of what came. The
    identifier is drawn at random, so a result's address cannot be guessed. Where it was taken is kept only if the
    visitor agreed, and told to nobody. ``visitor`` is a keyed hash of who gave it (``consent``), ``bytes`` the size of
    what is kept; a photo that was given twice counts twice.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    created = models.DateTimeField(gettext_lazy("received"), auto_now_add=True, db_index=True)
    picture = models.CharField(gettext_lazy("hash of what is kept"), max_length=64, db_index=True)
    original = models.CharField(gettext_lazy("hash of what came"), max_length=64)
    name = models.CharField(gettext_lazy("file name"), max_length=255, blank=True)
    bytes = models.PositiveIntegerField(gettext_lazy("bytes"), default=0)
    visitor = models.CharField(gettext_lazy("hash of who gave it"), max_length=64, blank=True, db_index=True)
    width = models.PositiveIntegerField()
    height = models.PositiveIntegerField()
    model = models.CharField(gettext_lazy("model"), max_length=255)
    label = models.CharField(gettext_lazy("class"), max_length=255, db_index=True)
    index = models.PositiveIntegerField()
    probability = models.FloatField(gettext_lazy("probability"))
    unknown = models.BooleanField(gettext_lazy("none of these"))
    top = models.JSONField(default=list)
    latitude = models.FloatField(gettext_lazy("latitude"), null=True, blank=True)
    longitude = models.FloatField(gettext_lazy("longitude"), null=True, blank=True)

    class Meta:
        ordering = ("-created",)
        verbose_name = gettext_lazy("upload")
        verbose_name_plural = gettext_lazy("uploads")

    def __str__(self) -> str:
        return str(self.id)

    def take(self, prediction: Prediction, *, model: str) -> None:
        """Note what the model said; the caller saves."""
        values: dict[str, Any] = prediction.to_json()
        self.label, self.index = values["class"], values["index"]
        self.probability, self.unknown, self.top = values["probability"], values["unknown"], values["top"]
        self.model = model


class KeepingRules(models.Model):
    """What becomes of photos that are given. There is one row, or none: then what stands here as defaults.

    ``days`` and the quotas (megabytes) are without end where they are empty.
    """

    class Consent(models.TextChoices):
        """How visitors agree."""

        NOTICE = "notice", gettext_lazy("A notice stands beside the form: who gives a photo agrees.")
        ASK = "ask", gettext_lazy("Visitors tick that they agree; other photos are answered and forgotten.")
        NEVER = "never", gettext_lazy("Nothing is kept: photos are answered and forgotten.")

    id = models.PositiveSmallIntegerField(primary_key=True, default=1, editable=False)
    consent = models.CharField(gettext_lazy("consent"), max_length=10, choices=Consent, default=Consent.NOTICE)
    text_en = models.TextField(gettext_lazy("your words beside the form, in English"), blank=True)
    text_ko = models.TextField(gettext_lazy("your words beside the form, in Korean"), blank=True)
    days = models.PositiveIntegerField(gettext_lazy("days that photos are kept"), null=True, blank=True)
    megabytes = models.PositiveIntegerField(gettext_lazy("megabytes of all photos together"), null=True, blank=True)
    visitor_megabytes = models.PositiveIntegerField(
        gettext_lazy("megabytes of each visitor's photos together"), null=True, blank=True
    )

    class Meta:
        verbose_name = gettext_lazy("rules for keeping photos")
        verbose_name_plural = gettext_lazy("rules for keeping photos")
        constraints = (models.CheckConstraint(condition=models.Q(pk=1), name="one_row_of_rules"),)

    def __str__(self) -> str:
        return str(self.get_consent_display())

    @classmethod
    def current(cls) -> KeepingRules:
        """Return the rules that hold now."""
        return cls.objects.filter(pk=1).first() or cls(pk=1)

    @property
    def text(self) -> str:
        """The owner's words in the reader's language; the other ones where they are missing."""
        return (current_language() == "ko" and self.text_ko) or self.text_en or self.text_ko
