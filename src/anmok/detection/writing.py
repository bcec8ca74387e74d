"""Pictures with boxes into a folder, in any of the formats, with the pictures as they are. Light."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from anmok.data.names import unescape
from anmok.data.sources import open_source
from anmok.detection.boxset import BoxedPicture, BoxSet
from anmok.detection.formats.coco import coco_json
from anmok.detection.formats.voc import voc_xml
from anmok.detection.formats.yolo import names_yaml, yolo_text
from anmok.detection.reading import FORMATS
from anmok.errors import UnknownName
from anmok.i18n import _
from anmok.progress import Progress, SilentProgress
from anmok.records import TRAIN
from anmok.storage import write_bytes, write_text


def write_boxes(boxes: BoxSet, folder: Path, kind: str, *, progress: Progress | None = None) -> None:
    """Write a data set: the pictures' own bytes, and the boxes.

    VOC: each picture where it was, its XML beside it. COCO: the same with one ``annotations.json`` above all, or one
    for each split. YOLO: ``images/SPLIT/...``, ``labels/SPLIT/...`` and ``data.yaml``.

    Args:
        kind: one of ``FORMATS``.

    Raises:
        UnknownName: there is no such format.
        StorageError: a file cannot be written. PictureError: a picture is no longer there.
    """
    if kind not in FORMATS:
        raise UnknownName(
            _("There is no format {name}.").format(name=repr(kind)),
            hint=_("Choose one of {names}.").format(names=", ".join(FORMATS)),
        )
    progress = progress or SilentProgress()
    with (
        open_source(boxes.source) as source,
        progress.task(_("Writing pictures and boxes"), len(boxes), unit=_("pictures")) as task,
    ):
        for picture, place in zip(boxes.pictures, _places(boxes.pictures, kind), strict=True):
            write_bytes(folder / unescape(place), source.read(picture.path))
            _write_boxes_of(picture, place, boxes.classes, folder, kind)
            task.advance()
    if kind == "yolo":
        write_text(folder / "data.yaml", names_yaml(boxes.classes))
    if kind == "coco":
        for split in sorted({picture.split for picture in boxes.pictures}):
            name = f"annotations_{split}.json" if split else "annotations.json"
            write_text(folder / name, coco_json(boxes.of_split(split), boxes.classes))


def _places(pictures: Sequence[BoxedPicture], kind: str) -> list[str]:
    """Return where each picture is written, inside the folder.

    VOC and YOLO find a picture's boxes by its name without the ending, so ``a.jpg`` and ``a.png`` are named apart.
    """
    if kind == "coco":
        return [picture.path for picture in pictures]
    taken: set[str] = set()
    places = []
    for picture in pictures:
        path = picture.path
        if kind == "yolo":
            path = f"images/{picture.split or TRAIN}/{path.replace('/', '_')}"
        stem, point, ending = path.rpartition(".")
        name, number = stem, 1
        while name.casefold() in taken:
            number += 1
            name = f"{stem}_{number}"
        taken.add(name.casefold())
        places.append(name + point + ending)
    return places


def _write_boxes_of(picture: BoxedPicture, place: str, classes: tuple[str, ...], folder: Path, kind: str) -> None:
    if kind == "voc":
        write_text((folder / unescape(place)).with_suffix(".xml"), voc_xml(replace(picture, path=place)))
    elif kind == "yolo":
        labels = "labels" + place.removeprefix("images").rpartition(".")[0] + ".txt"
        write_text(folder / unescape(labels), yolo_text(picture, classes))
