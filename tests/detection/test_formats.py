"""Boxes come back from every format as they went in, upright, and whatever is wrong with them is said."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import tempfile
import unicodedata
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from anmok.detection.boxset import GRID, BoxedPicture, BoxSet, TrueBox
from anmok.detection.formats.coco import coco_json, parse_coco
from anmok.detection.formats.raw import RawPicture, Unreadable
from anmok.detection.formats.voc import parse_voc, voc_xml
from anmok.detection.formats.yolo import names_yaml, parse_names, parse_yolo, yolo_text
from anmok.detection.manifest import save_boxes
from anmok.detection.reading import FORMATS, read_boxes
from anmok.detection.settling import settle, upright_edges
from anmok.detection.writing import write_boxes
from anmok.errors import EmptySource, StorageError, UnknownSource
from anmok.images import decode
from anmok.images.shape import Shape, shape_of
from detection.made import voc_folder
from pictures import encode, photo

NAMES = st.text(
    st.characters(exclude_categories=("Cs", "Cc", "Zs", "Zl", "Zp", "Cn", "Co")), min_size=1, max_size=12
).map(lambda name: unicodedata.normalize("NFC", name))


@st.composite
def boxed_pictures(draw: st.DrawFn) -> tuple[BoxedPicture, tuple[str, ...]]:
    """Return a picture with boxes anywhere on the grid, and its classes."""
    width, height = draw(st.integers(1, 5000)), draw(st.integers(1, 5000))
    classes = tuple(sorted(draw(st.sets(NAMES, min_size=1, max_size=4))))
    boxes = []
    for _ in range(draw(st.integers(0, 4))):
        xs = sorted(draw(st.lists(st.integers(0, width * GRID), min_size=2, max_size=2, unique=True)))
        ys = sorted(draw(st.lists(st.integers(0, height * GRID), min_size=2, max_size=2, unique=True)))
        edges = (xs[0] / GRID, ys[0] / GRID, xs[1] / GRID, ys[1] / GRID)
        boxes.append(TrueBox(draw(st.sampled_from(classes)), *edges, difficult=draw(st.booleans())))
    return BoxedPicture("a/b.jpg", width, height, tuple(boxes)), classes


def _settled(raw: RawPicture, picture: BoxedPicture, classes: tuple[str, ...]) -> tuple[TrueBox, ...]:
    boxes, problems = settle(raw, picture.path, Shape(picture.width, picture.height), frozenset(classes))
    assert not problems
    return boxes


@given(boxed_pictures())
def test_voc_gives_back_the_very_boxes(made: tuple[BoxedPicture, tuple[str, ...]]) -> None:
    picture, classes = made
    assert _settled(parse_voc(voc_xml(picture).encode(), "a/b.xml"), picture, classes) == picture.boxes


@given(boxed_pictures())
def test_coco_gives_back_the_very_boxes(made: tuple[BoxedPicture, tuple[str, ...]]) -> None:
    picture, classes = made
    (raw,), names = parse_coco(coco_json([picture], classes).encode(), "x.json")
    assert names == classes
    assert _settled(raw, picture, classes) == picture.boxes


@given(boxed_pictures())
def test_yolo_gives_back_the_very_boxes(made: tuple[BoxedPicture, tuple[str, ...]]) -> None:
    picture, classes = made
    assert parse_names(names_yaml(classes).encode(), "data.yaml") == classes
    raw = parse_yolo(yolo_text(picture, classes).encode(), "a/b.txt", classes)
    edges = [(box.label, box.x0, box.y0, box.x1, box.y1) for box in _settled(raw, picture, classes)]
    assert edges == [(box.label, box.x0, box.y0, box.x1, box.y1) for box in picture.boxes]


def _plain(boxes: BoxSet, kind: str) -> list[tuple[object, ...]]:
    """Return all that the format keeps: YOLO has no place for what is difficult or truncated."""
    rows = []
    for picture in boxes.pictures:
        its = [(box.label, box.x0, box.y0, box.x1, box.y1, box.difficult, box.truncated) for box in picture.boxes]
        its = [row[:5] for row in its] if kind == "yolo" else its
        rows.append((picture.id, picture.split, picture.width, picture.height, its))
    return sorted(rows)


@pytest.mark.parametrize("kind", FORMATS)
def test_a_data_set_written_in_any_format_is_read_as_the_same(tmp_path: Path, kind: str) -> None:
    boxes = read_boxes(voc_folder(tmp_path / "voc"))
    write_boxes(boxes, tmp_path / kind, kind)
    again = read_boxes(tmp_path / kind)
    assert _plain(again, kind) == _plain(boxes, kind)
    assert again.classes == boxes.classes
    assert not again.problems


@pytest.mark.real
@pytest.mark.parametrize("kind", FORMATS)
def test_the_cards_come_back_from_every_format(tmp_path: Path, data_dir: Path, kind: str) -> None:
    boxes = read_boxes(data_dir / "cards-voc.zip")
    assert [len(boxes.of_split(split)) for split in ("train", "test")] == [296, 67]
    # Pictures were renamed from .JPG to .jpg; their files with boxes still say .JPG.
    assert {problem.code for problem in boxes.problems} == {"wrong-extension"}
    write_boxes(boxes, tmp_path / kind, kind)
    assert _plain(read_boxes(tmp_path / kind), kind) == _plain(boxes, kind)


@given(st.integers(1, 8), st.integers(8, 40), st.integers(8, 40), st.data())
@settings(max_examples=40)
def test_a_box_drawn_on_the_picture_as_stored_stands_on_the_same_pixels_upright(
    orientation: int, width: int, height: int, data: st.DataObject
) -> None:
    x, y = data.draw(st.integers(0, width - 4)), data.draw(st.integers(0, height - 4))
    image = photo(width, height).point(lambda value: value // 2)
    image.paste((255, 255, 255), (x, y, x + 4, y + 3))
    stored = encode(image, "PNG", orientation=orientation)
    shape = shape_of(stored, name="a.png")
    upright = decode(stored, name="a.png").pixels
    assert (shape.height, shape.width) == upright.shape[:2]
    x0, y0, x1, y1 = map(int, upright_edges((x, y, x + 4, y + 3), shape))
    assert (upright[y0:y1, x0:x1] == 255).all()
    assert (upright == 255).all(axis=2).sum() == (x1 - x0) * (y1 - y0) == 12


def test_a_file_of_boxes_gives_back_all_that_was_read(tmp_path: Path) -> None:
    boxes = read_boxes(voc_folder(tmp_path / "사진"))
    save_boxes(boxes, tmp_path / "boxes.parquet")
    assert read_boxes(tmp_path / "boxes.parquet") == boxes


def test_a_file_of_boxes_that_something_else_changed_is_refused(tmp_path: Path) -> None:
    boxes = read_boxes(voc_folder(tmp_path / "a"))
    save_boxes(boxes, tmp_path / "boxes.parquet")
    table = pq.read_table(tmp_path / "boxes.parquet")
    pq.write_table(table.slice(1), tmp_path / "fewer.parquet")
    (tmp_path / "junk.parquet").write_bytes(b"PAR1junkPAR1")
    pq.write_table(table.replace_schema_metadata({}), tmp_path / "other.parquet")
    for name in ("fewer", "junk", "other"):
        with pytest.raises(StorageError, match="no usable file of boxes"):
            read_boxes(tmp_path / f"{name}.parquet")


def _voc(size: str, box: str, name: str = "cat", filename: str = "a.png") -> str:
    edges = "".join(
        f"<{key}>{value}</{key}>" for key, value in zip(("xmin", "ymin", "xmax", "ymax"), box.split(), strict=True)
    )
    return (
        f"<annotation><filename>{filename}</filename><size>{size}</size>"
        f"<object><name>{name}</name><bndbox>{edges}</bndbox></object></annotation>"
    )


def _read_one(folder: Path, xml: str, *, orientation: int = 0) -> BoxSet:
    (folder / "a.png").write_bytes(encode(photo(40, 20), "PNG", orientation=orientation))
    (folder / "a.xml").write_text(xml)
    (folder / "b.png").write_bytes(encode(photo(40, 20, 1), "PNG"))
    (folder / "b.xml").write_text(_voc("<width>40</width><height>20</height>", "1 1 9 9", filename="b.png"))
    return read_boxes(folder)


SIZE = "<width>40</width><height>20</height>"


@pytest.mark.parametrize(
    ("xml", "code", "left_out"),
    [
        (_voc(SIZE, "10 10 60 15"), "outside", False),
        (_voc(SIZE, "50 30 60 35"), "outside", True),
        (_voc(SIZE, "10 10 10 15"), "zero-area", True),
        (_voc(SIZE, "10 10 15 15", name=" "), "unknown-class", True),
        (_voc("<width>0</width><height>0</height>", "1 1 9 9"), "no-size", False),
        (_voc("<width>80</width><height>40</height>", "1 1 9 9"), "wrong-size", False),
        (_voc(SIZE, "1 1 9 9", filename="a.JPEG"), "wrong-extension", False),
    ],
    ids=["over the edge", "beyond", "no area", "no class", "no size", "another size", "another ending"],
)
def test_what_is_wrong_with_a_box_is_named(tmp_path: Path, xml: str, code: str, left_out: bool) -> None:
    boxes = _read_one(tmp_path, xml)
    assert [(problem.path, problem.code, problem.left_out) for problem in boxes.problems] == [("a.png", code, left_out)]
    assert len(boxes.pictures[0].boxes) == (not left_out)


def test_a_box_in_a_picture_of_another_size_is_scaled_with_it(tmp_path: Path) -> None:
    boxes = _read_one(tmp_path, _voc("<width>80</width><height>40</height>", "20 20 40 30"))
    assert boxes.pictures[0].boxes == (TrueBox("cat", 10, 10, 20, 15),)


def test_a_box_on_a_photo_that_was_labelled_lying_is_turned_upright(tmp_path: Path) -> None:
    boxes = _read_one(tmp_path, _voc(SIZE, "0 0 10 5"), orientation=6)
    picture = boxes.pictures[0]
    assert (picture.width, picture.height) == (20, 40)
    assert picture.boxes == (TrueBox("cat", 15, 0, 20, 10),)
    assert [problem.code for problem in boxes.problems] == ["turned"]


def test_pictures_without_boxes_and_boxes_without_pictures_are_named(tmp_path: Path) -> None:
    (tmp_path / "alone.png").write_bytes(encode(photo(20, 20, 5), "PNG"))
    (tmp_path / "gone.xml").write_text(_voc(SIZE, "1 1 9 9", filename="gone.png"))
    (tmp_path / "broken.xml").write_text("<annotation>")
    codes = {(problem.path, problem.code) for problem in _read_one(tmp_path, _voc(SIZE, "1 1 9 9")).problems}
    assert codes == {
        ("alone.png", "missing-boxes"),
        ("gone.xml", "missing-picture"),
        ("broken.xml", "unreadable-boxes"),
    }


BOMB = '<!DOCTYPE a [<!ENTITY b "ha"><!ENTITY c "&b;&b;&b;&b;">]><annotation><filename>&c;</filename></annotation>'


@pytest.mark.parametrize(
    "data",
    [
        BOMB.encode(),
        b'<!DOCTYPE a SYSTEM "file:///etc/passwd"><annotation/>',
        b"<annotation>" + b"<a>" * 5000,
        b"<annotation>" + b"<a></a>" * 300_000 + b"</annotation>",
        b"<annotation><object><name>x</name><bndbox><xmin>nan</xmin></bndbox></object></annotation>",
        b"<html/>",
        b"\xff\xfe<",
        b"",
    ],
    ids=["entities", "other files", "depth", "count", "no number", "another root", "no text", "empty"],
)
def test_hostile_xml_is_refused(data: bytes) -> None:
    with pytest.raises(Unreadable):
        parse_voc(data, "a.xml")


@given(st.binary(max_size=200))
def test_no_bytes_break_the_parsers(data: bytes) -> None:
    for parse in (
        lambda: parse_voc(data, "a.xml"),
        lambda: parse_coco(data, "a.json"),
        lambda: parse_yolo(data, "a.txt", ("x",)),
        lambda: parse_names(data, "data.yaml"),
        lambda: parse_names(data, "classes.txt"),
    ):
        with contextlib.suppress(Unreadable):
            parse()


def test_a_crowd_of_coco_is_no_box_and_split_comes_from_the_name() -> None:
    rows = {
        "images": [{"id": 7, "file_name": "a.jpg", "width": 10, "height": 10}],
        "categories": [{"id": 3, "name": "dog"}],
        "annotations": [
            {"image_id": 7, "category_id": 3, "bbox": [1, 2, 3, 4]},
            {"image_id": 7, "category_id": 3, "bbox": [0, 0, 9, 9], "iscrowd": 1},
        ],
    }
    (raw,), _names = parse_coco(json.dumps(rows).encode(), "annotations/instances_train2017.json")
    assert len(raw.boxes) == 1
    assert "images/train2017/a.jpg" in raw.candidates


def test_a_source_without_boxes_says_which_formats_are_read(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(encode(photo(20, 20), "PNG"))
    with pytest.raises(UnknownSource, match="Pascal VOC"):
        read_boxes(tmp_path)


def test_a_source_of_which_no_box_is_left_says_why(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(encode(photo(40, 20), "PNG"))
    (tmp_path / "a.xml").write_text(_voc(SIZE, "10 10 10 15"))
    with pytest.raises(EmptySource, match="no area"):
        read_boxes(tmp_path)


def test_the_hash_knows_boxes_and_splits_but_no_order() -> None:
    def made(*boxes: TrueBox, split: str = "") -> str:
        return BoxSet((BoxedPicture("a", 9, 9, boxes, split),), ("x",)).content_hash

    one, two = TrueBox("x", 0, 0, 1, 1), TrueBox("x", 0, 0, 2, 1)
    assert made(one, two) == made(two, one)
    assert len({made(one), made(two), made(one, split="test"), made()}) == 4


def test_reading_boxes_is_light() -> None:
    code = (
        "import sys, anmok.detection.reading, anmok.detection.writing; "
        "assert not {'torch', 'pandas', 'matplotlib', 'sklearn'} & set(sys.modules)"
    )
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([sys.executable, "-c", code], check=True, cwd=folder)
