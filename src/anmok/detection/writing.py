"""Pictures with boxes into a folder, in any of the formats, with the pictures as they are. Light."""

from __future__ import annotations

from pathlib import Path

from anmok.data.names import unescape
from anmok.data.source import Source
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
        for picture in boxes.pictures:
            _write_picture(picture, source, boxes, folder, kind)
            task.advance()
    if kind == "yolo":
        write_text(folder / "data.yaml", names_yaml(boxes.classes))
    if kind == "coco":
        for split in sorted({picture.split for picture in boxes.pictures}):
            name = f"annotations_{split}.json" if split else "annotations.json"
            write_text(folder / name, coco_json(boxes.of_split(split), boxes.classes))


def _write_picture(picture: BoxedPicture, source: Source, boxes: BoxSet, folder: Path, kind: str) -> None:
    data = source.read(picture.path)
    if kind == "yolo":
        split = picture.split or TRAIN
        inside = picture.path.replace("/", "_")
        write_bytes(folder / "images" / split / unescape(inside), data)
        name = unescape(inside.rpartition(".")[0] or inside) + ".txt"
        write_text(folder / "labels" / split / name, yolo_text(picture, boxes.classes))
        return
    path = folder / unescape(picture.path)
    write_bytes(path, data)
    if kind == "voc":
        write_text(path.with_suffix(".xml"), voc_xml(picture))
