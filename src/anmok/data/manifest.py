"""The manifest: one table row for each picture, kept as Parquet with a content hash, and the quarantine beside it."""

from __future__ import annotations

import csv
import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, cast

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

import anmok
from anmok.config import Limits
from anmok.data.cells import guard, unguard
from anmok.data.names import escape, unescape_path
from anmok.data.source import Source
from anmok.data.sources import open_source
from anmok.errors import StorageError, UnknownSource
from anmok.i18n import _
from anmok.records import SPLITS, ImageRecord, Quarantined
from anmok.storage import atomic_write, explained

FORMAT = 2
"""Number of the file format; any other is refused. 2: with saturation, sharpness and entropy."""

_TEXT, _WHOLE, _REAL = pa.string(), pa.int64(), pa.float64()

SCHEMA = pa.schema(
    [
        pa.field(name, kind, nullable=False)
        for name, kind in (
            ("id", _TEXT),
            ("path", _TEXT),
            ("label", _TEXT),
            ("split", _TEXT),
            ("group", _TEXT),
            ("width", _WHOLE),
            ("height", _WHOLE),
            ("mode", _TEXT),
            ("format", _TEXT),
            ("bytes", _WHOLE),
            ("brightness", _REAL),
            ("contrast", _REAL),
            ("mean_r", _REAL),
            ("mean_g", _REAL),
            ("mean_b", _REAL),
            ("saturation", _REAL),
            ("sharpness", _REAL),
            ("entropy", _REAL),
            ("phash", _TEXT),
            ("source_url", _TEXT),
            ("page_url", _TEXT),
            ("author", _TEXT),
            ("licence", _TEXT),
            ("collected_at", _TEXT),
            ("flags", _TEXT),
        )
    ]
)
"""The columns, named like the attributes of ``ImageRecord``. ``flags`` holds the names joined by commas."""

_HASHED = ("id", "path", "label", "split", "group")
_MEASURES = [field.name for field in SCHEMA if field.type == _REAL]
_METADATA = b"anmok"


@dataclass(frozen=True, eq=False, kw_only=True)
class Manifest:
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
        table = pa.table({field.name: _arrow(self.table[field.name], field.type) for field in SCHEMA}, schema=SCHEMA)
        about = {
            "format": FORMAT,
            "anmok": anmok.__version__,
            "source": self.source,
            "name": self.name,
            "content_hash": self.content_hash,
            "classes": self.classes,
            "notes": self.notes,
            "ignored": self.ignored,
        }
        table = table.replace_schema_metadata({_METADATA: json.dumps(about, ensure_ascii=False).encode()})
        _save_quarantine(quarantine_path(path), self.quarantined)
        with atomic_write(path) as stream:
            pq.write_table(table, stream, compression="zstd")

    @classmethod
    def load(cls, path: Path) -> Manifest:
        """Read what ``save`` wrote, and make sure that it is that.

        Raises:
            UnknownSource: no Parquet, not a manifest, or one of a newer or an older format.
            StorageError: it is damaged, was changed by something else, or cannot be read.
        """
        table, about = _read(path)
        manifest = cls(
            table=table.to_pandas(),
            source=about["source"],
            name=about["name"],
            classes=tuple(about["classes"]),
            quarantined=_load_quarantine(quarantine_path(path)),
            notes=tuple(about["notes"]),
            ignored=about["ignored"],
        )
        _verify(manifest, about["content_hash"], path)
        return manifest


def quarantine_path(path: Path) -> Path:
    """Return where the quarantine of the manifest ``path`` stands."""
    return path.with_name(path.stem + ".quarantine.csv")


def might_be_manifest(path: Path) -> bool:
    """Tell whether nothing is lost but a manifest, of any version, whole or damaged, if this file is overwritten."""
    with explained(path), path.open("rb") as stream:
        begin = stream.read(4)
    if begin != b"PAR1":
        return not begin
    try:
        return _METADATA in (pq.read_schema(path).metadata or {})
    except (pa.ArrowException, OSError, ValueError):
        return True


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
            if field.type != _TEXT:
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


def _arrow(column: pd.Series[Any], kind: pa.DataType) -> pa.ChunkedArray:
    array = pa.Array.from_pandas(column)
    return (array if isinstance(array, pa.ChunkedArray) else pa.chunked_array([array])).cast(kind)


