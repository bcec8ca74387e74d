"""Where pictures lie: a folder, a zip, one file, a CSV, a data set's name; all read through the same three methods.

>>> with open_source("holiday.zip") as source:
...     for entry in source.entries():
...         print(entry.path, source.read(entry.path)[:2])
0.jpg b'\\xff\\xd8'
1.jpg b'\\xff\\xd8'
2.jpg b'\\xff\\xd8'

Nothing is extracted or moved. What a source may not or cannot read comes out of ``entries`` as ``Quarantined``.
The kinds of source are in ``folders``, ``archives`` and ``tables``; this file says which one a path is. Light.
"""

from __future__ import annotations

from pathlib import Path

from anmok.config import Limits
from anmok.data.archives import ZipSource
from anmok.data.folders import FileSource, FolderSource
from anmok.data.names import PICTURE_ENDINGS, ending, escape
from anmok.data.source import Entry, Source
from anmok.data.tables import TableSource
from anmok.errors import SourceNotFound, UnknownSource
from anmok.i18n import _
from anmok.images.signatures import describe, format_of
from anmok.progress import Progress
from anmok.storage import explained

__all__ = ["Entry", "Source", "open_source"]

_ZIP_MAGIC = (b"PK\x03\x04", b"PK\x05\x06", b"PK\x07\x08")


def open_source(
    source: str | Path,
    *,
    limits: Limits = Limits(),  # noqa: B008
    progress: Progress | None = None,
) -> Source:
    """Open what a user named.

    Args:
        source: a folder, a zip, a CSV (columns path, label), a single picture; or, where no such file exists, the
            name of a data set (``anmok datasets list``).
        limits: on files, and on the bytes of each.
        progress: shown while a data set is made for the first time.

    Raises:
        SourceNotFound: there is nothing of that name.
        UnknownSource: it is nothing that pictures can be read from.
        StorageError: there is no permission to read it.
    """
    path = Path(source)
    with explained(path):
        if source == "":  # would be the current folder
            return _open_dataset(source, limits, progress)
        if path.is_dir():
            return FolderSource(path, limits=limits)
        if path.is_file():
            return _open_file(path, limits)
        if path.exists():
            raise UnknownSource(_("{path} is neither a file nor a folder.").format(path=escape(str(path))))
    return _open_dataset(source, limits, progress)


def _open_file(path: Path, limits: Limits) -> Source:
    with explained(path), path.open("rb") as stream:
        head = stream.read(4096)
    suffix = ending(path.name)
    if head.startswith(_ZIP_MAGIC) or suffix == ".zip":
        return ZipSource(path, limits=limits)
    if suffix in PICTURE_ENDINGS or format_of(head) is not None:
        return FileSource(path, limits=limits)
    if suffix == ".csv":
        return TableSource(path, limits=limits)
    raise UnknownSource(
        _("{path} is {what}; a folder, a zip, a CSV or a picture is wanted.").format(
            path=escape(str(path)), what=describe(head)
        ),
        hint=_("Unpack other archives first and give the folder."),
    )


def _open_dataset(source: str | Path, limits: Limits, progress: Progress | None) -> Source:
    from anmok.data.catalog import dataset_names, get_dataset

    if isinstance(source, str) and source in dataset_names():
        return FolderSource(get_dataset(source, progress=progress), limits=limits, name=source)
    raise SourceNotFound(
        _("There is no folder, file or data set {name}.").format(name=escape(str(source))),
        hint=_("Check the spelling, or give the full path. Data sets: {names}.").format(
            names=", ".join(dataset_names())
        ),
    )
