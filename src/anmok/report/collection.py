"""The page of a collection: each class at a glance, with who made its pictures. Nothing is computed here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from anmok.data.manifest import Manifest
from anmok.records import ImageRecord
from anmok.report.page import render_page
from anmok.report.pictures import Thumbnail, Thumbnails

#: Pixels of the longer side; pictures of a class that are shown; characters of all of them together.
SIDE, SHOWN, BUDGET = 160, 60, 24_000_000


@dataclass(frozen=True, slots=True)
class ShownPicture:
    """One picture, who made it, and where it is from (an address that may be a link, or ``""``)."""

    path: str
    thumbnail: Thumbnail
    author: str
    licence: str
    page: str
    flagged: bool


@dataclass(frozen=True, slots=True)
class ShownClass:
    """One class; ``licences`` with their counts, the most frequent first."""

    label: str
    count: int
    flagged: int
    licences: tuple[tuple[str, int], ...]
    pictures: tuple[ShownPicture, ...]


def render_collection(
    manifest: Manifest,
    path: Path,
    *,
    name: str,
    wanted: int,
    refused: Mapping[str, int],
    language: str,
) -> Path:
    """Draw a collection as a self-contained HTML file and return its path.

    Args:
        path: the file to write; it appears whole or not at all.
        name: of the collection. wanted: pictures of each class. refused: how many, by code.
        language: ``"en"`` or ``"ko"``.

    Raises:
        StorageError: it could not be written.
    """
    records: dict[str, list[ImageRecord]] = {}
    for record in manifest.records():
        records.setdefault(record.label, []).append(record)
    with manifest.open_source() as source:
        thumbnails = Thumbnails(source.read, budget=BUDGET)
        classes = tuple(_class(label, rows, thumbnails) for label, rows in records.items())
    values = {
        "source": name,
        "wanted": wanted,
        "total": len(manifest),
        "classes": classes,
        "refused": tuple(refused.items()),
        "notes": manifest.notes,
        "shown_of_class": SHOWN,
    }
    return render_page("collection.html", path, language=language, values=values, styles=("collection.css",))


def _class(label: str, rows: list[ImageRecord], thumbnails: Thumbnails) -> ShownClass:
    counts: dict[str, int] = {}
    for row in rows:
        counts[row.licence] = counts.get(row.licence, 0) + 1
    # What was flagged is to be looked at, so it comes first.
    first = sorted(rows, key=lambda row: not row.flags)[:SHOWN]
    return ShownClass(
        label=label,
        count=len(rows),
        flagged=sum(bool(row.flags) for row in rows),
        licences=tuple(sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))),
        pictures=tuple(_picture(row, thumbnails) for row in first),
    )


def _picture(row: ImageRecord, thumbnails: Thumbnails) -> ShownPicture:
    return ShownPicture(
        path=row.path,
        thumbnail=thumbnails.of(row.path, SIDE),
        author=row.author,
        licence=row.licence,
        page=row.page_url if row.page_url.startswith(("https://", "http://")) else "",
        flagged=bool(row.flags),
    )
