"""``anmok demo``: the whole way on the built-in sample, without any download."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from anmok.cli.options import json_option, lang_option, models_option, threads_option
from anmok.i18n import _


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
                    " the pictures, trains each model, measures all on the same held-out pictures and writes a report."
                ),
                markup=False,
            )
        names = tuple(name.strip() for name in models.split(",") if name.strip())
        config = CompareConfig(models=names, threads=threads)
        command = f"anmok compare sample --models {','.join(names)} --out {out}"
        comparison = run_comparison("sample", out, config, command=command)
        show(comparison, out, as_json=as_json)
