"""``anmok collect``: keywords, or a plan, to class folders of checked pictures with where they are from."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from anmok.cli.options import json_option, lang_option, plain_help
from anmok.errors import UsageError
from anmok.i18n import _, ngettext

if TYPE_CHECKING:
    from anmok.collect import Collected, Plan


def register(app: typer.Typer) -> None:
    """Add the command to ``app``."""

    @app.command(help=_("Collect pictures by keywords from licensed sources: one folder a class, with attribution."))
    def collect(
        keywords: Annotated[
            list[str] | None, typer.Argument(help=_("What to look for; each keyword is a class."), show_default=False)
        ] = None,
        into: Annotated[Path, typer.Option("--into", "-o", help=_("Folder of the collection."))] = Path("photos"),
        plan: Annotated[
            Path | None, typer.Option("--plan", help=_("TOML file: classes, queries, sources, limits."))
        ] = None,
        source: Annotated[
            str, typer.Option("--source", "-s", help=_("Sources, separated by commas, in the order they are asked."))
        ] = "",
        limit: Annotated[
            int | None,
            typer.Option("--limit", "--per-class", "-n", min=1, help=_("Pictures of each class."), show_default="300"),
        ] = None,
        test: Annotated[
            int | None,
            typer.Option("--test-per-class", min=0, help=_("Further pictures of each, drawn into test/.")),
        ] = None,
        licence: Annotated[
            str, typer.Option("--licence", "--license", help=_("Only these: cc0,pdm,by,by-sa,by-nc,..."))
        ] = "",
        min_side: Annotated[
            int | None, typer.Option("--min-side", min=0, help=_("Pixels of the shorter side."), show_default="100")
        ] = None,
        right: Annotated[
            list[str] | None,
            typer.Option("--right", help=plain_help(_('SOURCE="why I may": for sources whose terms forbid storing.'))),
        ] = None,
        apart_from: Annotated[
            list[str] | None,
            typer.Option(
                "--apart-from", help=_("Folder, zip or manifest whose pictures, or copies of them, are not taken.")
            ),
        ] = None,
        random: Annotated[bool, typer.Option("--random", help=_("Let the source draw pictures at random."))] = False,
        contact: Annotated[
            str, typer.Option("--contact", help=_("Your address, which servers see in the user agent."))
        ] = "",
        endpoint: Annotated[
            list[str] | None, typer.Option("--endpoint", help=_("SOURCE=URL: a mirror instead of the source's own."))
        ] = None,
        allow_host: Annotated[
            list[str] | None, typer.Option("--allow-host", help=_("HOST or HOST:PORT that may be private."))
        ] = None,
        dry_run: Annotated[
            bool, typer.Option("--dry-run", help=_("Count what the sources have; download nothing."))
        ] = False,
        list_sources: Annotated[bool, typer.Option("--list-sources", help=_("Show the sources and leave."))] = False,
        as_json: Annotated[bool, json_option()] = False,
        lang: Annotated[str, lang_option()] = "",
    ) -> None:
        if list_sources:
            _show_sources(as_json=as_json)
            return
        from anmok.cli.console import TerminalProgress
        from anmok.collect import collect as collect_pictures

        made = _plan(
            keywords or [],
            plan,
            sources=_listed(source),
            per_class=limit,
            test_per_class=test,
            licences=_listed(licence),
            min_side=min_side,
            right=_pairs(right or [], "--right", source),
            random=random,
            contact=contact,
            endpoints=_pairs(endpoint or [], "--endpoint", source),
            allow=tuple(allow_host or ()),
            apart_from=tuple(apart_from or ()),
        )
        with TerminalProgress() as progress:
            collected = collect_pictures(made, into, dry_run=dry_run, progress=progress)
        if dry_run:
            _show_counts(collected, as_json=as_json)
            return
        _draw(collected)
        _show(collected, as_json=as_json)
        if not collected.is_complete:
            raise typer.Exit(1)


def _draw(collected: Collected) -> None:
    """Draw the page of the collection."""
    if collected.manifest is None:
        return
    from anmok.collect.collected import OVERVIEW
    from anmok.data.manifest import Manifest
    from anmok.data.names import escape
    from anmok.i18n import current_language
    from anmok.report.collection import render_collection

    render_collection(
        Manifest.load(collected.manifest),
        collected.folder / OVERVIEW,
        name=escape(collected.folder.resolve().name),
        wanted=collected.wanted,
        refused=collected.refused or {},
        language=current_language(),
    )


def _plan(keywords: list[str], file: Path | None, *, right: dict[str, str], contact: str, **given: object) -> Plan:
    """Return the plan of the file with what the command line says on top; or that of the keywords."""
    from dataclasses import replace

    from anmok.collect import Plan, class_plan, read_plan

    if file is not None and keywords:
        raise UsageError(_("Give keywords or a plan, not both."))
    # 0 is a wish of its own; what was not given is none, empty or False.
    changes = {name: value for name, value in given.items() if value or (value == 0 and value is not False)}
    if file is not None:
        plan = read_plan(file)
    elif keywords:
        plan = Plan(classes=tuple(class_plan(keyword, [keyword], _("the command line")) for keyword in keywords))
    else:
        raise UsageError(
            _("There is nothing to collect; name a keyword, or a class in the plan."),
            hint=_('For example: anmok collect "cat" "dog" --limit 100 --into photos'),
        )
    if right:
        changes["right"] = {**plan.right, **right}
    if contact:
        changes["manners"] = replace(plan.manners, contact=contact)
    return replace(plan, **changes)  # type: ignore[arg-type]


def _listed(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(",") if part.strip())


def _pairs(given: list[str], option: str, sources: str) -> dict[str, str]:
    """Return ``NAME=value`` options as a dictionary; with one source its name may be left out."""
    pairs = {}
    only = _listed(sources)
    for text in given:
        name, equals, value = text.partition("=")
        if equals and name.replace("-", "").isalnum() and " " not in name:
            pairs[name] = value
        elif len(only) == 1:
            pairs[only[0]] = text
        else:
            raise UsageError(_("{option} {value}: SOURCE=... is wanted.").format(option=option, value=text))
    return pairs


def _show_sources(*, as_json: bool) -> None:
    from anmok.collect import all_sources

    if as_json:
        for one in all_sources():
            row = {"name": one.name, "title": one.title, "keys": list(one.keys), "needs_right": bool(one.duty)}
            typer.echo(json.dumps({**row, "home": one.home}, ensure_ascii=False))
        return
    from rich.table import Table

    from anmok.cli.console import stdout

    table = Table()
    for title in (_("source"), _("keys"), _("needs --right"), _("rules")):
        table.add_column(title, overflow="fold")
    for one in all_sources():
        table.add_row(f"{one.name}\n{one.title}", "\n".join(one.keys) or "–", _("yes") if one.duty else "–", one.home)
    stdout().print(table)


def _show_counts(collected: Collected, *, as_json: bool) -> None:
    if as_json:
        for row in collected.counts:
            typer.echo(json.dumps(row, ensure_ascii=False))
        return
    from rich.markup import escape
    from rich.table import Table

    from anmok.cli.console import harmless, stdout

    table = Table()
    for title in (_("class"), _("source"), _("query"), _("results"), _("fit on page 1")):
        table.add_column(title, overflow="fold")
    for row in collected.counts:
        total = _("not said") if row["total"] is None else str(row["total"])
        fit = f"{row['fit']}/{row['first']}" if not row["reason"] else row["reason"]
        table.add_row(*(escape(harmless(text)) for text in (row["label"], row["source"], row["query"], total, fit)))
    stdout().print(table)


def _show(collected: Collected, *, as_json: bool) -> None:
    if as_json:
        summary = {
            "folder": str(collected.folder),
            "manifest": str(collected.manifest) if collected.manifest else None,
            "wanted": collected.wanted,
            "kept": collected.kept,
            "refused": collected.refused,
            "waiting": list(collected.waiting),
            "complete": collected.is_complete,
        }
        typer.echo(json.dumps(summary, ensure_ascii=False))
        return
    from rich.markup import escape
    from rich.table import Table

    from anmok.cli.console import harmless, stdout
    from anmok.collect.collected import CREDITS_MD, FAULTS, OVERVIEW

    console = stdout()
    table = Table(title=escape(harmless(str(collected.folder))), title_justify="left")
    table.add_column(_("class"), overflow="fold")
    table.add_column(_("pictures"), justify="right")
    for label, count in collected.kept.items():
        short = count < collected.wanted
        table.add_row(escape(harmless(label)), f"{count} / {collected.wanted}" if short else str(count))
    console.print(table)
    refused = sum((collected.refused or {}).values())
    if refused:
        text = ngettext(
            "{count} picture was left out, with its reason in {file}.",
            "{count} pictures were left out, each with its reason in {file}.",
            refused,
        )
        console.print(text.format(count=refused, file=FAULTS), markup=False)
    for row in collected.waiting:
        text = _("{source}, “{query}”: {reason}").format(source=row["source"], query=row["query"], reason=row["reason"])
        console.print(harmless(f"! {text}"), markup=False)
    if collected.is_complete:
        console.print(_("At a glance: {file}").format(file=OVERVIEW), markup=False)
        console.print(_("Who made the pictures, ready to publish: {file}").format(file=CREDITS_MD), markup=False)
    else:
        console.print(
            _("More could not be had. Run the same command later, add a query in another language, or another source."),
            markup=False,
        )
