"""The whole way for every source at once: paging and faults of all kinds; nothing lost, nothing twice, all told."""

from __future__ import annotations

import random
from collections import Counter
from itertools import cycle
from pathlib import Path

import pytest

from anmok.collect import Collected, QueryText, collect
from anmok.collect.state import FOLDER
from anmok.data.manifest import Manifest
from tests.collect.conftest import plan_for, rows_of
from tests.collect.servers.dialects import DIALECTS
from tests.collect.servers.world import Answer, Hosted, World

pytestmark = pytest.mark.real

#: Pictures of each source; and what one query reaches at most, where that is less than the benchmark wants.
EACH = 30
REACHABLE = {"google": 100, "openverse": 240}
HTML = b"<!doctype html><title>Sorry</title>"


def plant(picture: Hosted, kind: str) -> str:
    """Put a fault before a picture; return the code of its refusal, ``""`` where it must arrive all the same."""
    forever = 20
    data = picture.data
    passing: dict[str, Answer] = {
        "busy": Answer(b"", 503),
        "rate": Answer(b"slow down", 429, {"Retry-After": "0"}),
        "cut": Answer(data, 200, {"Content-Type": "image/jpeg"}, cut=len(data) // 2),
        "slow": Answer(data, 200, wait=0.3),
    }
    lasting: dict[str, tuple[str, Answer]] = {
        "gone": ("http-404", Answer(b"gone", 404)),
        "page": ("unknown-format", Answer(HTML, 200, {"Content-Type": "image/jpeg"})),
        "empty": ("unknown-format", Answer(b"", 200)),
        "half": ("damaged", Answer(data[: len(data) // 2], 200, {"Content-Type": "image/jpeg"})),
        "broken": ("http-500", Answer(b"", 500)),
        "loop": ("redirects", Answer(b"", 302, {"Location": f"/files/{picture.name}"})),
        "noai": ("opt-out", Answer(data, 200, {"X-Robots-Tag": "noai, noimageai"})),
    }
    if kind in passing:
        picture.faults.append(passing[kind])
        return ""
    if kind == "type":
        picture.kind = "text/html"
        return ""
    code, answer = lasting[kind]
    picture.faults.extend([answer] * forever)
    return code


KINDS = ("busy", "rate", "cut", "slow", "gone", "page", "empty", "half", "broken", "loop", "noai", "type")


def hold(world: World, pictures: list[Hosted], into: Path, keys: list[str], each: int) -> tuple[int, Collected]:
    """Collect ``each`` pictures from every source while a tenth of them is faulty; assert all that must hold.

    Returns:
        How many faults there were, and what was collected.
    """
    draw = random.Random(1)
    names = sorted(DIALECTS)
    expected: dict[str, str] = {}
    kinds = cycle(KINDS)
    for at, name in enumerate(names):
        mine = pictures[at * each : at * each + min(each, REACHABLE.get(name, each))]
        world.add(name, *mine)
        for picture in draw.sample(mine, len(mine) // 10):
            expected[picture.name] = plant(picture, next(kinds))
    # The lists have their troubles, too: each must be tried again, none may lose a page.
    world.faults = {
        "/flickr/services/rest/": [Answer(b"", 502), Answer(HTML, 200)],
        "/naver/search/v1/image": [Answer(b"", 500)],
        "/pexels/v1/search": [Answer(b"later", 429, {"Retry-After": "0"})],
        "/openverse/v1/images/": [Answer(b"later", 429, {"Retry-After": "1"})],
    }
    classes = {name: [QueryText(text=name, sources=(name,))] for name in names}
    plan = plan_for(
        world,
        classes,
        sources=tuple(names),
        manners={"quotas": dict.fromkeys(names, 1_000_000)},
        per_class=each,
        right=dict.fromkeys(names, "tests of our own"),
    )
    collected = collect(plan, into, topics=False)

    refused = rows_of(into / "refused.csv")
    told = {row["image_url"].split("?")[0].replace("/large.jpg", "").rpartition("/")[2]: row for row in refused}
    copies = {name for name, row in told.items() if row["code"] == "near-duplicate"}
    assert {name: told[name]["code"] for name, code in expected.items() if code} == {
        name: code for name, code in expected.items() if code
    }
    assert all(row["reason"] for row in refused)
    assert set(told) == {name for name, code in expected.items() if code} | copies
    # What arrived is all the rest, each once, whole, and under its class.
    every = {picture.name: picture for pictures in world.by_query.values() for picture in pictures}
    kept = Counter(len((into / path).read_bytes()) for path in Manifest.load(into / "manifest.parquet").table["path"])
    assert kept == Counter(len(one.data) for name, one in every.items() if name not in told)
    assert len(copies) <= max(5, len(every) // 20)
    assert sum(collected.kept.values()) == len(every) - len(told)
    # Asked for once; what was asked for again had a reason, which stands in the log, as do those of the lists.
    log = (into / FOLDER / "log.txt").read_text(encoding="utf-8")
    again = {line.rpartition("/files/")[2].split("?")[0] for line in log.splitlines() if "again in" in line}
    again |= {line.rpartition("/photos/")[2].removesuffix("/large.jpg") for line in log.splitlines()}
    assert {name for name, count in world.served().items() if count > 1 and not expected.get(name)} <= again
    assert sum(count > 1 for name, count in world.served().items() if name not in expected) <= len(every) // 50
    for name in ("flickr", "naver", "pexels", "openverse"):
        assert f"{name} is asked again" in log
    # Whoever made the pictures, and by which right, is told of each.
    credits = rows_of(into / "ATTRIBUTION.csv")
    assert len(credits) == sum(collected.kept.values())
    assert {row["right"] for row in credits} == {"tests of our own"}
    # Unsplash is told of each download.
    pings = [one for one in world.calls("unsplash") if one.path.endswith("/download")]
    assert len(pings) >= collected.kept["unsplash"]
    # Keys reached the servers, and stand nowhere on the disk.
    for file in into.rglob("*"):
        if file.is_file():
            data = file.read_bytes()
            assert not [key for key in keys if key.encode() in data], file
    # Its manners: one name, with a contact.
    agents = {one.headers.get("user-agent", "") for one in world.asked}
    assert len(agents) == 1
    assert "test@example.org" in agents.pop()
    return len(expected), collected


def test_every_fetchable_picture_arrives_once_and_every_fault_is_told(
    world: World, real_pictures: list[Hosted], tmp_path: Path, keys: list[str]
) -> None:
    hold(world, real_pictures, tmp_path / "photos", keys, EACH)
