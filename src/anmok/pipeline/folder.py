"""Where a command leaves its results, a folder or a manifest: made sure of before the first hour of work."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from anmok.data.manifest import Manifest
from anmok.data.manifest_file import might_be_manifest
from anmok.data.names import escape, unescape_path
from anmok.errors import StorageError, UsageError
from anmok.i18n import _
from anmok.pipeline.alone import LOCK
from anmok.storage import PART, explained, read_json, sweep, write_json


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
        if out.is_dir() and any(path.name != LOCK for path in out.iterdir()) and not is_ours(out):
            raise StorageError(
                _("The folder {path} holds something else than results of this command.").format(path=out),
                hint=_("Name a new or empty folder with --out."),
            )


def holds_results(folder: Path, result: str, *begun: str) -> bool:
    """Tell whether a folder holds results of a command, whole or begun: what ``is_ours`` asks.

    Args:
        result: the file that is written last.
        begun: what a run leaves that was killed before that.
    """
    names = {path.name for path in folder.iterdir()}
    return result in names or all(name in (LOCK, *begun) or PART.fullmatch(name) for name in names)


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


def begin_folder(mark: Path, settings: dict[str, Any]) -> None:
    """Mark a folder of pictures as ours before the first one is written, and never mix two sets in it.

    Args:
        mark: the JSON file that says what the folder holds; made here, replaced by the results at the end.
        settings: all that the pictures depend on, as JSON gives it back.

    Raises:
        StorageError: the folder holds a set of other settings.
    """
    if not mark.is_file():
        write_json(mark, {"settings": settings})
        return
    found = read_json(mark)
    held = found.get("settings") if isinstance(found, dict) else None
    if held and held != settings:
        raise StorageError(
            _("The folder {path} holds a set that was made from other pictures or with other settings.").format(
                path=mark.parent
            ),
            hint=_("Name a new folder with --out; pictures of two sets must not be mixed."),
        )
    write_json(mark, {"settings": settings})


def keep_apart(source: str | Path, target: Path, manifest: Manifest, folder: Path | None) -> None:
    """Refuse a place for the results where they would come among the originals, or over them.

    Args:
        source: as it was given; empty where it was no file.
        target: the manifest that will be written.
        manifest: of the originals.
        folder: where pictures will be written; None where none will be.

    Raises:
        UsageError: it is such a place.
    """
    given = Path(source) if source else None
    with explained(target):
        if given is not None and given.is_file() and target.exists() and target.samefile(given):
            raise UsageError(
                _("{path} would be overwritten, and with it what is done here can be undone.").format(path=target),
                hint=_("Name another file with -o."),
            )
        if folder is None:
            return
        pictures, out = unescape_path(manifest.source).resolve(), folder.resolve()
        if out.is_relative_to(pictures) or (pictures.is_dir() and pictures.is_relative_to(out)):
            raise UsageError(
                _("The folder {path} lies where the pictures come from ({source}).").format(
                    path=folder, source=pictures
                ),
                hint=_("Name a folder beside it with --out: augmented pictures must not come among the originals."),
            )
