"""The file of a manifest: Parquet with what it says of itself, and the quarantine as CSV beside it."""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

import anmok
from anmok.data.cells import guard, unguard
from anmok.data.names import escape
from anmok.errors import StorageError, UnknownSource
from anmok.i18n import _
from anmok.records import Quarantined
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

_METADATA = b"anmok"


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


def write_file(path: Path, table: pd.DataFrame, about: Mapping[str, Any]) -> None:
    """Write the Parquet file, atomically.

    Args:
        table: columns as in ``SCHEMA``. about: what the file says of itself beside its format and Anmok's version.

    Raises:
        StorageError: disk full, no permission.
    """
    columns = pa.table({field.name: _arrow(table[field.name], field.type) for field in SCHEMA}, schema=SCHEMA)
    told = {"format": FORMAT, "anmok": anmok.__version__, **about}
    columns = columns.replace_schema_metadata({_METADATA: json.dumps(told, ensure_ascii=False).encode()})
    with atomic_write(path) as stream:
        pq.write_table(columns, stream, compression="zstd")


def _arrow(column: pd.Series[Any], kind: pa.DataType) -> pa.ChunkedArray:
    array = pa.Array.from_pandas(column)
    return (array if isinstance(array, pa.ChunkedArray) else pa.chunked_array([array])).cast(kind)


def read_file(path: Path) -> tuple[pd.DataFrame, dict[str, Any]]:
    """Return the table, and what the file says of itself; both have the right form, and nothing more is checked.

    Raises:
        UnknownSource: no manifest, or one of a newer or an older format.
        StorageError: it is damaged, or cannot be read.
    """
    try:
        with explained(path), path.open("rb") as stream:
            file = pq.ParquetFile(stream)
            about = _about(file.schema_arrow, path)
            table = file.read()
            table.validate(full=True)
    except (pa.ArrowException, OSError, ValueError) as error:
        raise damaged(path, str(error)) from error
    if not table.schema.equals(SCHEMA, check_metadata=False):
        raise damaged(path, _("its columns are not those of a manifest"))
    return table.to_pandas(), about


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
        raise damaged(path, str(error)) from error
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
        raise damaged(path, _("what it says about itself is incomplete"))
    return cast("dict[str, Any]", about)


def damaged(path: Path, reason: str) -> StorageError:
    """Return the error of a manifest that is not as it was written."""
    return StorageError(
        _("The manifest {path} is damaged: {reason}.").format(
            path=escape(str(path)), reason=" ".join(reason.split())[:200].rstrip(".")
        ),
        hint=_("Scan the pictures again: anmok scan SOURCE -o {name}").format(name=escape(path.name)),
    )


def save_quarantine(path: Path, quarantined: tuple[Quarantined, ...]) -> None:
    """Write the quarantine, atomically; names that a spreadsheet would take for formulas are guarded."""
    with atomic_write(path, binary=False) as stream:
        # Excel takes a CSV for UTF-8 only if it begins with the byte order mark.
        stream.write("\ufeff")
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(("path", "code", "reason"))
        writer.writerows((guard(row.path), row.code, guard(row.reason)) for row in quarantined)


def load_quarantine(path: Path) -> tuple[Quarantined, ...]:
    """Read what ``save_quarantine`` wrote; nothing where it is not there.

    Raises:
        StorageError: it is damaged.
    """
    if not path.exists():
        return ()
    try:
        with explained(path), path.open(encoding="utf-8-sig", newline="") as stream:
            header, *rows = csv.reader(stream, strict=True)
            if header != ["path", "code", "reason"]:
                raise ValueError(_("its first line is not path,code,reason"))
            return tuple(Quarantined(unguard(path), code, unguard(reason)) for path, code, reason in rows)
    except (csv.Error, ValueError, TypeError) as error:
        raise damaged(path, str(error)) from error
