"""What a hostile or clumsy visitor sends is refused in words and breaks nothing."""

from __future__ import annotations

import re

import pytest
import requests

from tests.service.served import Served, Visitor, photo


def test_a_visitor_cannot_tell_the_service_where_it_lies(visitor: Visitor) -> None:
    answer = visitor.get(**{"SCRIPT_NAME": "/evil", "PATH_INFO": "/healthz"})
    assert answer.status_code == 200
    assert "<title>Anmok</title>" in answer.text
    assert "evil" not in answer.text


def test_a_photo_that_comes_in_chunks_without_saying_how_large_it_is_is_answered(served: Served) -> None:
    address, whole = f"{served.address}/api/v1/identify", photo("red")
    parts = iter([whole[:300], whole[300:]])
    answer = requests.post(address, data=parts, headers={"Content-Type": "image/jpeg"}, timeout=60)
    assert answer.status_code == 200
    assert answer.json()["class"]


@pytest.mark.parametrize(
    ("headers", "body", "status"),
    [
        ({"Content-Type": "multipart/form-data"}, b"x", 400),
        ({"Content-Type": "image/jpeg"}, bytes(61 * 2**20), 413),
    ],
)
def test_programs_get_every_refusal_as_a_problem(
    served: Served, headers: dict[str, str], body: bytes, status: int
) -> None:
    answer = requests.post(f"{served.address}/api/v1/identify", data=body, headers=headers, timeout=60)
    assert answer.status_code == status
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.json()["status"] == status


def test_the_language_can_be_changed_after_a_form_without_falling_on_a_page_that_is_none(visitor: Visitor) -> None:
    several = visitor.give(("a.jpg", photo("red", seed=30)), ("b.jpg", photo("red", seed=31)))
    back = re.search(r'name="back" value="([^"]*)"', several.text)
    assert back is not None
    assert visitor.get(back[1]).status_code == 200


def test_where_the_folder_takes_no_photos_the_answer_comes_all_the_same_and_says_that_nothing_was_kept(
    served: Served, visitor: Visitor
) -> None:
    given = photo("red", seed=32)
    # Whoever runs the tests may write everywhere, so a file stands where the folder would be made.
    uploads, aside = served.folder / "uploads", served.folder / "uploads-aside"
    uploads.rename(aside)
    uploads.write_bytes(b"")
    try:
        page = visitor.give(("a.jpg", given))
        api = requests.post(f"{served.address}/api/v1/identify", data=given, timeout=60)
    finally:
        uploads.unlink()
        aside.rename(uploads)
    assert page.status_code == 200
    assert "cannot keep photos now: this one was looked at and forgotten" in page.text
    assert 'src="data:image/jpeg;base64,' in page.text
    assert "/photo.jpg" not in page.text
    assert api.status_code == 200
    assert api.json()["class"]
    assert api.json()["upload"] is None
    assert "cannot keep photos" in api.json()["forgotten"]
