"""The page of an exploration: sound HTML that needs nothing else, hostile names are text, all values are said."""

from __future__ import annotations

import base64
import io
import itertools
import json
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from anmok.evaluation.stored import from_json, to_json
from anmok.explore.measures import MEASURES
from anmok.explore.results import Exploration, StandOut
from anmok.i18n import use_language
from anmok.report import explore_words
from anmok.report.explore import render_exploration
from anmok.report.explore_map import thumbnail_sheet
from anmok.report.explore_tables import HIGH, WIDE, outline
from anmok.report.names import shown
from report.comparisons import HOSTILE, JEJU
from report.conftest import jpeg
from report.explorations import exploration, with_troubles
from report.pages import Page

Draw = Callable[..., Page]
LONG = "a very long name of a class " * 8

CASES: dict[str, Exploration] = {
    "six classes, splits, one dark": exploration(tuple("abcdef"), 30, splits=("train", "valid", "test"), dark="c"),
    "two classes": exploration(("horse", "human"), 40, splits=("train", "test"), dark="horse"),
    "Korean classes": with_troubles(exploration(JEJU, dark="만장굴")),
    "hostile names": with_troubles(exploration(HOSTILE, 20, dark=HOSTILE[0])),
    "a hundred classes": exploration([f"class {number}" for number in range(100)], 5),
    "one class": exploration(("only",), 9),
    "one picture": exploration(("only",), 1, near=False),
    "very long names": exploration((LONG, "b" * 300, "short"), 12, dark=LONG),
    "no map": replace(exploration(("a", "b")), map=exploration(("a",)).map.__class__()),
}


def _pixels(found: Exploration) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (len(found.map.paths), 16, 16, 3), dtype=np.uint8)


@pytest.fixture
def draw(tmp_path: Path, noise: bytes) -> Draw:
    def drawn(found: Exploration, *, language: str = "en", pictures: bool = True) -> Page:
        path = render_exploration(
            found,
            tmp_path / "explore.html",
            read_picture=(lambda path: noise) if pictures else None,
            map_pixels=_pixels(found) if pictures and found.map.paths else None,
            language=language,
        )
        return Page(path.read_text(encoding="utf-8"))

    return drawn


