"""The service for programs: what it answers."""

from __future__ import annotations

import io
import re

import pytest
import requests

from anmok.data.sample import place_names
from tests.service.served import Served, photo

RED_PLACE = place_names("en")[0]
NOBODY = "00000000-0000-4000-8000-000000000000"


def api(served: Served, path: str) -> str:
    return f"{served.address}/api/v1/{path}"


def given(served: Served, colour: str, seed: int) -> requests.Response:
    return requests.post(api(served, "identify"), files={"photo": io.BytesIO(photo(colour, seed=seed))}, timeout=60)


@pytest.mark.parametrize("kind", ["multipart", "image/jpeg", "application/octet-stream", None])
def test_a_photo_is_answered_with_class_candidates_and_card(served: Served, kind: str | None) -> None:
    data = photo("red", seed=20)
    if kind == "multipart":
        answer = requests.post(api(served, "identify"), files={"photo": ("a.jpg", io.BytesIO(data))}, timeout=60)
    else:
        headers = {} if kind is None else {"Content-Type": kind}
        answer = requests.post(api(served, "identify"), data=data, headers=headers, timeout=60)
    assert answer.status_code == 200, answer.text
    values = answer.json()
    assert set(values) == {"class", "index", "probability", "unknown", "top", "card", "upload", "forgotten"}
    assert (values["class"], values["index"], values["unknown"]) == (RED_PLACE, 0, False)
    assert values["forgotten"] == ""
    assert values["top"][0] == {"class": RED_PLACE, "probability": values["probability"]}
    assert sum(one["probability"] for one in values["top"]) == pytest.approx(1, abs=1e-5)
    assert (values["card"]["number"], values["card"]["name"]) == (0, RED_PLACE)
    assert answer.headers["Location"] == f"/api/v1/uploads/{values['upload']}"
    assert requests.get(served.address + answer.headers["Location"], timeout=60).json() == values


def test_cards_are_told_in_the_language_that_was_asked_for(served: Served) -> None:
    korean = requests.get(api(served, "cards"), headers={"Accept-Language": "ko"}, timeout=60).json()
    assert [card["name"] for card in korean] == list(place_names("ko")[:3])
    assert [card["number"] for card in korean] == [0, 1, 2]


def test_the_number_of_a_class_leads_to_its_card_and_photo(served: Served) -> None:
    card = requests.get(api(served, "cards/1"), timeout=60).json()
    assert card["class"] == place_names("en")[1]
    assert requests.get(served.address + card["photo"], timeout=60).headers["Content-Type"] == "image/jpeg"


def test_a_list_comes_in_parts_that_lead_to_each_other(served: Served) -> None:
    first = requests.get(api(served, "cards?limit=2"), timeout=60)
    assert [card["number"] for card in first.json()] == [0, 1]
    assert first.headers["X-Total-Count"] == "3"
    assert "prev" not in first.links
    second = requests.get(served.address + first.links["next"]["url"], timeout=60)
    assert [card["number"] for card in second.json()] == [2]
    assert "next" not in second.links
    assert requests.get(served.address + second.links["prev"]["url"], timeout=60).json() == first.json()
    assert requests.get(api(served, "cards?offset=2147483647"), timeout=60).json() == []


def test_who_knows_the_secret_address_deletes_the_photo_and_nobody_else(served: Served) -> None:
    answer, other = given(served, "blue", 21), given(served, "blue", 22)
    number, secret = answer.json()["upload"], served.address + answer.links["edit"]["url"]
    key = other.links["edit"]["url"].partition("?")[2]
    for wrong in ("", "?key=", "?key=%ff", f"?{key}"):
        refused = requests.delete(api(served, f"uploads/{number}{wrong}"), timeout=60)
        assert refused.status_code == 403
        assert refused.headers["Content-Type"] == "application/problem+json"
    assert requests.get(f"{served.address}/r/{number}/photo.jpg", timeout=60).status_code == 200
    gone = requests.delete(secret, timeout=60)
    assert (gone.status_code, gone.content) == (204, b"")
    assert requests.delete(secret, timeout=60).status_code == 404
    assert requests.get(f"{served.address}/r/{number}/photo.jpg", timeout=60).status_code == 404
    assert requests.get(api(served, f"uploads/{other.json()['upload']}"), timeout=60).status_code == 200


def test_the_description_of_the_api_names_every_route(served: Served) -> None:
    paths = requests.get(api(served, "openapi.json"), timeout=60).json()["paths"]
    assert {path.removeprefix("/api/v1/") for path in paths} >= {
        "identify",
        "uploads/{number}",
        "cards",
        "cards/{number}",
        "cards/{number}/nearby",
        "models",
    }
    for methods in paths.values():
        for operation in methods.values():
            for status, told in operation["responses"].items():
                kinds = set(told.get("content", {}))
                assert kinds <= ({"application/json"} if int(status) < 400 else {"application/problem+json"})


def test_the_page_of_the_description_names_every_route_and_field(served: Served) -> None:
    page = requests.get(api(served, "docs"), headers={"Accept": "text/html"}, timeout=60).text
    described = requests.get(api(served, "openapi.json"), timeout=60).json()
    fields = {name for one in described["components"]["schemas"].values() for name in one.get("properties", ())}
    for name in (*described["paths"], *fields):
        assert f"<code>{name}</code>" in page
    assert f"curl -F photo=@holiday.jpg {api(served, 'identify')}" in page


def test_the_page_to_try_requests_in_loads_from_nowhere_else(served: Served) -> None:
    page = requests.get(api(served, "docs/try"), headers={"Accept": "text/html"}, timeout=60)
    addresses = re.findall(r'(?:src|href)="([^"]+)"', page.text)
    assert any(address.endswith(".js") for address in addresses)
    for address in addresses:
        assert address.startswith("/static/")
        assert requests.get(served.address + address, timeout=60).status_code == 200
    # The policy lets no script in the page itself run.
    assert not re.search(r"<script>", page.text)
