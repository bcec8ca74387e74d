"""``anmok augment``: see what a policy does before a network learns from it; or write augmented copies as files."""

from __future__ import annotations

import json
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from anmok.cli.options import default_folder, json_option, lang_option, test_option, threads_option, valid_option
from anmok.errors import UsageError
from anmok.i18n import _

if TYPE_CHECKING:
    from anmok.pipeline.augment import AugmentPreview
    from anmok.pipeline.augment_folder import Augmented

#: Drawn from where none is named.
POLICY = "flip-shift"


def register(app: typer.Typer) -> None:
    """Add the command to ``app``."""

    @app.command(
        help=_(
            "Draw one picture in variants by each augmentation policy, and what the model really sees (--preview); or "
            "write augmented copies of the pictures to learn from into a new folder (--copies)."
        )
    )
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
        copies: Annotated[int, typer.Option(min=0, help=_("Copies of each training picture to write as files."))] = 0,
        out: Annotated[
            Path | None,
            typer.Option("--out", "-o", help=_("Folder for the results; anmok-augment-SOURCE if not given.")),
        ] = None,
        test: Annotated[float, test_option()] = 0.2,
        valid: Annotated[float, valid_option()] = 0.15,
        seed: Annotated[int, typer.Option(min=0, help=_("Seed of the variants, and of the split."))] = 0,
        threads: Annotated[int, threads_option()] = 0,
        as_json: Annotated[bool, json_option()] = False,
        lang: Annotated[str, lang_option()] = "",
    ) -> None:
        _require_one(preview, copies, out)
        policies = tuple(filter(None, (name.strip() for name in policy.split(","))))
        if preview:
            folder = out or default_folder("anmok-augment", source)
            _preview(source, folder, policies, picture, recipe, count, seed, as_json)
            return
        _refuse_what_only_previews(picture, recipe)
        if len(policies) > 1:
            raise UsageError(
                _("Copies are drawn by one policy, and {count} were named.").format(count=len(policies)),
                hint=_("Name one of them: {names}.").format(names=", ".join(policies)),
            )
        from anmok.cli.console import TerminalProgress
        from anmok.config import SplitConfig
        from anmok.pipeline.augment_folder import augment_source

        assert out is not None
        with TerminalProgress() as progress:
            done = augment_source(
                source,
                out,
                policy=policies[0] if policies else POLICY,
                copies=copies,
                split=SplitConfig(test=test, valid=valid, seed=seed),
                seed=seed,
                threads=threads,
                progress=progress,
            )
        show_copies(done, as_json=as_json)


def _require_one(preview: bool, copies: int, out: Path | None) -> None:
    """Refuse a command that asks for nothing, or for both."""
    if preview and copies:
        raise UsageError(_("--preview and --copies exclude each other; give one of them."))
    if not preview and not copies:
        raise UsageError(
            _("Nothing was asked for."),
            hint=_("Give --preview to look at one picture, or --copies 1 -o FOLDER to write augmented pictures."),
        )
    if copies and out is None:
        raise UsageError(_("Copies need a folder."), hint=_("Name a new folder with --out."))


def _refuse_what_only_previews(picture: str, recipe: str) -> None:
    for name, value in (("--picture", picture), ("--recipe", recipe)):
        if value:
            raise UsageError(
                _("{option} belongs to --preview; copies are drawn of all training pictures.").format(option=name),
                hint=_("Leave it out."),
            )


def _preview(
    source: str,
    folder: Path,
    policies: tuple[str, ...],
    picture: str,
    recipe: str,
    count: int,
    seed: int,
    as_json: bool,
) -> None:
    from anmok.cli.console import TerminalProgress
    from anmok.pipeline.augment import augment_preview

    words = ["anmok", "augment", source, "--preview", "--out", str(folder), "--count", str(count), "--seed", str(seed)]
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
    from anmok.cli.console import harmless, print_titled, stdout

    console = stdout()
    found = made.preview
    text = _("{picture}: {width} × {height} pixels, seen at {size} × {size} by the rule {rule}").format(
        picture=found.picture, width=found.width, height=found.height, size=found.size, rule=found.rule
    )
    console.print(harmless(text), markup=False)
    for row in found.rows:
        console.print(f"- {row.policy}: {harmless(row.about)}", markup=False)
    for title, path in ((_("Page"), made.page), (_("Sheet"), made.sheet)):
        print_titled(console, title, str(path))


def show_copies(done: Augmented, *, as_json: bool) -> None:
    """Print how many pictures there are now, the notes and the path; or JSON."""
    if as_json:
        typer.echo(json.dumps(done.to_json(), ensure_ascii=False))
        return
    from anmok.cli.console import harmless, print_titled, stdout

    console = stdout()
    text = _("Pictures to learn from: {before:,} before, {after:,} now.")
    console.print(text.format(before=done.originals, after=done.originals + done.added), markup=False)
    for note in done.notes:
        console.print(f"- {harmless(note)}", markup=False)
    print_titled(console, _("Manifest"), str(done.path))
