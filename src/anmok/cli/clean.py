"""``anmok clean``: what is wrong with the pictures, to decide on; and a new manifest of what was decided."""

from __future__ import annotations

import json
import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from anmok.cli.options import default_folder, json_option, lang_option, source_argument, threads_option
from anmok.errors import UsageError
from anmok.i18n import _, ngettext

if TYPE_CHECKING:
    from anmok.clean.apply import Applied
    from anmok.clean.decisions import AcceptRule
    from anmok.config import CleanConfig
    from anmok.pipeline.clean import Cleaning

#: Bytes of a file of marks (``@FILE``).
MAX_MARKS = 16 * 2**20


def register(app: typer.Typer) -> None:
    """Add the command to ``app``."""

    @app.command(
        help=_("Look for duplicates, wrong labels, off-topic and bad pictures; decide; write a new manifest.")
        + " "
        + _("It ends with 0 also where something was found.")
    )
    def clean(
        source: Annotated[str, source_argument()] = "",
        out: Annotated[
            Path | None,
            typer.Option(
                "--out",
                "-o",
                help=_(
                    "Folder for the findings (anmok-clean-SOURCE; with --json nothing is written unless it is named); "
                    "with --apply the new manifest."
                ),
            ),
        ] = None,
        check: Annotated[
            list[str] | None, typer.Option("--check", help=_("Only this check (see `anmok checks`); repeatable."))
        ] = None,
        accept: Annotated[
            list[str] | None,
            typer.Option(
                "--accept",
                metavar="CHECK[:MIN][=ACTION]",
                help=_(
                    "Accept what this check finds, with at least the certainty MIN (0-1), and do what it proposes, or "
                    "ACTION (remove, relabel, group); repeatable."
                ),
            ),
        ] = None,
        fix: Annotated[
            bool, typer.Option("--fix", help=_("Apply all accepted findings at once: writes cleaned.parquet."))
        ] = False,
        apply: Annotated[
            Path | None,
            typer.Option("--apply", metavar="FILE", help=_("Apply the accepted rows of this findings.csv.")),
        ] = None,
        vectors: Annotated[
            str, typer.Option("--vectors", help=_("Model whose vectors are compared; auto takes the best at hand."))
        ] = "auto",
        flips: Annotated[bool, typer.Option("--flips", help=_("Near duplicates may be mirrored, too."))] = False,
        off_topic: Annotated[
            str,
            typer.Option(
                "--off-topic",
                metavar="embedding|random|pca|autoencoder",
                help=_("How off-topic pictures are looked for."),
            ),
        ] = "embedding",
        clusters: Annotated[int, typer.Option("--clusters", min=2, help=_("Kinds of pictures to look for."))] = 2,
        drop_cluster: Annotated[
            list[int] | None,
            typer.Option("--drop-cluster", min=0, help=_("This kind of pictures is off topic; repeatable.")),
        ] = None,
        mark_off: Annotated[
            list[str] | None,
            typer.Option("--mark-off", metavar="PATH|@FILE", help=_("This picture is off topic; repeatable.")),
        ] = None,
        mark_on: Annotated[
            list[str] | None,
            typer.Option("--mark-on", metavar="PATH|@FILE", help=_("This picture is on topic; repeatable.")),
        ] = None,
        seed: Annotated[int, typer.Option(help=_("Seed of everything random."))] = 0,
        threads: Annotated[int, threads_option()] = 0,
        as_json: Annotated[bool, json_option()] = False,
        everything: Annotated[
            bool, typer.Option("--all", help=_("With --json: every picture of every check, not only the flagged."))
        ] = False,
        lang: Annotated[str, lang_option()] = "",
    ) -> None:
        from anmok.clean.decisions import parse_rule
        from anmok.config import CleanConfig, from_mapping

        rules = [parse_rule(text) for text in accept or ()]
        if apply is not None:
            _apply(apply, out, source, rules, threads=threads, as_json=as_json)
            return
        if not source:
            raise UsageError(_("No pictures were named."), hint=_("For example: anmok clean photos/"))
        config = from_mapping(
            CleanConfig,
            {
                "checks": tuple(check or ()),
                "vectors": vectors,
                "flips": flips,
                "off_topic": off_topic,
                "clusters": clusters,
                "drop_clusters": tuple(drop_cluster or ()),
                "off_topic_marks": _marks(mark_off),
                "on_topic_marks": _marks(mark_on),
                "seed": seed,
            },
            where="anmok clean",
        )
        # For programs the findings on standard output are the result; files are written where they are asked for.
        silent = as_json and out is None and not fix
        folder = None if silent else out or default_folder("anmok-clean", source)
        _find(source, folder, config, rules, threads=threads, as_json=as_json, everything=everything, fix=fix)


def _find(
    source: str,
    folder: Path | None,
    config: CleanConfig,
    rules: Sequence[AcceptRule],
    *,
    threads: int,
    as_json: bool,
    everything: bool,
    fix: bool,
) -> None:
    from anmok.cli.console import TerminalProgress
    from anmok.pipeline.clean import CLEANED, FINDINGS, apply_findings, clean_source

    applied = None
    with TerminalProgress() as progress:
        cleaning = clean_source(source, folder, config, accepting=rules, threads=threads, progress=progress)
        if fix and folder is not None:
            applied = apply_findings(folder / FINDINGS, folder / CLEANED, threads=threads, progress=progress)
    if as_json:
        _print_json(cleaning, everything=everything)
        return
    assert folder is not None
    _show(cleaning, folder)
    if applied is not None:
        _show_applied(applied, folder / CLEANED)


