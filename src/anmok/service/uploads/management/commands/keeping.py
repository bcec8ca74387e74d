"""``anmok manage keeping``: what becomes of photos that are given, for whoever has no browser at hand."""

from __future__ import annotations

from argparse import ArgumentParser, ArgumentTypeError
from typing import Any

from django.core.management.base import BaseCommand

from anmok.i18n import _
from anmok.service.uploads.consent import notice
from anmok.service.uploads.models import KeepingRules

#: The word for "without end", and the largest number that is taken: so many days are 2700 years.
FOR_EVER, MOST = "none", 1_000_000


class Command(BaseCommand):
    """Shows and changes the rules for keeping photos; the same ones as in the admin."""

    @property
    def help(self) -> str:
        """What ``anmok manage help keeping`` says."""
        return _(
            "Show or change what becomes of photos: how visitors agree, how long photos stay, how much there may be."
        )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Add an option for each rule."""
        parser.add_argument(
            "--consent",
            choices=KeepingRules.Consent.values,
            help=_("notice: who gives a photo agrees; ask: visitors tick that they agree; never: nothing is kept."),
        )
        parser.add_argument("--text-en", help=_("Your words beside the form, in English."))
        parser.add_argument("--text-ko", help=_("Your words beside the form, in Korean."))
        parser.add_argument("--days", type=_number, help=_("Days that photos are kept; none: until they are deleted."))
        parser.add_argument("--megabytes", type=_number, help=_("Megabytes of all photos together; none: no limit."))
        parser.add_argument(
            "--visitor-megabytes", type=_number, help=_("Megabytes of each visitor's photos; none: no limit.")
        )

    def handle(self, *_words: Any, **options: Any) -> None:
        """Change what was named, and show all."""
        rules = KeepingRules.current()
        names = ("consent", "text_en", "text_ko", "days", "megabytes", "visitor_megabytes")
        changed = {name: options[name] for name in names if options[name] is not None}
        for name, value in changed.items():
            setattr(rules, name, None if value == FOR_EVER else value)
        if changed:
            rules.save()
        for name in names:
            value = getattr(rules, name)
            self.stdout.write(f"{name.replace('_', '-')}: {FOR_EVER if value is None else value}")
        self.stdout.write(notice(rules))


def _number(text: str) -> int | str:
    if text == FOR_EVER:
        return text
    if text.isascii() and text.isdigit() and int(text) <= MOST:
        return int(text)
    raise ArgumentTypeError(
        _("{text} was given; a whole number up to {most}, or none, is wanted").format(text=text, most=MOST)
    )
