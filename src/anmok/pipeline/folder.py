"""The folder that a command leaves its results in: made sure of before the first hour of work."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from anmok.errors import StorageError
from anmok.i18n import _
from anmok.storage import explained, sweep


def prepare_folder(out: Path, *, is_ours: Callable[[Path], bool]) -> None:
    """Make sure that results may go to ``out``: never mix them into somebody's own folder.

    Args:
        out: need not be there yet.
        is_ours: tells whether a folder that holds something holds results of an earlier run.

    Raises:
        StorageError: it is a file, holds something else, or cannot be read.
    """
    sweep(out)
    with explained(out):
        if out.exists() and not out.is_dir():
            raise StorageError(
                _("{path} is a file; a folder for the results is wanted.").format(path=out),
                hint=_("Name another folder with --out."),
            )
        if out.is_dir() and any(out.iterdir()) and not is_ours(out):
            raise StorageError(
                _("The folder {path} holds something else than results of this command.").format(path=out),
                hint=_("Name a new or empty folder with --out."),
            )