@pytest.mark.parametrize("case", CASES)
def test_page_is_well_formed_can_be_read_aloud_and_its_links_lead_somewhere(draw: Draw, case: str) -> None:
    page = draw(CASES[case])
    assert page.attributes("html", "lang") == ["en"]
    ids = [found["id"] for _tag, found in page.elements if "id" in found]
    assert len(ids) == len(set(ids))
    assert {href[1:] for href in page.attributes("a", "href")} <= set(ids)
    tables = sum(tag == "table" for tag, _found in page.elements)
    assert tables == sum(tag == "caption" for tag, _found in page.elements) >= 3
    assert all(found.get("scope") in ("row", "col") for tag, found in page.elements if tag == "th")
    assert all(found.get("alt") for tag, found in page.elements if tag == "img")
    for tag, found in page.elements:
        assert tag != "svg" or found.get("aria-hidden") or (found.get("role") == "img" and found.get("aria-label"))
    levels = [int(tag[1]) for tag, _found in page.elements if re.fullmatch("h[1-6]", tag)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(below - above <= 1 for above, below in itertools.pairwise(levels))


@pytest.mark.parametrize("case", CASES)
def test_korean_page_is_well_formed_too(draw: Draw, case: str) -> None:
    assert draw(CASES[case], language="ko").attributes("html", "lang") == ["ko"]


@pytest.mark.parametrize("case", CASES)
def test_page_points_to_nothing_outside_and_runs_its_own_script_only(draw: Draw, case: str, tmp_path: Path) -> None:
    page = draw(CASES[case])
    file = (tmp_path / "explore.html").read_text(encoding="utf-8")
    assert not re.search(r"https?:|\burl\((?!#)|@import|@font-face", file)
    assert not {tag for tag, _found in page.elements} & {"link", "iframe", "object", "embed", "base", "form", "image"}
    for tag, found in page.elements:
        assert not [name for name in found if name.startswith("on")], tag
        assert (found.get("src") or "data:image/jpeg;base64,").startswith("data:image/jpeg;base64,")
    # Blocks of data run nothing; there is one at most, and it begins like an object.
    assert len(page.programs) + sum(text.startswith("{") for text in page.scripts) == len(page.scripts)
    assert page.runs_its_own_scripts_alone()


def test_hostile_names_are_text_wherever_they_stand(draw: Draw, tmp_path: Path) -> None:
    nasty = HOSTILE[0] + HOSTILE[1]
    found = CASES["hostile names"]
    found = replace(found, source=nasty, location=nasty, notes=(nasty,), command=nasty, created=nasty)
    harmless = draw(with_troubles(exploration(JEJU, 20, dark="만장굴")))
    page = draw(found)
    assert {tag for tag, _found in page.elements} == {tag for tag, _found in harmless.elements}
    for name in HOSTILE:
        assert " ".join(shown(name).split()) in page.text
    raw = (tmp_path / "explore.html").read_text(encoding="utf-8")
    assert "<script>alert" not in raw
    assert not re.search("[\u202a-\u202e\u2066\u2067\u200e\u200f\x00-\x08\x0b-\x1f]", raw)
    data = json.loads(next(text for text in page.scripts if text.startswith("{")))
    assert data["classNames"] == [shown(name) for name in found.classes]


def test_dark_class_comes_first_and_is_named_in_words_and_marked(draw: Draw) -> None:
    page = draw(CASES["six classes, splits, one dark"])
    assert "c is darker than the rest." in page.text
    assert "look for photos among drawings" in page.text.lower()
    assert page.of_class("marked") == 2
    rows = [found["data-name"] for tag, found in page.elements if tag == "tr" and "data-name" in found]
    assert rows == [
        f"\u2068{label}\u2069" for label in ("Training", "Validation", "Test", "c", "a", "b", "d", "e", "f")
    ]


def test_classes_that_stand_out_alike_are_named_together(draw: Draw) -> None:
    found = exploration(tuple("abcdefghij"), 30, dark="c")
    (one,) = found.stand_outs
    page = draw(replace(found, stand_outs=(one, replace(one, group="d"))))
    assert "Darker than the rest: c" in page.text
    assert page.text.count("Look for photos among drawings") == 1
    many = tuple(replace(one, group=label) for label in [f"class {number}" for number in range(40)])
    page = draw(replace(CASES["a hundred classes"], stand_outs=many))
    assert "Darker than the rest: class 0" in page.text
    assert "and 28 more" in page.text
    assert page.of_class("marked") == 40 + 40
    (line,) = explore_words.plain_sentences([many])
    assert "class 11 and 28 more." in line


@pytest.mark.parametrize("case", ["six classes, splits, one dark", "a hundred classes", "Korean classes"])
def test_counts_and_medians_of_all_classes_are_said(draw: Draw, case: str) -> None:
    found = CASES[case]
    page = draw(found)
    for label in found.classes:
        assert shown(label) in page.text
    for measured in found.measured:
        for one in (measured.whole, *measured.classes, *measured.splits):
            assert explore_words.measure_figure(measured.measure, one.quantiles[2]) in page.text
    assert f"{found.pictures:,} pictures" in page.text


def test_left_out_and_ignored_files_are_shown(draw: Draw) -> None:
    page = draw(with_troubles(exploration(("a", "b")), 60))
    assert "60 files were left out" in page.text
    assert "file 3 is cut short" in page.text
    assert "and 10 more" in page.text
    assert "2 files were ignored" in page.text
    assert "Copies were left out." in page.text


def test_page_without_the_source_says_so_and_has_its_averages_and_map(draw: Draw) -> None:
    page = draw(CASES["two classes"], pictures=False)
    assert "The pictures were not at hand" in page.text
    assert len(page.attributes("img", "src")) == 2
    assert sum(tag == "circle" for tag, _found in page.elements) == 81


def test_a_map_of_three_thousand_pictures_of_a_hundred_classes_stays_below_eight_megabytes(tmp_path: Path) -> None:
    found = exploration([f"class number {number}" for number in range(100)], 30, splits=("train", "valid"))
    worst = np.random.default_rng(0).integers(0, 256, (3000, 56, 56, 3), dtype=np.uint8)
    noise = jpeg(0, 320, 320)
    path = render_exploration(
        found, tmp_path / "explore.html", read_picture=lambda path: noise, map_pixels=worst, language="en"
    )
    assert path.stat().st_size < 8_000_000


def test_the_same_values_give_the_same_bytes_and_survive_being_stored(draw: Draw, tmp_path: Path) -> None:
    found = CASES["Korean classes"]
    draw(found)
    first = (tmp_path / "explore.html").read_bytes()
    stored = json.loads(json.dumps(to_json(found)))
    again = from_json(Exploration, stored, where="test")
    assert again == found
    draw(again)
    assert (tmp_path / "explore.html").read_bytes() == first


def test_every_thumbnail_stands_at_its_place_in_the_sheet() -> None:
    colours = np.random.default_rng(0).integers(0, 256, (11, 1, 1, 3), dtype=np.uint8)
    text, columns = thumbnail_sheet(np.broadcast_to(colours, (11, 16, 16, 3)))
    assert columns == 4
    sheet = np.asarray(Image.open(io.BytesIO(base64.b64decode(text.partition(",")[2]))), dtype=np.int64)
    for number in range(11):
        row, column = divmod(number, columns)
        middle = sheet[row * 16 + 8, column * 16 + 8]
        assert np.abs(middle - colours[number, 0, 0]).max() < 12
    assert thumbnail_sheet(None) == ("", 0)


def test_an_outline_begins_and_ends_on_the_ground_and_touches_the_top() -> None:
    path = outline((0.0, 0.5, 0.5, 0.0))
    assert path.startswith(f"M0 {HIGH}")
    assert path.endswith(f"V{HIGH}Z")
    assert re.findall(r"V([\d.]+)H([\d.]+)", path) == [("20", "24"), ("0", "72"), ("20", "96")]
    assert outline(()) == outline((0.0, 0.0)) == ""
    assert WIDE == 96


@pytest.mark.parametrize("language", ["en", "ko"])
@pytest.mark.parametrize("code", ["whole", "part", "kind"])
def test_whatever_stands_out_there_is_a_sentence_for_it(language: str, code: str) -> None:
    measures = ["format", "mode"] if code == "kind" else [one.name for one in MEASURES if one.compared]
    for measure, more, among in itertools.product(measures, (True, False), ("class", "split")):
        one = StandOut(
            code=code,  # type: ignore[arg-type]
            among=among,  # type: ignore[arg-type]
            group="train",
            measure=measure,
            more=more,
            own=0.5,
            others=0.25,
            share=0.5,
            delta=0.5,
            value="PNG",
        )
        with use_language(language):
            for text in (explore_words.headline(one), explore_words.detail(one), explore_words.trait(one)):
                assert "{" not in text.format(**explore_words.values(one, str))
            assert explore_words.headline(one)
            assert explore_words.hint(one)
            for told in ((one,), (one, one)):
                assert all(explore_words.plain_sentences([told]))
