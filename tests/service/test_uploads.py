"""What is kept of photos: what the owner allows, what the visitor agreed to, and what there is room for."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from hashlib import sha256

import pytest
import requests

from tests.service.served import Served, Visitor, photo

Rules = Callable[..., str]
WITHOUT_END = ("--consent", "notice", "--days", "none", "--megabytes", "none", "--visitor-megabytes", "none")
WITHOUT_WORDS = ("--text-en", "", "--text-ko", "")


def manage(served: Served, *words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "anmok", "manage", "--data", str(served.folder), *words]
    environment = {**os.environ, **served.environ}
    return subprocess.run(command, check=False, capture_output=True, text=True, timeout=120, env=environment)


@pytest.fixture
def rules(served: Served) -> Iterator[Rules]:
    """Set the owner's rules; they are as before afterwards."""

    def set_rules(*words: str) -> str:
        done = manage(served, "keeping", *words)
        assert done.returncode == 0, done.stderr
        return done.stdout

    yield set_rules
    set_rules(*WITHOUT_END, *WITHOUT_WORDS)


def kept_files(served: Served) -> set[str]:
    return {path.name for path in served.folder.glob("uploads/*/*")}


def ask(served: Served, data: bytes, query: str = "") -> dict[str, object]:
    answer = requests.post(f"{served.address}/api/v1/identify{query}", data=data, timeout=60)
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def test_the_hash_of_what_came_is_noted_beside_that_of_what_is_kept(served: Served) -> None:
    given = photo("red", kind="PNG", seed=70)
    number = str(ask(served, given)["upload"])
    listed = manage(
        served,
        "shell",
        "--verbosity=0",
        "--command=from anmok.service.uploads.models import Upload\n"
        f"one = Upload.objects.get(pk='{number}'); print(one.original, one.picture, one.bytes, len(one.visitor))",
    )
    original, picture, size, visitor = listed.stdout.split()
    (path,) = served.folder.glob(f"uploads/*/{picture}.jpg")
    assert original == sha256(given).hexdigest()
    assert picture == sha256(path.read_bytes()).hexdigest()
    assert int(size) == path.stat().st_size
    assert int(visitor) == 64


def test_the_owners_words_and_what_becomes_of_a_photo_stand_beside_the_form_in_both_languages(
    served: Served, visitor: Visitor, rules: Rules
) -> None:
    assert "days: 30" in rules(
        "--days", "30", "--text-en", "For a <school> project.", "--text-ko", "학교 과제용입니다."
    )
    english = visitor.get(**{"Accept-Language": "en"}).text
    korean = visitor.get(**{"Accept-Language": "ko"}).text
    assert "For a &lt;school&gt; project." in english
    assert "for 30 days. By giving one you agree." in english
    assert "학교 과제용입니다." in korean
    assert "school" not in korean


def test_where_visitors_are_asked_a_photo_is_kept_only_if_they_tick_it(
    served: Served, visitor: Visitor, rules: Rules
) -> None:
    rules("--consent", "ask")
    assert '<input type="checkbox" name="keep" value="yes">' in visitor.get().text
    before = kept_files(served)
    page = visitor.give(("a.jpg", photo("red", seed=71)))
    program = ask(served, photo("red", seed=72))
    assert kept_files(served) == before
    assert "looked at and forgotten" in page.text
    assert 'src="data:image/jpeg;base64,' in page.text
    assert page.url == f"{served.address}/identify/"
    assert "/r/" not in page.text
    assert program["upload"] is None
    assert "did not ask" in str(program["forgotten"])
    agreed = requests.post(
        f"{served.address}/identify/",
        data={"csrfmiddlewaretoken": visitor.token(), "keep": "yes"},
        files={"photo": ("a.jpg", photo("red", seed=71))},
        cookies=visitor.session.cookies,
        timeout=60,
    )
    assert "/r/" in agreed.url
    assert ask(served, photo("red", seed=72), "?keep=yes")["upload"]
    assert len(kept_files(served)) == len(before) + 2


def test_an_owner_who_keeps_nothing_keeps_nothing_whatever_a_visitor_says(served: Served, rules: Rules) -> None:
    rules("--consent", "never")
    before = kept_files(served)
    assert ask(served, photo("green", seed=73), "?keep=yes")["upload"] is None
    assert kept_files(served) == before


@pytest.mark.parametrize(
    ("option", "words"), [("--megabytes", "no room for more"), ("--visitor-megabytes", "Your photos here are 0 MB")]
)
def test_what_passes_a_quota_is_answered_and_forgotten(served: Served, rules: Rules, option: str, words: str) -> None:
    assert ask(served, photo("blue", seed=74))["forgotten"] == ""
    rules(option, "0")
    before = kept_files(served)
    full = ask(served, photo("blue", seed=75))
    assert full["class"]
    assert full["upload"] is None
    assert words in str(full["forgotten"])
    assert kept_files(served) == before
    rules(option, "1000")
    assert ask(served, photo("blue", seed=75))["upload"]


def test_the_nightly_command_takes_the_days_from_the_rules(served: Served, visitor: Visitor, rules: Rules) -> None:
    address = visitor.give(("a.jpg", photo("green", seed=76))).url.removeprefix(served.address)
    rules("--days", "1")
    assert manage(served, "prune").returncode == 0
    assert visitor.get(address).status_code == 200
    rules("--days", "0")
    assert manage(served, "prune").returncode == 0
    assert visitor.get(address).status_code == 404


@pytest.mark.parametrize("value", ["-1", "1.5", "many", "1" * 20])
def test_a_rule_that_is_no_number_is_refused_in_words(served: Served, value: str) -> None:
    done = manage(served, "keeping", f"--days={value}")
    assert done.returncode != 0
    assert "a whole number up to 1000000, or none, is wanted" in done.stderr
    assert "Traceback" not in done.stderr
