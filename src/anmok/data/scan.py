"""From a source to a manifest: every file is read once, hashed, decoded and measured; what fails is quarantined."""

from __future__ import annotations

import hashlib
import os
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import asdict
from pathlib import Path

from anmok.config import Limits
from anmok.data.manifest import Manifest, make_table
from anmok.data.measures import MEASURED_SIDE, measure
from anmok.data.names import escape_path
from anmok.data.readers import Item, Listing, read_listing
from anmok.data.scancache import Facts, ScanCache
from anmok.data.source import Source, quarantine
from anmok.data.sources import open_source
from anmok.errors import EmptySource, PictureError, PictureTooLarge
from anmok.i18n import _, current_language, ngettext, speak
from anmok.images import decode
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
        for item, result in _looked_at(source, listing.items, cache, limits, threads):
            if isinstance(result, Facts):
                items.append(item)
                facts.append(result)
            else:
                quarantined.append(result)
            task.advance()
    if not items:
        raise _nothing_readable(source, quarantined)
    columns = {name: [getattr(item, name) for item in items] for name in ("path", "label", "split", "group")}
    columns |= {name: [getattr(fact, name) for fact in facts] for name in Facts.__slots__}
    return Manifest(
        table=make_table(columns),
        source=escape_path(source.location),
        name=source.name,
        # Also classes of which no picture could be read: `split.check` refuses them by name.
        classes=tuple(sorted({item.label for item in listing.items})),
        quarantined=tuple(quarantined),
        ignored=listing.ignored,
    )


def _looked_at(
    source: Source, items: Iterable[Item], cache: ScanCache, limits: Limits, threads: int
) -> Iterator[tuple[Item, Facts | Quarantined]]:
    """Yield results in the order of the items, while only a few files are in memory at a time."""
    waiting: deque[tuple[Item, Future[Facts | Quarantined]]] = deque()
    with ThreadPoolExecutor(threads, "scan", initializer=speak, initargs=(current_language(),)) as pool:
        try:
            for item in items:
                waiting.append((item, pool.submit(_look_at, source, item.path, cache, limits)))
                if len(waiting) >= 4 * threads:
                    first, future = waiting.popleft()
                    yield first, future.result()
            while waiting:
                first, future = waiting.popleft()
                yield first, future.result()
        finally:
            for _item, future in waiting:
                future.cancel()


def _look_at(source: Source, path: str, cache: ScanCache, limits: Limits) -> Facts | Quarantined:
    try:
        return look_at(source.read(path), path, cache, limits)
    except PictureError as error:
        return quarantine(error, path)


def look_at(data: bytes, path: str, cache: ScanCache, limits: Limits) -> Facts:
    """Hash and, unless the cache knows the hash, decode and measure one file.

    Raises:
        PictureError: it is no sound picture within the limits; ``path`` names it.
    """
    digest = hashlib.sha256(data).hexdigest()
    known = cache.get(digest)
    if known is not None:
        if known.width * known.height > limits.max_pixels:
            raise PictureTooLarge(
                _("{name} has {width}x{height} pixels; at most {limit:,} pixels are accepted.").format(
                    name=path, width=known.width, height=known.height, limit=limits.max_pixels
                )
            )
        return known
    # A JPEG is decoded at a scale that is enough to measure, and faster. All of its data is still read, so a file that
    # was cut short is found.
    picture = decode(data, name=path, limits=limits, at_least=MEASURED_SIDE)
    facts = Facts(
        id=digest,
        width=picture.width,
        height=picture.height,
        mode=picture.mode,
        format=picture.format,
        bytes=len(data),
        **asdict(measure(picture.pixels)),
    )
    cache.put(facts)
    return facts


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
