"""COCO: one JSON file for all pictures of a split. Light."""

from __future__ import annotations

import json
import math
import posixpath
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from anmok.detection.boxset import BoxedPicture
from anmok.detection.formats.raw import RawBox, RawPicture, Unreadable
from anmok.i18n import _

ENDING = ".json"
MOST_PICTURES, MOST_BOXES = 1_000_000, 20_000_000


def looks_like_coco(data: bytes) -> bool:
    """Tell from a JSON's bytes whether it may be COCO's, without parsing it."""
    return b'"images"' in data and b'"categories"' in data


def parse_coco(data: bytes, path: str) -> tuple[tuple[RawPicture, ...], tuple[str, ...]]:
    """Read one JSON file.

    Args:
        path: of the file, inside the source.

    Returns:
        The pictures, and the class names in the order of their numbers.

    Raises:
        Unreadable: it is damaged or no COCO file.
    """
    try:
        values = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise Unreadable(_("it is no JSON")) from error
    images, annotations, categories = (_rows(values, name) for name in ("images", "annotations", "categories"))
    if len(images) > MOST_PICTURES or len(annotations) > MOST_BOXES:
        raise Unreadable(_("it holds too many pictures or boxes"))
    names = {_key(row, "id"): str(row.get("name", "")) for row in categories}
    boxes: dict[object, list[RawBox]] = defaultdict(list)
    for row in annotations:
        # A crowd is a region with many things in it, not one of them.
        if row.get("iscrowd") not in (1, True):
            boxes[_key(row, "image_id")].append(_box(row, names))
    pictures = tuple(
        RawPicture(
            origin=path,
            candidates=_candidates(path, str(row.get("file_name", ""))),
            boxes=tuple(boxes.pop(_key(row, "id"), ())),
            size=_size(row),
            named=posixpath.basename(str(row.get("file_name", ""))),
        )
        for row in images
    )
    if boxes:
        raise Unreadable(_("{count} pictures that boxes belong to are not listed").format(count=len(boxes)))
    # Numbers before texts, so that both can be sorted.
    order = sorted(names, key=lambda key: (isinstance(key, str), key))
    return pictures, tuple(dict.fromkeys(names[key] for key in order if names[key]))


def _rows(values: object, name: str) -> Sequence[Mapping[str, Any]]:
    rows = values.get(name, [] if name == "annotations" else None) if isinstance(values, dict) else None
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise Unreadable(_("its {name} is no list").format(name=ascii(name)))
    return rows


def _key(row: Mapping[str, Any], name: str) -> Any:
    value = row.get(name)
    if not isinstance(value, int | str):
        raise Unreadable(_("{name} is {value}").format(name=name, value=ascii(value)[:40]))
    return value


def _size(row: Mapping[str, Any]) -> tuple[int, int] | None:
    sides = [row.get(name) for name in ("width", "height")]
    if sides == [None, None]:
        return None
    width, height = (side if isinstance(side, int) and 0 < side < 10**9 else 0 for side in sides)
    return width, height


def _box(row: Mapping[str, Any], names: Mapping[object, str]) -> RawBox:
    box = row.get("bbox")
    if not isinstance(box, list) or len(box) != 4 or not all(map(_is_number, box)):
        raise Unreadable(_("a box is {value}").format(value=ascii(box)[:60]))
    x, y, width, height = map(float, box)
    extra = row.get("attributes")
    extra = extra if isinstance(extra, dict) else {}
    return RawBox(
        names.get(_key(row, "category_id"), ""),
        *(x, y, x + width, y + height),
        difficult=extra.get("difficult") is True,
        truncated=extra.get("truncated") is True,
    )


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _candidates(path: str, name: str) -> tuple[str, ...]:
    """Return where the picture may lie: beside the file, in a folder ``images``, or as from the source's top."""
    folder = path.rpartition("/")[0]
    name = posixpath.normpath(name.replace("\\", "/")).lstrip("/")
    stem = posixpath.basename(path).removesuffix(ENDING).removeprefix("instances_")
    folders = [folder, f"{folder}/images", f"{folder}/{stem}", f"{folder}/images/{stem}"]
    above = folder.rpartition("/")[0]
    folders += [f"{above}/images", f"{above}/{stem}", f"{above}/images/{stem}", above, ""]
    return tuple(dict.fromkeys(f"{one}/{name}".lstrip("/") for one in folders))


def coco_json(pictures: Sequence[BoxedPicture], classes: Sequence[str]) -> str:
    """Return the JSON of some pictures; ``parse_coco`` reads the same boxes from it. Paths stand as they are."""
    numbers = {label: number for number, label in enumerate(classes, 1)}
    images = [
        {"id": number, "file_name": picture.path, "width": picture.width, "height": picture.height}
        for number, picture in enumerate(pictures, 1)
    ]
    annotations: list[dict[str, Any]] = []
    for number, picture in enumerate(pictures, 1):
        for box in picture.boxes:
            width, height = box.x1 - box.x0, box.y1 - box.y0
            row: dict[str, Any] = {
                "id": len(annotations) + 1,
                "image_id": number,
                "category_id": numbers[box.label],
                "bbox": [box.x0, box.y0, width, height],
                "area": width * height,
                "iscrowd": 0,
            }
            if box.difficult or box.truncated:
                row["attributes"] = {"difficult": box.difficult, "truncated": box.truncated}
            annotations.append(row)
    categories = [{"id": number, "name": label} for label, number in numbers.items()]
    return json.dumps({"images": images, "annotations": annotations, "categories": categories}, ensure_ascii=False)
