"""``anmok evaluate``: a finished model measured on pictures that have labels."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from anmok.cli.options import bundle_argument, bundle_file, json_option, lang_option, source_argument, threads_option
from anmok.cli.refusals import refusal_lines, refusals_json
from anmok.i18n import _
from anmok.records import SPLITS, TEST, TRAIN, VALID

if TYPE_CHECKING:
    from rich.table import Table

    from anmok.evaluation.results import Evaluation
    from anmok.evaluation.shift import Shift
    from anmok.pipeline.evaluate import Evaluated
    from anmok.records import Interval

#: Rows of the table of classes; of more classes, those with the lowest F1 are shown.
MOST_CLASSES = 30


def register(app: typer.Typer) -> None:
    """Add the command to ``app``."""

    @app.command(
        help=_("Measure a bundle on pictures with labels, with 95% intervals."),
        epilog=_(
            "Without --split the test pictures are measured; where the source has none, the validation pictures; where"
            " it is not divided at all, all of them. Figures are a result only for pictures that the model has not"
            " learnt."
        ),
    )
    def evaluate(
        bundle: Annotated[Path, bundle_argument()],
        source: Annotated[str, source_argument()],
        split: Annotated[
            str, typer.Option("--split", help=_("Pictures to measure."), metavar="|".join((*SPLITS, "all")))
        ] = "",
        known_only: Annotated[
            bool,
            typer.Option("--known-only", help=_("Leave classes out that the bundle does not know, and count them.")),
        ] = False,
        unknown: Annotated[
            str,
            typer.Option(
                "--unknown",
                help=_('Pictures of other things: how many of them are named all the same, and not "none of these".'),
                metavar="OTHER_SOURCE",
            ),
        ] = "",
        out: Annotated[
            Path | None,
            typer.Option("--out", "-o", help=_("Folder for a page that shows how these pictures differ.")),
        ] = None,
        threads: Annotated[int, threads_option()] = 0,
        as_json: Annotated[bool, json_option()] = False,
        lang: Annotated[str, lang_option()] = "",
    ) -> None:
        from anmok.cli.console import TerminalProgress
        from anmok.pipeline.evaluate import evaluate as measure

        with TerminalProgress() as progress:
            found = measure(
                bundle_file(bundle),
                source,
                split=split,
                known_only=known_only,
                others=unknown,
                out=out,
                threads=threads,
                progress=progress,
            )
        if as_json:
            _print_json(found)
        else:
            _print_tables(found)


def _print_json(found: Evaluated) -> None:
    from anmok.evaluation.summary import metrics_json

    evaluation = found.evaluation
    values = {
        "bundle": str(found.bundle),
        "source": found.location,
        "content_hash": found.content_hash,
        **metrics_json(evaluation),
        "classes": [
            {
                "class": score.label,
                "precision": score.precision.to_json(),
                "recall": score.recall.to_json(),
                "f1": score.f1.to_json(),
                "pictures": score.support,
            }
            for score in evaluation.per_class
        ],
        "confusion": [list(row) for row in evaluation.confusion],
        "pictures_per_second": found.pictures_per_second,
        "none_of_these": refusals_json(found.unknown, found.others),
        "shift": _shift_json(found.shift),
        "warnings": list(found.warnings),
    }
    typer.echo(json.dumps(values, ensure_ascii=False, allow_nan=False))


def _shift_json(shift: Shift | None) -> dict[str, Any] | None:
    from anmok.evaluation.stored import to_json
    from anmok.report.shift_words import shift_sentences

    return None if shift is None else {**to_json(shift), "sentences": list(shift_sentences(shift))}


def _print_tables(found: Evaluated) -> None:
    from anmok.cli.console import stdout
    from anmok.data.names import escape

    evaluation = found.evaluation
    splits = {TRAIN: _("training pictures"), VALID: _("validation pictures"), TEST: _("test pictures")}
    title = _("{model} on {source}: {count} {pictures}, 95% intervals").format(
        model=escape(found.model),
        source=escape(found.source),
        count=evaluation.pictures,
        pictures=splits.get(evaluation.split, _("pictures")),
    )
    console = stdout()
    console.print(title, markup=False, style="bold")
    console.print(_metric_table(evaluation))
    console.print(_class_table(evaluation))
    for line in _lines(found):
        console.print(line, markup=False)
    for warning in found.warnings:
        console.print("[yellow]![/] ", end="")
        # Names of classes come from a bundle that may be a stranger's: they must not steer the terminal.
        console.print(escape(warning), markup=False)


def _lines(found: Evaluated) -> Iterator[str]:
    """Yield what stands below the tables: the shift, "none of these", the speed, the page."""
    from anmok.report.shift_words import shift_lines

    yield from shift_lines(found.shift)
    yield from refusal_lines(found.unknown, found.others)
    yield _("{rate:.0f} pictures a second, from files to answers").format(rate=found.pictures_per_second)
    if found.page is not None:
        yield _("Page: {path}").format(path=found.page)


def _metric_table(evaluation: Evaluation) -> Table:
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    from anmok.evaluation.results import HEADLINE_METRICS
    from anmok.report.words import metric_title

    table = Table(box=SIMPLE_HEAD, show_edge=False, padding=(0, 1, 0, 0))
    for heading in (_("metric"), _("value"), _("from"), _("to")):
        table.add_column(heading, justify="left" if heading == _("metric") else "right")
    for name in HEADLINE_METRICS:
        figure = evaluation.metrics.get(name)
        limits = ("–",) * 3 if figure is None else [f"{x:.3f}" for x in (figure.value, figure.low, figure.high)]
        table.add_row(metric_title(name), *limits)
    return table


def _class_table(evaluation: Evaluation) -> Table:
    from rich.box import SIMPLE_HEAD
    from rich.table import Table
    from rich.text import Text

    from anmok.data.names import escape

    shown = list(evaluation.per_class)
    title = _("Each class")
    if len(shown) > MOST_CLASSES:
        shown = sorted(shown, key=lambda score: score.f1.value)[:MOST_CLASSES]
        title = _("The {few} of {all} classes with the lowest F1").format(
            few=MOST_CLASSES, all=len(evaluation.per_class)
        )
    # Without lines between the columns, names of classes keep room at 80 columns.
    table = Table(title=title, title_justify="left", box=SIMPLE_HEAD, show_edge=False, padding=(0, 1, 0, 0))
    table.add_column(_("class"), overflow="fold")
    for heading in (_("precision"), _("recall"), _("F1"), _("pictures")):
        table.add_column(heading, justify="right", no_wrap=True)
    for score in shown:
        row = (_short(score.precision), _short(score.recall), _short(score.f1), str(score.support))
        table.add_row(Text(escape(score.label)), *row)
    return table


def _short(interval: Interval) -> str:
    """Return ``0.91 (0.88-0.94)``, so that three of them fit into 80 columns; what is not 1 is never written as 1."""
    value, low, high = (f"{min(x, 0.99) if x < 1 else x:.2f}" for x in (interval.value, interval.low, interval.high))
    return f"{value} ({low}-{high})"
