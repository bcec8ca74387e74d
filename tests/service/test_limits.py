"""Limits: so much and no more gets through, whatever number of processes ask; and who is counted as whom."""

from __future__ import annotations

import os
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from ipaddress import ip_address
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anmok.errors import UsageError
from anmok.service.limits.address import Address, Proxies, behind, network_of, parse
from tests.bundle.small_bundles import write_colour_bundle
from tests.service.served import photo, serve
from tests.service.staffed import PASSWORD, Person, Staffed, new_address, preferences
from tests.service.test_tokens import make

PROXIES = Proxies("127.0.0.1, 10.0.0.0/24, 2001:db8::/32")
#: Waits for the word, then takes from one bucket as often as it can, and says how often it got something.
HAMMER = """
import sys
from anmok.service.limits.buckets import Limit, LimitReached, spend
through = 0
print("READY", flush=True)
sys.stdin.readline()
for _number in range({times}):
    try:
        spend("hammered", {who!r}, Limit({most}, 24 * 3600))
        through += 1
    except LimitReached:
        pass
print("THROUGH", through)
"""


def test_four_processes_that_hammer_a_limit_get_exactly_so_much_through(staffed: Staffed) -> None:
    most, who = 101, new_address()
    command = staffed.command("shell", "-v", "0", "-c", HAMMER.format(times=200, who=who, most=most))
    environ = {**os.environ, **staffed.served.environ}
    started = [
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environ)
        for _number in range(4)
    ]
    for process in started:
        assert process.stdout is not None
        assert process.stdout.readline() == "READY\n"
    for process in started:
        assert process.stdin is not None
        process.stdin.write("now\n")
        process.stdin.flush()
    counts = [int(process.communicate(timeout=180)[0].rpartition("THROUGH ")[2]) for process in started]
    assert sum(counts) == most
    # It was a race: no process had it all to itself.
    assert sum(count > 0 for count in counts) > 1


def test_requests_at_once_to_several_processes_get_exactly_so_many_answers(staffed: Staffed) -> None:
    came_from, most = new_address(), 6
    with preferences(staffed, photos_per_address=most), ThreadPoolExecutor(8) as pool:
        answers = list(
            pool.map(
                lambda seed: staffed.api("identify", came_from=came_from, data=photo("red", seed=seed)), range(200, 216)
            )
        )
        # Each ten seconds one more flows back, which a slow machine may live to see.
        through = [answer for answer in answers if answer.status_code == 200]
        assert most <= len(through) <= most + 1
        refused = [answer for answer in answers if answer.status_code == 429]
        assert len(through) + len(refused) == 16
        for answer in refused:
            assert answer.headers["Content-Type"] == "application/problem+json"
            assert answer.json()["title"] == "Too Many Requests"
            assert 1 <= int(answer.headers["Retry-After"]) <= 10
        assert staffed.api("identify", data=photo("red", seed=90)).status_code == 200
        time.sleep(int(staffed.api("identify", came_from=came_from, data=photo("red")).headers["Retry-After"]))
        assert staffed.api("identify", came_from=came_from, data=photo("red", seed=91)).status_code == 200


def test_who_gives_too_many_photos_reads_so_on_a_page_and_in_the_page(staffed: Staffed) -> None:
    with preferences(staffed, photos_per_address=3):
        visitor = staffed.stranger()
        # Each photo counts, not each request.
        several = visitor.give(*((f"{seed}.jpg", photo("red", seed=seed)) for seed in (92, 93, 94)))
        assert several.status_code == 200
        page = visitor.give(("a.jpg", photo("red", seed=95)))
        assert page.status_code == 429
        assert "Try again in" in page.text
        assert '<html lang="en">' in page.text
        assert int(page.headers["Retry-After"]) >= 1
        part = visitor.give(("a.jpg", photo("red", seed=95)), **{"HX-Request": "true"})
        assert part.status_code == 429
        assert "Try again in" in part.text
        assert "<html" not in part.text
        korean = visitor.give(("a.jpg", photo("red", seed=95)), **{"Accept-Language": "ko"})
        assert '<html lang="ko">' in korean.text
        # Drawing where the model looked is as dear as a photo.
        assert visitor.get("/r/00000000-0000-4000-8000-000000000000/where.png").status_code == 429
        # What costs nothing stays open.
        assert visitor.get("/").status_code == 200


