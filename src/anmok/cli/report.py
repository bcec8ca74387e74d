"""``anmok report``: draws stored results again, in another language for example; several runs as one comparison."""

from __future__ import annotations

import shlex
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
        help=_(
            "Draw stored results again, or several runs as one comparison; nothing is trained.\n\n"
            "One folder of `compare`, `train`, `tune`, `explore` or `clean`: its report is drawn again. One run (a"
            " folder in runs/): the report of that run alone.\n\n"
            "Several folders, and one of them is a run or --out is given: one comparison of all their models, in the"
            " folder --out (anmok-report if not given). They must have been measured on the same test pictures.\n\n"
            "Several folders else: each report is drawn again where it was."
        )
    )
    def report(
        folders: Annotated[
            list[Path],
            typer.Argument(
                metavar="DIR", help=_("Folders that `anmok compare`, `train`, `explore` or `clean` left, or runs.")
            ),
        ],
        out: Annotated[
            Path | None,
            typer.Option(
                "--out",
                "-o",
                help=_("File to write; report.html in the folder if not given. For several runs: folder."),
            ),
        ] = None,
        show: Annotated[bool, typer.Option("--open", help=_("Show the report in the browser."))] = False,
        pdf: Annotated[
            bool, typer.Option("--pdf", help=_("Print it as PDF beside the report, too; needs Chromium."))
        ] = False,
        lang: Annotated[str, lang_option()] = "",
    ) -> None:
        from anmok.report.pdf import find_browser, print_pdf

        language = lang or current_language()
        for folder in folders:
            _require(folder)
        if pdf:
            find_browser()
        if len(folders) > 1 and (out is not None or any(map(_is_run, folders))):
            drawn = [join(folders, out or Path("anmok-report"), language=language)]
        else:
            drawn = [draw(folder, out, language=language) for folder in folders]
        for written in drawn:
            typer.echo(written)
            if pdf:
                typer.echo(print_pdf(written, written.with_suffix(".pdf")))
            if show and not webbrowser.open(written.resolve().as_uri()):
                typer.echo(_("No browser could be opened; open {path} yourself.").format(path=written), err=True)


def join(folders: list[Path], out: Path, *, language: str) -> Path:
    """Compare the runs in several folders, leave the results in the folder ``out``, and return the report.

    Raises:
        UsageError: ``out`` is to be a file.
        DataError: the runs were not measured on the same pictures.
    """
    from anmok.cli.console import TerminalProgress, stdout
    from anmok.cli.tables import comparison_table
    from anmok.pipeline.compare_runs import compare_runs

    if out.suffix.lower() in (".html", ".htm"):
        raise UsageError(
            _("{path} is one file, and {count} folders were named.").format(path=out, count=len(folders)),
            hint=_("Name a folder with --out for one comparison of them all; or one folder of results."),
        )
    command = shlex.join(["anmok", "report", *map(str, folders), "--out", str(out)])
    with use_language(language), TerminalProgress() as progress:
        comparison = compare_runs(folders, out, progress=progress, command=command)
        console = stdout()
        console.print(comparison_table(comparison, width=console.width))
        console.print(comparison.reason, markup=False)
    return out / "report.html"


def _require(folder: Path) -> None:
    if not folder.exists():
        raise SourceNotFound(
            _("There is no folder {folder}.").format(folder=folder),
            hint=_(
                "Name the folder that `anmok compare`, `train`, `tune`, `explore` or `clean` left, or a run in runs/."
            ),
        )


def _is_run(folder: Path) -> bool:
    return (folder / "config.json").is_file()


def draw(folder: Path, out: Path | None, *, language: str) -> Path:
    """Draw the report of what lies in ``folder`` (or of a comparison.json itself); return the file written.

    Raises:
        StorageError: there is no readable comparison, or the report could not be written.
    """
    from anmok.evaluation.stored import read_comparison
    from anmok.pipeline.conclusion import retell
    from anmok.report.html import render_report

    if (drawn := _draw_other(folder, out, language=language)) is not None:
        return drawn
    if _is_run(folder):
        return _draw_run(folder, out or folder / "report.html", language=language)
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


def _draw_other(folder: Path, out: Path | None, *, language: str) -> Path | None:
    """Draw the page of a folder that holds other results than a comparison; None where it holds none of them."""
    from anmok.pipeline import clean, explore, features2d, learning_curve, shift
    from anmok.pipeline.tune_result import TuneFolder

    if not (folder / "comparison.json").is_file():
        if (folder / TuneFolder.RESULT).is_file():
            return TuneFolder(folder).redraw(out, language=language)
        for file, redraw in (
            (shift.RESULT, shift.redraw),
            (learning_curve.RESULT, learning_curve.redraw),
            (features2d.RESULT, features2d.redraw),
        ):
            if (folder / file).is_file():
                return redraw(folder, out, language=language)
    if (folder / clean.VALUES).is_file():
        return clean.redraw(folder, out, language=language)
    if (folder / explore.RESULT).is_file():
        return explore.redraw(folder, out, language=language)
    return None


def _draw_run(folder: Path, out: Path, *, language: str) -> Path:
    """Draw the report of one run alone."""
    from anmok.pipeline.compare_runs import draw_report, join_runs, measured_runs
    from anmok.progress import SilentProgress

    with use_language(language):
        (run,) = measured_runs([folder], progress=SilentProgress())
        comparison = join_runs([run])
        return draw_report(comparison, run.manifest, out)


def _pictures(comparison: Comparison, stack: ExitStack) -> Callable[[str], bytes] | None:
    from anmok.data.names import unescape_path
    from anmok.data.sources import open_source

    try:
        return stack.enter_context(open_source(unescape_path(comparison.data.location))).read
    except AnmokError as error:
        # The figures are all stored, so a source that was moved away costs the thumbnails only.
        typer.echo(_("The report has no pictures: {reason}").format(reason=error.message), err=True)
        return None