def _apply(
    findings: Path, out: Path | None, source: str, rules: Sequence[AcceptRule], *, threads: int, as_json: bool
) -> None:
    from anmok.cli.console import TerminalProgress
    from anmok.pipeline.clean import CLEANED, apply_findings

    made = out or findings.parent / CLEANED
    with TerminalProgress() as progress:
        applied = apply_findings(findings, made, source or None, accepting=rules, threads=threads, progress=progress)
    if not as_json:
        _show_applied(applied, made)
        return
    summary = {
        "manifest": str(made),
        "content_hash": applied.manifest.content_hash,
        "pictures": len(applied.manifest),
        "removed": dict(applied.removed),
        "relabelled": applied.relabelled,
        "grouped": applied.grouped,
        "kept": list(applied.kept),
        "warnings": list(applied.warnings),
    }
    typer.echo(json.dumps(summary, ensure_ascii=False))


def _marks(given: Sequence[str] | None) -> tuple[str, ...]:
    """Return paths; those of ``@FILE`` stand one on a line."""
    from anmok.storage import explained

    paths: list[str] = []
    for text in given or ():
        if not text.startswith("@"):
            paths.append(text)
            continue
        file = Path(text[1:])
        with explained(file), file.open("rb") as stream:
            data = stream.read(MAX_MARKS + 1)
        try:
            if len(data) > MAX_MARKS:
                raise ValueError
            lines = data.decode("utf-8-sig").splitlines()
        except ValueError as error:
            raise UsageError(
                _("{path} is no list of paths; UTF-8 text with one path on a line is wanted.").format(path=file)
            ) from error
        paths += [line.strip() for line in lines if line.strip()]
    return tuple(dict.fromkeys(paths))


def _print_json(cleaning: Cleaning, *, everything: bool) -> None:
    """Print findings, one a line; with ``everything`` all pictures of all checks, then what could not be read."""
    from anmok.clean.decisions import UNREADABLE
    from anmok.clean.examine import all_findings

    unreadable = (row.finding for row in cleaning.outcome.decisions if row.finding.check == UNREADABLE and row.found)
    for done in cleaning.examined:
        found = all_findings(cleaning.manifest, done.check, done.result) if everything else done.findings
        for finding in found:
            typer.echo(json.dumps(finding.to_json(), ensure_ascii=False))
    for finding in unreadable:
        typer.echo(json.dumps(finding.to_json(), ensure_ascii=False))


def _show(cleaning: Cleaning, folder: Path) -> None:
    """Print the table of checks, what was accepted, and what to do next."""
    from anmok.cli.clean_tables import findings_table
    from anmok.cli.console import print_titled, stdout
    from anmok.pipeline.clean import CLEANED, FINDINGS, PAGE

    console = stdout()
    console.print()
    console.print(findings_table(cleaning.outcome))
    rows = cleaning.outcome.decisions
    accepted = sum(row.accept == "yes" for row in rows)
    if accepted:
        text = ngettext("{count} finding is accepted.", "{count} findings are accepted.", accepted)
        console.print(text.format(count=accepted), markup=False)
    if not rows:
        console.print(_("No check found anything."), markup=False)
        return
    findings = str(folder / FINDINGS)
    apply = ["anmok", "clean", "--apply", findings, "-o", str(folder / CLEANED)]
    console.print()
    for title, text in (
        (_("Look and tick"), str(folder / PAGE)),
        (_("Or edit"), findings),
        (_("Then apply"), shlex.join(apply)),
    ):
        print_titled(console, title, text)


def _show_applied(applied: Applied, made: Path) -> None:
    from anmok.cli.console import harmless, print_titled, stdout

    console = stdout()
    console.print()
    for name, count in applied.removed.items():
        text = ngettext("{count} picture removed ({check}).", "{count} pictures removed ({check}).", count)
        console.print(text.format(count=count, check=name), markup=False)
    if applied.relabelled:
        text = ngettext("{count} picture relabelled.", "{count} pictures relabelled.", applied.relabelled)
        console.print(text.format(count=applied.relabelled), markup=False)
    if applied.grouped:
        text = ngettext("{count} picture grouped.", "{count} pictures grouped.", applied.grouped)
        console.print(text.format(count=applied.grouped), markup=False)
    if not (applied.removed or applied.relabelled or applied.grouped):
        console.print(_("Nothing that is accepted changes anything."), markup=False)
    for warning in applied.warnings:
        console.print("[yellow]![/] ", end="")
        console.print(harmless(warning), markup=False)
    count = len(applied.manifest)
    text = ngettext("{count} picture stays.", "{count} pictures stay.", count).format(count=count)
    console.print(text, markup=False)
    console.print()
    for title, line in (
        (_("New manifest"), str(made)),
        (_("Go on"), shlex.join(["anmok", "compare", str(made)])),
    ):
        print_titled(console, title, line)
