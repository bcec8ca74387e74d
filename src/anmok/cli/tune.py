"""``anmok tune``: better settings for a recipe, chosen by validation pictures."""

from __future__ import annotations

import json
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from anmok.cli.options import (
    default_folder,
    drop_small_classes_option,
    json_option,
    lang_option,
    leak_policy,
    plain_help,
    repair_option,
    source_argument,
    test_option,
    threads_option,
    valid_option,
)
from anmok.errors import UsageError
from anmok.i18n import _, ngettext

if TYPE_CHECKING:
    from rich.table import Table

    from anmok.config import TuneConfig
    from anmok.tuning.results import Tuning

#: Trials that the terminal shows; the page shows all.
MOST_SHOWN = 8


def register(app: typer.Typer) -> None:
    """Add the command to ``app``."""

    @app.command(help=_("Search for better settings of a recipe; validation pictures decide, test pictures are kept."))
    def tune(
        source: Annotated[str, source_argument()],
        recipe: Annotated[
            str,
            typer.Option(
                "--recipe", "-r", help=plain_help(_("Name of a recipe, or a .toml file; its [search] may vary."))
            ),
        ],
        trials: Annotated[
            int, typer.Option(min=1, help=_("How many settings are tried, those of before included."))
        ] = 20,
        minutes: Annotated[float, typer.Option(min=0, help=_("Stop after so long; 0: no limit."))] = 0.0,
        vary: Annotated[
            list[str] | None,
            typer.Option(
                metavar="KEY=RANGE",
                help=plain_help(
                    _(
                        "What may vary, instead of the recipe's own: "
                        "[choice, choice] or {low=1e-4, high=1e-2, log=true}."
                    )
                ),
            ),
        ] = None,
        settings: Annotated[
            list[str] | None,
            typer.Option("--set", metavar="KEY=VALUE", help=_("Change a setting of the recipe, and do not vary it.")),
        ] = None,
        out: Annotated[
            Path | None,
            typer.Option("--out", "-o", help=_("Folder for the results; anmok-tune-SOURCE-RECIPE if not given.")),
        ] = None,
        test: Annotated[float, test_option()] = 0.2,
        valid: Annotated[float, valid_option()] = 0.15,
        split_seed: Annotated[int, typer.Option(help=_("Seed of the split."))] = 0,
        seed: Annotated[int, typer.Option(min=0, help=_("Seed of what is tried."))] = 0,
        repair: Annotated[bool, repair_option()] = False,
        allow_leaks: Annotated[bool, typer.Option("--allow-leaks", help=_("Search in spite of leaks."))] = False,
        drop_small_classes: Annotated[bool, drop_small_classes_option()] = False,
        threads: Annotated[int, threads_option()] = 0,
        as_json: Annotated[bool, json_option()] = False,
        lang: Annotated[str, lang_option()] = "",
    ) -> None:
        from anmok.config import SplitConfig, TuneConfig

        config = TuneConfig(
            trials=trials,
            minutes=minutes,
            split=SplitConfig(test=test, valid=valid, seed=split_seed),
            leaks=leak_policy(repair=repair, allow=allow_leaks),
            drop_small_classes=drop_small_classes,
            seed=seed,
            threads=threads,
        )
        tuning, folder = _tune(source, recipe, out, config, settings or [], vary or [])
        if as_json:
            typer.echo(json.dumps(json.loads((folder / "tune.json").read_text(encoding="utf-8")), ensure_ascii=False))
        else:
            show(tuning, folder)


