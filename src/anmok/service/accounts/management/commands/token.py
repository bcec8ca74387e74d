"""``anmok manage token create|list|revoke``: tokens for programs."""

from __future__ import annotations

from argparse import ArgumentParser
from datetime import timedelta
from typing import Any

from django.contrib.auth import get_user_model
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from anmok.i18n import _
from anmok.service.accounts.models import Token
from anmok.service.accounts.scopes import Scope
from anmok.service.accounts.tokens import make_token, revoke, scopes_problem


class Command(BaseCommand):
    """Makes, lists and revokes tokens."""

    @property
    def help(self) -> str:
        """What ``anmok manage help token`` says."""
        return _("Make, list and revoke tokens, with which programs ask the API.")

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Add the three commands."""
        ways = parser.add_subparsers(dest="way", required=True, metavar="create|list|revoke")
        create = ways.add_parser("create", help=_("Make a token; it is shown once."))
        create.add_argument("name", help=_("What uses it, and where."))
        create.add_argument(
            "--scope",
            action="append",
            required=True,
            choices=Scope.values,
            dest="scopes",
            help=_("What it is for; may be given several times."),
        )
        create.add_argument("--account", help=_("Account that it acts for; without one its scopes alone count."))
        create.add_argument("--days", type=float, help=_("Days until it ends; without, it ends when it is revoked."))
        ways.add_parser("list", help=_("List the tokens."))
        end = ways.add_parser("revoke", help=_("End tokens at once."))
        end.add_argument("beginnings", nargs="+", metavar="BEGINNING", help=_("How they begin, as `list` shows it."))

    def handle(self, *_words: Any, way: str, **options: Any) -> None:
        """Do what was asked."""
        if way == "create":
            self._create(options["name"], options["scopes"], options["account"], options["days"])
        elif way == "list":
            self._list()
        else:
            self._revoke(options["beginnings"])

    def _create(self, name: str, scopes: list[str], account: str | None, days: float | None) -> None:
        if not 0 < len(name) <= Token._meta.get_field("name").max_length:
            raise CommandError(_("The name has {count} characters; 1 to 100 are wanted.").format(count=len(name)))
        if days is not None and not 0 < days < 100_000:
            raise CommandError(_("--days is {days}; more than 0 is wanted.").format(days=days))
        user = None
        if account is not None:
            user = get_user_model()._default_manager.filter(username=account).first()
            if user is None:
                raise CommandError(
                    _("There is no account {name}. `anmok manage createsuperuser` makes one.").format(name=account)
                )
            words = scopes_problem(scopes, user)
            if words:
                raise CommandError(words)
        expires = None if days is None else timezone.now() + timedelta(days=days)
        token, secret = make_token(name, {Scope(scope) for scope in scopes}, account=user, expires=expires)
        # The token alone on standard output, so that a script can take it.
        self.stderr.write(_("The token {name}; it is shown this once and kept nowhere:").format(name=token.name))
        self.stdout.write(secret)

    def _list(self) -> None:
        tokens = list(Token.objects.select_related("account"))
        if not tokens:
            self.stderr.write(_("There are no tokens."))
        for token in tokens:
            used = _("used {day}").format(day=f"{token.used:%Y-%m-%d}") if token.used else _("never used")
            account = token.account.get_username() if token.account else "-"
            cells = (token.beginning, _state(token), account, ",".join(token.scopes), used, token.name)
            self.stdout.write("  ".join(cells))

    def _revoke(self, beginnings: list[str]) -> None:
        found = []
        for beginning in beginnings:
            named = list(Token.objects.filter(beginning=beginning))
            if len(named) != 1:
                words = _("{count} tokens begin with {beginning}; one is wanted. `token list` shows them.")
                raise CommandError(words.format(count=len(named), beginning=beginning))
            found += named
        count = sum(revoke(token) for token in found)
        self.stdout.write(_("Tokens revoked: {count}.").format(count=count))


def _state(token: Token) -> str:
    if token.revoked is not None:
        return _("revoked")
    return _("holds") if token.holds else _("ended")
