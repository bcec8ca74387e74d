"""The pages without scripts: what a visitor gives, reads, shares and deletes."""

from __future__ import annotations

import html
import io
import json
import os
import re
import stat
import subprocess
import sys

import pytest
import requests
from PIL import Image

from anmok.data.sample import place_names
from tests.images.test_position import in_parts
from tests.service.served import Served, Visitor, photo

RED_PLACE, GREEN_PLACE, _BLUE_PLACE = place_names("en")[:3]


def test_a_photo_leads_to_the_page_of_its_answer_with_the_card(visitor: Visitor) -> None:
    answer = visitor.give(("holiday.jpg", photo("red")))
    assert answer.status_code == 200
    assert re.fullmatch(rf"{visitor.address}/r/[0-9a-f-]{{36}}/", answer.url)
    assert f"</span> {RED_PLACE}</h2>" in html.unescape(answer.text)
    assert "tea is grown" in answer.text


def test_the_address_of_an_answer_can_be_shared_but_only_the_giver_may_delete_it(
    served: Served, visitor: Visitor
) -> None:
    address = visitor.give(("a.jpg", photo("green", seed=1))).url.removeprefix(served.address)
    stranger = served.visitor()
    assert GREEN_PLACE in stranger.get(address).text
    assert "Delete my photo" not in stranger.get(address).text
    assert stranger.post(f"{address}delete/").status_code == 403
    assert "Delete my photo" in visitor.get(address).text
    kept = set(served.folder.glob("uploads/*/*.jpg"))
    assert visitor.post(f"{address}delete/").status_code == 200
    assert visitor.get(address).status_code == 404
    assert len(kept - set(served.folder.glob("uploads/*/*.jpg"))) == 1


def test_a_shared_answer_is_not_to_be_found_by_search_engines_nor_stored_for_readers_of_another_language(
    visitor: Visitor,
) -> None:
    answer = visitor.give(("a.jpg", photo("green", seed=3)))
    assert '<meta name="robots" content="noindex">' in answer.text
    assert '"noindex"' not in visitor.get().text
    for page in (answer, visitor.get()):
        assert {"Accept-Language", "Cookie"} <= {name.strip() for name in page.headers["Vary"].split(",")}
    assert "Cookie" not in visitor.get(f"{answer.url.removeprefix(visitor.address)}photo.jpg").headers.get("Vary", "")


def test_a_photo_whose_file_has_gone_is_not_there(served: Served, visitor: Visitor) -> None:
    before = set(served.folder.glob("uploads/*/*.jpg"))
    address = visitor.give(("a.jpg", photo("green", seed=4))).url.removeprefix(visitor.address)
    (kept,) = set(served.folder.glob("uploads/*/*.jpg")) - before
    kept.unlink()
    assert visitor.get(f"{address}photo.jpg").status_code == 404


def test_a_photo_that_two_visitors_gave_stays_until_both_deleted_it(served: Served) -> None:
    first, second = served.visitor(), served.visitor()
    ours, theirs = (
        one.give(("a.jpg", photo("blue", seed=2))).url.removeprefix(served.address) for one in (first, second)
    )
    first.post(f"{ours}delete/")
    assert second.get(f"{theirs}photo.jpg").status_code == 200


def test_what_is_kept_has_no_metadata(served: Served, visitor: Visitor) -> None:
    exif = Image.Exif()
    exif[0x010F] = "A camera that says who made it"
    stream = io.BytesIO()
    with Image.open(io.BytesIO(photo("red", seed=3))) as picture:
        picture.save(stream, "JPEG", exif=exif)
    assert b"says who" in stream.getvalue()
    address = visitor.give(("a.jpg", stream.getvalue())).url.removeprefix(served.address)
    kept = visitor.get(f"{address}photo.jpg").content
    assert b"says who" not in kept
    with Image.open(io.BytesIO(kept)) as picture:
        assert not picture.getexif()


def test_several_photos_have_an_answer_each_and_a_refused_one_its_reason(visitor: Visitor) -> None:
    answer = visitor.give(
        ("r.jpg", photo("red", seed=4)), ("g.png", photo("green", kind="PNG")), ("t.jpg", b"no picture")
    )
    assert answer.status_code == 200
    assert answer.text.count('<article class="answer') == 3
    assert '<article class="answer refused"' in answer.text
    assert "t.jpg" in answer.text


def test_htmx_gets_the_answers_alone(visitor: Visitor) -> None:
    answer = visitor.give(("r.jpg", photo("red", seed=5)), **{"HX-Request": "true"})
    assert answer.text.lstrip().startswith("<article")
    assert "<html" not in answer.text


@pytest.mark.parametrize(
    "data", [b"", b"GIF89a", b"<svg onload=alert(1)>", b"%PDF-1.7", b"\xff\xd8\xff\xe0" + bytes(500)]
)
def test_what_is_no_picture_is_refused_in_words(visitor: Visitor, data: bytes) -> None:
    answer = visitor.give(("x.jpg", data))
    assert answer.status_code == 422
    assert "x.jpg" in answer.text or "No photo came" in answer.text


def test_names_of_files_are_shown_as_text_and_never_as_paths(served: Served, visitor: Visitor) -> None:
    # Without a slash of its own: what stands before the last one is left out.
    answer = visitor.give(("../../<b>evil<b>.jpg", b"no picture"))
    assert "&lt;b&gt;evil&lt;b&gt;.jpg" in answer.text
    assert "<b>evil" not in answer.text
    assert not list(served.folder.parent.rglob("*evil*"))


