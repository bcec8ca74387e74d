"""``anmok recipes``: the settings of training that can be named, what they say, and in what they differ."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from anmok.cli.options import json_option, lang_option
from anmok.errors import UsageError
from anmok.i18n import _

if TYPE_CHECKING:
    from anmok.config import Recipe, RecipeFile
    from anmok.models.recipes import Difference


def register(app: typer.Typer) -> None:
    """Add the command group to ``app``."""
    group = typer.Typer(help=_("Recipes: the settings of training that can be named."), no_args_is_help=True)
    app.add_typer(group, name="recipes")

    @group.command("list", help=_("List the recipes: what each trains, how, and after whom."))
    def list_(
        as_json: Annotated[bool, json_option()] = False,
        lang: Annotated[str, lang_option()] = "",
    ) -> None:
        from anmok.models.recipes import recipe_files

        found = recipe_files()
        if as_json:
            for one in found:
                typer.echo(json.dumps(_row(one), ensure_ascii=False))
            return
        _print_list(found)

    @group.command("show", help=_("Show a recipe with its comments: what each setting is for, and what was mended."))
    def show(
        name: Annotated[str, _recipe_argument()],
        as_json: Annotated[bool, json_option()] = False,
        lang: Annotated[str, lang_option()] = "",
    ) -> None:
        from anmok.models.recipes import get_recipe_file

        found = get_recipe_file(name)
        if as_json:
            typer.echo(json.dumps(_whole(found), ensure_ascii=False))
        else:
            _print_text(found.text)

    @group.command("diff", help=_("Show the settings in which two recipes differ."))
    def diff(
        first: Annotated[str, _recipe_argument()],
        second: Annotated[str, typer.Argument(help=_("The other recipe."), show_default=False)] = "",
        as_published: Annotated[
            bool,
            typer.Option(
                "--as-published", help=_("Show what was mended: the recipe beside what its source published.")
            ),
        ] = False,
        as_json: Annotated[bool, json_option()] = False,
        lang: Annotated[str, lang_option()] = "",
    ) -> None:
        from anmok.models.recipes import differences, get_recipe_file, mistakes

        if bool(second) == as_published:
            raise UsageError(
                _("Two recipes are wanted, or one and --as-published."),
                hint="anmok recipes diff sports-cnn-1 sports-cnn-3, or anmok recipes diff sports-cnn-1 --as-published",
            )
        found = get_recipe_file(first)
        ours, theirs = found.recipe, found.published() if as_published else get_recipe_file(second).recipe
        pairs = differences(ours, theirs)
        if as_json:
            told = {pair.setting: {"first": pair.first, "second": pair.second} for pair in pairs}
            typer.echo(json.dumps({"first": ours.name, "second": theirs.name, "settings": told}, ensure_ascii=False))
            return
        _print_differences(ours, theirs, pairs, mistakes(found) if as_published else "")


def _recipe_argument() -> Any:
    return typer.Argument(help=_("Name of a recipe, or a TOML file."), show_default=False)


def _row(found: RecipeFile) -> dict[str, Any]:
    from anmok.models.recipes import about, source_of

    recipe = found.recipe
    return {
        "name": recipe.name,
        "model": recipe.model,
        "strategy": recipe.strategy,
        "source": source_of(found),
        "about": about(found),
        "mended": sorted(found.as_published),
        "search": sorted(found.search),
    }


def _whole(found: RecipeFile) -> dict[str, Any]:
    from anmok.config import SearchRange, to_json

    ranges = {
        name: to_json(choice) if isinstance(choice, SearchRange) else list(choice)
        for name, choice in found.search.items()
    }
    return {"recipe": to_json(found.recipe), "as_published": dict(found.as_published), "search": ranges}


def _print_list(found: Sequence[RecipeFile]) -> None:
    """Print a table for each source, ours first; a narrow terminal does without the model, which the text names."""
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    from anmok.cli.console import stdout
    from anmok.cli.tables import NARROW

    console = stdout()
    rows = [_row(one) for one in found]
    columns = {"name": _("recipe"), "model": _("model"), "strategy": _("strategy")}
    if console.width < NARROW:
        del columns["model"]
    widths = {key: max(len(title), *(len(row[key]) for row in rows)) for key, title in columns.items()}
    for source in sorted({row["source"] for row in rows}, key=lambda source: (source != "Anmok", source)):
        table = Table(
            title=source,
            title_style="bold",
            title_justify="left",
            box=SIMPLE_HEAD,
            show_edge=False,
            padding=(0, 1, 0, 0),
        )
        for key, title in columns.items():
            table.add_column(title, no_wrap=True, min_width=widths[key])
        table.add_column(_("what it is"), overflow="fold")
        for row in rows:
            if row["source"] == source:
                table.add_row(*(row[key] for key in columns), row["about"])
        console.print(table)
        console.print()
    console.print(
        _("Show one with its comments: {show}. Train it on your pictures: {train}.").format(
            show="anmok recipes show sports-cnn-1", train="anmok train SOURCE --recipe sports-cnn-1"
        ),
        markup=False,
    )


def _print_text(text: str) -> None:
    from anmok.cli.console import harmless, stdout

    console = stdout()
    if not console.is_terminal:
        # As it is, so that it can be written to a file and changed.
        typer.echo(harmless(text), nl=not text.endswith("\n"))
        return
    from rich.syntax import Syntax

    console.print(Syntax(harmless(text), "toml", theme="ansi_dark", background_color="default", word_wrap=True))


def _print_differences(first: Recipe, second: Recipe, pairs: Sequence[Difference], why: str) -> None:
    from rich.box import SIMPLE_HEAD
    from rich.markup import escape
    from rich.table import Table

    from anmok.cli.console import harmless, stdout

    console = stdout()
    if not pairs:
        console.print(_("The recipes differ in nothing but their names."))
        return
    table = Table(box=SIMPLE_HEAD, show_edge=False, padding=(0, 1, 0, 0))
    for title in (_("setting"), first.name, second.name):
        table.add_column(escape(harmless(title)), overflow="fold")
    for pair in pairs:
        table.add_row(pair.setting, *(escape(harmless(_words(value))) for value in (pair.first, pair.second)))
    console.print(table)
    if why:
        console.print(harmless(why), markup=False)


def _words(value: Any) -> str:
    """Return a value as the TOML file writes it."""
    if isinstance(value, tuple):
        return ", ".join(map(str, value)) or "–"
    return "–" if value == "" else str(value)
