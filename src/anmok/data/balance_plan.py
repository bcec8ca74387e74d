"""Where each picture of a balanced folder lies, and which pictures get variants: settled before anything is written."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from anmok.config import BalanceRule
from anmok.data.balance import known_classes, lots, target_size, training_sizes
from anmok.data.manifest import Manifest
from anmok.data.names import ending, is_hidden, unescape
from anmok.errors import DataError
from anmok.i18n import _
from anmok.records import SPLITS, TRAIN

#: Variants of what was stored without loss are stored so, too; all others as JPEG.
LOSSLESS = frozenset({"PNG", "BMP", "TIFF", "GIF"})
#: Bytes of a file name that are kept; the file systems of today take 255.
_LONGEST = 200
# What some file system forbids, though the one at hand may not.
_FORBIDDEN = re.compile('[<>:"|?*\\\\\x00-\x1f\x7f-\x9f\ud800-\udfff]')
_LONGEST_ENDING = 12


@dataclass(frozen=True, slots=True)
class Copy:
    """A picture that is taken over: ``row`` of the manifest, ``path`` in the new folder (as ``names.escape``)."""

    row: int
    path: str


@dataclass(frozen=True, slots=True)
class Variant:
    """A picture to be drawn: ``row`` of its original, ``number`` from 1, ``path`` in the new folder."""

    row: int
    number: int
    path: str


@dataclass(frozen=True, slots=True)
class Plan:
    """All files of a balanced folder, in the order of the manifest; the variants of one original stand together."""

    copies: tuple[Copy, ...]
    variants: tuple[Variant, ...]


def plan_folder(manifest: Manifest, wanted: Mapping[int, int]) -> Plan:
    """Plan a folder ``<split>/<class>/<name>`` with the variants that are wanted of each row.

    Args:
        wanted: how many variants are to be drawn of which row (``variants_wanted``, ``copies_wanted``).

    Raises:
        DataError: there are pictures without a split.
    """
    _require_splits(manifest)
    names = _Names(manifest)
    copies = tuple(Copy(row, names.of_picture(row)) for row in range(len(manifest)))
    variants = []
    for row, count in sorted(wanted.items()):
        variants += [Variant(row, number, names.of_variant(row, number)) for number in range(1, count + 1)]
    return Plan(copies, tuple(variants))


def copies_wanted(manifest: Manifest, copies: int) -> dict[int, int]:
    """Return ``copies`` variants of each training picture; of equal files, of the first by path alone."""
    _require_splits(manifest)
    train = manifest.table[manifest.table["split"] == TRAIN].sort_values("path", kind="stable")
    return dict.fromkeys(train.index[~train["id"].duplicated()].tolist(), copies)


def variants_wanted(manifest: Manifest, rule: BalanceRule, *, seed: int) -> dict[int, int]:
    """Return how many variants of which row make no training class smaller than the rule wants; others are left out.

    The missing pictures of a class are spread evenly over its training pictures (of copies of one picture, over one);
    who gets one more is drawn by lot, see ``balance.lots``.

    Raises:
        UnknownName, UsageError: as ``balance.target_size``.
        DataError: there are pictures without a split, or a class has no training picture.
    """
    _require_splits(manifest)
    sizes = training_sizes(manifest)
    target = target_size(sizes, rule)
    table = manifest.table
    wanted: dict[int, int] = {}
    for label in known_classes(sizes, rule.classes) or frozenset(sizes):
        missing = target - sizes[label]
        if missing <= 0:
            continue
        rows = np.flatnonzero(((table["label"] == label) & (table["split"] == TRAIN)).to_numpy(dtype=bool))
        if not len(rows):
            raise DataError(_("The class {label} has no training picture to draw variants of.").format(label=label))
        rows = rows[np.argsort(table["path"].to_numpy(dtype=object)[rows], kind="stable")]
        ids = table["id"].to_numpy(dtype=object)[rows]
        rows = rows[np.unique(ids.astype(str), return_index=True)[1]]
        order = rows[np.argsort(lots(table["id"].to_numpy(dtype=object)[rows], seed), kind="stable")]
        each, more = divmod(missing, len(order))
        counts = np.full(len(order), each)
        counts[:more] += 1
        wanted |= {int(row): int(count) for row, count in zip(order, counts, strict=True) if count}
    return wanted


def _require_splits(manifest: Manifest) -> None:
    if (manifest.table["split"] == "").any():
        raise DataError(
            _("Variants may be drawn of training pictures alone, and some pictures stand in no split."),
            hint=_("Split the pictures first: anmok.data.split.assign_splits does it."),
        )


def is_lossless(kind: str) -> bool:
    """Tell whether variants of pictures of that format are stored without loss."""
    return kind in LOSSLESS


class _Names:
    """Gives each file a place of its own, also where file systems do not tell upper from lower case."""

    def __init__(self, manifest: Manifest) -> None:
        columns = (manifest.table[name].tolist() for name in ("path", "label", "split", "format"))
        self._rows = list(zip(*columns, strict=True))
        self._folders: dict[str, str] = {}
        classes: set[str] = set()
        for label in manifest.classes:
            folder = "/".join(map(safe_name, label.split("/")))
            while _key(folder) in classes:
                folder = _marked(folder, label)
            classes.add(_key(folder))
            self._folders[label] = folder
        # A picture of the class "a" must not take the name of the folder of the class "a/b".
        parts = [folder.split("/") for folder in self._folders.values()]
        inner = {"/".join(part[:depth]) for part in parts for depth in range(1, len(part) + 1)}
        self._taken = {_key(f"{split}/{folder}") for split in SPLITS for folder in inner}

    def of_picture(self, row: int) -> str:
        """Return the place of a picture that is taken over."""
        path = self._rows[row][0]
        return self._place(row, safe_name(path.rpartition("/")[2]), mark=path)

    def of_variant(self, row: int, number: int) -> str:
        """Return the place of a variant; its ending says how it is stored."""
        path, _label, _split, kind = self._rows[row]
        stem = _stem(safe_name(path.rpartition("/")[2]))
        return self._place(row, f"{stem}~aug{number}{'.png' if is_lossless(kind) else '.jpg'}", mark=f"{path}~{number}")

    def _place(self, row: int, name: str, *, mark: str) -> str:
        _path, label, split, _kind = self._rows[row]
        place = f"{split}/{self._folders[label]}/{name}"
        while _key(place) in self._taken:
            place = _marked(place, mark)
        self._taken.add(_key(place))
        return place


def safe_name(part: str) -> str:
    """Return a name of one file or folder that any file system takes; names that are so already stay as they are.

    Args:
        part: as it stands in a manifest, without ``/``; of a class it may be anything that a CSV can hold.
    """
    name = unescape(part)
    safe = _FORBIDDEN.sub("_", name).rstrip(". ")
    safe = f"_{safe}" if not safe or is_hidden(safe) else safe
    if len(safe.encode()) > _LONGEST:
        kept = ending(safe) if len(ending(safe)) < _LONGEST_ENDING else ""
        safe = safe.encode()[: _LONGEST - len(kept.encode())].decode(errors="ignore") + kept
    return safe if safe == name else _marked(safe, part)


def _marked(path: str, mark: str) -> str:
    """Return ``path`` with a short hash before its ending, so that two names made alike stay two."""
    digest = hashlib.sha256(f"{path}\0{mark}".encode(errors="surrogatepass")).hexdigest()[:8]
    stem = _stem(path)
    return f"{stem}~{digest}{path[len(stem) :]}"


def _stem(path: str) -> str:
    kept = ending(path)
    return path[: len(path) - len(kept)] if kept else path


def _key(path: str) -> str:
    return unicodedata.normalize("NFC", path).casefold()
