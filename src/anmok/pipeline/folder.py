"""Where a command leaves its results, a folder or a manifest: made sure of before the first hour of work."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from anmok.data.manifest import might_be_manifest
from anmok.data.names import escape
from anmok.errors import StorageError, UsageError
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


def prepare_manifest(out: Path, source: str | Path = "") -> None:
    """Make sure that a manifest may be written to ``out``: never over a picture, or what undoes the work.

    Args:
        out: need not be there yet.
        source: what the manifest is made from; may also be a name or a folder.

    Raises:
        UsageError: ``out`` has another ending, or is the source.
        StorageError: it holds something else than a manifest, or cannot be read.
    """
    name = escape(str(out))
    if out.suffix.lower() != ".parquet":
        raise UsageError(
            _("{path} does not end in .parquet, as manifests do.").format(path=name),
            hint=_("For example: -o cleaned.parquet"),
        )
    with explained(out):
        if not out.exists():
            return
        hint = _("Name another file with -o.")
        if str(source) and Path(source).exists() and out.samefile(source):
            raise UsageError(
                _("{path} would be overwritten, and with it what is done here can be undone.").format(path=name),
                hint=hint,
            )
        if not might_be_manifest(out):
            raise StorageError(
                _("{path} holds something else than a manifest, and would be overwritten.").format(path=name), hint=hint
            )
