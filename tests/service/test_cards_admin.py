"""The admin of cards: photos with previews, words for what is wrong, files that are looked at before they are taken."""

from __future__ import annotations

import html
import io
import re
from collections.abc import Iterator

import pytest
import requests
from PIL import Image

from anmok.data.sample import place_names
from tests.service.served import photo
from tests.service.shelf import Shelf, kept_as_they_are, rows
from tests.service.staffed import CURATOR, LABELLER, Person, Staffed

RED_PLACE = place_names("en")[0]
LIST, IMPORT = "/admin/cards/card/", "/admin/cards/card/import/"


@pytest.fixture(scope="module")
def shelf(staffed: Staffed, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shelf]:
    with kept_as_they_are(staffed, tmp_path_factory.mktemp("admin")) as cards:
        yield cards


def fields_of(page: str) -> dict[str, str]:
    """Return what a browser would send of the page's form, without files."""
    page = page[page.index('id="card_form"') :]
    found = {}
    for tag in re.findall(r"<input [^>]*>", page):
        values = dict(re.findall(r'(\w+)="([^"]*)"', tag))
        if "name" in values and values.get("type") not in ("submit", "file", "checkbox"):
            found[values["name"]] = html.unescape(values.get("value", ""))
    for name, text in re.findall(r'<textarea name="(\w+)"[^>]*>\r?\n?(.*?)</textarea>', page, re.DOTALL):
        found[name] = html.unescape(text)
    for name, options in re.findall(r'<select name="([\w-]+)"[^>]*>(.*?)</select>', page, re.DOTALL):
        chosen = re.search(r'value="([^"]*)" selected', options)
        found[name] = chosen[1] if chosen else ""
    return {name: value for name, value in found.items() if "__prefix__" not in name}


def form_of(person: Person, number: int = 0) -> tuple[str, dict[str, str]]:
    """Return the address of a card's form, and what is in it."""
    page = person.get(f"{LIST}?q={RED_PLACE.replace(chr(39), '%27')}").text
    found = re.search(r'href="(/admin/cards/card/\d+/change/)[^"]*">' + str(number) + "<", page)
    assert found is not None
    return found[1], fields_of(person.get(found[1]).text)


def send(person: Person, address: str, fields: dict[str, str], **photos: bytes) -> requests.Response:
    files = {name.replace("_", "-", 2): ("p.jpg", data) for name, data in photos.items()}
    return person.session.post(
        person.address + address, data=fields, files=files or None, timeout=60, allow_redirects=False
    )


def said(answer: requests.Response) -> str:
    return " ".join(html.unescape(one) for one in re.findall(r'<ul class="errorlist.*?</ul>', answer.text, re.DOTALL))


def test_the_list_shows_photos_and_whether_the_model_knows_the_class(shelf: Shelf, staffed: Staffed) -> None:
    page = staffed.person(CURATOR).get(LIST).text
    assert len(re.findall(r"/cards/photos/[0-9a-f]{64}\.small\.jpg", page)) == 3
    assert page.count('alt="True"') >= 6


def test_a_photo_is_added_exchanged_and_removed(shelf: Shelf, staffed: Staffed) -> None:
    curator = staffed.person(CURATOR)
    exif = Image.Exif()
    exif[0x010F] = "A camera that says who made it"
    stream = io.BytesIO()
    with Image.open(io.BytesIO(photo("red", seed=80))) as picture:
        picture.save(stream, "JPEG", exif=exif)
    address, fields = form_of(curator)
    before = shelf.files()
    added = send(curator, address, {**fields, "photos-2-credit": "A friend"}, photos_2_photo=stream.getvalue())
    assert added.status_code == 302, said(added)
    kept = {name for name in shelf.files() - before if "small" not in name}
    assert len(kept) == 1
    assert "A friend" in staffed.stranger().get("/cards/0/").text
    picture_address = f"/cards/photos/{kept.pop()}"
    assert b"says who" not in staffed.stranger().get(picture_address).content
    # Another one in its place takes its file along.
    address, fields = form_of(curator)
    assert send(curator, address, fields, photos_2_photo=photo("blue", seed=81)).status_code == 302
    assert staffed.stranger().get(picture_address).status_code == 404
    address, fields = form_of(curator)
    assert send(curator, address, {**fields, "photos-2-DELETE": "on"}).status_code == 302
    assert shelf.files() == before


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"latitude": "126.29", "longitude": "33.306"}, ("“126.29” came", "from -90 to 90", "swapped")),
        ({"latitude": ""}, ("Half a position came", "or neither")),
        ({"name_en": "가" * 256}, ("256 characters came", "At most 255")),
        ({"name_en": "", "name_ko": ""}, ("No name came",)),
        ({"number": "-1"}, ("“-1” came", "from 0 to 999,999")),
        ({"link": "javascript:alert(1)"}, ("https://",)),
        ({"nearby-0-latitude": "north"}, ("“north” came", "33.306")),
    ],
    ids=["swapped", "half a position", "long name", "no name", "negative number", "link that runs", "place"],
)
def test_what_cannot_be_taken_is_said_beside_its_field(
    shelf: Shelf, staffed: Staffed, changes: dict[str, str], words: tuple[str, ...]
) -> None:
    curator = staffed.person(CURATOR)
    before = shelf.give()
    address, fields = form_of(curator)
    answer = send(curator, address, {**fields, **changes})
    assert answer.status_code == 200
    assert all(word in said(answer) for word in words), said(answer)
    assert shelf.give() == before