def _tune(
    source: str, name: str, out: Path | None, config: TuneConfig, settings: list[str], vary: list[str]
) -> tuple[Tuning, Path]:
    from anmok.cli.console import TerminalProgress
    from anmok.models.recipes import get_recipe_file
    from anmok.pipeline.recipe_choice import changed, read_ranges, read_settings
    from anmok.pipeline.tune import tune

    file = get_recipe_file(name)
    fixed = read_settings(settings)
    recipe = changed(file.recipe, fixed)
    space = read_ranges(recipe, vary) if vary else {k: v for k, v in file.search.items() if k not in fixed}
    both = sorted(set(space) & set(fixed))
    if both:
        raise UsageError(
            _("{setting} cannot both be fixed by --set and varied by --vary.").format(setting=both[0]),
            hint=_("Give one of the two."),
        )
    folder = out or default_folder("anmok-tune", source, recipe.name)
    command = _command(source, name, folder, config, settings, vary)
    try:
        with TerminalProgress() as progress:
            return tune(source, folder, recipe, space, config, progress=progress, command=command), folder
    except KeyboardInterrupt:
        typer.echo("\n" + _("The search goes on with: {command}").format(command=command), err=True)
        raise


def _command(source: str, recipe: str, folder: Path, config: TuneConfig, settings: list[str], vary: list[str]) -> str:
    """Return the command line that goes on, or makes the same again."""
    from anmok.config import policy_words

    words = ["anmok", "tune", source, "--recipe", recipe, "--out", str(folder), "--trials", str(config.trials)]
    words += ["--minutes", f"{config.minutes:g}"] if config.minutes else []
    words += [word for text in vary for word in ("--vary", text)]
    words += [word for text in settings for word in ("--set", text)]
    words += ["--test", str(config.split.test), "--valid", str(config.split.valid)]
    words += ["--split-seed", str(config.split.seed), "--seed", str(config.seed)]
    words += policy_words(config.leaks, drop_small_classes=config.drop_small_classes)
    return shlex.join(words)


def show(tuning: Tuning, folder: Path) -> None:
    """Print the best trials, what was won, and what to do next."""
    from anmok.cli.console import print_titled, stdout
    from anmok.report.tuning import against, won

    console = stdout()
    console.print()
    console.print(_table(tuning))
    console.print(f"{won(tuning)} {against(tuning)}".strip(), markup=False)
    console.print(
        _(
            "Validation pictures chose these settings, so their figure flatters. "
            "Test pictures were not looked at: measure the best recipe on them once, at the end."
        ),
        markup=False,
    )
    console.print()
    rows = [(_("Page"), str(folder / "tune.html"))]
    if tuning.winner is not None:
        rows += [(_("Best recipe"), str(folder / "best.toml")), (_("Measure it"), tuning.measure)]
    if len(tuning.trials) < tuning.asked:
        rows.append((_("Go on"), tuning.command))
    for title, text in rows:
        print_titled(console, title, text)


def _table(tuning: Tuning) -> Table:
    from rich.box import SIMPLE_HEAD
    from rich.markup import escape
    from rich.table import Table

    from anmok.cli.console import harmless
    from anmok.report.tuning import table_rows

    rows = table_rows(tuning)
    title = ngettext("{recipe}: {count} trial", "{recipe}: {count} trials", len(rows))
    table = Table(
        title=escape(title.format(recipe=tuning.recipe, count=len(rows))),
        title_justify="left",
        box=SIMPLE_HEAD,
        show_edge=False,
        padding=(0, 1, 0, 0),
    )
    columns: list[tuple[str, Any]] = [(_("trial"), "right")]
    columns += [(varied.setting.replace("_", "\n", 1), "right") for varied in tuning.varied]
    columns += [
        (_("validation\nloss"), "right"),
        (_("right,\n%"), "right"),
        (_("epochs"), "right"),
        (_("ended"), "left"),
    ]
    for heading, side in columns:
        table.add_column(heading, justify=side)
    for row in rows[:MOST_SHOWN]:
        cells = [str(row.trial.number), *row.cells, row.loss, row.accuracy, row.epochs, row.ended]
        table.add_row(*(escape(harmless(cell)) for cell in cells), style="bold green" if row.best else "")
    if len(rows) > MOST_SHOWN:
        table.caption = _("… and {count} more on the page.").format(count=len(rows) - MOST_SHOWN)
    return table
