"""Cards as files: taken whole or not at all, mistakes named by their place; what is written is read as it was."""

from __future__ import annotations

import csv
import io
import json
import subprocess
import textwrap
import unicodedata
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from anmok.data.sample import place_names
from anmok.service.cards.wording import as_text
from tests.service.served import photo
from tests.service.shelf import Shelf, kept_as_they_are, rows
from tests.service.staffed import Staffed

RED_PLACE = place_names("en")[0]
CARD = {"class": "new", "number": 7, "name_en": "New"}


@pytest.fixture(scope="module")
def shelf(staffed: Staffed, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shelf]:
    with kept_as_they_are(staffed, tmp_path_factory.mktemp("files")) as cards:
        yield cards


# Text as it is stored: composed, without space at its ends; with what spreadsheets and JSON stumble over.
letters = st.characters(exclude_categories=["Cs", "Cc"]) | st.sampled_from("가힣=+-@',\";\\<>&\u200b😀")


def texts(most: int, *, lines: bool = False) -> st.SearchStrategy[str]:
    signs = letters | st.sampled_from("\n\t") if lines else letters
    return (
        st.text(signs, max_size=most)
        .map(lambda text: unicodedata.normalize("NFC", text).strip())
        .filter(lambda text: len(text) <= most and (lines or text == as_text(text, most=most)))
    )


def placed(most: int) -> dict[str, st.SearchStrategy[Any]]:
    return {
        "name_en": texts(most),
        "name_ko": texts(most),
        "link": st.sampled_from(["", "https://example.org/?a=1&b=가"]),
    }


def with_position(values: dict[str, Any], position: tuple[float, float] | None) -> dict[str, Any]:
    latitude, longitude = position or (None, None)
    name = values["name_en"] or values["name_ko"] or "a name"
    return {**values, "name_en": values["name_en"] or name, "latitude": latitude, "longitude": longitude}


positions = st.none() | st.tuples(st.floats(-90, 90), st.floats(-180, 180))
places = st.builds(
    with_position,
    st.fixed_dictionaries({"category": st.sampled_from(["sight", "restaurant", "lodging"]), **placed(20)}),
    positions,
)
cards = st.lists(
    st.builds(
        with_position,
        st.fixed_dictionaries(
            {
                "class": texts(30).filter(bool),
                "number": st.integers(0, 999_999),
                "description_en": texts(60, lines=True),
                "description_ko": texts(60, lines=True),
                "nearby": st.lists(places, max_size=3),
                **placed(40),
            }
        ),
        positions,
    ),
    max_size=4,
    unique_by=(lambda card: card["class"], lambda card: card["number"]),
)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(cards)
def test_what_was_taken_is_written_and_read_again_without_a_change(shelf: Shelf, wanted: list[dict[str, Any]]) -> None:
    told = shelf.take(json.dumps({"cards": wanted}), "wanted.json", replace=True)
    assert not told.startswith("refused"), told
    given_back = json.loads(shelf.give("out.json"))["cards"]
    assert [values(card) for card in given_back] == [
        values(card) for card in sorted(wanted, key=lambda card: card["number"])
    ]
    for name in ("again.csv", "again.json"):
        data = shelf.give(name)
        assert f"0 new, 0 changed, {len(wanted)} as they were, 0 removed" in shelf.take(data, name, replace=True)
    # Into an empty service, too.
    table = shelf.give("again.csv")
    shelf.take("kind,class\n", replace=True)
    assert f"{len(wanted)} new" in shelf.take(table, "again.csv")
    assert json.loads(shelf.give("out.json"))["cards"] == given_back


def values(card: dict[str, Any]) -> dict[str, Any]:
    near = sorted((tuple(sorted(place.items(), key=str)) for place in card["nearby"]), key=str)
    return {**card, "nearby": near, "photos": []}


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text("=+-@\t＝＋－＠'x1", min_size=1, max_size=8).filter(lambda text: text.strip()))
def test_no_cell_begins_a_formula(shelf: Shelf, text: str) -> None:
    text = text.strip()
    shelf.take(
        json.dumps({"cards": [{**CARD, "class": "formula", "number": 17, "name_en": text, "description_ko": text}]}),
        "wanted.json",
        replace=True,
    )
    data = shelf.give("cards.csv").decode("utf-8-sig")
    for row in csv.reader(io.StringIO(data, newline="")):
        assert not any(cell[:1] in tuple("=+-@\t\r＝＋－＠") for cell in row)
    shelf.take(data)
    card = shelf.card("formula")
    assert card is not None
    assert (card["name_en"], card["description_ko"]) == (text, text)


