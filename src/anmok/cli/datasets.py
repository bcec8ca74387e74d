"""``anmok datasets``: the data sets that can be named instead of a folder."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from anmok.cli.options import lang_option
from anmok.i18n import _


def register(app: typer.Typer) -> None:
    """Add the command group to ``app``."""
    group = typer.Typer(help=_("Data sets that can be named instead of a folder."), no_args_is_help=True)
    app.add_typer(group, name="datasets")

    @group.command("list", help=_("List the data sets."))
    def list_(lang: Annotated[str, lang_option()] = "") -> None:
        from rich.table import Table

        from anmok.cli.console import stdout
        from anmok.data.catalog import list_datasets

        table = Table()
        for title in (_("name"), _("pictures"), _("classes"), _("what it is")):
            table.add_column(title, overflow="fold")
        for entry in list_datasets():
            table.add_row(entry.name, str(entry.pictures), str(entry.classes), entry.summary)
        stdout().print(table)

    @group.command("get", help=_("Write a data set as class folders."))
    def get(
        name: Annotated[str, typer.Argument(help=_("Name of the data set."))],
        into: Annotated[Path | None, typer.Option("--into", help=_("Folder to write to; NAME if not given."))] = None,
        lang: Annotated[str, lang_option()] = "",
    ) -> None:
        from anmok.cli.console import TerminalProgress
        from anmok.data.catalog import get_dataset

        with TerminalProgress() as progress:
            path = get_dataset(name, into or Path(name), progress=progress)
        typer.echo(str(path))
