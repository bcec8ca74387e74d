"""Servers that mean harm: none gets a request to a private address out of us, nor our memory, disk, or spreadsheet."""

from __future__ import annotations

import gzip
import io
import socket
import zlib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from twisted.internet.address import IPv4Address
from twisted.internet.interfaces import IHostnameResolver
from zope.interface import implementer

from anmok.collect import Limits, QueryText, collect
from anmok.collect.addresses import Allowed, is_public, named_by
from anmok.collect.scrapy_parts import PublicResolver, opted_out
from anmok.collect.sources.page import largest
from anmok.collect.state import FOLDER
from tests.collect.conftest import plan_for, rows_of
from tests.collect.servers.world import Answer, Hosted, World


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "127.8.9.1",
        "10.0.0.8",
        "172.20.1.1",
        "192.168.1.1",
        "169.254.169.254",
        "100.64.0.1",
        "0.0.0.0",
        "224.0.0.1",
        "255.255.255.255",
        "198.18.0.1",
        "::1",
        "::",
        "fe80::1",
        "fe80::1%eth0",
        "fc00::1",
        "ff02::1",
        "::ffff:127.0.0.1",
        "::ffff:10.1.2.3",
        "64:ff9b::7f00:1",
        "2002:7f00:1::",
        "localhost",
        "",
    ],
)
def test_addresses_that_are_not_of_the_public_internet_are_known(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize("address", ["1.1.1.1", "142.250.1.1", "2606:4700::1111", "64:ff9b::101:101", "::ffff:1.1.1.1"])
def test_public_addresses_are_known(address: str) -> None:
    assert is_public(address)


def test_only_what_the_user_named_may_be_private() -> None:
    allowed = Allowed(["box.lan", "127.0.0.1:8000", *named_by(["http://[::1]:90/x", "https://mirror.lan/v1"])])
    assert ("box.lan", 80) in allowed
    assert ("BOX.lan.", 8080) in allowed
    assert ("127.0.0.1", 8000) in allowed
    assert ("127.0.0.1", 80) not in allowed
    assert ("::1", 90) in allowed
    assert ("mirror.lan", 443) in allowed
    assert ("mirror.lan", 80) not in allowed


class _Received:
    def __init__(self) -> None:
        self.hosts: list[str] = []

    def resolutionBegan(self, resolution: Any) -> None:
        pass

    def addressResolved(self, address: Any) -> None:
        self.hosts.append(address.host)

    def resolutionComplete(self) -> None:
        pass


@implementer(IHostnameResolver)
class _Rebinding:
    """What the name server of an attacker answers: a public address when asked first, then one inside."""

    def __init__(self) -> None:
        self._answers = iter((["93.184.216.34"], ["93.184.216.34", "127.0.0.1"], ["10.0.0.1"]))

    def resolveHostName(self, receiver: Any, *_rest: Any) -> Any:
        for host in next(self._answers):
            receiver.addressResolved(IPv4Address("TCP", host, 80))
        receiver.resolutionComplete()
        return receiver


def test_a_name_that_means_something_else_the_second_time_gains_nothing() -> None:
    resolver = PublicResolver(None, Allowed([]), _Rebinding())
    handed_on = []
    for _again in range(3):
        received = _Received()
        resolver.resolveHostName(received, "rebind.example", 80)
        handed_on.append(received.hosts)
    # These and no others are what a connection can be made to.
    assert handed_on == [["93.184.216.34"], ["93.184.216.34"], []]


@pytest.mark.parametrize(
    ("values", "out"),
    [
        (["noai"], True),
        (["NoImageAI, nofollow"], True),
        (["noindex"], True),
        (["anmok: noai"], True),
        (["googlebot: noindex"], False),
        (["nofollow", "all"], False),
        ([], False),
    ],
)
def test_wishes_not_to_be_used_are_understood(values: list[str], out: bool) -> None:
    assert bool(opted_out(values, "anmok")) is out


@given(st.text(max_size=60))
def test_any_srcset_is_read(text: str) -> None:
    assert isinstance(largest(text), str)


def test_the_largest_of_a_srcset_is_taken() -> None:
    assert largest("a.jpg 320w, b.jpg 1024w, c.jpg 640w") == "b.jpg"
    assert largest("a.jpg, b.jpg 2x") == "b.jpg"
    assert largest("https://x.example/a,b.jpg 1x") == "https://x.example/a,b.jpg"


def bomb(side: int) -> bytes:
    """A PNG of a few kilobytes that is decoded to gigabytes."""
    buffer = io.BytesIO()
    Image.new("1", (8, 8)).save(buffer, "PNG")
    data = bytearray(buffer.getvalue())
    data[16:24] = side.to_bytes(4, "big") * 2
    data[29:33] = zlib.crc32(bytes(data[12:29])).to_bytes(4, "big")
    return bytes(data)


@pytest.mark.real
def test_none_gets_through(world: World, real_pictures: list[Hosted], tmp_path: Path) -> None:
    inside = World()
    good = real_pictures[:3]
    with inside.open():
        inside.add("secret", *good)
        port = inside.port
        secret = f"/files/{good[0].name}"
        targets = [
            f"http://127.0.0.1:{port}{secret}",
            f"http://localhost:{port}{secret}",
            f"http://127.1:{port}{secret}",
            f"http://2130706433:{port}{secret}",
            f"http://0x7f000001:{port}{secret}",
            f"http://[::1]:{port}{secret}",
            f"http://[::ffff:127.0.0.1]:{port}{secret}",
            f"http://ip6-localhost:{port}{secret}",
            f"http://{socket.gethostname()}:{port}{secret}",
            f"http://user:word@127.0.0.1:{world.port}{secret}",
            "http://169.254.169.254/latest/meta-data/",
            "file:///etc/passwd",
            "ftp://127.0.0.1/x.jpg",
            "data:image/png;base64,AAAA",
        ]
        bad: dict[str, Hosted] = {}

        def hostile(name: str, answer: Answer) -> None:
            bad[name] = Hosted(name, b"", 640, 480, faults=[answer] * 30)

        for at, target in enumerate(targets):
            hostile(f"to-{at}", Answer(b"", 302, {"Location": target}))
        hostile("long", Answer(b"\xff\xd8\xff" + b"x" * 1000, 200, {"Content-Length": str(10 * 2**30)}))
        hostile("drip", Answer(b"\xff\xd8\xff" + b"x" * 100_000, drip=0.05))
        hostile("bomb", Answer(bomb(60_000), 200, {"Content-Type": "image/png"}))
        packed = gzip.compress(b"\xff\xd8\xff" + bytes(80 * 2**20))
        hostile("gzip", Answer(packed, 200, {"Content-Encoding": "gzip"}))
        hostile("svg", Answer(b"<svg onload='alert(1)'/>", 200, {"Content-Type": "image/svg+xml"}))
        for at in range(12):
            world.pages[f"/endless/{at}"] = Answer(b"", 302, {"Location": f"/endless/{at + 1}"})
        hostile("endless", Answer(b"", 302, {"Location": "/endless/0"}))
        world.add("sea", *bad.values(), *good)
        sneaky = Hosted(
            "..%2f..%2fevil.jpg", real_pictures[5].data, 150, 150, author="=HYPERLINK(1)<script>alert(1)</script>"
        )
        world.pictures["../../evil.jpg"] = sneaky
        world.by_query["sea"].append(sneaky)
        into = tmp_path / "deep" / "er" / "photos"
        limits = Limits(max_bytes=4 * 2**20, seconds=1.0, tries=2)
        plan = plan_for(world, {"sea": [QueryText(text="sea")]}, per_class=50, limits=limits)
        collected = collect(plan, into)
        assert not inside.asked
    assert collected.kept == {"sea": 4}
    refused = {row["image_url"].rpartition("/")[2]: row["code"] for row in rows_of(into / "refused.csv")}
    assert set(refused) == set(bad)
    assert refused["long"] == refused["gzip"] == "too-large"
    assert refused["bomb"] == "too-large"
    assert refused["endless"] == "redirects"
    assert refused["svg"] == "unknown-format"
    assert refused["drip"] == "unreachable"
    assert refused["to-0"] == "private-address"
    # Nothing is called as anybody outside wants, and nothing lies outside.
    written = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert all(path.is_relative_to(into) for path in written)
    pictures = [path for path in written if FOLDER not in path.parts and path.suffix == ".jpg"]
    assert all(path.parent == into / "sea" and path.name.startswith("openverse-") for path in pictures)
    credits = (into / "ATTRIBUTION.csv").read_text(encoding="utf-8-sig")
    assert "'=HYPERLINK" in credits
    assert "<script>" not in (into / "ATTRIBUTION.md").read_text(encoding="utf-8")


@pytest.mark.real
def test_what_robots_and_pages_forbid_is_left_alone(world: World, real_pictures: list[Hosted], tmp_path: Path) -> None:
    world.add("sea", *real_pictures[:6])
    world.pages["/robots.txt"] = Answer(b"User-agent: *\nDisallow: /files/0002\nDisallow: /hidden\n", 200)
    tags = "".join(f'<img src="/files/{one.name}" alt="{one.name}">' for one in real_pictures[:3])
    world.pages["/gallery"] = Answer(
        f"<html><head><meta property='og:image' content='/files/0003.jpg'></head><body>{tags}"
        '<img srcset="/files/none.jpg 100w, /files/0004.jpg 900w">'
        '<a rel="license" href="https://creativecommons.org/licenses/by-sa/4.0/">licence</a></body></html>'.encode()
    )
    world.pages["/shy"] = Answer(b"<html><meta name=robots content='noai'><img src=/files/0005.jpg></html>")
    world.pages["/hidden"] = Answer(b"<html><img src=/files/0005.jpg></html>")
    # What a page forbids holds for itself alone: the gallery comes last.
    pages = [QueryText(text=f"{world.base}/{name}") for name in ("shy", "hidden", "gallery")]
    plan = plan_for(world, {"sea": pages}, sources=("page",), per_class=9, allow=(f"127.0.0.1:{world.port}",))
    into = tmp_path / "photos"
    collected = collect(plan, into)
    assert sorted(world.served()) == ["0000.jpg", "0001.jpg", "0003.jpg", "0004.jpg"]
    assert collected.kept == {"sea": 4}
    assert [row["code"] for row in rows_of(into / "refused.csv")] == ["robots"]
    credits = rows_of(into / "ATTRIBUTION.csv")
    assert {row["licence"] for row in credits} == {"CC BY-SA 4.0"}
    assert {row["page_url"] for row in credits} == {f"{world.base}/gallery"}
    assert not [one for one in world.asked if one.path == "/hidden"]