FAULTS = {
    "a latitude out of range": (
        rows({**CARD, "latitude": "126.3"}),
        "line 2, column latitude (D)",
        "“126.3” came",
        "swapped",
    ),
    "a word for a figure": (
        rows({**CARD, "longitude": "east"}),
        "line 2, column longitude (D)",
        "“east”",
        "from -180 to 180",
    ),
    "a decimal comma": (rows({**CARD, "latitude": "33,5"}), "line 2, column latitude (D)", "“33,5”", "33.306"),
    "half a position": (rows({**CARD, "latitude": "33"}), "line 2, column longitude", "Half a position", "or neither"),
    "a long name": (
        rows({**CARD, "name_ko": "가" * 256}),
        "line 2, column name_ko (D)",
        "256 characters",
        "At most 255",
    ),
    "a link that runs": (
        rows({**CARD, "link": "javascript:alert(1)"}),
        "line 2, column link (D)",
        "javascript",
        "https://",
    ),
    "no name": (rows({"class": "new", "number": 7}), "line 2, column name_en", "No name", "English or in Korean"),
    "no number": (rows({"class": "new", "name_en": "x"}), "line 2, column number", "Nothing came", "wants a number"),
    "a number twice": (
        rows(CARD, {**CARD, "class": "newer"}),
        "line 3, column number (B)",
        "“new”",
        "number of its own",
    ),
    "a class twice": (rows(CARD, {**CARD, "number": 8}), "line 3, column class (A)", "second time", "one card"),
    "a kind that is none": (rows({"kind": "bar", **CARD}), "line 2, column kind (A)", "“bar”", "restaurant"),
    "a column that is none": (rows({**CARD, "colour": "red"}), "line 1, column D", "“colour”", "longitude"),
    "a place of no card": (
        rows({"kind": "sight", "class": "?", "name_en": "x"}),
        "line 2, column class",
        "“?”",
        "“card”",
    ),
    "too few cells": ("class,number,name_en\nnew,7\n", "line 2", "2 cells", "3"),
    "an open quote": ('class,number,name_en\nnew,7,"x\n', "line 2", "cannot be read", "quotes"),
    "no rows": ("", "line 1", "Nothing came", "The first row"),
    "another encoding": ("class,number,name_ko\nnew,7,가\n".encode("cp949"), "line 2", "no UTF-8", "CSV UTF-8"),
    "a character that shows nothing": (
        rows({**CARD, "name_en": "a\x00b"}),
        "line 2, column name_en (C)",
        "U+0000",
        "Letters",
    ),
}


@pytest.mark.parametrize(("data", *("where", "came", "wanted")), FAULTS.values(), ids=FAULTS)
def test_a_table_with_a_mistake_is_refused_with_its_place_and_changes_nothing(
    shelf: Shelf, data: str | bytes, where: str, came: str, wanted: str
) -> None:
    before = shelf.give()
    # What stands before the mistake must not be taken either.
    told = shelf.take(data)
    assert told.startswith("refused: cards.csv, ")
    assert all(part in told for part in (where, came, wanted)), told
    assert shelf.give() == before


DOCUMENTS = {
    "no JSON": ('{"cards": [\n  {"class": }]}', "line 2, column 13", "no JSON"),
    "a figure that JSON does not have": (
        '[{"class": "new", "number": 7,\n "latitude": NaN}]',
        "line 2, column 14 (latitude)",
        "“NaN”",
    ),
    "a key that is none": ('[\n{"class": "new", "colour": 1}]', "line 2, column 28 (colour)", "One of these is wanted"),
    "a key twice": ('[{"class": "new",\n "class": "newer"}]', "line 2, column 11 (class)", "came twice"),
    "a category that is none": (
        '[{"class": "new", "nearby": [\n{"category": "bar"}]}]',
        "line 2, column 14 (category)",
        "“bar”",
    ),
    "text for a list": ('[{"class": "new", "nearby": "x"}]', "line 1, column 29 (nearby)", "A list is wanted"),
    "a figure for text": (
        '[{"class": "new", "number": 7, "name_en": 5}]',
        "line 1, column 43 (name_en)",
        "Text is wanted",
    ),
    "a lone surrogate": ('[{"class": "new", "number": 7, "name_en": "\\ud800"}]', "(name_en)", "U+D800"),
    "a number of many digits": (f'[{{"class": "new", "number": {"9" * 5000}}}]', "(number)", "whole number"),
    "lists in lists": ("[" * 20_000, "line 1", ""),
    "no list": ('{"cards": 5}', "line 1", "“cards”"),
    "another format": ('{"format": "anmok-cards 9", "cards": []}', "(format)", "anmok-cards 1"),
}


