"""``anmok thresholds``: from which probability on the answers of a trained model are right as often as wanted."""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from anmok.cli.options import json_option, lang_option
from anmok.errors import SourceNotFound, UnknownName, UsageError
from anmok.i18n import _, ngettext

if TYPE_CHECKING:
    from rich.table import Table

    from anmok.evaluation.thresholds import Accepted, Threshold, Thresholds
    from anmok.records import Interval
    from anmok.training.run import Run


#: Of more classes without a threshold only the number is shown.
MOST_WITHOUT = 10


def register(app: typer.Typer) -> None:
    """Add the command to ``app``."""

    @app.command(
        help=_("Find the probability from which on answers are right as often as you want, class by class."),
        epilog=_(
            "Thresholds are chosen on calibration pictures, answered by a model that did not learn from them; none is a"
            " test picture: the lowest one where the lower end of the 95% interval of the precision is not below the"
            " wanted one. Then they are measured on the test pictures. Nothing is stored."
        ),
    )
    def thresholds(
        folder: Annotated[
            Path,
            typer.Argument(help=_("Folder of a run, or the one that `anmok compare` or `train` left."), metavar="DIR"),
        ],
        precision: Annotated[
            float, typer.Option("--precision", "-p", help=_("Share of the accepted answers that shall be right, 0-1."))
        ] = 0.95,
        chosen: Annotated[
            list[str] | None, typer.Option("--class", "-c", help=_("Only this class; may be given again."))
        ] = None,
        model: Annotated[
            str, typer.Option("--model", "-m", help=_("Model of a comparison; the best one if not given."))
        ] = "",
        measured: Annotated[
            bool,
            typer.Option(
                "--measured",
                help=_(
                    "Demand it of the measured precision itself; the true one is then below it about every other time."
                ),
            ),
        ] = False,
        as_json: Annotated[bool, json_option()] = False,
        lang: Annotated[str, lang_option()] = "",
    ) -> None:
        from anmok.pipeline.calibration import thresholds_of

        if not 0 < precision < 1:
            raise UsageError(
                _("The precision {value} is wanted; it lies between 0 and 1.").format(value=precision),
                hint=_("For 95 of 100 answers: --precision 0.95"),
            )
        run = _find_run(folder, model)
        found = thresholds_of(run, precision=precision, lower_limit=not measured)
        rows = _rows(found, chosen or [])
        if as_json:
            for row in rows:
                typer.echo(json.dumps(_json(row, precision), ensure_ascii=False, allow_nan=False))
        else:
            _print(run.recipe.name, found, rows, lower_limit=not measured)


def _find_run(folder: Path, model: str) -> Run:
    """Return the run in ``folder``, or that of a model of the comparison there."""
    from anmok.evaluation.stored import read_comparison
    from anmok.training.run import Run

    if (folder / "config.json").is_file():
        return Run(folder)
    if not (folder / "comparison.json").is_file():
        raise SourceNotFound(
            _("{folder} is neither the folder of a run nor of a comparison.").format(folder=folder),
            hint=_("Name the folder that `anmok compare` or `anmok train` wrote, or one in its runs/."),
        )
    comparison = read_comparison(folder)
    wanted = model or comparison.best
    for result in comparison.models:
        if result.name == wanted:
            return Run(folder / result.run)
    names = ", ".join(result.name for result in comparison.models)
    raise UnknownName(
        _("There is no model {name} in {folder}; there are {names}.").format(
            name=repr(wanted), folder=folder, names=names
        )
    )


def _rows(found: Thresholds, chosen: Sequence[str]) -> list[Threshold]:
    """Return the rows to show: that of all answers first, or those that were asked for."""
    if not chosen:
        return [found.overall, *found.per_class]
    # Labels are in NFC; what is typed on a Mac may not be.
    chosen = [unicodedata.normalize("NFC", name) for name in chosen]
    by_name = {row.label: row for row in found.per_class}
    unknown = [name for name in chosen if name not in by_name]
    if unknown:
        raise UnknownName(
            _("The model has no class {name}; it has {names}.").format(name=repr(unknown[0]), names=", ".join(by_name))
        )
    return [by_name[name] for name in chosen]


def _json(row: Threshold, precision: float) -> dict[str, object]:
    return {
        "class": row.label or None,
        "wanted_precision": precision,
        "threshold": row.threshold,
        "calibration": _accepted_json(row.chosen_on),
        "test": _accepted_json(row.test),
    }


def _accepted_json(accepted: Accepted | None) -> dict[str, object] | None:
    if accepted is None:
        return None
    return {
        "answers": accepted.answers,
        "precision": None if accepted.precision is None else accepted.precision.to_json(),
        "recall": None if accepted.recall is None else accepted.recall.to_json(),
    }


def _print(name: str, found: Thresholds, rows: Sequence[Threshold], *, lower_limit: bool) -> None:
    from anmok.cli.console import stdout
    from anmok.data.names import escape
    from anmok.evaluation.thresholds import fewest_answers

    if lower_limit:
        title = _("{model}: answers from these probabilities on are right {precision} of the time, with 95% certainty")
    else:
        title = _("{model}: answers from these probabilities on were right {precision} of the time when chosen")
    console = stdout()
    console.print(
        title.format(model=escape(name), precision=f"{100 * found.precision:.6g}%"), markup=False, style="bold"
    )
    without = sum(row.threshold is None for row in rows if row.label)
    # A hundred lines that say the same are said in the sentence below.
    shown = [row for row in rows if row.threshold is not None or not row.label or without <= MOST_WITHOUT]
    console.print(_table(shown, chosen_on=found.pictures))
    if without and lower_limit:
        console.print(
            ngettext(
                "{count} class has no threshold: its answers are too few, or not right often enough. Even if all of"
                " them are right, it takes {fewest}.",
                "{count} classes have no threshold: their answers are too few, or not right often enough. Even if all"
                " of them are right, it takes {fewest} in each class.",
                without,
            ).format(count=without, fewest=fewest_answers(found.precision)),
            markup=False,
        )


def _table(rows: Sequence[Threshold], *, chosen_on: int) -> Table:
    from rich.table import Table
    from rich.text import Text

    from anmok.data.names import escape

    table = Table(
        caption=_(
            "The thresholds were chosen on {count} calibration pictures, and measured on the test pictures."
        ).format(count=chosen_on),
        caption_justify="left",
    )
    # Not below its own width: where a terminal is narrow, the threshold is what one came for.
    table.add_column(_("class"), overflow="fold", min_width=9)
    table.add_column(_("threshold"), justify="right", min_width=9)
    for heading in (_("calibration:\nprecision"), _("calibration:\nrecall"), _("test:\nprecision"), _("test:\nrecall")):
        table.add_column(heading, justify="right", no_wrap=True)
    for row in rows:
        # Text and not str: names of classes may look like rich's markup, and must not steer the terminal.
        label = Text(escape(row.label)) if row.label else Text(_("all answers"), style="italic")
        if row.threshold is None:
            table.add_row(label, Text(_("none reaches it"), style="yellow"), "", "", "", "")
            continue
        parts = [part for part in (row.chosen_on, row.test) if part is not None]
        cells = [_figure(figure) for part in parts for figure in (part.precision, part.recall)]
        table.add_row(label, f"{row.threshold:.3f}" if row.threshold else _("all"), *cells)
    return table


def _figure(interval: Interval | None) -> str:
    """Return the figure with its interval below: four of them and the threshold fit into 80 columns."""
    if interval is None:
        return "–"
    return f"{interval.value:.2f}\n[dim]{interval.low:.2f}-{interval.high:.2f}[/]"
