"""``anmok models``: what can be trained here."""

from __future__ import annotations

from typing import Annotated

import typer

from anmok.cli.options import lang_option
from anmok.i18n import _


def register(app: typer.Typer) -> None:
    """Add the command to ``app``."""

    @app.command(help=_("List the models that can be trained, and whether their weights are on this machine."))
    def models(lang: Annotated[str, lang_option()] = "") -> None:
        from rich.table import Table

        from anmok.cli.console import stdout
        from anmok.errors import WeightsMissing
        from anmok.models.packs import find_pack
        from anmok.models.registry import all_models

        table = Table()
        for title in (_("model"), _("what it is"), _("needs"), _("weights")):
            table.add_column(title, overflow="fold")
        for spec in all_models():
            here = "–"
            if spec.weights:
                try:
                    here = find_pack(spec.weights, download=False).name
                except WeightsMissing:
                    here = _("not here")
            table.add_row(spec.name, spec.summary, "PyTorch" if spec.needs_torch else "–", here)
        stdout().print(table)
