"""``anmok report``: draws the report of a finished comparison again, in another language or without its pictures."""

from __future__ import annotations

import webbrowser
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from anmok.cli.options import lang_option
from anmok.errors import AnmokError, SourceNotFound, UsageError
from anmok.i18n import _, current_language, use_language

if TYPE_CHECKING:
    from collections.abc import Callable

    from anmok.evaluation.results import Comparison


def register(app: typer.Typer) -> None:
    """Add the command to ``app``."""

    @app.command(
        help=_("Draw the report of a finished comparison, exploration or cleaning again; nothing is computed anew.")
    )
    def report(
        folders: Annotated[
            list[Path],
            typer.Argument(metavar="DIR", help=_("Folders that `anmok compare`, `explore` or `clean` left.")),
        ],
        out: Annotated[
            Path | None, typer.Option("--out", "-o", help=_("File to write; report.html in the folder if not given."))
        ] = None,
        show: Annotated[bool, typer.Option("--open", help=_("Show the report in the browser."))] = False,
        lang: Annotated[str, lang_option()] = "",
    ) -> None:
        if out is not None and len(folders) > 1:
            raise UsageError(
                _("One file was named for {count} reports.").format(count=len(folders)),
                hint=_("Leave --out away, and each report is written into its folder; or name one folder."),
            )
        for folder in folders:
            written = draw(folder, out, language=lang or current_language())
            typer.echo(written)
            if show and not webbrowser.open(written.resolve().as_uri()):
                typer.echo(_("No browser could be opened; open {path} yourself.").format(path=written), err=True)


def draw(folder: Path, out: Path | None, *, language: str) -> Path:
    """Draw the report of the comparison in ``folder`` (or of the comparison.json itself); return the file written.

    Raises:
        StorageError: there is no readable comparison, or the report could not be written.
    """
    from anmok.evaluation.stored import read_comparison
    from anmok.pipeline.clean import VALUES, redraw
    from anmok.pipeline.conclusion import retell
    from anmok.pipeline.explore import RESULT
    from anmok.pipeline.explore import redraw as redraw_exploration
    from anmok.pipeline.tune_result import TuneFolder
    from anmok.report.html import render_report

    if (folder / TuneFolder.RESULT).is_file() and not (folder / "comparison.json").is_file():
        return TuneFolder(folder).redraw(out, language=language)
    if (folder / VALUES).is_file():
        return redraw(folder, out, language=language)
    if (folder / RESULT).is_file():
        return redraw_exploration(folder, out, language=language)
    if folder.is_dir() and not (folder / "comparison.json").exists():
        raise SourceNotFound(
            _("There is no finished comparison in {folder}.").format(folder=folder),
            hint=_("Make one with `anmok compare SOURCE --out {folder}`, or name the folder that it left.").format(
                folder=folder
            ),
        )
    with use_language(language):
        # The stored sentences are in the language of the comparison; the figures that they tell of are stored too.
        comparison = retell(read_comparison(folder))
    path = out or (folder if folder.is_dir() else folder.parent) / "report.html"
    with ExitStack() as stack:
        read = _pictures(comparison, stack)
        return render_report(comparison, path, read_picture=read, language=language)


def _pictures(comparison: Comparison, stack: ExitStack) -> Callable[[str], bytes] | None:
    from anmok.data.names import unescape_path
    from anmok.data.sources import open_source

    try:
        return stack.enter_context(open_source(unescape_path(comparison.data.location))).read
    except AnmokError as error:
        # The figures are all stored, so a source that was moved away costs the thumbnails only.
        typer.echo(_("The report has no pictures: {reason}").format(reason=error.message), err=True)
        return None
