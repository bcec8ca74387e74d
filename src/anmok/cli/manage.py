"""``anmok manage``: Django's own commands for the service, for example ``anmok manage createsuperuser``."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from anmok.cli.options import lang_option
from anmok.cli.serve import require_service
from anmok.i18n import _


def register(app: typer.Typer) -> None:
    """Add the command to ``app``."""

    @app.command(
        help=_("Django's own commands for the service: `anmok manage createsuperuser`, `anmok manage help`."),
        context_settings={"allow_extra_args": True, "ignore_unknown_options": True},
    )
    def manage(
        context: typer.Context,
        words: Annotated[
            list[str] | None, typer.Argument(metavar="COMMAND...", help=_("The command and its options."))
        ] = None,
        data: Annotated[Path, typer.Option("--data", help=_("Folder that `anmok serve` was given."))] = Path(
            "anmok-service"
        ),
        lang: Annotated[str, lang_option()] = "",
    ) -> None:
        require_service()
        from anmok.service.serve import DEMO, ServeOptions, explained_database, set_environment, start_django

        set_environment(
            ServeOptions(
                bundle=Path(os.environ.get("ANMOK_BUNDLE") or DEMO),
                folder=data,
                database=os.environ.get("DATABASE_URL", ""),
            )
        )
        start_django(data)
        from django.core.management import ManagementUtility

        with explained_database():
            ManagementUtility(["anmok manage", *(words or []), *context.args]).execute()
