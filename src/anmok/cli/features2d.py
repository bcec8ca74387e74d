"""``anmok features2d``: two hand-made features, three boundaries, and what they are worth on test pictures."""

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
)
from anmok.i18n import _

if TYPE_CHECKING:
    from rich.table import Table

    from anmok.pipeline.features2d import Features2dConfig
    from anmok.report.features2d import Features2d


#: As in ``features.plane.all_measure_names``, which is too heavy for a help text.
NAMES = (
    "brightness",
    "mean_pixel",
    "contrast",
    "saturation",
    "sharpness",
    "entropy",
    "aspect",
    "width",
    "height",
    "bytes",
    "mean_r",
    "mean_g",
    "mean_b",
)


def register(app: typer.Typer) -> None:
    """Add the command to ``app``."""

    @app.command(
        help=_("Tell classes apart by two hand-made features, with a straight, a moderate and a wiggly boundary."),
        epilog=_("Features: {names}; auto takes the two that tell the classes apart best.").format(
            names=", ".join(NAMES)
        ),
    )
    def features2d(
        source: Annotated[str, source_argument()],
        out: Annotated[
            Path | None,
            typer.Option("--out", "-o", help=_("Folder for the results; anmok-features2d-SOURCE if not given.")),
        ] = None,
        x: Annotated[str, typer.Option("--x", help=_("Feature on the horizontal axis, or auto."))] = "auto",
        y: Annotated[str, typer.Option("--y", help=_("Feature on the vertical axis, or auto."))] = "auto",
        classes: Annotated[
            str, typer.Option("--classes", help=_("Classes to tell apart, separated by commas; six at most."))
        ] = "",
        test: Annotated[float, test_option()] = 0.2,
        repair: Annotated[bool, repair_option()] = False,
        drop_small_classes: Annotated[bool, drop_small_classes_option()] = False,
        seed: Annotated[int, typer.Option(help=_("Seed of the division into training and test."))] = 0,
        threads: Annotated[int, threads_option()] = 0,
        as_json: Annotated[bool, json_option()] = False,
        lang: Annotated[str, lang_option()] = "",
    ) -> None:
        from anmok.cli.console import TerminalProgress
        from anmok.config import SplitConfig
        from anmok.pipeline.features2d import Features2dConfig, features_2d

        config = Features2dConfig(
            x=x,
            y=y,
            classes=tuple(name.strip() for name in classes.split(",") if name.strip()),
            split=SplitConfig(test=test, seed=seed),
            leaks=leak_policy(repair=repair, allow=False),
            drop_small_classes=drop_small_classes,
            threads=threads,
        )
        folder = out or default_folder("anmok-features2d", source)
        with TerminalProgress() as progress:
            found = features_2d(source, folder, config, progress=progress, command=_command(source, folder, config))
        _show(found, folder, as_json=as_json)


def _command(source: str, folder: Path, config: Features2dConfig) -> str:
    """Return the command line that makes the same again."""
    from anmok.config import policy_words

    words = ["anmok", "features2d", source, "--out", str(folder), "--x", config.x, "--y", config.y]
    if config.classes:
        words += ["--classes", ",".join(config.classes)]
    words += ["--test", f"{config.split.test:g}", "--seed", str(config.split.seed)]
    words += policy_words(config.leaks, drop_small_classes=config.drop_small_classes)
    return shlex.join(words)


def _show(found: Features2d, folder: Path, *, as_json: bool) -> None:
    """Print the scores, what one sees and the page; or the values as one line of JSON."""
    if as_json:
        values = json.loads((folder / "features2d.json").read_text(encoding="utf-8"))["features2d"]
        typer.echo(json.dumps(values, ensure_ascii=False))
        return
    from anmok.cli.console import harmless, print_titled, stdout
    from anmok.report.features2d import what_one_sees

    console = stdout()
    console.print(_table(found))
    for text in (*found.notes, *what_one_sees(found)):
        console.print(harmless(text), markup=False)
    print_titled(console, _("Page"), str(folder / "features2d.html"))


def _table(found: Features2d) -> Table:
    from rich.markup import escape
    from rich.table import Table

    from anmok.cli.console import harmless
    from anmok.report.features2d import axis_title, kind_title

    title = _("{source}: {x} × {y}, right answers with 95% intervals").format(
        source=escape(harmless(found.source)), x=axis_title(found.x.measure), y=axis_title(found.y.measure)
    )
    table = Table(title=title, title_justify="left")
    table.add_column(_("boundary"))
    for heading in (_("Training"), _("Test")):
        table.add_column(heading, justify="right")
    for one in found.boundaries:
        cells = [f"{its.value:.2f} ({its.low:.2f}-{its.high:.2f})" for its in (one.train, one.test)]
        table.add_row(kind_title(one.kind).lower(), *cells)
    return table
