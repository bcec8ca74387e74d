"""``anmok weights``: pretrained weights on this machine, and fetching more."""

from __future__ import annotations

from typing import Annotated

import typer

from anmok.cli.options import lang_option
from anmok.i18n import _


def register(app: typer.Typer) -> None:
    """Add the command group to ``app``."""
    group = typer.Typer(help=_("Pretrained weights: which are here, and how to get more."), no_args_is_help=True)
    app.add_typer(group, name="weights")

    @group.command("list", help=_("List the weight packs on this machine."))
    def list_(lang: Annotated[str, lang_option()] = "") -> None:
        from rich.table import Table

        from anmok.cli.console import stdout
        from anmok.locations import weight_dirs
        from anmok.models.packs import all_packs

        packs = all_packs()
        console = stdout()
        if packs:
            table = Table()
            for title in (_("name"), _("architecture"), _("pixels"), _("licence"), _("folder")):
                table.add_column(title, overflow="fold")
            for pack in packs:
                size = str(pack.input_size)
                table.add_row(pack.name, pack.architecture, size, pack.licence, str(pack.folder))
            console.print(table)
        else:
            console.print(_("No weight pack is on this machine."))
        console.print(_("Looked for in: {folders}").format(folders=", ".join(map(str, weight_dirs()))), markup=False)

    @group.command(
        "get", help=_("Find a weight pack, or fetch it from the model hub, so that it is here when offline.")
    )
    def get(
        name: Annotated[str, typer.Argument(help=_("Name of the pack, for example mobilenetv2_100.tf2_in1k."))],
        lang: Annotated[str, lang_option()] = "",
    ) -> None:
        from anmok.cli.console import TerminalProgress
        from anmok.models.packs import find_pack

        with TerminalProgress() as progress:
            pack = find_pack(name, progress=progress)
        typer.echo(str(pack.folder))
