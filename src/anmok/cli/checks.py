"""``anmok checks``: what ``anmok clean`` looks for."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from anmok.cli.options import json_option, lang_option
from anmok.i18n import _


def register(app: typer.Typer) -> None:
    """Add the command to ``app``."""

    @app.command(help=_("List the checks of `anmok clean`: what each looks for, and what it proposes."))
    def checks(
        as_json: Annotated[bool, json_option()] = False,
        lang: Annotated[str, lang_option()] = "",
    ) -> None:
        from anmok.clean.registry import all_checks

        if as_json:
            for check in all_checks():
                row = {
                    "name": check.name,
                    "title": _(check.title),
                    "about": _(check.about),
                    "needs": check.needs,
                    "action": check.action,
                }
                typer.echo(json.dumps(row, ensure_ascii=False))
            return
        from rich.table import Table

        from anmok.cli.console import stdout
        from anmok.report.clean_words import action

        table = Table()
        for title in (_("check"), _("title"), _("what it looks for"), _("proposes")):
            table.add_column(title, overflow="fold", no_wrap=title == _("check"))
        for check in all_checks():
            table.add_row(check.name, _(check.title), _(check.about), action(check.action))
        stdout().print(table)