def test_a_photo_larger_than_allowed_is_refused_before_it_is_kept(visitor: Visitor) -> None:
    answer = visitor.give(("huge.jpg", photo("red") + bytes(21 * 2**20)))
    assert answer.status_code == 413
    assert "20 MB" in answer.text


def test_forms_without_the_token_are_refused(visitor: Visitor) -> None:
    answer = visitor.session.post(f"{visitor.address}/identify/", files={"photo": ("a.jpg", photo("red"))}, timeout=60)
    assert answer.status_code == 403


def test_visitors_are_answered_in_their_language_and_may_change_it(visitor: Visitor) -> None:
    assert '<html lang="ko">' in visitor.get(**{"Accept-Language": "ko-KR,ko;q=0.9"}).text
    assert '<html lang="en">' in visitor.get(**{"Accept-Language": "fr"}).text
    assert visitor.post("/language/", language="ko", back="/").headers["Location"] == "/"
    assert place_names("ko")[0] in visitor.get(**{"Accept-Language": "en"}).text
    assert visitor.post("/language/", language="en", back="https://elsewhere.example/").headers["Location"] == "/"


def test_pages_may_load_nothing_from_elsewhere(visitor: Visitor) -> None:
    answer = visitor.get()
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
    assert "unsafe" not in answer.headers["Content-Security-Policy"]
    assert not re.findall(r"<script(?! src)|\son\w+=|style=", answer.text)


def test_the_secret_key_is_for_the_owner_alone(served: Served) -> None:
    key = served.folder / "secret-key"
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    assert len(key.read_text().strip()) >= 64


def test_a_name_that_the_service_was_not_told_is_refused(visitor: Visitor) -> None:
    assert visitor.get(Host="elsewhere.example").status_code == 400


def test_what_is_not_there_is_said_on_a_page_in_the_visitors_language(visitor: Visitor) -> None:
    answer = visitor.get("/r/00000000-0000-4000-8000-000000000000/", **{"Accept-Language": "en"})
    assert answer.status_code == 404
    assert "There is no such answer" in answer.text


def test_where_the_model_looked_is_drawn_on_demand(served: Served, visitor: Visitor) -> None:
    address = visitor.give(("a.jpg", photo("red", seed=6))).url.removeprefix(served.address)
    drawn = visitor.get(f"{address}where.png")
    assert drawn.headers["Content-Type"] == "image/png"
    with Image.open(io.BytesIO(drawn.content)) as picture:
        assert picture.size == (64, 64)


def taken_at(latitude: float, longitude: float, seed: int) -> bytes:
    """A red photo, so the first of the five sights, that says where it was taken."""
    exif = Image.Exif()
    exif.get_ifd(0x8825).update({1: "N", 2: in_parts(latitude), 3: "E", 4: in_parts(longitude)})
    stream = io.BytesIO()
    with Image.open(io.BytesIO(photo("red", seed=seed))) as picture:
        picture.save(stream, "JPEG", exif=exif)
    return stream.getvalue()


@pytest.mark.parametrize("htmx", [False, True], ids=["page", "htmx"])
def test_eye_and_position_are_compared_for_the_giver_alone(served: Served, visitor: Visitor, htmx: bool) -> None:
    headers = {"HX-Request": "true"} if htmx else {}
    there = visitor.give(("a.jpg", taken_at(33.307, 126.290, seed=40)), **headers)
    assert "110 m from there: eye and position agree" in there.text
    elsewhere = visitor.give(("a.jpg", taken_at(33.528, 126.771, seed=41)), **headers)
    assert "eye and position do not agree" in elsewhere.text
    assert "Nearest by position: Manjanggul" in elsewhere.text
    shared = re.search(r"/r/[0-9a-f-]{36}/", elsewhere.text)
    assert shared is not None
    assert "position" not in served.visitor().get(shared[0]).text.replace("keep_position", "")


def test_a_position_is_kept_only_with_the_visitors_leave(served: Served, visitor: Visitor) -> None:
    data = {"csrfmiddlewaretoken": visitor.token()}
    file = {"photo": ("a.jpg", taken_at(33.3, 126.3, seed=42))}
    without = visitor.session.post(f"{served.address}/identify/", data=data, files=file, timeout=60)
    agreed = visitor.session.post(
        f"{served.address}/identify/", data={**data, "keep_position": "yes"}, files=file, timeout=60
    )
    assert positions(served, without) == (None, None)
    assert positions(served, agreed) == pytest.approx((33.3, 126.3), abs=1e-4)


def positions(served: Served, answer: requests.Response) -> tuple[float | None, float | None]:
    """Return what the database holds, asked by the command line of the service."""
    number = answer.url.rstrip("/").rpartition("/")[2]
    script = f"from anmok.service.uploads.models import Upload as U; u = U.objects.get(pk='{number}'); " + (
        "import json; print(json.dumps([u.latitude, u.longitude]))"
    )
    command = [sys.executable, "-m", "anmok", "manage", "--data", str(served.folder), "shell", "-v", "0", "-c", script]
    done = subprocess.run(command, check=True, capture_output=True, text=True, env={**os.environ, **served.environ})
    return tuple(json.loads(done.stdout.splitlines()[-1]))
