"""Cards as visitors see them: pages with photos, words in two languages, what lies near; gaps are explained."""

from __future__ import annotations

import html
import io
import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image

from anmok.data.sample import place_names
from anmok.service import cards as cards_room
from anmok.service.cards.coverage import compare
from tests.service.served import Served, Visitor, photo
from tests.service.shelf import Shelf, kept_as_they_are, rows
from tests.service.staffed import Staffed

RED_PLACE, GREEN_PLACE, BLUE_PLACE = place_names("en")[:3]


@pytest.fixture
def shelf(staffed: Staffed, tmp_path: Path) -> Iterator[Shelf]:
    with kept_as_they_are(staffed, tmp_path) as cards:
        yield cards


def test_a_card_has_a_page_with_name_words_photos_and_position(visitor: Visitor) -> None:
    page = visitor.get("/cards/0/")
    assert page.status_code == 200
    text = html.unescape(page.text)
    assert f'<span class="number">0</span> {RED_PLACE}</h1>' in text
    assert "tea is grown" in text
    assert "33.3060° N, 126.2900° E" in text
    pictures = re.findall(r'href="(/cards/photos/[0-9a-f]{64}\.jpg)"', page.text)
    assert len(pictures) == 2
    for address in pictures:
        answer = visitor.get(address)
        assert "immutable" in answer.headers["Cache-Control"]
        with Image.open(io.BytesIO(answer.content)) as picture:
            assert picture.format == "JPEG"
            assert picture.size == (480, 480)


def test_a_card_is_read_in_the_visitors_language(visitor: Visitor) -> None:
    page = visitor.get("/cards/0/", **{"Accept-Language": "ko"}).text
    assert "오설록 티 뮤지엄</h1>" in page
    assert "차를 기르고" in page
    assert '<p class="other-name" lang="en">' in page


def test_what_lies_near_is_listed_from_the_nearest_on_and_by_category(visitor: Visitor) -> None:
    page = visitor.get("/cards/1/").text
    near = re.findall(r'class="figure">([\d.]+) (k?m) <span', page)
    metres = [float(number) * (1000 if unit == "km" else 1) for number, unit in near]
    assert len(metres) == 6
    assert metres == sorted(metres)
    eating = visitor.get("/cards/1/?category=restaurant").text
    assert len(re.findall(r'<li id="near-1-', eating)) == 2
    assert re.search(r'category=restaurant#near-1" aria-current="true"', eating)
    assert len(re.findall(r'<li id="near-1-', visitor.get("/cards/1/?category=<b>").text)) == 6


def test_all_cards_are_on_one_page_and_lead_to_their_own(visitor: Visitor) -> None:
    page = html.unescape(visitor.get("/cards/").text)
    for number, name in enumerate((RED_PLACE, GREEN_PLACE, BLUE_PLACE)):
        assert f'href="/cards/{number}/"' in page
        assert name in page
    assert len(re.findall(r"/cards/photos/[0-9a-f]{64}\.small\.jpg", page)) == 3


@pytest.mark.parametrize("path", ["/cards/77/", "/cards/99999999999999999999/", f"/cards/photos/{'0' * 64}.jpg"])
def test_what_is_no_card_is_not_there(visitor: Visitor, path: str) -> None:
    assert visitor.get(path).status_code == 404


def test_an_answer_shows_the_cards_photo_and_leads_to_its_page(visitor: Visitor) -> None:
    answer = visitor.give(("a.jpg", photo("green", seed=60))).text
    assert 'class="face" href="/cards/1/"' in answer
    assert answer.count('<a class="mark') == 6
    assert answer.count('<svg class="map"') == 1


def test_identifiers_on_a_page_of_several_answers_are_unique(visitor: Visitor) -> None:
    answer = visitor.give(("a.jpg", photo("green", seed=61)), ("b.jpg", photo("green", seed=62))).text
    found = re.findall(r'\sid="([^"]+)"', answer)
    assert len(found) == len(set(found))


def test_names_of_255_korean_letters_are_kept_whole(shelf: Shelf, staffed: Staffed) -> None:
    label, name = "가" * 255, "힣" * 255
    card = {"class": label, "number": 500, "name_en": name, "name_ko": name}
    place = {"kind": "sight", "class": label, "name_en": name}
    assert "1 new" in shelf.take(rows({"kind": "card", **card}, place))
    assert name in staffed.stranger().get("/cards/500/").text
    stored = shelf.card(label)
    assert stored is not None
    assert (stored["class"], stored["name_ko"], stored["nearby"][0]["name_en"]) == (label, name, name)


def test_classes_that_differ_in_capital_letters_alone_have_a_card_each(shelf: Shelf) -> None:
    told = shelf.take(
        rows({"class": "cat", "number": 501, "name_en": "a"}, {"class": "Cat", "number": 502, "name_en": "b"})
    )
    assert "2 new" in told
    small, capital = shelf.card("cat"), shelf.card("Cat")
    assert small is not None
    assert capital is not None
    assert (small["name_en"], capital["name_en"]) == ("a", "b")


