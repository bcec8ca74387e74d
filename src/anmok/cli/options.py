"""Options that several commands share, so that they read the same everywhere.

They are functions, called when the app is built: only then is the language of the help texts known.
"""

from __future__ import annotations

from typing import Any

import typer

from anmok.i18n import LANGUAGES, _


def lang_option() -> Any:
    """Return ``--lang``. ``cli.main`` has read it before; here it is checked and documented."""
    return typer.Option(
        "--lang",
        help=_("Language of terminal and report."),
        callback=_known_language,
        metavar="en|ko",
        show_default=False,
    )


def threads_option() -> Any:
    """Return ``--threads``."""
    return typer.Option("--threads", min=0, help=_("Threads for decoding and inference; 0 takes all cores."))


def json_option() -> Any:
    """Return ``--json``."""
    return typer.Option("--json", help=_("Print JSON for programs instead of a table: one object a line."))


def models_option() -> Any:
    """Return ``--models``."""
    return typer.Option("--models", "-m", help=_("Recipes, separated by commas (see `anmok models`)."))


def _known_language(value: str) -> str:
    if value and value not in LANGUAGES:
        raise typer.BadParameter(
            _("{value} is not spoken here; choose one of {choices}.").format(
                value=repr(value), choices=", ".join(LANGUAGES)
            )
        )
    return value