@pytest.mark.parametrize(("data", "where", "words"), DOCUMENTS.values(), ids=DOCUMENTS)
def test_json_with_a_mistake_is_refused_with_its_place(shelf: Shelf, data: str, where: str, words: str) -> None:
    told = shelf.take(data, "cards.json")
    assert told.startswith("refused: cards.json, ")
    assert where in told, told
    assert words in told, told


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.binary(max_size=200) | st.text(max_size=100).map(str.encode), name=st.sampled_from(["x.csv", "x.json"]))
def test_whatever_the_bytes_nothing_but_a_refusal_comes(shelf: Shelf, data: bytes, name: str) -> None:
    assert shelf.take(data, name, dry_run=True)


def test_all_mistakes_are_named_at_once(shelf: Shelf) -> None:
    told = shelf.take(rows({**CARD, "latitude": "x", "link": "y"}, {"class": "", "number": "z", "name_en": "n"}))
    assert told.count("cards.csv, line") == 4


def test_a_look_changes_nothing_and_says_what_would_change(shelf: Shelf) -> None:
    before = shelf.give()
    card = json.loads(before)["cards"]
    told = shelf.take(rows({**CARD, "class": "newest", "number": 6}), dry_run=True)
    assert "new: 6 “newest” (places nearby: 0, photos: 0)" in told
    assert shelf.give() == before
    assert card == json.loads(shelf.give())["cards"]


def test_fields_that_a_file_does_not_name_stay(shelf: Shelf) -> None:
    near = {"kind": "sight", "class": "stays", "name_en": "A hill", "latitude": 33, "longitude": 126}
    first = {"kind": "card", "class": "stays", "number": 70, "name_en": "First", "description_en": "Words"}
    shelf.take(rows(first, near))
    told = shelf.take(rows({"class": "stays", "name_en": "Second"}))
    assert "changed: 70 “stays” (name_en “First” → “Second”)" in told
    card = shelf.card("stays")
    assert card is not None
    assert (card["description_en"], len(card["nearby"])) == ("Words", 1)
    # Places that a file has take the place of all; a card is named by its number, too.
    shelf.take(rows({**near, "class": "", "number": 70, "name_en": "A lake"}))
    card = shelf.card("stays")
    assert card is not None
    assert [place["name_en"] for place in card["nearby"]] == ["A lake"]


def test_two_cards_may_exchange_their_numbers(shelf: Shelf) -> None:
    one, two = ({"class": name, "number": number, "name_en": name} for name, number in (("one", 81), ("two", 82)))
    shelf.take(rows(one, two))
    assert "2 changed" in shelf.take(rows({**one, "number": 82}, {**two, "number": 81}))
    first, second = shelf.card("one"), shelf.card("two")
    assert first is not None
    assert second is not None
    assert (first["number"], second["number"]) == (82, 81)


def test_spreadsheets_of_other_countries_are_read(shelf: Shelf) -> None:
    assert "1 new" in shelf.take("\ufeffclass;number;name_ko\r\nsemicolon;90;가\r\n")
    assert "1 new" in shelf.take("class\tnumber\tname_ko\ntab\t91\t나\n")
    # macOS writes Hangul in parts.
    shelf.take(rows({"class": unicodedata.normalize("NFD", "폭포"), "number": 92, "name_ko": "폭포"}))
    assert shelf.card("폭포") is not None


