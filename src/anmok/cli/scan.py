"""``anmok scan``: pictures into a manifest, and what could not be read into a quarantine file."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Annotated

import typer

from anmok.cli.options import json_option, lang_option, threads_option
from anmok.i18n import _


def register(app: typer.Typer) -> None:
    """Add the command to ``app``."""

    @app.command(help=_("Read every picture once and write a manifest (Parquet) with a quarantine file beside it."))
    def scan(
        source: Annotated[str, typer.Argument(help=_("Folder or zip of class folders, CSV, or data set name."))],
        out: Annotated[Path, typer.Option("--out", "-o", help=_("The manifest to write."))] = Path("manifest.parquet"),
        threads: Annotated[int, threads_option()] = 0,
        as_json: Annotated[bool, json_option()] = False,
        lang: Annotated[str, lang_option()] = "",
    ) -> None:
        from rich.markup import escape

        from anmok.cli.console import TerminalProgress, harmless, stdout
        from anmok.data.scan import scan as scan_source
        from anmok.pipeline.folder import prepare_manifest

        prepare_manifest(out, source)
        with TerminalProgress() as progress:
            manifest = scan_source(source, threads=threads, progress=progress)
        manifest.save(out)
        counts = sorted(Counter(zip(manifest.table["split"], manifest.table["label"], strict=True)).items())
        if as_json:
            rows = [{"split": split, "label": label, "pictures": n} for (split, label), n in counts]
            summary = {
                "manifest": str(out),
                "pictures": len(manifest.table),
                "quarantined": len(manifest.quarantined),
                "content_hash": manifest.content_hash,
                "counts": rows,
            }
            typer.echo(json.dumps(summary, ensure_ascii=False))
            return
        from rich.table import Table

        table = Table(title=escape(harmless(str(out))), title_justify="left")
        for title in (_("split"), _("class"), _("pictures")):
            table.add_column(title, overflow="fold")
        for (split, label), n in counts:
            table.add_row(split or "–", escape(harmless(label)), str(n))
        console = stdout()
        console.print(table)
        for entry in manifest.quarantined[:10]:
            console.print(harmless(f"! {entry.reason}"), markup=False)
        if len(manifest.quarantined) > 10:
            console.print(_("… and {count} more.").format(count=len(manifest.quarantined) - 10))
