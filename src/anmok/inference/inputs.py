"""What pictures a prediction is asked for: folders, zips and files, or a list of files that streams in. Light."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Self

from anmok.config import Limits
from anmok.data.folders import read_file
from anmok.data.names import OTHER_ENDINGS, ending, escape
from anmok.data.source import Entry, Source
from anmok.data.sources import open_source
from anmok.errors import EmptySource, PictureError, SourceNotFound
from anmok.i18n import _
from anmok.records import Quarantined

#: What a picture is called in the answers, and how its bytes are read (raises PictureError).
Item = tuple[str, Callable[[], bytes]]


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
    import os

    for line in lines:
        if line:
            path = os.fsdecode(line)
            name = escape(path)
            yield name, partial(read_file, path, name, limits.max_bytes)


class Inputs:
    """The pictures of several places as one sequence; a context manager that closes them.

    A picture is called by its path inside its source where there is one place only; with several, by the place as
    the user typed it, ``/``, and the path inside. A single file is always called as the user typed it.

    Raises:
        SourceNotFound: a place does not exist; found out before any picture is read.
        UnknownSource, StorageError: as ``open_source``.
        EmptySource: there is no picture in all of them.
    """

    def __init__(self, places: Sequence[Path], *, limits: Limits) -> None:
        for place in places:
            if not place.exists():
                raise SourceNotFound(
                    _("There is no picture, folder or zip {path}.").format(path=escape(str(place))),
                    hint=_("Check the spelling, or give the full path."),
                )
        self._open = ExitStack()
        self.items: tuple[Item, ...] = ()
        try:
            self.items = tuple(item for place in places for item in self._items_of(place, limits, len(places) == 1))
        except BaseException:
            self._open.close()
            raise
        if not self.items:
            self._open.close()
            raise EmptySource(
                _("There is no picture in {places}.").format(places=", ".join(escape(str(place)) for place in places)),
                hint=_("Pictures are JPEG, PNG, WebP, GIF, BMP, TIFF, HEIC or AVIF files."),
            )

    def _items_of(self, place: Path, limits: Limits, alone: bool) -> Iterator[Item]:
        name = escape(place.as_posix())
        if place.is_file() and not _is_zip(place):
            yield name, partial(read_file, str(place), name, limits.max_bytes)
            return
        source = self._open.enter_context(open_source(place, limits=limits))
        yield from source_items(source, prefix="" if alone else f"{name.rstrip('/')}/")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._open.close()


def _is_zip(place: Path) -> bool:
    import zipfile

    return zipfile.is_zipfile(place)


def _read(source: Source, entry: Entry) -> bytes:
    return source.read(entry.path)


def _refuse(entry: Quarantined) -> bytes:
    error = PictureError(entry.reason)
    error.code = entry.code
    raise error
