"""Holds the boxes of a file against their picture: turned upright, clipped, refused, and each time said. Light."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import PurePosixPath

from anmok.data.readers import to_label
from anmok.detection.boxset import Code, Problem, TrueBox, snap
from anmok.detection.formats.raw import RawBox, RawPicture
from anmok.i18n import _
from anmok.images.shape import Shape

Edges = tuple[float, float, float, float]

#: From a place in the picture as it is stored, of this width and height, to the place in the upright one, by EXIF's
#: orientation.
_UPRIGHT: dict[int, Callable[[float, float, float, float], tuple[float, float]]] = {
    1: lambda x, y, w, h: (x, y),
    2: lambda x, y, w, h: (w - x, y),
    3: lambda x, y, w, h: (w - x, h - y),
    4: lambda x, y, w, h: (x, h - y),
    5: lambda x, y, w, h: (y, x),
    6: lambda x, y, w, h: (h - y, x),
    7: lambda x, y, w, h: (h - y, w - x),
    8: lambda x, y, w, h: (y, w - x),
}
#: A box may reach so far beyond its picture, pixels, without a word: rounding of tools does that.
ROUNDING = 1.0


def upright_edges(edges: Edges, shape: Shape) -> Edges:
    """Return edges in the picture as it is stored as edges in the upright picture."""
    turn = _UPRIGHT[shape.orientation]
    width, height = shape.stored
    (x0, y0), (x1, y1) = turn(*edges[:2], width, height), turn(*edges[2:], width, height)
    return min(x0, x1), min(y0, y1), max(x0, x1), max(y0, y1)


def settle(
    raw: RawPicture, path: str, shape: Shape, classes: frozenset[str]
) -> tuple[tuple[TrueBox, ...], tuple[Problem, ...]]:
    """Return the boxes of one picture in upright pixels, and what was wrong.

    Tools that do not know of EXIF show a turned photo lying and note its size as it is stored; that size gives them
    away, and their boxes are turned. A file that names no size, or the upright one, means the upright picture.

    Args:
        path: of the picture. shape: its size.
        classes: names that there are; empty: any name is one.
    """
    problems: list[Problem] = []

    def say(code: Code, reason: str, *, left_out: bool = False) -> None:
        problems.append(Problem(path, code, reason, left_out))

    if raw.named and PurePosixPath(raw.named).name != PurePosixPath(path).name:
        say(
            "wrong-extension",
            _("{origin} calls its picture {named}; {path} was taken.").format(
                origin=raw.origin, named=raw.named, path=path
            ),
        )
    upright = (shape.width, shape.height)
    scale = (1.0, 1.0)
    turned = False
    if raw.size is not None and 0 in raw.size:
        reason = _("{origin} gives its picture the size {width}x{height}; the picture itself was asked.")
        say("no-size", reason.format(origin=raw.origin, width=raw.size[0], height=raw.size[1]))
    elif raw.size is not None and raw.size != upright:
        if raw.size == shape.stored:
            turned = True
            reason = _("{path} is stored lying (EXIF), and its boxes were drawn on it so; they were turned upright.")
            say("turned", reason.format(path=path))
        else:
            scale = (upright[0] / raw.size[0], upright[1] / raw.size[1])
            reason = _(
                "{path} has {width}x{height} pixels and not {said_width}x{said_height}, as {origin} says; the boxes "
                "were scaled with it."
            )
            say(
                "wrong-size",
                reason.format(
                    path=path,
                    width=upright[0],
                    height=upright[1],
                    said_width=raw.size[0],
                    said_height=raw.size[1],
                    origin=raw.origin,
                ),
            )
    boxes = []
    for number, box in enumerate(raw.boxes, 1):
        factor = upright if raw.shares else scale
        edges = (box.x0 * factor[0], box.y0 * factor[1], box.x1 * factor[0], box.y1 * factor[1])
        if turned:
            edges = upright_edges(edges, shape)
        made, odd = _checked(box, edges, f"{path}: " + _("box {number}").format(number=number), shape, classes)
        if odd is not None:
            say(*odd, left_out=made is None)
        if made is not None:
            boxes.append(made)
    return tuple(boxes), tuple(problems)


def _checked(
    box: RawBox, edges: Edges, title: str, shape: Shape, classes: frozenset[str]
) -> tuple[TrueBox | None, tuple[Code, str] | None]:
    """Return a box clipped to its picture, None where it cannot be used; and what is wrong with it, if anything.

    Args:
        title: what sentences call the box.
    """
    label = to_label(box.label)
    if not label or (classes and label not in classes):
        reason = _("{box} is of the class {label}, which is not known; it was left out.")
        return None, ("unknown-class", reason.format(box=title, label=repr(box.label)))
    x0, y0, x1, y1 = map(snap, edges)
    if not (x0 < x1 and y0 < y1):
        reason = _("{box} ({label}) has no area; it was left out.")
        return None, ("zero-area", reason.format(box=title, label=label))
    left, right = (min(max(x, 0.0), float(shape.width)) for x in (x0, x1))
    top, bottom = (min(max(y, 0.0), float(shape.height)) for y in (y0, y1))
    if not (left < right and top < bottom):
        reason = _("{box} ({label}) lies outside of the picture; it was left out.")
        return None, ("outside", reason.format(box=title, label=label))
    made = TrueBox(label, left, top, right, bottom, difficult=box.difficult, truncated=box.truncated)
    if max(left - x0, x1 - right, top - y0, y1 - bottom) > ROUNDING:
        reason = _("{box} ({label}) reaches beyond the picture; what lies inside was kept.")
        return made, ("outside", reason.format(box=title, label=label))
    return made, None