def _read(path: Path) -> tuple[pa.Table, dict[str, Any]]:
    try:
        with explained(path), path.open("rb") as stream:
            file = pq.ParquetFile(stream)
            about = _about(file.schema_arrow, path)
            table = file.read()
            table.validate(full=True)
    except (pa.ArrowException, OSError, ValueError) as error:
        raise _damaged(path, str(error)) from error
    if not table.schema.equals(SCHEMA, check_metadata=False):
        raise _damaged(path, _("its columns are not those of a manifest"))
    return table, about


def _about(schema: pa.Schema, path: Path) -> dict[str, Any]:
    """Return what the file says about itself; its form is checked, its truth is not."""
    raw = (schema.metadata or {}).get(_METADATA)
    if raw is None:
        raise UnknownSource(
            _("{path} is a Parquet file, but no manifest of Anmok.").format(path=escape(str(path))),
            hint=_("Make a manifest with: anmok scan SOURCE -o manifest.parquet"),
        )
    try:
        about = json.loads(raw)
    except ValueError as error:
        raise _damaged(path, str(error)) from error
    number = about.get("format") if isinstance(about, dict) else None
    if isinstance(number, int) and number > FORMAT:
        raise UnknownSource(
            _("{path} was written by Anmok {version}, which is newer than this one ({own}).").format(
                path=escape(str(path)), version=about.get("anmok"), own=anmok.__version__
            ),
            hint=_("Install a newer Anmok, or scan the pictures again."),
        )
    if isinstance(number, int) and number < FORMAT:
        raise UnknownSource(
            _("{path} was written by Anmok {version}, when a manifest told less of each picture.").format(
                path=escape(str(path)), version=about.get("anmok")
            ),
            hint=_("Scan the pictures again: anmok scan SOURCE -o {name}").format(name=escape(path.name)),
        )
    wanted = {"format": int, "source": str, "name": str, "content_hash": str, "ignored": int}
    sound = isinstance(about, dict) and all(isinstance(about.get(key), kind) for key, kind in wanted.items())
    for key in ("classes", "notes"):
        sound = sound and isinstance(about.get(key), list) and all(isinstance(text, str) for text in about[key])
    if not sound:
        raise _damaged(path, _("what it says about itself is incomplete"))
    return cast("dict[str, Any]", about)


def _verify(manifest: Manifest, content_hash: str, path: Path) -> None:
    table = manifest.table
    if not table["split"].isin(("", *SPLITS)).all():
        raise _damaged(path, _("a split is none of {splits}").format(splits=", ".join(SPLITS)))
    if len(table) and (manifest.label_indices().min() < 0 or table[["width", "height"]].to_numpy().min() < 1):
        raise _damaged(path, _("a row has an unknown class or no size"))
    if not np.isfinite(table[_MEASURES].to_numpy()).all():
        raise _damaged(path, _("a measure is no finite number"))
    if manifest.content_hash != content_hash:
        raise _damaged(path, _("its content does not fit its hash, so something else changed it"))


def _damaged(path: Path, reason: str) -> StorageError:
    return StorageError(
        _("The manifest {path} is damaged: {reason}.").format(
            path=escape(str(path)), reason=" ".join(reason.split())[:200].rstrip(".")
        ),
        hint=_("Scan the pictures again: anmok scan SOURCE -o {name}").format(name=escape(path.name)),
    )


def _save_quarantine(path: Path, quarantined: tuple[Quarantined, ...]) -> None:
    with atomic_write(path, binary=False) as stream:
        # Excel takes a CSV for UTF-8 only if it begins with the byte order mark.
        stream.write("\ufeff")
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(("path", "code", "reason"))
        writer.writerows((guard(row.path), row.code, guard(row.reason)) for row in quarantined)


def _load_quarantine(path: Path) -> tuple[Quarantined, ...]:
    if not path.exists():
        return ()
    try:
        with explained(path), path.open(encoding="utf-8-sig", newline="") as stream:
            header, *rows = csv.reader(stream, strict=True)
            if header != ["path", "code", "reason"]:
                raise ValueError(_("its first line is not path,code,reason"))
            return tuple(Quarantined(unguard(path), code, unguard(reason)) for path, code, reason in rows)
    except (csv.Error, ValueError, TypeError) as error:
        raise _damaged(path, str(error)) from error
