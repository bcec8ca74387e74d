"""``anmok models``: what can be trained here, and what is known of each pretrained network."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated, Any

import typer

from anmok.cli.options import json_option, lang_option
from anmok.i18n import _

if TYPE_CHECKING:
    from rich.table import Table

    from anmok.models.registry import ModelSpec

#: What stands in a cell of which nothing is known.
UNKNOWN = "–"


def register(app: typer.Typer) -> None:
    """Add the command to ``app``."""

    @app.command(help=_("List the models that can be trained, and whether their weights are on this machine."))
    def models(
        wide: Annotated[
            bool,
            typer.Option("--wide", help=_("Also what each pretrained network is, its weights, and what was measured.")),
        ] = False,
        as_json: Annotated[bool, json_option()] = False,
        lang: Annotated[str, lang_option()] = "",
    ) -> None:
        from anmok.cli.console import stdout
        from anmok.models.registry import all_models

        specs = all_models()
        if as_json:
            for spec in specs:
                typer.echo(json.dumps(_row(spec), ensure_ascii=False))
            return
        console = stdout()
        pretrained = [spec for spec in specs if spec.facts is not None]
        console.print(_others([spec for spec in specs if spec.facts is None]))
        console.print()
        console.print(_pretrained(pretrained))
        console.print()
        if wide:
            console.print(_sources(pretrained))
            console.print()
        for sentence in _notes():
            console.print(sentence, markup=False)


def _notes() -> tuple[str, ...]:
    return (
        _(
            "Top-1 and top-5: share of ImageNet's validation pictures, as published for Keras' weights (ours, from "
            "timm, differ by about a point) or for these weights; --wide says which."
        ),
        _(
            "A pretrained network learns by --strategy frozen, partial or full. Weights that are not here are fetched "
            "when they are needed, or by `anmok weights get`."
        ),
    )


def _others(specs: list[ModelSpec]) -> Table:
    table = _table(_("Without pretrained weights"))
    table.add_column(_("model"), no_wrap=True)
    table.add_column(_("what it is"), overflow="fold")
    for spec in specs:
        table.add_row(spec.name, spec.summary)
    return table


def _pretrained(specs: list[ModelSpec]) -> Table:
    table = _table(_("Pretrained"))
    table.add_column(_("model"), no_wrap=True)
    for title in (
        _("size\nMB"),
        _("params\nM"),
        _("depth"),
        _("input\npx"),
        _("top-1\n%"),
        _("top-5\n%"),
    ):
        table.add_column(title, justify="right", no_wrap=True)
    table.add_column(_("licence"), no_wrap=True)
    table.add_column(_("here"), justify="center", no_wrap=True)
    for spec in specs:
        facts = spec.facts
        assert facts is not None
        table.add_row(
            spec.name,
            f"{facts.megabytes:.0f}",
            f"{facts.parameters / 1e6:.1f}",
            str(facts.depth),
            str(facts.input_size),
            _percent(facts.top1),
            _percent(facts.top5),
            facts.licence.removesuffix("-Clause"),
            _("yes") if _pack(spec) else UNKNOWN,
        )
    return table


def _sources(specs: list[ModelSpec]) -> Table:
    table = _table(_("Weights and what was measured"))
    table.add_column(_("model"), no_wrap=True)
    table.add_column(_("what it is, its weights, and whose accuracy stands above"), overflow="fold")
    for spec in specs:
        assert spec.facts is not None
        weights = _pack(spec) or spec.weights
        table.add_row(spec.name, f"{spec.summary}\n[dim]{weights}\n{_(spec.facts.measured)}[/]")
    return table


def _table(title: str) -> Table:
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    return Table(title=title, title_justify="left", padding=(0, 1, 0, 0), box=SIMPLE_HEAD, show_edge=False)


def _percent(share: float | None) -> str:
    return UNKNOWN if share is None else f"{100 * share:.1f}"


def _pack(spec: ModelSpec) -> str:
    """Return the name of the weight pack that is here, or nothing."""
    from anmok.errors import WeightsMissing
    from anmok.models.packs import find_pack

    try:
        return find_pack(spec.weights, download=False).name if spec.weights else ""
    except WeightsMissing:
        return ""


def _row(spec: ModelSpec) -> dict[str, Any]:
    row: dict[str, Any] = {
        "name": spec.name,
        "title": spec.title,
        "about": spec.summary,
        "strategies": list(spec.strategies),
        "needs_torch": spec.needs_torch,
        "recipe": spec.recipe,
    }
    if spec.facts is None:
        return row
    facts = spec.facts
    return row | {
        "weights": spec.weights,
        "weights_here": _pack(spec) or None,
        "parameters": facts.parameters,
        "megabytes": round(facts.megabytes, 1),
        "depth": facts.depth,
        "input_size": facts.input_size,
        "top1": facts.top1,
        "top5": facts.top5,
        "measured": _(facts.measured),
        "licence": facts.licence,
    }
