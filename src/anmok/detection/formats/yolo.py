"""YOLO: one text file for each picture, lines of class number and centre and size as shares of the picture. Light."""

from __future__ import annotations

import json
import math
import re

from anmok.detection.boxset import BoxedPicture
from anmok.detection.formats.raw import RawBox, RawPicture, Unreadable
from anmok.i18n import _

ENDING = ".txt"
#: Files that name the classes, by their last part.
NAME_FILES = ("data.yaml", "data.yml", "dataset.yaml", "classes.txt", "obj.names", "_darknet.labels")
MOST_BYTES, MOST_BOXES, MOST_CLASSES = 4 * 2**20, 10_000, 100_000
_LINE = re.compile(r"\s*(?P<number>\d+|-)\s*:?\s*(?P<name>.*?)\s*")


def looks_like_yolo(data: bytes) -> bool:
    """Tell whether a text is made of lines of five numbers, or is empty."""
    lines = data[:2000].decode("utf-8", "replace").splitlines()[:3]
    return all(re.fullmatch(r"\d+( +-?[\d.eE+-]+){4,}\s*", line) for line in lines if line.strip())


def parse_yolo(data: bytes, path: str, classes: tuple[str, ...]) -> RawPicture:
    """Read the boxes of one picture.

    Args:
        path: of the file, inside the source.
        classes: names by number.

    Raises:
        Unreadable: it is damaged or no such file.
    """
    if len(data) > MOST_BYTES:
        raise Unreadable(_("it has more than {limit:,} bytes").format(limit=MOST_BYTES))
    lines = [line for line in data.decode("utf-8-sig", "replace").splitlines() if line.strip()]
    if len(lines) > MOST_BOXES:
        raise Unreadable(_("it holds more than {limit:,} boxes").format(limit=MOST_BOXES))
    stem = path.removesuffix(ENDING)
    return RawPicture(
        origin=path,
        candidates=tuple(f"{other}.jpg" for other in dict.fromkeys((_in_images(stem), stem))),
        boxes=tuple(_box(line, number, classes) for number, line in enumerate(lines, 1)),
        shares=True,
    )


def _in_images(stem: str) -> str:
    """Return the path with its last folder ``labels`` called ``images``."""
    parts = stem.split("/")
    for place in range(len(parts) - 2, -1, -1):
        if parts[place] == "labels":
            return "/".join([*parts[:place], "images", *parts[place + 1 :]])
    return stem


def _box(line: str, number: int, classes: tuple[str, ...]) -> RawBox:
    words = line.split()
    try:
        kind, (x, y, width, height) = int(words[0]), map(float, words[1:5])
    except ValueError as error:
        raise Unreadable(_("line {line} is not a class number and four shares").format(line=number)) from error
    if len(words) > 6 or not all(map(math.isfinite, (x, y, width, height))):
        raise Unreadable(_("line {line} is not a class number and four shares").format(line=number))
    label = classes[kind] if 0 <= kind < len(classes) else ""
    return RawBox(label, x - width / 2, y - height / 2, x + width / 2, y + height / 2)


def parse_names(data: bytes, path: str) -> tuple[str, ...]:
    """Return the class names of ``data.yaml`` (its ``names`` alone is looked at) or ``classes.txt``.

    Raises:
        Unreadable: there are none.
    """
    text = data[:MOST_BYTES].decode("utf-8-sig", "replace")
    names = _of_yaml(text) if path.endswith((".yaml", ".yml")) else [line.strip() for line in text.splitlines()]
    while names and not names[-1]:
        names.pop()
    if not names or len(names) > MOST_CLASSES:
        raise Unreadable(_("it names no classes"))
    return tuple(names)


def _of_yaml(text: str) -> list[str]:
    lines = text.splitlines()
    for place, line in enumerate(lines):
        match = re.fullmatch(r"names\s*:\s*(?P<rest>.*?)\s*", line)
        if match is None:
            continue
        rest = match["rest"]
        if rest.startswith("["):
            for following in lines[place + 1 :]:
                if rest.rstrip().endswith("]"):
                    break
                rest += " " + following.strip()
            items = re.findall(r'"(?:[^"\\]|\\.)*"|\'(?:[^\']|\'\')*\'|[^,\s\[\]][^,\[\]]*', rest)
            return [_unquoted(item.strip()) for item in items]
        return _of_block(lines[place + 1 :])
    return []


def _of_block(lines: list[str]) -> list[str]:
    """Read ``- name`` or ``0: name`` lines up to the next key."""
    names: dict[int, str] = {}
    for line in lines:
        match = _LINE.fullmatch(line)
        if match is None or not line.strip():
            if line.strip() and not line.lstrip().startswith("#"):
                break
            continue
        number = len(names) if match["number"] == "-" else int(match["number"])
        if number > MOST_CLASSES:
            break
        names[number] = _unquoted(match["name"])
    return [names.get(number, "") for number in range(max(names, default=-1) + 1)]


def _unquoted(text: str) -> str:
    if len(text) > 1 and text[0] == text[-1] == '"':
        try:
            return str(json.loads(text))
        except ValueError:
            return text[1:-1]
    if len(text) > 1 and text[0] == text[-1] == "'":
        return text[1:-1].replace("''", "'")
    return text


def yolo_text(picture: BoxedPicture, classes: tuple[str, ...]) -> str:
    """Return the lines of one picture; ``difficult`` and ``truncated`` have no place in this format."""
    numbers = {label: number for number, label in enumerate(classes)}
    lines = []
    for box in picture.boxes:
        shares = (
            (box.x0 + box.x1) / 2 / picture.width,
            (box.y0 + box.y1) / 2 / picture.height,
            (box.x1 - box.x0) / picture.width,
            (box.y1 - box.y0) / picture.height,
        )
        lines.append(" ".join([str(numbers[box.label]), *map(repr, shares)]))
    return "\n".join(lines) + "\n" if lines else ""


def names_yaml(classes: tuple[str, ...]) -> str:
    """Return a ``data.yaml`` with the folders that ``writing`` makes."""
    names = "".join(f"  {number}: {json.dumps(label, ensure_ascii=False)}\n" for number, label in enumerate(classes))
    return f"path: .\ntrain: images/train\nval: images/valid\ntest: images/test\nnames:\n{names}"
