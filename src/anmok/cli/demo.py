"""``anmok demo``: the whole way on the built-in sample, without any download."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from anmok.cli.options import json_option, lang_option, models_option, threads_option
from anmok.i18n import _

if TYPE_CHECKING:
    from anmok.evaluation.results import Comparison


def register(app: typer.Typer) -> None:
    """Add the command to ``app``."""

    @app.command(help=_("Show the whole way on built-in drawings of five places on Jeju; no download, a few minutes."))
    def demo(
        out: Annotated[Path, typer.Option("--out", "-o", help=_("Folder for the results."))] = Path("anmok-demo"),
        models: Annotated[str, models_option()] = "handcrafted,cnn-small,mobilenetv2",
        threads: Annotated[int, threads_option()] = 0,
        as_json: Annotated[bool, json_option()] = False,
        lang: Annotated[str, lang_option()] = "",
    ) -> None:
        from anmok.cli.compare import run_comparison, show
        from anmok.cli.console import stderr
        from anmok.config import CompareConfig

        if not as_json:
            stderr().print(
                _(
                    "Five places on Jeju, drawn by this program, with some faults planted on purpose. Anmok now reads"
                    " the pictures, trains each model, measures all on the same test pictures and writes a report."
                ),
                markup=False,
            )
        names = tuple(name.strip() for name in models.split(",") if name.strip())
        config = CompareConfig(models=names, threads=threads)
        command = f"anmok compare sample --models {','.join(names)} --out {out}"
        comparison = run_comparison("sample", out, config, command=command)
        if not as_json:
            show_planted(comparison)
        show(comparison, out, as_json=as_json)


def show_planted(comparison: Comparison) -> None:
    """Print which of the planted faults the checks found, and what else they flagged."""
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    from anmok.cli.console import stdout
    from anmok.data.catalog import get_dataset
    from anmok.pipeline.planted import find_planted

    titles = {
        "exact-duplicate": _("exact copies"),
        "near-duplicate": _("copies that were rescaled, recompressed, brightened or cropped"),
        "wrong-label": _("pictures in the folder of another place"),
        "off-topic": _("pictures of something else"),
        "unreadable": _("files that were cut off"),
    }
    table = Table(title=_("The planted faults"), title_justify="left", box=SIMPLE_HEAD, show_edge=False)
    table.add_column(_("fault"))
    for title in (_("planted"), _("found"), _("flagged besides")):
        table.add_column(title, justify="right")
    rows = find_planted(get_dataset("sample"), comparison)
    for row in rows:
        found = row.planted - len(row.missed)
        style = "green" if not row.missed else "yellow"
        table.add_row(titles.get(row.fault, row.fault), str(row.planted), f"[{style}]{found}[/]", str(row.others))
    console = stdout()
    console.print()
    console.print(table)
    missed = [path for row in rows for path in row.missed]
    if missed:
        text = _("Not found: {paths}. Hand-made features see no more; with the weights of mobilenetv2 all are found.")
        console.print(text.format(paths=", ".join(missed)), markup=False)
