"""``anmok explain``: where in a picture a model looks for its answer."""

from __future__ import annotations

import json
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from anmok.cli.options import bundle_argument, bundle_file, default_folder, json_option, lang_option, threads_option
from anmok.errors import UsageError
from anmok.i18n import _, ngettext

if TYPE_CHECKING:
    from rich.table import Table

    from anmok.inference.heat_mapper import Method
    from anmok.pipeline.explain import Explained

#: As in ``pipeline.explain`` and ``inference.heat_mapper``, which are too heavy for a help text.
MOST, METHODS = 50, ("auto", "cam", "occlusion")
#: Classes that are named for each picture where nobody says.
TOP = 3


def register(app: typer.Typer) -> None:
    """Add the command to ``app``."""

    @app.command(
        help=_("Show which places of pictures speak for the answer, as heat maps. PyTorch is not needed."),
        epilog=_(
            "cam asks the model's last feature map and takes milliseconds; occlusion covers one part of the picture "
            "after another and takes a second or more; auto takes cam where the model allows it. Exit code 1 says "
            "that some pictures could not be read."
        ),
    )
    def explain(
        bundle: Annotated[Path, bundle_argument()],
        places: Annotated[list[str], typer.Argument(help=_("Pictures, folders, zips."), metavar="PATH...")],
        out: Annotated[
            Path | None,
            typer.Option("--out", "-o", help=_("Folder for the page and the maps; anmok-explain-PATH if not given.")),
        ] = None,
        label: Annotated[
            str, typer.Option("--class", help=_("The class to look for; each picture's answer if not given."))
        ] = "",
        method: Annotated[
            str, typer.Option("--method", help=_("How places are asked."), metavar="|".join(METHODS))
        ] = "auto",
        limit: Annotated[int, typer.Option("--limit", min=1, help=_("Pictures at most."))] = MOST,
        top: Annotated[int, typer.Option("--top", min=1, help=_("Classes named for each picture."))] = TOP,
        threads: Annotated[int, threads_option()] = 0,
        as_json: Annotated[bool, json_option()] = False,
        lang: Annotated[str, lang_option()] = "",
    ) -> None:
        from anmok.cli.console import TerminalProgress
        from anmok.pipeline.explain import explain_pictures

        chosen = _method(method)
        folder = out or default_folder("anmok-explain", places[0])
        words = ["anmok", "explain", str(bundle), *places, "--out", str(folder), "--method", method]
        words += ["--class", label] if label else []
        words += ["--limit", str(limit)] if limit != MOST else []
        words += ["--top", str(top)] if top != TOP else []
        with TerminalProgress() as progress:
            found = explain_pictures(
                bundle_file(bundle),
                places,
                folder,
                label=label or None,
                method=chosen,
                most=limit,
                top_k=top,
                threads=threads,
                progress=progress,
                command=shlex.join(words),
            )
        _show(found, as_json=as_json)
        raise typer.Exit(1 if len(found.pictures) < len(found.answers) else 0)


def _method(name: str) -> Method:
    from anmok.inference.heat_mapper import METHODS as KNOWN

    chosen = next((one for one in KNOWN if one == name), None)
    if chosen is None:
        raise UsageError(
            _("There is no method {name}.").format(name=repr(name)),
            hint=_("Methods: {names}.").format(names=", ".join(KNOWN)),
        )
    return chosen


def _show(found: Explained, *, as_json: bool) -> None:
    """Print what was answered and where the page lies; or one line of JSON for each picture."""
    if as_json:
        for line in found.to_json():
            typer.echo(json.dumps(line, ensure_ascii=False, allow_nan=False))
        return
    from anmok.cli.console import harmless, print_titled, stdout
    from anmok.records import PredictionFailure

    console = stdout()
    if found.pictures:
        console.print(_table(found))
    for answer in found.answers:
        if isinstance(answer, PredictionFailure):
            console.print(harmless(f"! {answer.error}"), markup=False)
    if found.left_out:
        text = ngettext(
            "{count} more picture was left out; --limit takes more.",
            "{count} more pictures were left out; --limit takes more.",
            found.left_out,
        )
        console.print(text.format(count=found.left_out), markup=False)
    print_titled(console, _("Page"), str(found.page))


def _table(found: Explained) -> Table:
    from rich.box import SIMPLE_HEAD
    from rich.table import Table
    from rich.text import Text

    from anmok.data.names import escape
    from anmok.records import PredictionFailure
    from anmok.report.explain import where

    table = Table(box=SIMPLE_HEAD, show_edge=False)
    for title in (_("picture"), _("class"), _("probability"), _("map of"), _("strongest"), _("method")):
        table.add_column(title, overflow="fold")
    for answer in found.answers:
        # Text and not str: names of files and classes may look like rich's markup.
        if isinstance(answer, PredictionFailure):
            continue  # named below, with the reason
        prediction, heat_map = answer.prediction, answer.heat_map
        label = escape(prediction.label)
        if prediction.unknown:
            # The probability is that of the nearest class, and not of "none of these".
            label = _("none of these; nearest: {label}").format(label=label)
        table.add_row(
            Text(escape(prediction.path)),
            Text(label, style="bold"),
            f"{prediction.probability:.1%}",
            Text(escape(heat_map.label)),
            where(heat_map),
            heat_map.method,
        )
    return table
