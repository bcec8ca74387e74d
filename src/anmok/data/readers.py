"""From the files of a source to pictures with labels: class folders, split folders, a CSV. Light.

A layout is one function in the registry below; the first that recognises a source reads it, the class folders at
the end recognise any. None of them decodes a picture: that is the job of ``scan``.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from anmok.data.names import OTHER_ENDINGS, ending
from anmok.data.source import Source
from anmok.data.tables import SPLIT_WORDS, TableSource
from anmok.i18n import _
from anmok.records import Quarantined


@dataclass(frozen=True, slots=True)
class Item:
    """A file that should be a picture, before anybody looked into it.

    Attributes:
        path: inside the source.
        label: class name, NFC; nested folders joined by ``/``.
        split: ``train``, ``valid``, ``test`` or ``""``.
        group: see ``ImageRecord``.
    """

    path: str
    label: str
    split: str = ""
    group: str = ""


@dataclass(frozen=True, slots=True)
class Listing:
    """What a reader found.

    Attributes:
        items: sorted by path.
        quarantined: files that may be pictures and were left out.
        ignored: count of files that are no pictures by their ending.
    """

    items: tuple[Item, ...]
    quarantined: tuple[Quarantined, ...] = ()
    ignored: int = 0


@dataclass(frozen=True, slots=True)
class Layout:
    """A way in which data sets are laid out on the disk."""

    name: str
    recognises: Callable[[Source], bool]
    read: Callable[[Source], Listing]


_LAYOUTS: dict[str, Layout] = {}


def register_layout(layout: Layout) -> Layout:
    """Add a layout behind those that are there; a taken name is refused."""
    if layout.name in _LAYOUTS:
        raise ValueError(f"a layout {layout.name!r} is registered already")
    _LAYOUTS[layout.name] = layout
    return layout


def read_listing(source: Source) -> Listing:
    """List the pictures of a source with their labels.

    Raises:
        StorageError, DataError: as ``Source.entries``.
    """
    layout = next((layout for layout in _LAYOUTS.values() if layout.recognises(source)), CLASS_FOLDERS)
    listing = layout.read(source)
    return Listing(tuple(sorted(listing.items, key=lambda item: item.path)), listing.quarantined, listing.ignored)


def to_label(text: str) -> str:
    """Return a class name in the one form in which names are compared: Unicode NFC, no spaces around."""
    return unicodedata.normalize("NFC", text).strip()


# -- class folders -----------------------------------------------------------------------------------------------


def _read_class_folders(source: Source) -> Listing:
    quarantined: list[Quarantined] = []
    paths: list[str] = []
    ignored = 0
    for entry in source.entries():
        if isinstance(entry, Quarantined):
            quarantined.append(entry)
        elif ending(entry.path) in OTHER_ENDINGS:
            ignored += 1
        else:
            paths.append(entry.path)
    depth, by_split = find_top(paths)
    items: list[Item] = []
    for path in paths:
        item = _item_of(path, depth, by_split)
        if isinstance(item, Item):
            items.append(item)
        else:
            quarantined.append(item)
    return Listing(tuple(items), tuple(quarantined), ignored)


def _item_of(path: str, depth: int, by_split: bool) -> Item | Quarantined:
    folders = path.split("/")[depth:-1]
    split = ""
    if by_split and folders:
        split = SPLIT_WORDS.get(folders[0].lower(), "")
        if not split:
            reason = _("{path} lies beside the folders of the splits; move its class folder into one of them.")
            return Quarantined(path, "no-label", reason.format(path=path))
        folders = folders[1:]
    label = "/".join(filter(None, map(to_label, folders)))
    if not label:
        reason = _("{path} lies in no class folder; move it into a folder that is named like its class.")
        return Quarantined(path, "no-label", reason.format(path=path))
    return Item(path, label, split)


@dataclass(slots=True)
class _Folder:
    folders: dict[str, _Folder] = field(default_factory=dict)
    has_pictures: bool = False


def find_top(paths: Iterable[str]) -> tuple[int, bool]:
    """Find where the class or split folders begin.

    A folder that stands alone, with folders and no pictures in it, is a wrapper (``dataset/train/...``), at any
    depth. Folders are splits if all at that place are named like splits, or if two different splits are among
    them; so a class may be called ``train`` as long as it stands among other classes.

    Returns:
        The count of wrapper folders above, and whether the folders there are splits.
    """
    top = _Folder()
    # Many pictures share a folder, so the tree is grown from the distinct folders.
    for parent in {path.rpartition("/")[0] for path in paths}:
        folder = top
        for name in filter(None, parent.split("/")):
            folder = folder.folders.setdefault(name, _Folder())
        folder.has_pictures = True
    depth = 0
    while True:
        splits = [SPLIT_WORDS.get(name.lower()) for name in top.folders]
        if splits and (None not in splits or len(set(splits) - {None}) >= 2):
            return depth, True
        if len(top.folders) != 1:
            return depth, False
        (below,) = top.folders.values()
        if below.has_pictures or not below.folders:
            return depth, False
        top, depth = below, depth + 1


# -- CSV ---------------------------------------------------------------------------------------------------------


def _read_table(source: Source) -> Listing:
    assert isinstance(source, TableSource)
    quarantined = [entry for entry in source.entries() if isinstance(entry, Quarantined)]
    refused = {entry.path for entry in quarantined}
    items: dict[tuple[str, str], Item] = {}
    for row in source.rows:
        if row.path in refused:
            continue
        label = to_label(row.label)
        if not label:
            reason = _("{path} has no label in line {line}.").format(path=row.path, line=row.line)
            quarantined.append(Quarantined(row.path, "no-label", reason))
        elif (row.path, label) in items:
            reason = _("{path} stands in the CSV more than once; line {line} was left out.")
            quarantined.append(Quarantined(row.path, "duplicate-name", reason.format(path=row.path, line=row.line)))
        else:
            items[row.path, label] = Item(row.path, label, row.split, row.group)
    return Listing(tuple(items.values()), tuple(quarantined))


TABLE = register_layout(Layout("csv", lambda source: isinstance(source, TableSource), _read_table))
CLASS_FOLDERS = register_layout(Layout("class folders", lambda _source: True, _read_class_folders))
