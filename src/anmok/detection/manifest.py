"""Pictures with boxes as one Parquet file: read once, checked once, and the same for whoever gets it.

One row a picture: ``id`` (SHA-256), ``path``, ``split``, ``width``, ``height`` and ``boxes``, a list of ``label``,
``x0``, ``y0``, ``x1``, ``y1``, ``difficult``, ``truncated``. The metadata holds the source, the classes in their order,
what was wrong, and the content hash.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from anmok.data.names import escape, escape_path, unescape_path
from anmok.detection.boxset import CODES, BoxedPicture, BoxSet, Problem, TrueBox
from anmok.errors import StorageError
from anmok.i18n import _
from anmok.storage import atomic_write, explained

ENDING = ".parquet"
FORMAT = 1
_METADATA = b"anmok-boxes"
_EDGES = ("x0", "y0", "x1", "y1")
MOST_BYTES = 2**30


def save_boxes(boxes: BoxSet, path: Path) -> None:
    """Write a data set; raises ``StorageError``."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    box = pa.struct(
        [
            ("label", pa.string()),
            *((name, pa.float64()) for name in _EDGES),
            ("difficult", pa.bool_()),
            ("truncated", pa.bool_()),
        ]
    )
    facts = {
        "format": FORMAT,
        "source": escape_path(Path(boxes.source)),
        "name": boxes.name,
        "classes": list(boxes.classes),
        "notes": list(boxes.notes),
        "problems": [[one.path, one.code, one.reason, one.left_out] for one in boxes.problems],
        "content_hash": boxes.content_hash,
    }
    schema = pa.schema(
        [
            ("id", pa.string()),
            ("path", pa.string()),
            ("split", pa.string()),
            ("width", pa.int64()),
            ("height", pa.int64()),
            ("boxes", pa.list_(box)),
        ],
        metadata={_METADATA: json.dumps(facts, ensure_ascii=False).encode("utf-8")},
    )
    names = ("label", *_EDGES, "difficult", "truncated")
    rows = [
        {
            "id": picture.id,
            "path": picture.path,
            "split": picture.split,
            "width": picture.width,
            "height": picture.height,
            "boxes": [{name: getattr(one, name) for name in names} for one in picture.boxes],
        }
        for picture in boxes.pictures
    ]
    with atomic_write(path) as stream:
        pq.write_table(pa.Table.from_pylist(rows, schema=schema), stream)


def is_boxes_file(path: Path) -> bool:
    """Tell by its ending whether a file may be such a data set."""
    return path.suffix.lower() == ENDING and path.is_file()


def load_boxes(path: Path) -> BoxSet:
    """Read what ``save_boxes`` wrote.

    Raises:
        StorageError: it cannot be read, is damaged, or is no data set with boxes.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    with explained(path):
        if path.stat().st_size > MOST_BYTES:
            raise _damaged(path, _("it is too large"))
        try:
            table = pq.read_table(path)
            boxes = _boxes(table.schema.metadata or {}, table.to_pylist())
        except (pa.ArrowException, KeyError, TypeError, ValueError, RecursionError) as error:
            raise _damaged(path, " ".join(str(error).split())[:200]) from error
    if boxes[0].content_hash != boxes[1]:
        raise _damaged(path, _("its content does not fit its hash, so something else changed it"))
    return boxes[0]


def _boxes(metadata: dict[bytes, bytes], rows: list[dict[str, Any]]) -> tuple[BoxSet, str]:
    facts = json.loads(metadata[_METADATA])
    if facts["format"] != FORMAT:
        raise ValueError(f"format {facts['format']}")
    pictures = tuple(
        BoxedPicture(
            str(row["path"]),
            int(row["width"]),
            int(row["height"]),
            tuple(_box(one) for one in row["boxes"]),
            str(row["split"]),
            str(row["id"]),
        )
        for row in rows
    )
    classes = tuple(map(str, facts["classes"]))
    if {box.label for picture in pictures for box in picture.boxes} - set(classes):
        raise ValueError("a box of an unknown class")
    problems = tuple(
        Problem(str(place), code, str(reason), bool(left_out))
        for place, code, reason, left_out in facts["problems"]
        if code in CODES
    )
    source = str(unescape_path(str(facts["source"])))
    made = BoxSet(pictures, classes, source, str(facts["name"]), problems, tuple(map(str, facts["notes"])))
    return made, str(facts["content_hash"])


def _box(row: dict[str, Any]) -> TrueBox:
    x0, y0, x1, y1 = (float(row[name]) for name in _EDGES)
    return TrueBox(
        str(row["label"]), x0, y0, x1, y1, difficult=bool(row["difficult"]), truncated=bool(row["truncated"])
    )


def _damaged(path: Path, reason: str) -> StorageError:
    return StorageError(
        _("{path} is no usable file of boxes: {reason}.").format(path=escape(str(path)), reason=reason.rstrip(".")),
        hint=_("Read the pictures again: anmok detect check SOURCE -o {name}").format(name=escape(path.name)),
    )