def test_photos_travel_with_a_file_and_keep_their_hash(shelf: Shelf) -> None:
    (shelf.folder / "mine").mkdir(exist_ok=True)
    exif = Image.Exif()
    exif[0x010F] = "A camera that says who made it"
    with Image.open(io.BytesIO(photo("red", seed=70))) as picture:
        picture.save(shelf.folder / "mine" / "p.jpg", exif=exif)
    card = {"kind": "card", "class": "pictured", "number": 95, "name_en": "x"}
    assert "1 new" in shelf.take(
        rows(card, {"kind": "photo", "class": "pictured", "photo": "mine/p.jpg", "credit": "me"})
    )
    table = shelf.give("moved.csv", photos=True)
    (picture_hash,) = (
        row["photo"] for row in csv.DictReader(io.StringIO(table.decode("utf-8-sig"))) if row["credit"] == "me"
    )
    exported = shelf.folder / "moved-photos" / f"{picture_hash}.jpg"
    assert b"says who" not in exported.read_bytes()
    shelf.take("kind,class\n", replace=True)
    assert f"{picture_hash}.jpg" not in shelf.files()
    assert f"{picture_hash}.small.jpg" not in shelf.files()
    assert not shelf.take(table, "moved.csv").startswith("refused")
    assert {f"{picture_hash}.jpg", f"{picture_hash}.small.jpg"} <= shelf.files()
    # A photo that was tampered with is none of ours, however it is called.
    shelf.take("kind,class\n", replace=True)
    exported.write_bytes(exported.read_bytes() + b"<script>")
    assert "was changed after it was exported" in shelf.take(table, "moved.csv")


@pytest.mark.parametrize(
    "name", ["../outside.jpg", "/etc/hostname", "link.jpg", "missing.jpg", "letter.txt", "0" * 64, "a\x00b"]
)
def test_a_photo_is_taken_from_beside_the_file_alone(shelf: Shelf, name: str) -> None:
    (shelf.folder.parent / "outside.jpg").write_bytes(photo("red"))
    link = shelf.folder / "link.jpg"
    if not link.is_symlink():
        link.symlink_to(shelf.folder.parent / "outside.jpg")
    (shelf.folder / "letter.txt").write_text("Dear Anmok,")
    told = shelf.take(rows({"kind": "card", **CARD}, {"kind": "photo", "class": "new", "photo": name}))
    assert told.startswith("refused: cards.csv, line 3, column photo"), told


def test_the_command_takes_gives_and_refuses(staffed: Staffed, shelf: Shelf) -> None:
    path = shelf.folder / "command.csv"
    path.write_text(rows({"class": "by command", "number": 99, "name_en": "x"}))

    def manage(*words: str) -> subprocess.CompletedProcess[str]:
        return staffed.manage("cards", *words)

    looked = manage("import", str(path), "--dry-run")
    assert (looked.returncode, "Not yet done. Cards: 1 new" in looked.stdout) == (0, True), looked.stderr
    assert shelf.card("by command") is None
    assert manage("import", str(path)).returncode == 0
    assert shelf.card("by command") is not None
    given = manage("export", str(shelf.folder / "given.json"))
    assert (given.returncode, "Written to" in given.stdout) == (0, True)
    path.write_text("class,number\nx,y\n")
    refused = manage("import", str(path))
    assert refused.returncode == 2
    assert "command.csv, line 2, column number (B): “y” came." in refused.stderr.replace("\n", " ")


@pytest.mark.parametrize(("begin", "name"), [("kind,class,", "cards.csv"), ('{"format"', "cards.json")])
def test_the_examples_of_the_documentation_are_taken(shelf: Shelf, begin: str, name: str) -> None:
    blocks = (Path(__file__).parents[2] / "docs" / "cards.md").read_text(encoding="utf-8").split("\n\n")
    (example,) = (textwrap.dedent(block) for block in blocks if block.startswith(f"    {begin}"))
    (shelf.folder / "photos").mkdir(exist_ok=True)
    (shelf.folder / "photos" / "waterfall.jpg").write_bytes(photo("green", seed=71))
    told = shelf.take(example, name, replace=True)
    assert "1 new" in told or "1 changed" in told, told
    card = shelf.card("Cheonjiyeon waterfall")
    assert card is not None
    assert (card["name_ko"], len(card["nearby"]), len(card["photos"])) == ("천지연 폭포", 1, 1)
