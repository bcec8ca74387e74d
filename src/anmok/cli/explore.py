"""``anmok explore``: know the pictures before anything is trained on them; one page, tables, what stands out."""

from __future__ import annotations

import json
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from anmok.cli.options import default_folder, json_option, lang_option, source_argument, threads_option
from anmok.i18n import _, ngettext

if TYPE_CHECKING:
    from rich.table import Table

    from anmok.config import ExploreConfig
    from anmok.explore.results import Exploration

#: Classes and sentences that go onto the terminal; the page has all.
SHOWN = 20
SENTENCES = 8


def register(app: typer.Typer) -> None:
    """Add the command to ``app``."""

    @app.command(help=_("Show what the pictures are like: counts, distributions, samples, a map, and what stands out."))
    def explore(
        source: Annotated[str, source_argument()],
        out: Annotated[
            Path | None,
            typer.Option("--out", "-o", help=_("Folder for the results; anmok-explore-SOURCE if not given.")),
        ] = None,
        sample: Annotated[int, typer.Option(min=1, help=_("Pictures on the map, at most."))] = 3000,
        map_method: Annotated[
            Literal["tsne", "pca", "none"],
            typer.Option("--map", help=_("Layout of the map: tsne (also pca), pca, or none.")),
        ] = "tsne",
        seed: Annotated[int, typer.Option(help=_("Seed of samples and map."))] = 0,
        threads: Annotated[int, threads_option()] = 0,
        as_json: Annotated[bool, json_option()] = False,
        lang: Annotated[str, lang_option()] = "",
    ) -> None:
        from anmok.cli.console import TerminalProgress
        from anmok.config import ExploreConfig
        from anmok.pipeline.explore import explore_source

        config = ExploreConfig(sample=sample, map=map_method, seed=seed, threads=threads)
        folder = out or default_folder("anmok-explore", source)
        with TerminalProgress() as progress:
            found = explore_source(source, folder, config, progress=progress, command=_command(source, folder, config))
        show(found, folder, as_json=as_json)


def _command(source: str, folder: Path, config: ExploreConfig) -> str:
    """Return the command line that makes the same again."""
    words = ["anmok", "explore", source, "--out", str(folder), "--sample", str(config.sample), "--map", config.map]
    return shlex.join([*words, "--seed", str(config.seed)])


def show(found: Exploration, folder: Path, *, as_json: bool) -> None:
    """Print the table, what stands out and the paths; or the values as one line of JSON."""
    if as_json:
        values = json.loads((folder / "explore.json").read_text(encoding="utf-8"))["exploration"]
        typer.echo(json.dumps(values, ensure_ascii=False))
        return
    from anmok.cli.console import harmless, print_titled, stdout
    from anmok.report.explore_tables import build_told
    from anmok.report.explore_words import imbalance_text, plain_sentences
    from anmok.report.words import decimal

    console = stdout()
    console.print()
    console.print(class_table(found))
    sentences = [
        imbalance_text(one).format(largest=one.largest, smallest=one.smallest, ratio=decimal(one.ratio))
        for one in found.imbalance
    ]
    sentences = [text for text in sentences if text] + plain_sentences(build_told(found))
    for text in sentences[:SENTENCES]:
        console.print("[yellow]![/] ", end="")
        console.print(harmless(text), markup=False)
    if len(sentences) > SENTENCES:
        text = _("… and {count} more, in the page.").format(count=len(sentences) - SENTENCES)
        console.print(text, markup=False)
    if found.quarantined:
        text = ngettext(
            "{count} file was left out; the reason stands in {path}.",
            "{count} files were left out; the reasons stand in {path}.",
            len(found.quarantined),
        )
        path = folder / "manifest.quarantine.csv"
        console.print(text.format(count=len(found.quarantined), path=path), markup=False)
    console.print()
    for title, path in ((_("Page"), folder / "explore.html"), (_("Table of pictures"), folder / "pictures.csv")):
        print_titled(console, title, str(path))


def class_table(found: Exploration) -> Table:
    """Return a row for each class: pictures and medians; those that stand out first, each such figure marked."""
    from rich.box import SIMPLE_HEAD
    from rich.markup import escape
    from rich.table import Table

    from anmok.cli.console import harmless
    from anmok.report.explore_tables import build
    from anmok.report.words import count

    tables = build(found)
    table = Table(
        title=_("{source}: {pictures}, {classes}; medians").format(
            source=escape(harmless(found.source)),
            pictures=ngettext("{count} picture", "{count} pictures", found.pictures).format(
                count=count(found.pictures)
            ),
            classes=ngettext("{count} class", "{count} classes", len(found.classes)).format(count=len(found.classes)),
        ),
        title_justify="left",
        padding=(0, 1, 0, 0),
        box=SIMPLE_HEAD,
        show_edge=False,
    )
    table.add_column(_("class"), overflow="fold", ratio=1)
    table.add_column(_("pictures"), justify="right", no_wrap=True)
    # Width and height say more together than the mean pixel beside the brightness; a terminal has no room for all.
    shown = [
        number
        for number, one in enumerate(found.measured)
        if one.measure not in ("mean_pixel", "entropy", "aspect", "bytes")
    ]
    for number in shown:
        table.add_column(tables.columns[number].title.lower(), justify="right", no_wrap=True)
    for row in tables.classes[:SHOWN]:
        cells = [row.cells[number] for number in shown]
        figures = [f"[bold yellow]{cell.text}[/]" if cell.marked else cell.text for cell in cells]
        table.add_row(_plain(row.label), count(row.count), *figures)
    if len(tables.classes) > SHOWN:
        table.add_row(_("… and {count} more, in the page.").format(count=len(tables.classes) - SHOWN), "")
    return table


def _plain(label: str) -> str:
    from rich.markup import escape

    from anmok.cli.console import harmless

    return escape(harmless(label))