def test_many_cards_come_on_several_pages(shelf: Shelf, staffed: Staffed) -> None:
    shelf.take(rows(*({"class": f"class {n}", "number": 1000 + n, "name_en": f"Name {n}"} for n in range(70))))
    first, second = (staffed.stranger().get(f"/cards/?page={page}").text for page in (1, 2))
    assert first.count('<li class="card">') == 60
    assert second.count('<li class="card">') == 13
    assert 'href="?page=2"' in first


def test_places_and_cards_without_a_position_are_shown_without_distance(shelf: Shelf, staffed: Staffed) -> None:
    place = {"kind": "sight", "class": "nowhere", "name_en": "A lost place"}
    shelf.take(rows({"kind": "card", "class": "nowhere", "number": 503, "name_en": "Nowhere"}, place))
    page = staffed.stranger().get("/cards/503/")
    assert page.status_code == 200
    assert "A lost place" in page.text
    assert '<svg class="map"' not in page.text


def test_a_class_without_a_card_is_answered_with_its_name(shelf: Shelf, staffed: Staffed) -> None:
    shelf.take(rows({"class": GREEN_PLACE, "number": 1, "name_en": "x"}), replace=True)
    answer = staffed.stranger().give(("a.jpg", photo("red", seed=63)))
    assert answer.status_code == 200
    assert RED_PLACE in html.unescape(answer.text)


def test_gaps_between_model_and_cards_are_told_on_the_command_line_and_to_curators(
    shelf: Shelf, staffed: Staffed
) -> None:
    assert staffed.manage("cards", "check").returncode == 0
    kept = {"class": GREEN_PLACE, "number": 1, "name_en": "x"}
    shelf.take(rows(kept, {"class": "o'sulloc tea  museum", "number": 5, "name_en": "y"}), replace=True)
    done = staffed.manage("cards", "check")
    assert done.returncode == 1
    assert "2 of 3 classes have no card" in done.stdout
    assert "1 of 2 cards is of a class that the model does not know" in done.stdout
    assert "differ in letters' case or spaces alone" in done.stdout
    page = staffed.person("cora").get("/admin/cards/card/")
    assert page.status_code == 200
    assert "2 of 3 classes have no card" in page.text
    file = staffed.person("cora").get("/admin/cards/card/export/missing.csv").text
    assert [line.split(",")[1] for line in file.splitlines()[1:]] == [RED_PLACE, BLUE_PLACE]
    assert staffed.stranger().get("/").status_code == 200


@pytest.mark.parametrize(
    ("labels", "cards", "without_card", "without_class", "alike"),
    [
        (("a", "b"), ("b", "a"), (), (), ()),
        (("a", "b"), ("a",), ("b",), (), ()),
        (("a",), ("a", "c"), (), ("c",), ()),
        (("Blue_Bird",), ("blue bird",), ("Blue_Bird",), ("blue bird",), (("Blue_Bird", "blue bird"),)),
        ((), (), (), (), ()),
    ],
    ids=["complete", "a card is missing", "a class is missing", "alike", "nothing at all"],
)
def test_classes_and_cards_are_compared(
    labels: tuple[str, ...],
    cards: tuple[str, ...],
    without_card: tuple[str, ...],
    without_class: tuple[str, ...],
    alike: tuple[tuple[str, str], ...],
) -> None:
    coverage = compare(labels, cards)
    assert (coverage.without_card, coverage.without_class, coverage.alike) == (without_card, without_class, alike)
    assert coverage.is_complete == (not coverage.sentences())


def test_of_a_thousand_missing_cards_a_few_are_named() -> None:
    (sentence,) = compare([f"class {number}" for number in range(1000)], []).sentences()
    assert "1000 of 1000" in sentence
    assert "and 992 more" in sentence
    assert len(sentence) < 300


def test_the_samples_cards_are_those_of_its_places_and_have_photos() -> None:
    folder = Path(cards_room.__file__).parent
    cards = json.loads((folder / "sample_cards.json").read_text(encoding="utf-8"))["cards"]
    assert [card["number"] for card in cards] == [0, 1, 2, 3, 4]
    for language in ("en", "ko"):
        assert tuple(card[f"name_{language}"] for card in cards) == place_names(language)
    for card in cards:
        assert list(folder.glob(f"sample_photos/{card['number']}-*.jpg")), card["class"]


def test_the_demo_has_photos_and_places_for_each_of_its_five_cards(served: Served, visitor: Visitor) -> None:
    for number in range(3):
        page = visitor.get(f"/cards/{number}/").text
        assert page.count("<figure>") == 2
        assert len(re.findall(r'<li id="near-', page)) >= 5
