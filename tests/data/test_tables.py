"""A CSV names pictures; what is wrong with it is said with the line's number."""

import unicodedata
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anmok.config import Limits
from anmok.data.readers import Item, read_listing
from anmok.data.sources import open_source
from anmok.data.tables import Row, TableSource, parse_rows
from anmok.errors import AnmokError, DataError, UnknownSource
from tests.data.made import write_tree


def parsed(text: str) -> tuple[Row, ...]:
    return parse_rows(text, name="set.csv", max_rows=1000)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp949"])
def test_korean_text_is_read_in_the_encodings_that_excel_writes(tmp_path: Path, encoding: str) -> None:
    write_tree(tmp_path, {"사진/1.jpg": b"1", "set.csv": "path,label\n사진/1.jpg,폭포\n".encode(encoding)})
    source = TableSource(tmp_path / "set.csv", limits=Limits())
    assert source.rows == (Row(2, "사진/1.jpg", "폭포", "", ""),)
    assert source.read("사진/1.jpg") == b"1"


def test_columns_stand_in_any_order_and_others_are_passed_over() -> None:
    text = "Group , LABEL,note,Path,split\r\ng1,cat,x,a.jpg,Val\r\n\r\n,dog,,./b\\c.jpg,TRAINING\r\n"
    assert parsed(text) == (Row(2, "a.jpg", "cat", "valid", "g1"), Row(4, "b/c.jpg", "dog", "train", ""))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("path,label\na.jpg,cat,dog\n", r"set\.csv, line 2 has 3 fields; the header has 2"),
        ("path,label\na.jpg,cat\n\n,dog\n", r"set\.csv, line 4 names no path"),
        ("path,label,split\na.jpg,cat,holdout\n", r"line 2 has the split 'holdout'; train, valid, test"),
        ('path,label\n"a.jpg,cat\n', r"set\.csv, line 2 is no CSV"),
    ],
)
def test_a_wrong_line_is_named_by_its_number(text: str, message: str) -> None:
    with pytest.raises(DataError, match=message):
        parsed(text)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is empty"),
        ("file,class\na,b\n", "has no column path; its first line is: file, class"),
        ("path,text\na,b\n", "has no column label"),
        ("path,label,Path\na,b,c\n", "column path twice"),
    ],
)
def test_a_wrong_header_says_what_is_wanted(text: str, message: str) -> None:
    with pytest.raises(UnknownSource, match=message):
        parsed(text)


def test_text_in_an_unknown_encoding_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes("path,label\na,b\n".encode("utf-16"))
    with pytest.raises(UnknownSource, match="neither UTF-8 nor CP949"):
        TableSource(tmp_path / "a.csv", limits=Limits())


def test_lines_become_items_and_bad_paths_are_quarantined(tmp_path: Path) -> None:
    lines = ["path,label,split,group", "a/1.jpg,cat,train,g", "a/2.jpg,dog,test,", "../up.jpg,cat,,", "/abs.jpg,cat,,"]
    lines += ["gone.jpg,cat,,", "a/1.jpg,cat,,", "a/1.jpg,dog,,", "a/3.jpg,,,", "a,cat,,"]
    write_tree(tmp_path / "in", {f"a/{i}.jpg": b"%d" % i for i in (1, 2, 3)} | {"set.csv": "\n".join(lines).encode()})
    (tmp_path / "up.jpg").write_bytes(b"x")
    with open_source(tmp_path / "in/set.csv") as source:
        listing = read_listing(source)
    assert listing.items == (
        Item("a/1.jpg", "cat", "train", "g"),
        Item("a/1.jpg", "dog"),
        Item("a/2.jpg", "dog", "test"),
    )
    assert {(row.path, row.code) for row in listing.quarantined} == {
        ("../up.jpg", "outside-source"),
        ("/abs.jpg", "outside-source"),
        ("gone.jpg", "missing"),
        ("a", "not-a-file"),
        ("a/1.jpg", "duplicate-name"),
        ("a/3.jpg", "no-label"),
    }
    assert any("line 7" in row.reason for row in listing.quarantined)


@pytest.mark.parametrize(("on_disk", "in_csv"), [("NFD", "NFC"), ("NFC", "NFD")])
def test_a_name_is_found_however_its_hangul_is_composed(tmp_path: Path, on_disk: str, in_csv: str) -> None:
    name = unicodedata.normalize(on_disk, "폭포.jpg")  # type: ignore[arg-type]
    line = unicodedata.normalize(in_csv, "폭포.jpg,폭포")  # type: ignore[arg-type]
    write_tree(tmp_path, {name: b"1", "set.csv": f"path,label\n{line}\n".encode()})
    with open_source(tmp_path / "set.csv") as source:
        listing = read_listing(source)
        assert listing.items == (Item(name, "폭포"),)
        assert source.read(name) == b"1"


def test_more_lines_than_the_limit_are_refused() -> None:
    with pytest.raises(DataError, match="more than 1 files"):
        parse_rows("path,label\na,b\nc,d\n", name="set.csv", max_rows=1)


cells = st.text(st.characters(codec="utf-8", exclude_characters='"\0'), max_size=12)


@given(st.one_of(st.text(max_size=200), st.lists(st.tuples(cells, cells)).map(lambda rows: "path,label\n" + str(rows))))
def test_any_text_gives_rows_or_an_error_of_ours(text: str) -> None:
    try:
        rows = parsed(text)
    except AnmokError:
        return
    assert all(row.path and "\n" not in row.path + row.label for row in rows)


@given(st.lists(st.tuples(cells.filter(str.strip), cells), max_size=5))
def test_quoted_cells_of_any_text_are_read_as_they_are(rows: list[tuple[str, str]]) -> None:
    from anmok.data.names import escape

    text = "path,label\r\n" + "".join(f'"{path}","{label}"\r\n' for path, label in rows)
    wanted = [
        (escape(path.strip().replace("\\", "/")).removeprefix("./"), escape(label.strip())) for path, label in rows
    ]
    if all(path for path, _label in wanted):
        assert [(row.path, row.label) for row in parsed(text)] == wanted


@given(st.binary(max_size=200))
def test_any_bytes_give_rows_or_an_error_of_ours(tmp_path_factory: pytest.TempPathFactory, data: bytes) -> None:
    path = tmp_path_factory.getbasetemp() / "fuzz.csv"
    path.write_bytes(data)
    try:
        TableSource(path, limits=Limits())
    except AnmokError:
        return
