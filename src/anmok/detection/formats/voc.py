"""Pascal VOC: one XML file for each picture. Light.

LabelImg, Label Studio and most other tools write edges as plain pixel coordinates, and so they are read. Only files of
the VOC challenge itself, which count pixels from 1 and mean the last pixel inside (``<database>The VOC2007
Database</database>``), are read as that.

The files may come from strangers: one that holds a document type (entities that grow, other files read in) is refused
before anything of it is used, and nesting, elements and text are limited.
"""

from __future__ import annotations

import math
import posixpath
import re
from dataclasses import dataclass, field
from xml.parsers import expat
from xml.sax.saxutils import escape

from anmok.detection.boxset import BoxedPicture, TrueBox
from anmok.detection.formats.raw import RawBox, RawPicture, Unreadable
from anmok.i18n import _

ENDING = ".xml"
MOST_BYTES, MOST_ELEMENTS, DEEPEST, MOST_BOXES = 4 * 2**20, 200_000, 12, 10_000
#: Folders of the challenge's own layout.
_ANNOTATIONS, _PICTURES = "Annotations", "JPEGImages"
_OF_THE_CHALLENGE = re.compile(r"The VOC20\d\d Database")


@dataclass(slots=True)
class _Node:
    name: str
    text: str = ""
    children: list[_Node] = field(default_factory=list)

    def find(self, name: str) -> _Node | None:
        return next((child for child in self.children if child.name == name), None)

    def value(self, *names: str) -> str:
        node: _Node | None = self
        for name in names:
            node = node.find(name) if node is not None else None
        return node.text.strip() if node is not None else ""


def parse_voc(data: bytes, path: str) -> RawPicture:
    """Read one XML file.

    Args:
        path: of the file, inside the source.

    Raises:
        Unreadable: it is damaged, hostile, or no VOC annotation.
    """
    root = _tree(data)
    if root.name != "annotation":
        raise Unreadable(_("its root is <{name}>, not <annotation>").format(name=root.name[:40]))
    counted_from_one = bool(_OF_THE_CHALLENGE.fullmatch(root.value("source", "database")))
    objects = [child for child in root.children if child.name == "object"]
    if len(objects) > MOST_BOXES:
        raise Unreadable(_("it holds more than {limit:,} boxes").format(limit=MOST_BOXES))
    named = posixpath.basename(root.value("filename").replace("\\", "/"))
    size = None
    if root.find("size") is not None:
        size = (_whole(root.value("size", "width")), _whole(root.value("size", "height")))
    return RawPicture(
        origin=path,
        candidates=_candidates(path, named),
        boxes=tuple(_box(node, counted_from_one) for node in objects),
        size=size,
        named=named,
    )


def _candidates(path: str, named: str) -> tuple[str, ...]:
    """Return where the picture may lie: the same name beside the file, or in the challenge's folder of pictures."""
    folder, _slash, file = path.rpartition("/")
    stem = file.removesuffix(ENDING)
    folders = [folder]
    parts = folder.split("/")
    if _ANNOTATIONS in parts:
        at = len(parts) - 1 - parts[::-1].index(_ANNOTATIONS)
        folders += ["/".join([*parts[:at], other, *parts[at + 1 :]]) for other in (_PICTURES, "images")]
    names = [named] if named and posixpath.splitext(named)[0] == stem else []
    # A file is called like its picture; the name inside is often that of before a renaming.
    names += [stem + ".jpg", named or stem + ".jpg"]
    return tuple(dict.fromkeys(f"{one}/{name}".lstrip("/") for name in names for one in folders))


def _box(node: _Node, counted_from_one: bool) -> RawBox:
    x0, y0, x1, y1 = (_number(node.value("bndbox", name), name) for name in ("xmin", "ymin", "xmax", "ymax"))
    if counted_from_one:
        x0, y0 = x0 - 1, y0 - 1
    flags = [node.value(name) == "1" for name in ("difficult", "truncated")]
    return RawBox(node.value("name"), x0, y0, x1, y1, *flags)


def _number(text: str, name: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise Unreadable(_("<{name}> is {value}, no number").format(name=name, value=ascii(text[:40])))
    return value


def _whole(text: str) -> int:
    return int(text) if text.isdecimal() and len(text) <= 9 else 0


def _tree(data: bytes) -> _Node:
    if len(data) > MOST_BYTES:
        raise Unreadable(_("it has more than {limit:,} bytes").format(limit=MOST_BYTES))
    top = _Node("")
    open_nodes = [top]
    count = 0

    def refuse(*_facts: object) -> None:
        raise Unreadable(_("it declares a document type, which could make it grow or read other files"))

    def begin(name: str, _attributes: object) -> None:
        nonlocal count
        count += 1
        if count > MOST_ELEMENTS or len(open_nodes) > DEEPEST:
            raise Unreadable(_("it holds too many or too deeply nested elements"))
        node = _Node(name)
        open_nodes[-1].children.append(node)
        open_nodes.append(node)

    def text(piece: str) -> None:
        open_nodes[-1].text += piece

    parser = expat.ParserCreate()
    parser.buffer_text = True
    parser.StartDoctypeDeclHandler = refuse
    parser.EntityDeclHandler = refuse
    parser.StartElementHandler = begin
    parser.EndElementHandler = lambda _name: open_nodes.pop()
    parser.CharacterDataHandler = text
    try:
        parser.Parse(data, True)
    except (expat.ExpatError, ValueError, LookupError) as error:
        if isinstance(error, Unreadable):
            raise
        raise Unreadable(_("it is no XML ({reason})").format(reason=error)) from error
    return top.children[0]


def voc_xml(picture: BoxedPicture) -> str:
    """Return the XML of one picture; ``parse_voc`` reads the same boxes from it."""
    folder, _slash, name = picture.path.rpartition("/")
    lines = [
        "<annotation>",
        f"\t<folder>{_text(posixpath.basename(folder))}</folder>",
        f"\t<filename>{_text(name)}</filename>",
        "\t<source><database>Anmok</database></source>",
        f"\t<size><width>{picture.width}</width><height>{picture.height}</height><depth>3</depth></size>",
        "\t<segmented>0</segmented>",
        *(line for box in picture.boxes for line in _object(box)),
        "</annotation>",
    ]
    return "\n".join(lines) + "\n"


def _object(box: TrueBox) -> list[str]:
    edges = zip(("xmin", "ymin", "xmax", "ymax"), (box.x0, box.y0, box.x1, box.y1), strict=True)
    return [
        "\t<object>",
        f"\t\t<name>{_text(box.label)}</name>",
        "\t\t<pose>Unspecified</pose>",
        f"\t\t<truncated>{int(box.truncated)}</truncated>",
        f"\t\t<difficult>{int(box.difficult)}</difficult>",
        "\t\t<bndbox>" + "".join(f"<{name}>{_plain(edge)}</{name}>" for name, edge in edges) + "</bndbox>",
        "\t</object>",
    ]


def _text(text: str) -> str:
    return escape(text, {"\r": "&#13;", "\n": "&#10;", "\t": "&#9;"})


def _plain(value: float) -> str:
    """Return a number as most tools want it: whole where it is."""
    return str(int(value)) if value == int(value) else repr(float(value))
