"""``anmok evaluate``: a finished model measured on pictures that have labels."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from anmok.cli.options import json_option, lang_option, source_argument, threads_option
from anmok.errors import SourceNotFound, UsageError
from anmok.i18n import _, ngettext
from anmok.records import SPLITS, TEST, TRAIN, VALID

if TYPE_CHECKING:
    from rich.table import Table

    from anmok.data.manifest import Manifest
    from anmok.evaluation.results import Evaluation
    from anmok.progress import Progress
    from anmok.records import Interval

#: Where a bundle lies in the folder of a run, and of a comparison.
BUNDLES = ("model.anmok", "best.anmok")
#: Rows of the table of classes; of more classes, those with the lowest F1 are shown.
MOST_CLASSES = 30


def register(app: typer.Typer) -> None:
    """Add the command to ``app``."""

    @app.command(
        help=_("Measure a bundle on pictures with labels, with 95 % intervals."),
        epilog=_(
            "Without --split the test pictures are measured; where the source has none, the validation pictures; where"
            " it is not divided at all, all of them. Figures are a result only for pictures that the model has not"
            " learnt."
        ),
    )
    def evaluate(
        bundle: Annotated[
            Path, typer.Argument(help=_("A bundle *.anmok, or the folder of a run or a comparison."), metavar="BUNDLE")
        ],
        source: Annotated[str, source_argument()],
        split: Annotated[
            str, typer.Option("--split", help=_("Pictures to measure."), metavar="|".join((*SPLITS, "all")))
        ] = "",
        known_only: Annotated[
            bool,
            typer.Option("--known-only", help=_("Leave classes out that the bundle does not know, and count them.")),
        ] = False,
        threads: Annotated[int, threads_option()] = 0,
        as_json: Annotated[bool, json_option()] = False,
        lang: Annotated[str, lang_option()] = "",
    ) -> None:
        from anmok.cli.console import TerminalProgress

        if split not in ("", *SPLITS, "all"):
            raise UsageError(
                _("There is no split {split}; choose one of {choices}.").format(
                    split=repr(split), choices=", ".join((*SPLITS, "all"))
                )
            )
        with TerminalProgress() as progress:
            _evaluate(bundle, source, split, known_only=known_only, threads=threads, as_json=as_json, progress=progress)


def _evaluate(
    bundle: Path, source: str, split: str, *, known_only: bool, threads: int, as_json: bool, progress: Progress
) -> None:
    """Measure and print."""
    from anmok.bundle.format import read_bundle
    from anmok.data.scan import scan
    from anmok.evaluation.diagnosis.training_pictures import diagnose_origin
    from anmok.evaluation.measure import evaluate_predictor
    from anmok.evaluation.trained_on import TrainingTrace
    from anmok.inference.predictor import Predictor

    opened = read_bundle(_bundle_file(bundle))
    predictor = Predictor(opened, threads=threads)
    trace = None if opened.reference is None else TrainingTrace(opened.reference.embeddings)
    manifest = scan(source, threads=threads, progress=progress)
    chosen = split or _choose_split(manifest)
    evaluation, _probabilities, rate = evaluate_predictor(
        predictor, manifest, chosen, known_only=known_only, trace=trace, progress=progress
    )
    share = None if trace is None else trace.share()
    same_data = manifest.content_hash == predictor.info.data_hash
    warnings = [
        *(one.text for one in diagnose_origin(chosen, share, same_data=same_data)),
        *_about_pictures(manifest, evaluation, named=bool(split)),
        *_about_figures(predictor.info.name, evaluation),
    ]
    if as_json:
        _print_json(opened.path, manifest, evaluation, warnings, rate)
    else:
        _print_tables(predictor.info.name, manifest, evaluation, warnings, rate)


def _bundle_file(path: Path) -> Path:
    if not path.is_dir():
        return path
    for name in BUNDLES:
        if (path / name).is_file():
            return path / name
    raise SourceNotFound(
        _("The folder {path} holds no bundle ({names}).").format(path=path, names=", ".join(BUNDLES)),
        hint=_("Name the file *.anmok, the folder of a finished run, or the folder that `anmok compare` wrote."),
    )


def _choose_split(manifest: Manifest) -> str:
    there = set(manifest.table["split"])
    return next((split for split in (TEST, VALID) if split in there), "all")


def _about_pictures(manifest: Manifest, evaluation: Evaluation, *, named: bool) -> list[str]:
    """Say which pictures are and are not measured, as far as that was not asked for."""
    sentences = []
    if not named and evaluation.split == VALID:
        sentences.append(_("The source has no test pictures; its validation pictures are measured."))
    if not named and evaluation.split == "all":
        sentences.append(_("The source has no test or validation pictures set apart; all its pictures are measured."))
    if evaluation.unknown:
        names = [f"{label} ({count})" for label, count in evaluation.unknown.items()]
        sentences.append(
            _("Not measured, because the model does not know their class: {names}.").format(names=_some(names))
        )
    if manifest.quarantined:
        sentences.append(
            ngettext(
                "{count} file of the source could not be used: {paths}.",
                "{count} files of the source could not be used: {paths}.",
                len(manifest.quarantined),
            ).format(count=len(manifest.quarantined), paths=_some([entry.path for entry in manifest.quarantined]))
        )
    if evaluation.unreadable:
        sentences.append(
            _("Not measured, because they could not be read: {paths}.").format(paths=_some(evaluation.unreadable))
        )
    return sentences


def _about_figures(name: str, evaluation: Evaluation) -> list[str]:
    from anmok.evaluation.diagnosis import diagnose_alone

    sentences = list(diagnose_alone(name, evaluation))
    if evaluation.without_auc:
        sentences.append(
            _("ROC-AUC leaves these classes out, because none or all of the pictures are theirs: {names}.").format(
                names=_some(evaluation.without_auc)
            )
        )
    return sentences


def _some(names: Sequence[str]) -> str:
    from anmok.evaluation.matching import name_some

    return name_some(names)


def _print_json(bundle: Path, manifest: Manifest, evaluation: Evaluation, warnings: list[str], rate: float) -> None:
    from anmok.evaluation.summary import metrics_json

    values = {
        "bundle": str(bundle),
        "source": manifest.source,
        "content_hash": manifest.content_hash,
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
        "pictures_per_second": rate,
        "warnings": warnings,
    }
    typer.echo(json.dumps(values, ensure_ascii=False, allow_nan=False))


def _print_tables(name: str, manifest: Manifest, evaluation: Evaluation, warnings: list[str], rate: float) -> None:
    from anmok.cli.console import stdout
    from anmok.data.names import escape

    splits = {TRAIN: _("training pictures"), VALID: _("validation pictures"), TEST: _("test pictures")}
    title = _("{model} on {source}: {count} {pictures}, 95 % intervals").format(
        model=escape(name),
        source=escape(manifest.name or manifest.source),
        count=evaluation.pictures,
        pictures=splits.get(evaluation.split, _("pictures")),
    )
    console = stdout()
    console.print(title, markup=False, style="bold")
    console.print(_metric_table(evaluation))
    console.print(_class_table(evaluation))
    console.print(_("{rate:.0f} pictures a second, from files to answers").format(rate=rate), markup=False)
    for warning in warnings:
        console.print("[yellow]![/] ", end="")
        # Names of classes come from a bundle that may be a stranger's: they must not steer the terminal.
        console.print(escape(warning), markup=False)


def _metric_table(evaluation: Evaluation) -> Table:
    from rich.table import Table

    from anmok.evaluation.results import HEADLINE_METRICS
    from anmok.report.words import metric_title

    table = Table()
    for heading in (_("metric"), _("value"), _("from"), _("to")):
        table.add_column(heading, justify="left" if heading == _("metric") else "right")
    for name in HEADLINE_METRICS:
        figure = evaluation.metrics.get(name)
        limits = ("–",) * 3 if figure is None else [f"{x:.3f}" for x in (figure.value, figure.low, figure.high)]
        table.add_row(metric_title(name), *limits)
    return table


def _class_table(evaluation: Evaluation) -> Table:
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
    table = Table(title=title, title_justify="left")
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
