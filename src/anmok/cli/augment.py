"""``anmok augment``: see what a policy does to a picture before a network learns from it."""

from __future__ import annotations

import json
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from anmok.cli.options import default_folder, json_option, lang_option
from anmok.errors import UsageError
from anmok.i18n import _

if TYPE_CHECKING:
    from anmok.pipeline.augment import AugmentPreview


def register(app: typer.Typer) -> None:
    """Add the command to ``app``."""

    @app.command(help=_("Draw one picture in variants by each augmentation policy, and what the model really sees."))
    def augment(
        source: Annotated[
            str, typer.Argument(help=_("Folder or zip of class folders, CSV, manifest, data set name, or a picture."))
        ],
        preview: Annotated[
            bool, typer.Option("--preview", help=_("One picture in variants, as a page and a PNG."))
        ] = False,
        policy: Annotated[
            str,
            typer.Option(
                "--policy", "-p", help=_("Policies, separated by commas; the recipe's, or all, if not given.")
            ),
        ] = "",
        picture: Annotated[
            str, typer.Option(help=_("Path of the picture in the source; the first if not given."))
        ] = "",
        recipe: Annotated[
            str, typer.Option("--recipe", "-r", help=_("Recipe whose size, resize rule and backbone are shown."))
        ] = "",
        count: Annotated[int, typer.Option(min=1, max=64, help=_("Variants by each policy."))] = 8,
        out: Annotated[
            Path | None,
            typer.Option("--out", "-o", help=_("Folder for the results; anmok-augment-SOURCE if not given.")),
        ] = None,
        seed: Annotated[int, typer.Option(min=0, help=_("Seed of the variants."))] = 0,
        as_json: Annotated[bool, json_option()] = False,
        lang: Annotated[str, lang_option()] = "",
    ) -> None:
        from anmok.cli.console import TerminalProgress
        from anmok.pipeline.augment import augment_preview

        if not preview:
            raise UsageError(_("Nothing was asked for."), hint=_("Give --preview."))
        folder = out or default_folder("anmok-augment", source)
        policies = tuple(filter(None, (name.strip() for name in policy.split(","))))
        words = ["anmok", "augment", source, "--preview", "--out", str(folder), "--count", str(count)]
        words += ["--seed", str(seed)]
        for name, value in (("--policy", ",".join(policies)), ("--picture", picture), ("--recipe", recipe)):
            words += [name, value] if value else []
        with TerminalProgress() as progress:
            made = augment_preview(
                source,
                folder,
                policies=policies,
                picture=picture,
                recipe=recipe,
                count=count,
                seed=seed,
                progress=progress,
                command=shlex.join(words),
            )
        show(made, as_json=as_json)


def show(made: AugmentPreview, *, as_json: bool) -> None:
    """Print what was drawn and where it lies; or JSON."""
    if as_json:
        typer.echo(json.dumps(made.to_json(), ensure_ascii=False))
        return
    from anmok.cli.console import harmless, stdout

    console = stdout()
    found = made.preview
    text = _("{picture}: {width} × {height} pixels, seen at {size} × {size} by the rule {rule}").format(
        picture=found.picture, width=found.width, height=found.height, size=found.size, rule=found.rule
    )
    console.print(harmless(text), markup=False)
    for row in found.rows:
        console.print(f"- {row.policy}: {harmless(row.about)}", markup=False)
    for title, path in ((_("Page"), made.page), (_("Sheet"), made.sheet)):
        console.print(f"[bold]{title}[/]: ", end="")
        console.print(harmless(str(path)), markup=False, soft_wrap=True)
