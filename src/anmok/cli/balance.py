"""``anmok balance``: classes to learn from made more equal; what was is shown beside what is."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from anmok.cli.options import json_option, lang_option, source_argument, test_option, threads_option, valid_option
from anmok.errors import UsageError
from anmok.i18n import _

if TYPE_CHECKING:
    from rich.table import Table

    from anmok.pipeline.balance import Balance

#: Characters of the longest bar.
BAR = 24


def register(app: typer.Typer) -> None:
    """Add the command to ``app``."""

    @app.command(help=_("Make the classes to learn from more equal; valid and test pictures stay as they are."))
    def balance(
        source: Annotated[str, source_argument()],
        # "--undersample classes=a,b to=mean" is what people type; the shell makes two words of it.
        more: Annotated[list[str] | None, typer.Argument(hidden=True)] = None,
        out: Annotated[
            Path,
            typer.Option("--out", "-o", help=_("The manifest to write (.parquet), or a new folder for --oversample.")),
        ] = Path("balanced.parquet"),
        undersample: Annotated[
            list[str] | None,
            typer.Option(
                metavar="RULE",
                help=_(
                    'Take pictures out: "classes=a,b to=mean|median|min|N" of the classes not named; without classes '
                    "all that are too large. May be given several times."
                ),
            ),
        ] = None,
        oversample: Annotated[
            str,
            typer.Option(
                metavar="RULE",
                help=_("Add augmented pictures, after that: N|max|mean|median, or with classes=a,b to=N."),
            ),
        ] = "",
        policy: Annotated[str, typer.Option(help=_("The augmentation that they are drawn from."))] = "flip-shift",
        test: Annotated[float, test_option()] = 0.2,
        valid: Annotated[float, valid_option()] = 0.15,
        whole: Annotated[
            bool,
            typer.Option("--whole", help=_("Make no split: undersample all pictures that stand in none.")),
        ] = False,
        seed: Annotated[
            int, typer.Option(help=_("Seed of the split, of the pictures that are left out, and of the augmentation."))
        ] = 0,
        threads: Annotated[int, threads_option()] = 0,
        as_json: Annotated[bool, json_option()] = False,
        lang: Annotated[str, lang_option()] = "",
    ) -> None:
        from anmok.cli.console import TerminalProgress
        from anmok.config import BalanceConfig, SplitConfig
        from anmok.data.balance_rules import parse_rule
        from anmok.pipeline.balance import balance_source

        config = BalanceConfig(
            undersample=tuple(parse_rule(text) for text in _joined(undersample or [], more or [])),
            oversample=parse_rule(oversample) if oversample else None,
            policy=policy,
            split=SplitConfig(test=test, valid=valid, seed=seed),
            whole=whole,
            seed=seed,
            threads=threads,
        )
        with TerminalProgress() as progress:
            done = balance_source(source, out, config, progress=progress)
        show(done, as_json=as_json)


def _joined(rules: list[str], more: list[str]) -> list[str]:
    """Return the rules, the words that a shell parted from the only one put back."""
    if not more:
        return rules
    if len(rules) == 1 and all(word.startswith(("to=", "classes=")) for word in more):
        return [" ".join([*rules, *more])]
    raise UsageError(
        _("{word} belongs to no option.").format(word=repr(more[0])),
        hint=_('Put a rule in quotes: --undersample "classes=a,b to=mean".'),
    )


def show(done: Balance, *, as_json: bool) -> None:
    """Print the table, the ratio, the notes and the path; or JSON."""
    if as_json:
        typer.echo(json.dumps(done.to_json(), ensure_ascii=False))
        return
    from anmok.cli.console import harmless, print_titled, stdout
    from anmok.pipeline.balance import ratio

    console = stdout()
    console.print(balance_table(done))
    before, after = ([getattr(row, name) for row in done.changes] for name in ("before", "after"))
    text = _("Largest class to smallest: {before:.1f} to 1 before, {after:.1f} to 1 now.")
    console.print(text.format(before=ratio(before), after=ratio(after)), markup=False)
    for note in done.notes:
        console.print(f"- {harmless(note)}", markup=False)
    print_titled(console, _("Manifest"), str(done.path))


def balance_table(done: Balance) -> Table:
    """Return the training pictures of each class before and after, with bars of one scale."""
    from rich.box import SIMPLE_HEAD
    from rich.table import Table
    from rich.text import Text

    from anmok.cli.console import harmless

    table = Table(
        title=_("Training pictures of each class"),
        title_justify="left",
        padding=(0, 1, 0, 0),
        box=SIMPLE_HEAD,
        show_edge=False,
    )
    table.add_column(_("class"), overflow="fold")
    for title in (_("before"), _("removed"), _("added"), _("after")):
        table.add_column(title, justify="right", no_wrap=True)
    table.add_column(_("before (pale) and after"), no_wrap=True)
    most = max((max(row.before, row.after) for row in done.changes), default=1) or 1
    for row in done.changes:
        bar = Text()
        kept = row.before - row.removed
        for count, letter, style in (
            (kept, "█", "cyan"),
            (row.added, "▓", "green"),
            (max(0, row.removed - row.added), "░", "dim"),
        ):
            bar.append(letter * _length(count, most), style=style)
        table.add_row(
            Text(harmless(row.label)),
            f"{row.before:,}",
            f"−{row.removed:,}" if row.removed else "",
            f"+{row.added:,}" if row.added else "",
            f"{row.after:,}",
            bar,
        )
    return table


def _length(count: int, most: int) -> int:
    """Return how long a bar is; what is not nothing is seen."""
    return max(1, round(BAR * count / most)) if count else 0
