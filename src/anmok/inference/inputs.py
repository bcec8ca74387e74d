"""What pictures a prediction is asked for: folders, zips and files, or a list of files that streams in. Light."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Self

from anmok.config import Limits
from anmok.data.folders import FileSource, read_file
from anmok.data.names import OTHER_ENDINGS, ending, escape
from anmok.data.source import Entry, Source
from anmok.data.sources import open_source
from anmok.errors import EmptySource, PictureError, UnknownSource
from anmok.features.engine import Item
from anmok.i18n import _
from anmok.records import Quarantined


def source_items(source: Source, *, prefix: str = "") -> Iterator[Item]:
    """Yield the pictures of an open source in its order; files that are surely no pictures are passed over.

    An entry that the source itself refuses (a link that leads out, no permission) is an item whose reading fails,
    so that it is answered with its reason and not dropped.
    """
    for entry in source.entries():
        if isinstance(entry, Quarantined):
            yield prefix + entry.path, partial(_refuse, entry)
        elif ending(entry.path) not in OTHER_ENDINGS:
            yield prefix + entry.path, partial(_read, source, entry)


def listed_items(lines: Iterable[bytes], *, limits: Limits) -> Iterator[Item]:
    """Yield one item for each path of a list, as it comes; paths are bytes as the file system spells them."""
    for line in lines:
        if line:
            path = os.fsdecode(line)
            name = escape(path)
            yield name, partial(read_file, path, name, limits.max_bytes)


class Inputs:
    """The pictures of several places as one sequence; a context manager that closes them.

    A picture is called by its path inside its source where there is one place only; with several, by the place as
    the user typed it, ``/``, and the path inside. A single file is always called as the user typed it.

    Args:
        places: folders, zips, CSVs, manifests, pictures, or names of data sets.

    Raises:
        SourceNotFound: a place does not exist; found out before any picture is read.
        UnknownSource, StorageError: as ``open_source``.
        EmptySource: there is no picture in all of them.
    """

    def __init__(self, places: Sequence[str], *, limits: Limits) -> None:
        self._open = ExitStack()
        self.items: tuple[Item, ...] = ()
        try:
            self.items = tuple(item for place in places for item in self._items_of(place, limits, len(places) == 1))
            if not self.items:
                raise EmptySource(
                    _("There is no picture in {places}.").format(places=", ".join(map(escape, places))),
                    hint=_("Pictures are JPEG, PNG, WebP, GIF, BMP, TIFF, HEIC or AVIF files."),
                )
        except BaseException:
            self._open.close()
            raise

    def _items_of(self, place: str, limits: Limits, alone: bool) -> Iterator[Item]:
        name = escape(place)
        prefix = "" if alone else f"{name.rstrip('/')}/"
        if ending(place) == ".parquet" and Path(place).is_file():
            yield from self._items_of_manifest(Path(place), limits, prefix)
            return
        try:
            source = self._open.enter_context(open_source(place, limits=limits))
        except UnknownSource as error:
            if alone or not Path(place).is_file():
                raise
            # One odd file among many pictures (`anmok predict best.anmok *`) does not stop the others.
            yield name, partial(_refuse, Quarantined(name, "unknown-format", str(error)))
            return
        if isinstance(source, FileSource):
            yield name, partial(read_file, place, name, limits.max_bytes)
        else:
            yield from source_items(source, prefix=prefix)

    def _items_of_manifest(self, place: Path, limits: Limits, prefix: str) -> Iterator[Item]:
        # Only whoever gives a manifest pays for pandas.
        from anmok.data.manifest import Manifest

        manifest = Manifest.load(place)
        source = self._open.enter_context(manifest.open_source(limits=limits))
        for path in manifest.table["path"]:
            yield prefix + path, partial(source.read, path)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._open.close()


def _read(source: Source, entry: Entry) -> bytes:
    return source.read(entry.path)


def _refuse(entry: Quarantined) -> bytes:
    error = PictureError(entry.reason)
    error.code = entry.code
    raise error
