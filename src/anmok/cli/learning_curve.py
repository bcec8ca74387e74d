"""``anmok learning-curve``: accuracy against the number of training pictures, and what more of them would bring."""

from __future__ import annotations

import json
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from anmok.cli.options import (
    default_folder,
    drop_small_classes_option,
    json_option,
    lang_option,
    leak_policy,
    repair_option,
    source_argument,
    test_option,
    threads_option,
    valid_option,
)
from anmok.i18n import _

if TYPE_CHECKING:
    from rich.table import Table

    from anmok.evaluation.data_size import DataSizeCurve, LearningCurve
    from anmok.pipeline.learning_curve import DataSizeConfig


def register(app: typer.Typer) -> None:
    """Add the command to ``app``."""

    @app.command(
        "learning-curve",
        help=_("Measure how accuracy grows with the number of training pictures, and what more would bring."),
        epilog=_(
            "A model on a frozen backbone takes seconds; a network is trained anew for each size, which takes as many"
            " trainings as there are subsets."
        ),
    )
    def learning_curve(
        source: Annotated[str, source_argument()],
        out: Annotated[
            Path | None,
            typer.Option("--out", "-o", help=_("Folder for the results; anmok-learning-curve-SOURCE if not given.")),
        ] = None,
        model: Annotated[str, typer.Option("--model", "-m", help=_("Recipe (see `anmok models`)."))] = "mobilenetv2",
        sizes: Annotated[int, typer.Option("--sizes", help=_("Sizes of the training set."))] = 5,
        seeds: Annotated[int, typer.Option("--seeds", help=_("Random subsets of each size."))] = 3,
        test: Annotated[float, test_option()] = 0.2,
        valid: Annotated[float, valid_option()] = 0.15,
        repair: Annotated[bool, repair_option()] = False,
        drop_small_classes: Annotated[bool, drop_small_classes_option()] = False,
        seed: Annotated[int, typer.Option(help=_("Seed of the split and the subsets."))] = 0,
        threads: Annotated[int, threads_option()] = 0,
        as_json: Annotated[bool, json_option()] = False,
        lang: Annotated[str, lang_option()] = "",
    ) -> None:
        from anmok.cli.console import TerminalProgress
        from anmok.config import SplitConfig
        from anmok.pipeline.learning_curve import DataSizeConfig
        from anmok.pipeline.learning_curve import learning_curve as measure

        config = DataSizeConfig(
            model=model,
            sizes=sizes,
            seeds=seeds,
            split=SplitConfig(test=test, valid=valid, seed=seed),
            leaks=leak_policy(repair=repair, allow=False),
            drop_small_classes=drop_small_classes,
            threads=threads,
        )
        folder = out or default_folder("anmok-learning-curve", source)
        with TerminalProgress() as progress:
            found = measure(source, folder, config, progress=progress, command=_command(source, folder, config))
        _show(found, folder, as_json=as_json)


def _command(source: str, folder: Path, config: DataSizeConfig) -> str:
    """Return the command line that makes the same again."""
    from anmok.config import policy_words

    words = ["anmok", "learning-curve", source, "--out", str(folder), "--model", config.model]
    words += ["--sizes", str(config.sizes), "--seeds", str(config.seeds)]
    words += [
        "--test",
        f"{config.split.test:g}",
        "--valid",
        f"{config.split.valid:g}",
        "--seed",
        str(config.split.seed),
    ]
    words += policy_words(config.leaks, drop_small_classes=config.drop_small_classes)
    return shlex.join(words)


def _show(found: LearningCurve, folder: Path, *, as_json: bool) -> None:
    """Print the tables, what they say and the page; or the values as one line of JSON."""
    if as_json:
        values = json.loads((folder / "learning-curve.json").read_text(encoding="utf-8"))["learning_curve"]
        typer.echo(json.dumps(values, ensure_ascii=False))
        return
    from anmok.cli.console import harmless, print_titled, stdout
    from anmok.report.learning_curve import sentences

    console = stdout()
    console.print(_table(found.curve, found.source))
    for text in sentences(found.curve):
        console.print(harmless(text), markup=False)
    print_titled(console, _("Page"), str(folder / "learning-curve.html"))


def _table(curve: DataSizeCurve, source: str) -> Table:
    from rich.markup import escape
    from rich.table import Table

    from anmok.cli.console import harmless
    from anmok.report.words import count

    title = _("{model} on {source}: accuracy on {count} test pictures by training pictures").format(
        model=escape(harmless(curve.model)), source=escape(harmless(source)), count=curve.measured
    )
    table = Table(title=title, title_justify="left")
    table.add_column(_("pictures"), justify="right")
    table.add_column(_("accuracy"), justify="right")
    table.add_column(_("each subset, or 95% interval"))
    for point in curve.points:
        each = "  ".join(f"{value:.3f}" for value in point.accuracies)
        table.add_row(count(point.pictures), f"{point.accuracy.value:.3f}", each)
    table.add_section()
    for one in curve.forecasts:
        text = _("expected: {low:.3f} to {high:.3f}").format(low=one.accuracy.low, high=one.accuracy.high)
        table.add_row(f"{one.times:g} × {count(curve.now.pictures)}", f"{one.accuracy.value:.3f}", text)
    return table
