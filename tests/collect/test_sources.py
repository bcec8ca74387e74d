"""The contract of a source, which every member passes: pages, facts, keys, errors. No engine, but real HTTP."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from anmok.collect.found import Call, Page, Query, Reply, SourceTrouble
from anmok.collect.licences import CODES
from anmok.collect.sources import Source, all_sources, get_source
from tests.collect.servers.dialects import DIALECTS, KEYS, PATHS
from tests.collect.servers.world import Answer, Hosted, World, json_answer

NAMES = sorted(DIALECTS)
#: Sources that name a licence for each picture.
LICENSED = {"openverse", "commons", "inaturalist", "flickr"}


@pytest.fixture(scope="module")
def full() -> Iterator[World]:
    """Sixty pictures that all sources have."""
    world = World()
    world.dialects.update(DIALECTS)
    world.add("scene", *(Hosted(f"{n:03d}.jpg", b"", 640, 480) for n in range(60)))
    with world.open():
        yield world


def source_of(world: World, name: str) -> Source:
    source = get_source(name)(f"{world.base}/{PATHS[name]}")
    source.page_size = min(source.page_size, 20)
    return source


def ask(source: Source, call: Call, keys: dict[str, str]) -> Reply:
    """Send a call as the engine does."""
    params, headers = source.authorise(keys) if keys else ({}, {})
    query = urlencode({**call.params, **params})
    request = urllib.request.Request(f"{call.url}?{query}", headers={"User-Agent": "Anmok/test (test)", **headers})
    try:
        with urllib.request.urlopen(request, timeout=10) as reply:
            status, given, body = reply.status, reply.headers, reply.read()
    except urllib.error.HTTPError as error:
        status, given, body = error.code, error.headers, error.read()
    return Reply(status, {name.lower(): value for name, value in given.items()}, body, call.url)


def pages_of(world: World, name: str, query: Query) -> list[tuple[Call, Page]]:
    source = source_of(world, name)
    call: Call | None = source.first(query, set(KEYS[name]))
    pages = []
    while call is not None:
        page = source.read(ask(source, call, KEYS[name]), call, query)
        pages.append((call, page))
        call = page.next
        assert len(pages) < 20
    return pages


def test_every_source_but_lists_and_pages_has_a_server_that_speaks_its_language() -> None:
    assert set(NAMES) == {source.name for source in all_sources() if source.is_api}


@pytest.mark.parametrize("name", NAMES)
def test_each_picture_of_all_pages_comes_once_and_in_order(full: World, name: str) -> None:
    pages = pages_of(full, name, Query(text="scene"))
    found = [one for _call, page in pages for one in page.found]
    names = [one.image_url.split("?")[0].replace("/large.jpg", "").rpartition("/")[2] for one in found]
    wanted = [f"{n:03d}.jpg" for n in range(60)]
    assert len(pages) >= 3
    assert sorted(names) == wanted
    if name != "commons":  # there, some come with a later answer about the same page
        assert names == wanted


@pytest.mark.parametrize("name", NAMES)
def test_what_a_source_says_of_a_picture_is_kept(full: World, name: str) -> None:
    one = next(one for _call, page in pages_of(full, name, Query(text="scene")) for one in page.found)
    if name in LICENSED:
        assert one.licence.code == "by"
        assert one.licence.url.startswith("https://creativecommons.org/licenses/by/")
        assert one.licence.name.startswith("CC BY")
        assert "Jo" in one.author
    else:
        assert one.licence.code not in CODES
    if name not in ("naver",):  # which names none
        assert one.page_url.startswith("https://")
    assert "<" not in one.title + one.author


@pytest.mark.parametrize("name", [name for name in NAMES if KEYS[name]])
def test_no_key_stands_in_what_is_stored(full: World, name: str) -> None:
    for call, page in pages_of(full, name, Query(text="scene")):
        stored = f"{call.to_text()} {page}"
        assert not [key for key in KEYS[name].values() if key in stored]


@pytest.mark.parametrize("name", [name for name in NAMES if KEYS[name]])
def test_a_wrong_key_is_told_as_one(full: World, name: str) -> None:
    source = source_of(full, name)
    query = Query(text="scene")
    call = source.first(query, set(KEYS[name]))
    with pytest.raises(SourceTrouble) as caught:
        source.read(ask(source, call, dict.fromkeys(KEYS[name], "wrong")), call, query)
    assert caught.value.kind == "bad-key"


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    ("answer", "kinds"),
    [
        (Answer(b"oops", 500), ("transient",)),
        (Answer(b"oops", 503, {"Retry-After": "7"}), ("transient",)),
        (Answer(b"<html>Sorry</html>", 200), ("transient",)),
        (Answer(b"slow down", 429, {"Retry-After": "7"}), ("rate", "quota")),
        (Answer(b"[]", 200), ("transient",)),
        (Answer(b"moved", 302, {"Location": "http://10.0.0.1/"}), ("not-permitted",)),
    ],
    ids=["500", "503", "html", "429", "list", "redirect"],
)
def test_errors_are_told_by_what_can_be_done_about_them(name: str, answer: Answer, kinds: tuple[str, ...]) -> None:
    source = get_source(name)("http://127.0.0.1:1")
    query = Query(text="scene")
    call = source.first(query, set(KEYS[name]))
    headers = {key.lower(): value for key, value in answer.headers.items()}
    with pytest.raises(SourceTrouble) as caught:
        source.read(Reply(answer.status, headers, answer.body, call.url), call, query)
    assert caught.value.kind in kinds
    if answer.status == 429:
        assert caught.value.wait == 7.0


@pytest.mark.parametrize(
    ("name", "answer", "kind"),
    [
        ("flickr", json_answer({"stat": "fail", "code": 105, "message": "Service currently unavailable"}), "transient"),
        ("flickr", json_answer({"stat": "fail", "code": 3, "message": "Parameterless searches"}), "bad-request"),
        ("naver", json_answer({"errorMessage": "x", "errorCode": "024"}, 401), "bad-key"),
        ("naver", json_answer({"error": {"errorCode": "210", "message": "Permission Denied"}}, 401), "not-permitted"),
        ("naver", json_answer({"errorMessage": "x", "errorCode": "SE03"}, 400), "bad-request"),
        ("naver", json_answer({"errorMessage": "daily limit", "errorCode": "010"}, 429), "quota"),
        ("kakao", json_answer({"code": -10, "msg": "API limit has been exceeded."}, 400), "quota"),
        ("kakao", json_answer({"code": -1, "msg": "internal"}, 400), "transient"),
        ("kakao", json_answer({"errorType": "RequestThrottled", "message": "x"}, 429), "rate"),
        (
            "google",
            json_answer({"error": {"message": "Quota exceeded for quota metric 'Queries per day'"}}, 429),
            "quota",
        ),
        ("google", json_answer({"error": {"message": "Quota exceeded: Queries per minute"}}, 429), "rate"),
        ("google", json_answer({"error": {"errors": [{"reason": "dailyLimitExceeded"}]}}, 403), "quota"),
        ("instagram", json_answer({"error": {"code": 4, "message": "limit"}}, 400), "quota"),
        ("instagram", json_answer({"error": {"code": 10, "message": "permission"}}, 400), "not-permitted"),
        ("instagram", json_answer({"error": {"code": 2, "message": "x"}}, 500), "transient"),
        ("unsplash", Answer(b"Rate Limit Exceeded", 403), "quota"),
        ("pexels", Answer(b"", 429), "quota"),
        ("pixabay", Answer(b"[ERROR 429] Too Many Requests", 429, {"X-RateLimit-Reset": "12"}), "rate"),
        ("openverse", json_answer({"detail": "page_size must be at most 20"}, 401), "bad-request"),
        ("commons", json_answer({"error": {"code": "maxlag", "info": "Waiting for a host"}}), "rate"),
        ("commons", json_answer({"error": {"code": "toomany", "info": "x"}}), "bad-request"),
    ],
)
def test_errors_of_its_own_are_known_by_their_signs(name: str, answer: Answer, kind: str) -> None:
    source = get_source(name)("http://127.0.0.1:1")
    query = Query(text="scene")
    call = source.first(query, set(KEYS[name]))
    headers = {key.lower(): value for key, value in answer.headers.items()}
    with pytest.raises(SourceTrouble) as caught:
        source.read(Reply(answer.status, headers, answer.body, call.url), call, query)
    assert caught.value.kind == kind


@pytest.mark.parametrize("name", sorted(LICENSED))
def test_only_wanted_licences_are_asked_for_where_a_source_can(full: World, name: str) -> None:
    call = source_of(full, name).first(Query(text="scene", licences=("by", "cc0")), ())
    if name != "commons":
        assert "by" in str(call.params.get("license", call.params.get("photo_license"))) or name == "flickr"


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=6,
)


def places(value: Any, at: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Go through all places in a JSON value."""
    yield at
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in list(items)[:3]:
        yield from places(inner, (*at, key))


def put(value: Any, at: tuple[Any, ...], new: Any) -> Any:
    if not at:
        return new
    copy = dict(value) if isinstance(value, dict) else list(value)
    copy[at[0]] = put(value[at[0]], at[1:], new)
    return copy


@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_whatever_stands_in_an_answer_gives_a_page_or_a_trouble(full: World, name: str, data: st.DataObject) -> None:
    source = source_of(full, name)
    query = Query(text="scene")
    call = source.first(query, set(KEYS[name]))
    if name == "instagram":
        following = source.read(ask(source, call, KEYS[name]), call, query).next
        assert following is not None
        call = following
    sound = json.loads(ask(source, call, KEYS[name]).body)
    for _round in range(3):
        at = data.draw(st.sampled_from(list(places(sound))))
        sound = put(sound, at, data.draw(JSON))
    reply = Reply(200, {}, json.dumps(sound).encode(), call.url)
    try:
        page = source.read(reply, call, query)
    except SourceTrouble:
        return
    assert all(isinstance(one.image_url, str) and one.image_url for one in page.found)
    if page.next is not None:
        Call.from_text(page.next.to_text())
