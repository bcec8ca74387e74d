"""Options that several commands share, so that they read the same everywhere.

They are functions, called when the app is built: only then is the language of the help texts known.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from anmok.errors import SourceNotFound, UsageError
from anmok.i18n import LANGUAGES, _

if TYPE_CHECKING:
    from anmok.config import LeakPolicy

#: Where a bundle lies in the folder of a run, and of a comparison.
BUNDLES = ("model.anmok", "best.anmok")


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


def source_argument() -> Any:
    """Return SOURCE, pictures with labels in any of the forms that ``scan`` reads."""
    return typer.Argument(help=_("Folder or zip of class folders, CSV, manifest, or data set name."))


def bundle_argument() -> Any:
    """Return BUNDLE, which ``bundle_file`` reads."""
    return typer.Argument(help=_("A bundle *.anmok, or the folder of a run or a comparison."), metavar="BUNDLE")


def test_option() -> Any:
    """Return ``--test``."""
    return typer.Option(help=_("Share set apart for measuring, where the source has no test."))


def valid_option() -> Any:
    """Return ``--valid``."""
    return typer.Option(help=_("Share of the rest set apart for choosing."))


def repair_option() -> Any:
    """Return ``--repair``."""
    return typer.Option("--repair", help=_("Leave leaking and contradictory copies out, and list them."))


def drop_small_classes_option() -> Any:
    """Return ``--drop-small-classes``."""
    return typer.Option("--drop-small-classes", help=_("Leave classes out that are too small to be split."))


def leak_policy(*, repair: bool, allow: bool) -> LeakPolicy:
    """Return what happens to leaks from ``--repair`` and ``--allow-leaks``.

    Raises:
        UsageError: both were given.
    """
    if repair and allow:
        raise UsageError(_("--repair and --allow-leaks exclude each other; give one of them."))
    return "repair" if repair else "allow" if allow else "refuse"


def _known_language(value: str) -> str:
    if value and value not in LANGUAGES:
        raise typer.BadParameter(
            _("{value} is not spoken here; choose one of {choices}.").format(
                value=repr(value), choices=", ".join(LANGUAGES)
            )
        )
    return value


def default_folder(prefix: str, source: str, recipe: str = "") -> Path:
    """Return the folder for results where none is named: two sources, two folders.

    ``photos`` gives PREFIX-photos, ``photos.zip`` PREFIX-photos-zip. Most manifests are called cleaned.parquet, so one
    in another folder takes that folder's name along: anmok-clean-photos/cleaned.parquet gives
    PREFIX-photos-cleaned-parquet.

    Args:
        prefix: how the name begins, such as ``anmok-clean``.
        source: as it was given.
        recipe: its name ends the folder's; what may not stand in the name of a file becomes ``-``.
    """
    path = Path(source).resolve()
    name = path.name
    if path.suffix == ".parquet" and path.parent != Path.cwd():
        parent = path.parent.name
        for made in ("anmok-clean-", "anmok-explore-", "anmok-"):
            if parent.startswith(made):
                parent = parent.removeprefix(made)
                break
        name = f"{parent}-{name}"
    end = "-" + re.sub(r"[^\w.-]+", "-", recipe)[:60] if recipe else ""
    return Path(f"{prefix}-{name.replace('.', '-').strip('-') or 'results'}{end}")


def plain_help(text: str) -> str:
    """Return ``text`` for a ``help=``, with square brackets shown as they are and not taken for rich's markup."""
    return text.replace("[", r"\[")


def bundle_file(path: Path) -> Path:
    """Return the bundle that a person means by a file or a folder.

    Raises:
        SourceNotFound: the folder holds none.
    """
    if not path.is_dir():
        return path
    for name in BUNDLES:
        if (path / name).is_file():
            return path / name
    raise SourceNotFound(
        _("The folder {path} holds no bundle ({names}).").format(path=path, names=", ".join(BUNDLES)),
        hint=_("Name the file *.anmok, the folder of a finished run, or the folder that `anmok compare` wrote."),
    )
