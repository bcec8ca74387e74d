"""YOLO names classes by numbers; what the numbers mean stands in a file of its own."""

from __future__ import annotations

from pathlib import Path

import pytest

from anmok.detection.formats.yolo import parse_names
from anmok.detection.reading import read_boxes
from anmok.errors import UnknownSource
from pictures import encode, photo


@pytest.mark.parametrize(
    "text",
    [
        "names: [cat, 'big dog', \"말\"]\nnc: 3\n",
        "nc: 3\nnames:\n  - cat\n  - big dog\n  - 말\ntrain: x\n",
        "names:\n  0: cat\n  1: big dog\n  2: 말\n",
    ],
    ids=["list", "lines", "numbers"],
)
def test_class_names_of_yolo_are_read_in_each_of_their_forms(text: str) -> None:
    assert parse_names(text.encode(), "data.yaml") == ("cat", "big dog", "말")


def test_numbers_without_names_are_refused_with_a_way_out(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(encode(photo(20, 20), "PNG"))
    (tmp_path / "a.txt").write_text("0 0.5 0.5 0.2 0.2\n")
    with pytest.raises(UnknownSource, match=r"data\.yaml"):
        read_boxes(tmp_path)


def test_two_numbers_of_one_name_are_one_class(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(encode(photo(40, 20), "PNG"))
    (tmp_path / "a.txt").write_text("0 0.25 0.5 0.2 0.2\n1 0.75 0.5 0.2 0.2\n2 0.5 0.5 0.2 0.2\n")
    (tmp_path / "classes.txt").write_text("cat\ncat\ndog\n")
    boxes = read_boxes(tmp_path)
    assert boxes.classes == ("cat", "dog")
    assert [box.label for box in boxes.pictures[0].boxes] == ["cat", "cat", "dog"]
