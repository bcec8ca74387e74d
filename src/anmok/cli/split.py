"""``anmok split``: train, valid and test for a source, with near copies kept together."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from anmok.cli.options import (
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
from anmok.i18n import _, ngettext

if TYPE_CHECKING:
    from anmok.pipeline.split import Division


def register(app: typer.Typer) -> None:
    """Add the command to ``app``."""

    @app.command(help=_("Divide pictures into train, valid and test; copies and near copies stay together."))
    def split(
        source: Annotated[str, source_argument()],
        out: Annotated[Path, typer.Option("--out", "-o", help=_("The manifest to write."))] = Path("split.parquet"),
        test: Annotated[float, test_option()] = 0.2,
        valid: Annotated[float, valid_option()] = 0.15,
        seed: Annotated[int, typer.Option(help=_("Seed of the split."))] = 0,
        repair: Annotated[bool, repair_option()] = False,
        allow_leaks: Annotated[
            bool, typer.Option("--allow-leaks", help=_("Keep leaks of the source's own splits; a note says so."))
        ] = False,
        drop_small_classes: Annotated[bool, drop_small_classes_option()] = False,
        no_near: Annotated[
            bool, typer.Option("--no-near", help=_("Keep only equal files together, not near copies."))
        ] = False,
        flips: Annotated[bool, typer.Option("--flips", help=_("Mirrored pictures are near copies, too."))] = False,
        threads: Annotated[int, threads_option()] = 0,
        as_json: Annotated[bool, json_option()] = False,
        lang: Annotated[str, lang_option()] = "",
    ) -> None:
        from anmok.cli.console import TerminalProgress
        from anmok.config import SplitConfig
        from anmok.pipeline.folder import prepare_manifest
        from anmok.pipeline.split import divide

        leaks = leak_policy(repair=repair, allow=allow_leaks)
        config = SplitConfig(test=test, valid=valid, seed=seed)
        prepare_manifest(out, source)
        with TerminalProgress() as progress:
            division = divide(
                source,
                config,
                leaks=leaks,
                drop_small_classes=drop_small_classes,
                near=not no_near,
                flips=flips,
                threads=threads,
                progress=progress,
            )
        division.manifest.save(out)
        if as_json:
            typer.echo(json.dumps(summary(division, out), ensure_ascii=False))
        else:
            show(division, out)


def summary(division: Division, out: Path) -> dict[str, object]:
    """Return the fixed JSON form of ``anmok split --json``."""
    manifest = division.manifest
    counts = Counter(zip(manifest.table["split"], manifest.table["label"], strict=True))
    return {
        "manifest": str(out),
        "pictures": len(manifest),
        "quarantined": len(manifest.quarantined),
        "content_hash": manifest.content_hash,
        "counts": [{"split": split, "label": label, "pictures": n} for (split, label), n in sorted(counts.items())],
        "groups": division.groups,
        "grouped": division.grouped,
        "largest_group": division.largest,
        "notes": list(manifest.notes),
    }


def show(division: Division, out: Path) -> None:
    """Print classes by splits, what was kept together, the notes, and where the manifest stands."""
    from rich.markup import escape
    from rich.table import Table

    from anmok.cli.console import harmless, stdout
    from anmok.records import SPLITS

    manifest = division.manifest
    counts = Counter(zip(manifest.table["label"], manifest.table["split"], strict=True))
    table = Table(title=escape(harmless(str(out))), title_justify="left")
    table.add_column(_("class"), overflow="fold")
    for split in SPLITS:
        table.add_column(split, justify="right")
    for label in manifest.classes:
        table.add_row(escape(harmless(label)), *(str(counts[label, split]) for split in SPLITS))
    table.add_section()
    table.add_row(_("all"), *(str(sum(counts[label, split] for label in manifest.classes)) for split in SPLITS))
    console = stdout()
    console.print(table)
    if division.groups:
        text = ngettext(
            "{count} group of copies or pictures that belong together was kept in one split: {pictures} pictures, "
            "{largest} in the largest.",
            "{count} groups of copies or pictures that belong together were each kept in one split: {pictures} "
            "pictures, {largest} in the largest.",
            division.groups,
        )
        console.print(
            text.format(count=division.groups, pictures=division.grouped, largest=division.largest), markup=False
        )
    for note in manifest.notes:
        console.print(harmless(note), markup=False)
    for entry in manifest.quarantined[:10]:
        console.print(harmless(f"! {entry.reason}"), markup=False)
    if len(manifest.quarantined) > 10:
        console.print(_("… and {count} more.").format(count=len(manifest.quarantined) - 10))