def test_a_token_is_counted_by_itself_and_wrong_ones_by_their_address(staffed: Staffed) -> None:
    secret, came_from = make(staffed, "read"), new_address()
    with preferences(staffed, requests_per_address=2, requests_per_token=3):
        # From wherever it is shown.
        assert [staffed.api("cards", secret).status_code for _number in range(4)] == [200, 200, 200, 429]
        wrong = [staffed.api("cards", "anmok_wrong", came_from=came_from).status_code for _number in range(3)]
        assert wrong == [401, 401, 429]
        assert staffed.api("cards", came_from=came_from).status_code == 429
        assert staffed.api("cards").status_code == 200
    with preferences(staffed, requests_per_address=0):
        assert {staffed.api("cards", came_from=came_from).status_code for _number in range(12)} == {200}


def test_what_a_visitor_writes_before_the_proxys_entry_counts_for_nothing(staffed: Staffed) -> None:
    came_from = new_address()
    with preferences(staffed, requests_per_address=2):
        answers = [
            staffed.api("cards", came_from=f"{entry}, {came_from}").status_code
            for entry in ("1.2.3.4", "5.6.7.8", "127.0.0.1, 9.9.9.9", "unknown")
        ]
        assert answers == [200, 200, 429, 429]


def test_a_database_that_cannot_count_is_said_in_words_and_lets_nobody_through(staffed: Staffed) -> None:
    rename = "from django.db import connection\nconnection.cursor().execute('ALTER TABLE {} RENAME TO {}')"
    visitor = staffed.stranger()
    token = visitor.token()
    staffed.shell(rename.format("limits_bucket", "limits_away"))
    try:
        page = visitor.session.post(
            f"{staffed.address}/identify/",
            data={"csrfmiddlewaretoken": token},
            files={"photo": ("a.jpg", photo("red", seed=96))},
            timeout=60,
        )
        program = staffed.api("identify", data=photo("red", seed=97))
    finally:
        staffed.shell(rename.format("limits_away", "limits_bucket"))
    assert (page.status_code, program.status_code) == (507, 507)
    assert "cannot keep photos" in page.text
    assert program.headers["Content-Type"] == "application/problem+json"


def test_buckets_that_are_empty_are_swept_away_and_others_stay(staffed: Staffed) -> None:
    code = """
import time
from anmok.service.limits.buckets import Limit, LimitReached, key_of, spend, sweep
from anmok.service.limits.models import Bucket
for number in range(20):
    spend("swept", str(number), Limit(1000, 1))
spend("kept", "someone", Limit(1, 3600))
time.sleep(0.1)
removed = sweep()
left = [Bucket.objects.filter(key__in=[key_of("swept", str(n)) for n in range(20)]).count(),
        Bucket.objects.filter(key=key_of("kept", "someone")).count()]
try:
    spend("kept", "someone", Limit(1, 3600))
except LimitReached as reached:
    wait = reached.seconds
# A clock that was set back would else lock everybody out until it has caught up.
Bucket.objects.filter(key=key_of("kept", "someone")).update(empty_at=(time.time() + 10 * 24 * 3600) * 1e6)
spend("kept", "someone", Limit(1, 3600))
answer = [removed >= 20, left, 3590 < wait <= 3600]
"""
    assert staffed.shell(code) == [True, [0, 1], True]


