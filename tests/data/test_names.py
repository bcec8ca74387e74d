"""Names are kept as they are, but for what could not be stored; and that comes back byte by byte."""

import json
import os
import unicodedata

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from anmok.data.names import ending, escape, is_hidden, is_inside, unescape

file_names = st.binary(min_size=1, max_size=60).map(lambda raw: raw.replace(b"/", b"_").replace(b"\0", b"_"))


@given(file_names)
def test_every_name_that_a_disk_can_hold_comes_back_from_its_escaped_form(raw: bytes) -> None:
    name = os.fsdecode(raw)
    escaped = escape(name)
    assert os.fsencode(unescape(escaped)) == raw
    assert pa.array([escaped]).to_pylist() == [escaped]
    assert json.loads(json.dumps(escaped, ensure_ascii=False).encode("utf-8")) == escaped
    assert not any(unicodedata.category(character) in ("Cc", "Cs") for character in escaped)


@pytest.mark.parametrize("name", ["천지연 폭포.jpg", unicodedata.normalize("NFD", "폭포"), "a b🐕.png", "50%x41.png"])
def test_ordinary_names_stay_as_they_are(name: str) -> None:
    assert escape(name) == name == unescape(name)


def test_odd_bytes_are_written_one_by_one() -> None:
    assert escape(os.fsdecode(b"caf\xe9.jpg")) == r"caf\xe9.jpg"
    assert escape("two\nlines\\.jpg") == r"two\x0alines\x5c.jpg"
    assert escape("\x1b[31m\x85") == r"\x1b[31m\xc2\x85"


@pytest.mark.parametrize("name", [r"..\x2f..\x2fetc", r"\x2e\x2e", r"a\x00b", r"\x41"])
def test_nothing_but_what_is_escaped_is_unescaped(name: str) -> None:
    assert unescape(name) == name


@pytest.mark.parametrize(
    ("path", "inside"),
    [
        ("a/b.jpg", True),
        ("..a/b..", True),
        ("", False),
        ("/a", False),
        ("a/../b", False),
        ("a//b", False),
        ("a\0", False),
        (".", False),
    ],
)
def test_a_path_is_inside_its_source_or_not(path: str, inside: bool) -> None:
    assert is_inside(path) is inside


def test_endings_and_hidden_names() -> None:
    assert [ending(name) for name in ("a.b/C.JPG", "a.b/c", ".jpg", "x.tar.gz")] == [".jpg", "", "", ".gz"]
    assert all(map(is_hidden, (".git", "__MACOSX", "Thumbs.db", "THUMBS.DB", ".DS_Store", "desktop.ini")))
    assert not any(map(is_hidden, ("thumbs", "a.db", "_x")))
