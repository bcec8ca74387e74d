"""``anmok compare``: several models on the same test pictures, one report, one bundle."""

from __future__ import annotations

import json
import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from anmok.cli.options import (
    default_folder,
    drop_small_classes_option,
    json_option,
    lang_option,
    leak_policy,
    models_option,
    repair_option,
    source_argument,
    test_option,
    threads_option,
    valid_option,
)
from anmok.errors import UsageError
from anmok.i18n import _, ngettext

if TYPE_CHECKING:
    from anmok.config import CompareConfig
    from anmok.evaluation.results import Comparison


def register(app: typer.Typer) -> None:
    """Add the command to ``app``."""

    @app.command(help=_("Train several models on the same pictures, measure them honestly, keep the best."))
    def compare(
        source: Annotated[str, source_argument()],
        models: Annotated[str, models_option()] = "handcrafted,cnn-small,mobilenetv2",
        out: Annotated[
            Path | None, typer.Option("--out", "-o", help=_("Folder for the results; anmok-SOURCE if not given."))
        ] = None,
        test: Annotated[float, test_option()] = 0.2,
        valid: Annotated[float, valid_option()] = 0.15,
        seed: Annotated[int, typer.Option(help=_("Seed of the split."))] = 0,
        repair: Annotated[bool, repair_option()] = False,
        allow_leaks: Annotated[
            bool, typer.Option("--allow-leaks", help=_("Measure in spite of leaks; the report says so."))
        ] = False,
        drop_small_classes: Annotated[bool, drop_small_classes_option()] = False,
        no_checks: Annotated[
            bool,
            typer.Option(
                "--no-checks", help=_("Do not look for wrong labels, strangers and the like first; copies always are.")
            ),
        ] = False,
        learning_curve: Annotated[
            bool, typer.Option("--learning-curve", help=_("Also measure what more pictures would bring."))
        ] = False,
        threads: Annotated[int, threads_option()] = 0,
        as_json: Annotated[bool, json_option()] = False,
        lang: Annotated[str, lang_option()] = "",
    ) -> None:
        from anmok.config import CompareConfig, SplitConfig

        leaks = leak_policy(repair=repair, allow=allow_leaks)
        names = tuple(dict.fromkeys(name.strip() for name in models.split(",") if name.strip()))
        if not names:
            raise UsageError(_("No model was named."), hint=_("For example: --models handcrafted,mobilenetv2."))
        config = CompareConfig(
            models=names,
            split=SplitConfig(test=test, valid=valid, seed=seed),
            leaks=leaks,
            drop_small_classes=drop_small_classes,
            look_over=not no_checks,
            learning_curve=learning_curve,
            threads=threads,
        )
        folder = out or default_folder("anmok", source)
        comparison = run_comparison(source, folder, config, command=_command(source, folder, config))
        show(comparison, folder, as_json=as_json)


def run_comparison(source: str, folder: Path, config: CompareConfig, *, command: str) -> Comparison:
    """Compare with progress bars on the terminal."""
    from anmok.cli.console import TerminalProgress
    from anmok.pipeline.compare import compare

    with TerminalProgress() as progress:
        return compare(source, folder, config, progress=progress, command=command)


def _command(source: str, folder: Path, config: CompareConfig) -> str:
    """Return the command line that makes the same again."""
    from anmok.config import policy_words

    words = ["anmok", "compare", source, "--models", ",".join(config.models), "--out", str(folder)]
    words += ["--test", str(config.split.test), "--valid", str(config.split.valid), "--seed", str(config.split.seed)]
    words += policy_words(config.leaks, drop_small_classes=config.drop_small_classes)
    words += [] if config.look_over else ["--no-checks"]
    words += ["--learning-curve"] if config.learning_curve else []
    return shlex.join(words)


def show(
    comparison: Comparison,
    folder: Path,
    *,
    as_json: bool,
    remarks: Sequence[str] = (),
    further: Sequence[tuple[str, str]] = (),
) -> None:
    """Print the table, the warnings and the paths; or the summary as JSON.

    Args:
        remarks: sentences below the reason. further: titles and texts below the paths.
    """
    if as_json:
        typer.echo(json.dumps(json.loads((folder / "summary.json").read_text(encoding="utf-8")), ensure_ascii=False))
        return
    from anmok.clean.registry import get_check
    from anmok.cli.console import harmless, print_titled, stdout
    from anmok.cli.tables import comparison_table
    from anmok.report.checks import clean_command

    console = stdout()
    console.print()
    console.print(comparison_table(comparison, width=console.width))
    console.print(comparison.reason, markup=False)
    for remark in (*remarks, *_about_times(comparison), *_about_more_pictures(comparison)):
        console.print(harmless(remark), markup=False)
    for warning in comparison.warnings:
        console.print("[yellow]![/] ", end="")
        console.print(warning, markup=False)
    for left in comparison.left_out:
        console.print("[yellow]![/] ", end="")
        console.print(_("{name} was left out: {reason}").format(name=left.name, reason=left.reason), markup=False)
        if left.hint:
            console.print("  " + left.hint, markup=False)
    found = [done for done in comparison.checks if done.flagged]
    if found:
        names = ", ".join(f"{_(get_check(done.check).title)} {done.flagged}" for done in found)
        console.print(_("Pictures that the checks flagged: {names}.").format(names=names), markup=False)
    quarantined = len(comparison.data.quarantined)
    if quarantined:
        text = ngettext(
            "{count} file was left out; the reason stands in {path}.",
            "{count} files were left out; the reasons stand in {path}.",
            quarantined,
        )
        path = folder / "manifest.quarantine.csv"
        console.print(text.format(count=quarantined, path=path), markup=False)
    console.print()
    bundle = folder / "best.anmok"
    rows = (
        (_("Report"), str(folder / "report.html")),
        *(((_("Decide"), clean_command(comparison)),) if found else ()),
        (_("Best model"), str(bundle)),
        (_("Try it"), f"anmok predict {shlex.quote(str(bundle))} PHOTO.jpg"),
        *further,
    )
    for title, text in rows:
        print_titled(console, title, text)


def _about_times(comparison: Comparison) -> tuple[str, ...]:
    """Say whose training was quicker than told, because features of an earlier one were at hand."""
    names = [model.name for model in comparison.models if model.seconds_spared > 0]
    if not names:
        return ()
    text = _(
        "Training times count features that were at hand with the time that they took when they were made: {names}."
    )
    return (text.format(names=", ".join(names)),)


def _about_more_pictures(comparison: Comparison) -> tuple[str, ...]:
    from anmok.report.learning_curve import sentences

    if comparison.learning_curve is None:
        return ()
    model = _("More pictures for {model}:").format(model=comparison.learning_curve.model)
    return (" ".join((model, *sentences(comparison.learning_curve))),)