@pytest.mark.parametrize("data", [b"no picture", photo("red")[:300]], ids=["text", "cut off"])
def test_what_is_no_photo_is_refused_in_words(shelf: Shelf, staffed: Staffed, data: bytes) -> None:
    curator = staffed.person(CURATOR)
    address, fields = form_of(curator)
    before = shelf.files()
    answer = send(curator, address, {**fields, "photos-2-credit": "x"}, photos_2_photo=data)
    assert answer.status_code == 200
    assert "p.jpg is" in said(answer)
    assert shelf.files() == before


def test_a_card_with_two_hundred_places_can_be_saved(shelf: Shelf, staffed: Staffed) -> None:
    curator = staffed.person(CURATOR)
    places = ({"kind": "sight", "class": RED_PLACE, "number": 0, "name_en": f"Place {n}"} for n in range(200))
    shelf.take(rows(*places))
    address, fields = form_of(curator)
    assert len(fields) > 1400
    assert send(curator, address, fields).status_code == 302


def test_a_file_is_looked_at_before_it_is_taken(shelf: Shelf, staffed: Staffed) -> None:
    curator = staffed.person(CURATOR)
    token = {"csrfmiddlewaretoken": curator.token()}
    data = rows({"class": "from the admin", "number": 321, "name_en": "x"})

    def post(**values: object) -> requests.Response:
        return curator.session.post(curator.address + IMPORT, timeout=60, **values)  # type: ignore[arg-type]

    looked = post(data=token, files={"file": ("c.csv", data)})
    assert "new: 321 “from the admin”" in html.unescape(looked.text)
    assert shelf.card("from the admin") is None
    content = re.search(r'name="content" value="([^"]+)"', looked.text)
    assert content is not None
    taken = post(data={**token, "content": content[1]})
    assert "1 new" in taken.text
    assert shelf.card("from the admin") is not None
    forged = post(data={**token, "content": content[1][:-3] + "xyz"})
    assert forged.status_code == 422
    refused = post(data=token, files={"file": ("c.csv", "class,number\na,b\n")})
    assert refused.status_code == 422
    assert "c.csv, line 2, column number (B): “b” came." in html.unescape(refused.text)


def test_cards_are_exported_as_they_are(shelf: Shelf, staffed: Staffed) -> None:
    curator = staffed.person(CURATOR)
    for name in ("cards.csv", "cards.json"):
        answer = curator.get(f"{LIST}export/{name}")
        assert answer.content == shelf.give(name)
        assert name in answer.headers["Content-Disposition"]
    assert curator.get(f"{LIST}export/passwd").status_code == 404


def test_who_may_only_read_cards_takes_no_files(shelf: Shelf, staffed: Staffed) -> None:
    labeller = staffed.person(LABELLER)
    assert labeller.get(f"{LIST}export/cards.csv").status_code == 200
    assert IMPORT not in labeller.get(LIST).text
    assert labeller.get(IMPORT).status_code == 403
    stranger = staffed.stranger()
    for path in (IMPORT, f"{LIST}export/cards.csv"):
        answer = stranger.session.get(stranger.address + path, timeout=60, allow_redirects=False)
        assert answer.status_code == 302
        assert "login" in answer.headers["Location"]


def test_pages_of_the_admin_hold_to_the_policy(shelf: Shelf, staffed: Staffed) -> None:
    curator = staffed.person(CURATOR)
    page = curator.get(IMPORT)
    assert page.status_code == 200
    assert not re.search(r"\sstyle=|\sonclick=", page.text)


#: Puts something in the place of ``encode`` that notes whether a transaction was open, and calls the rest.
_WATCHED = """
from pathlib import Path
from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from anmok.service.cards import forms
from anmok.service.cards.transfer import importing, pictures
encode, answer = pictures.encode, []
def watched(name, data):
    answer.append(connection.in_atomic_block)
    return encode(name, data)
forms.encode = pictures.encode = watched
try:
{calls}
finally:
    forms.encode = pictures.encode = encode
"""


def test_visitors_photos_are_kept_while_those_of_an_import_are_decoded(shelf: Shelf, staffed: Staffed) -> None:
    (shelf.folder / "own.jpg").write_bytes(photo("red", seed=82))
    path = shelf.folder / "cards.csv"
    path.write_text(rows({"kind": "photo", "class": RED_PLACE, "photo": "own.jpg"}), encoding="utf-8")
    calls = f"""
    path = Path({str(path)!r})
    beside = pictures.Pictures(path.parent, path.stem)
    importing.import_cards(path.read_bytes(), path.name, pictures=beside, dry_run=True)"""
    assert staffed.shell(_WATCHED.format(calls=calls)) == [False]


def test_visitors_photos_are_kept_while_one_of_the_form_is_decoded(shelf: Shelf, staffed: Staffed) -> None:
    address, fields = form_of(staffed.person(CURATOR))
    before = shelf.files()
    calls = f"""
    client = Client(headers={{"host": "localhost"}})
    client.force_login(User.objects.get(username={CURATOR!r}), "anmok.service.accounts.backend.ThrottledBackend")
    fields = {fields!r}
    photo = SimpleUploadedFile("p.jpg", bytes.fromhex({photo("blue", seed=83).hex()!r}))
    said = client.post({address!r}, {{**fields, "photos-2-photo": photo}})
    assert said.status_code == 302, said.content"""
    assert staffed.shell(_WATCHED.format(calls=calls)) == [False]
    assert len(shelf.files() - before) == 2
