"""The manifest: one table row for each picture, kept as Parquet with a content hash, and the quarantine beside it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, cast

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from anmok.config import Limits
from anmok.data.manifest_file import (
    SCHEMA,
    damaged,
    load_quarantine,
    quarantine_path,
    read_file,
    save_quarantine,
    write_file,
)
from anmok.data.names import unescape_path
from anmok.data.source import Source
from anmok.data.sources import open_source
from anmok.i18n import _
from anmok.notebook import ShownInNotebooks
from anmok.records import SPLITS, ImageRecord, Quarantined

_HASHED = ("id", "path", "label", "split", "group")
_MEASURES = [field.name for field in SCHEMA if field.type == pa.float64()]


@dataclass(frozen=True, eq=False, kw_only=True)
class Manifest(ShownInNotebooks):
    """Pictures with all that is known of them.

    Attributes:
        table: one row for each picture, columns as in ``SCHEMA`` (pandas dtypes str, int64, float64), index 0..N-1.
            Never change it in place; make a new manifest with ``with_table``.
        source: absolute location of the source, as ``names.escape_path`` spells it.
        name: of the source, as people call it.
        classes: class names, sorted by code point. A class may be without pictures in a part (``of_split``).
        quarantined: what was left out and why.
        notes: sentences on how the manifest came to be, for the report.
        ignored: count of files that are no pictures by their ending.
    """

    table: pd.DataFrame
    source: str
    name: str = ""
    classes: tuple[str, ...] = ()
    quarantined: tuple[Quarantined, ...] = ()
    notes: tuple[str, ...] = ()
    ignored: int = 0

    def __post_init__(self) -> None:
        names = [name for name in SCHEMA.names if name not in self.table.columns]
        if names:
            raise ValueError(f"a manifest's table wants the column {names[0]!r}")
        if not self.classes:
            object.__setattr__(self, "classes", tuple(sorted(self.table["label"].unique())))

    def __len__(self) -> int:
        return len(self.table)

    @cached_property
    def content_hash(self) -> str:
        """SHA-256, 64 hexadecimal digits, of which pictures stand under which label, split and group.

        It does not depend on the order of the rows. Exactly: rows sorted by id, path, label, split, group (as UTF-8
        bytes); then for each of these five columns, in this order, the length of every value in bytes as a
        little-endian 32-bit number, and after those all values as UTF-8, one after another.
        """
        table = pa.table({name: _strings(self.table[name]) for name in _HASHED})
        table = table.take(pc.sort_indices(table, sort_keys=[(name, "ascending") for name in _HASHED]))
        digest = hashlib.sha256()
        for name in _HASHED:
            column = table[name]
            digest.update(pc.binary_length(column).to_numpy().astype("<u4").tobytes())
            for chunk in column.chunks:
                digest.update(_text_bytes(chunk))
        return digest.hexdigest()

    def records(self) -> Iterator[ImageRecord]:
        """Go through the rows as records; for small tables and single pictures, not for hot paths."""
        for values in zip(*(self.table[name].tolist() for name in SCHEMA.names), strict=True):
            row: dict[str, Any] = dict(zip(SCHEMA.names, values, strict=True))
            row["flags"] = tuple(filter(None, row["flags"].split(",")))
            yield ImageRecord(**row)

    def of_split(self, split: str) -> Manifest:
        """Return the pictures of one split; the classes stay all those of the whole, so numbers keep their meaning."""
        part = self.table[self.table["split"] == split].reset_index(drop=True)
        return replace(self, table=part)

    def with_table(
        self, table: pd.DataFrame, *, quarantined: tuple[Quarantined, ...] = (), notes: tuple[str, ...] = ()
    ) -> Manifest:
        """Return a manifest with other rows; its classes are those that the rows have.

        Args:
            quarantined: what is left out in addition.
            notes: what is to be told in addition.
        """
        return replace(
            self,
            table=table.reset_index(drop=True),
            classes=(),
            quarantined=self.quarantined + quarantined,
            notes=self.notes + notes,
        )

    def label_indices(self) -> NDArray[np.int64]:
        """Return (N,) int64: for each row the place of its label in ``classes``."""
        numbers = pd.Index(self.classes).get_indexer(pd.Index(self.table["label"]))
        return cast("NDArray[np.int64]", numbers.astype(np.int64))

    def open_source(self, *, limits: Limits = Limits()) -> Source:  # noqa: B008
        """Open the source again, to read pictures by their paths.

        Raises:
            SourceNotFound: it is not there any more.
        """
        return open_source(unescape_path(self.source), limits=limits)

    def save(self, path: Path) -> None:
        """Write ``path`` (Parquet) and, beside it, ``<name>.quarantine.csv``; both atomically.

        Raises:
            StorageError: disk full, no permission.
        """
        about = {
            "source": self.source,
            "name": self.name,
            "content_hash": self.content_hash,
            "classes": self.classes,
            "notes": self.notes,
            "ignored": self.ignored,
        }
        save_quarantine(quarantine_path(path), self.quarantined)
        write_file(path, self.table, about)

    @classmethod
    def load(cls, path: Path) -> Manifest:
        """Read what ``save`` wrote, and make sure that it is that.

        Raises:
            UnknownSource: no Parquet, not a manifest, or one of a newer or an older format.
            StorageError: it is damaged, was changed by something else, or cannot be read.
        """
        table, about = read_file(path)
        manifest = cls(
            table=table,
            source=about["source"],
            name=about["name"],
            classes=tuple(about["classes"]),
            quarantined=load_quarantine(quarantine_path(path)),
            notes=tuple(about["notes"]),
            ignored=about["ignored"],
        )
        _verify(manifest, about["content_hash"], path)
        return manifest


def make_table(columns: dict[str, Any]) -> pd.DataFrame:
    """Return a table with all columns in order, from arrays or lists; text columns that are not given are empty.

    Raises:
        ValueError: a number column is missing, or a value does not fit its column.
    """
    rows = len(columns["id"])
    arrays = {}
    for field in SCHEMA:
        values = columns.get(field.name)
        if values is None:
            if field.type != pa.string():
                raise ValueError(f"a manifest's table wants the column {field.name!r}")
            values = pa.repeat("", rows)
        arrays[field.name] = pa.array(values, type=field.type, from_pandas=False)
    table: pd.DataFrame = pa.table(arrays, schema=SCHEMA).to_pandas()
    return table


def _strings(column: pd.Series[Any]) -> pa.Array:
    array = pa.Array.from_pandas(column, type=pa.large_string())
    return array.combine_chunks() if isinstance(array, pa.ChunkedArray) else array


def _text_bytes(array: pa.Array) -> memoryview:
    _validity, offsets, data = array.buffers()
    ends = np.frombuffer(offsets, dtype=np.int64)[array.offset : array.offset + len(array) + 1]
    return memoryview(data or b"")[ends[0] : ends[-1]] if len(array) else memoryview(b"")


def _verify(manifest: Manifest, content_hash: str, path: Path) -> None:
    table = manifest.table
    if not table["split"].isin(("", *SPLITS)).all():
        raise damaged(path, _("a split is none of {splits}").format(splits=", ".join(SPLITS)))
    if len(table) and (manifest.label_indices().min() < 0 or table[["width", "height"]].to_numpy().min() < 1):
        raise damaged(path, _("a row has an unknown class or no size"))
    if not np.isfinite(table[_MEASURES].to_numpy()).all():
        raise damaged(path, _("a measure is no finite number"))
    if manifest.content_hash != content_hash:
        raise damaged(path, _("its content does not fit its hash, so something else changed it"))