def test_without_a_proxy_that_is_named_the_header_counts_for_nothing_and_a_restart_forgets_nothing(
    tmp_path: Path,
) -> None:
    bundle = write_colour_bundle(tmp_path / "colours.anmok")
    environ = {"ANMOK_LANG": "en", "ANMOK_LIMITS": "on"}
    with serve(bundle, tmp_path / "data", **environ) as running, Staffed.of(running) as staffed:
        staffed.shell(
            "from anmok.service.accounts import backend\n"
            "from anmok.service.limits.buckets import spend\n"
            "spend(backend._ADDRESS, '127.0.0.1', backend.PER_ADDRESS, backend.PER_ADDRESS.most)"
        )
        assert staffed.stranger().log_in("cora").status_code == 429
    with serve(bundle, tmp_path / "data", **environ) as running:
        assert Person(running.address).log_in("cora", PASSWORD).status_code == 429
        for name in ("X_Forwarded_For", "X-Real-IP", "Forwarded"):
            spoofed = Person(running.address)
            spoofed.session.headers[name] = "for=198.18.0.1" if name == "Forwarded" else "198.18.0.1"
            assert spoofed.log_in("cora", PASSWORD).status_code == 429
    assert "ANMOK_PROXIES does not name it" in (tmp_path / "data.log").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("peer", "forwarded", "visitor"),
    [
        ("203.0.113.9", "198.51.100.7", "203.0.113.9"),
        ("127.0.0.1", "", "127.0.0.1"),
        ("127.0.0.1", "198.51.100.7", "198.51.100.7"),
        ("::ffff:127.0.0.1", "198.51.100.7", "198.51.100.7"),
        ("127.0.0.1", "6.6.6.6, 198.51.100.7", "198.51.100.7"),
        ("127.0.0.1", "6.6.6.6, 198.51.100.7, 10.0.0.3", "198.51.100.7"),
        ("10.0.0.3", "198.51.100.7, 10.0.0.4, 10.0.0.3", "198.51.100.7"),
        ("127.0.0.1", "198.51.100.7:5123", "198.51.100.7"),
        ("127.0.0.1", "[2a00:1::7]:5123", "2a00:1::7"),
        ("2001:db8::1", "2a00:1::7", "2a00:1::7"),
        ("127.0.0.1", "198.51.100.7, nonsense", "127.0.0.1"),
        ("127.0.0.1", "6.6.6.6, 'or 1=1, 10.0.0.3", "10.0.0.3"),
        ("127.0.0.1", ",,", "127.0.0.1"),
        ("localhost", "198.51.100.7", None),
    ],
)
def test_the_visitor_is_who_our_own_proxies_saw(peer: str, forwarded: str, visitor: str | None) -> None:
    found = behind(parse(peer), forwarded, PROXIES)
    assert found == (None if visitor is None else ip_address(visitor))


def test_a_proxy_that_comes_through_a_socket_file_is_believed_if_it_is_named() -> None:
    assert behind(parse("localhost"), "198.51.100.7", Proxies("unix")) == ip_address("198.51.100.7")


@given(st.text(max_size=200), st.ip_addresses())
def test_whatever_a_visitor_writes_our_proxys_entry_is_what_counts(written: str, visitor: Address) -> None:
    if visitor in PROXIES:
        return
    assert behind(ip_address("127.0.0.1"), f"{written},{visitor}", PROXIES) in (visitor, parse(str(visitor)))


@given(st.text(max_size=60))
def test_whatever_stands_in_the_header_gives_an_address_or_none(text: str) -> None:
    found = parse(text)
    assert found is None or ip_address(str(found)) == found
    assert behind(ip_address("127.0.0.1"), text, PROXIES) is not None


def test_one_visitor_is_an_ipv4_address_or_a_network_of_ipv6() -> None:
    assert network_of(parse("198.51.100.7")) == "198.51.100.7"
    assert network_of(parse("2a00:1:2:3:aaaa::1")) == network_of(parse("2a00:1:2:3:bbbb::2")) == "2a00:1:2:3::/64"
    assert network_of(parse("2a00:1:2:4::1")) != network_of(parse("2a00:1:2:3::1"))


@pytest.mark.parametrize("text", ["localhost", "10.0.0.1/24", "1.2.3", "10.0.0.0/24;::1"])
def test_proxies_that_are_none_are_refused_with_what_is_wanted(text: str) -> None:
    with pytest.raises(UsageError, match="is no address of a proxy"):
        Proxies(text)
