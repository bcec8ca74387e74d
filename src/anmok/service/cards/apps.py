"""The app's name for Django."""

from __future__ import annotations

from django.apps import AppConfig


class CardsConfig(AppConfig):
    """Cards and places near them."""

    name = "anmok.service.cards"
    label = "cards"

    def ready(self) -> None:
        """Django calls it once all models are known."""
        from django.db.models.signals import post_delete

        from anmok.service.cards.models import CardPhoto
        from anmok.service.cards.photos import remove_picture

        # Rows go with their card, one by one or many at once: the photo goes with the last row that names it.
        post_delete.connect(remove_picture, sender=CardPhoto, dispatch_uid="remove_card_picture")
