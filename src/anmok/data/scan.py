"""From a source to a manifest: every file is read once, hashed, decoded and measured; what fails is quarantined.

A scan that was killed goes on: what was finished is not read again; see ``measuring.measure_files``.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from operator import attrgetter
from pathlib import Path
from typing import Any

from anmok.config import Limits
from anmok.data.manifest import Manifest, make_table
from anmok.data.measuring import measure_files, work_through
from anmok.data.names import escape_path
from anmok.data.readers import Item, Listing, read_listing
from anmok.data.scancache import Facts, ScanCache
from anmok.data.source import Source
from anmok.data.sources import open_source
from anmok.errors import EmptySource
from anmok.i18n import _, ngettext
from anmok.progress import Progress, SilentProgress
from anmok.records import Quarantined

_NAMED_REASONS = 3


def scan(
    source: str | Path,
    *,
    limits: Limits = Limits(),  # noqa: B008
    threads: int = 0,
    progress: Progress | None = None,
) -> Manifest:
    """Read every picture of a source once.

    >>> manifest = scan("sample")
    >>> manifest.classes[:2], len(manifest), manifest.quarantined[0].code
    (('Cheonjiyeon waterfall', 'Jusangjeolli columnar joints'), 326, 'damaged')

    Args:
        source: see ``open_source``; a manifest (``.parquet``) is loaded as it is.
        threads: that read and decode; 0 takes all cores.

    Returns:
        A manifest in the order of the paths, with the splits that the source gives.

    Raises:
        SourceNotFound, UnknownSource, StorageError: as ``open_source``.
        EmptySource: there is no picture, or none could be read.
    """
    progress = progress or SilentProgress()
    path = Path(source)
    if path.suffix.lower() == ".parquet" and path.is_file():
        return Manifest.load(path)
    with open_source(source, limits=limits, progress=progress) as opened:
        listing = read_listing(opened)
        if not listing.items:
            raise _nothing_found(opened, listing)
        return _scan_items(opened, listing, limits, threads or os.cpu_count() or 1, progress)


def _scan_items(source: Source, listing: Listing, limits: Limits, threads: int, progress: Progress) -> Manifest:
    quarantined = list(listing.quarantined)
    items: list[Item] = []
    facts: list[Facts] = []
    with (
        ScanCache.open(progress) as cache,
        progress.task(_("Reading pictures"), len(listing.items), unit=_("pictures")) as task,
    ):

        def work(handful: Sequence[Item]) -> list[Facts | Quarantined]:
            return measure_files(source, [item.path for item in handful], cache, limits)

        for handful, results in work_through(work, listing.items, threads):
            for item, result in zip(handful, results, strict=True):
                if isinstance(result, Facts):
                    items.append(item)
                    facts.append(result)
                else:
                    quarantined.append(result)
            task.advance(len(handful))
    if not items:
        raise _nothing_readable(source, quarantined)
    columns = _columns(items, Item.__slots__) | _columns(facts, Facts._fields)
    return Manifest(
        table=make_table(columns),
        source=escape_path(source.location),
        name=source.name,
        # Also classes of which no picture could be read: `split.check` refuses them by name.
        classes=tuple(sorted({item.label for item in listing.items})),
        quarantined=tuple(quarantined),
        ignored=listing.ignored,
    )


def _columns(rows: Sequence[Item] | Sequence[Facts], names: tuple[str, ...]) -> dict[str, list[Any]]:
    return {name: list(map(attrgetter(name), rows)) for name in names}


def _nothing_found(source: Source, listing: Listing) -> EmptySource:
    if listing.quarantined:
        return _nothing_readable(source, list(listing.quarantined))
    return EmptySource(
        ngettext(
            "There is no picture in {name} ({count} other file).",
            "There is no picture in {name} ({count} other files).",
            listing.ignored,
        ).format(name=source.name, count=listing.ignored),
        hint=_("Put pictures (JPEG, PNG, WebP, GIF, BMP, TIFF, HEIC, AVIF) into one folder for each class."),
    )


def _nothing_readable(source: Source, quarantined: list[Quarantined]) -> EmptySource:
    reasons = "\n".join(f"- {row.reason}" for row in quarantined[:_NAMED_REASONS])
    return EmptySource(
        ngettext(
            "The only file in {name} cannot be used:\n{reasons}",
            "None of the {count} files in {name} can be used. The first reasons:\n{reasons}",
            len(quarantined),
        ).format(count=len(quarantined), name=source.name, reasons=reasons),
        hint=_("Give whole pictures (JPEG, PNG, WebP, GIF, BMP, TIFF, HEIC, AVIF), one folder for each class."),
    )
