"""What is written keeps the boxes of each picture, whatever pictures are called."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from anmok.detection.boxset import BoxSet
from anmok.detection.reading import FORMATS, read_boxes
from anmok.detection.writing import write_boxes
from pictures import encode, photo


def _by_file(boxes: BoxSet) -> dict[str, tuple[object, ...]]:
    return {picture.id: picture.boxes for picture in boxes.pictures}


@pytest.mark.parametrize("kind", FORMATS)
def test_pictures_that_differ_in_ending_or_folder_alone_keep_their_own_boxes(tmp_path: Path, kind: str) -> None:
    source = tmp_path / "source"
    names = ("a.png", "a.bmp", "b/c.png", "b_c.png")
    for seed, name in enumerate(names):
        (source / name).parent.mkdir(parents=True, exist_ok=True)
        (source / name).write_bytes(encode(photo(40, 20, seed), name[-3:].upper()))
    rows = {
        "images": [{"id": n, "file_name": name, "width": 40, "height": 20} for n, name in enumerate(names)],
        "annotations": [
            {"id": n, "image_id": n, "category_id": 1, "bbox": [n, n, 10, 10]} for n, _name in enumerate(names)
        ],
        "categories": [{"id": 1, "name": "x"}],
    }
    (source / "annotations.json").write_text(json.dumps(rows))
    boxes = read_boxes(source)
    assert len(_by_file(boxes)) == 4
    write_boxes(boxes, tmp_path / kind, kind)
    assert _by_file(read_boxes(tmp_path / kind)) == _by_file(boxes)
