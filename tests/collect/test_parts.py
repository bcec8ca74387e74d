"""Keys, licences, plans: the parts of collecting that need no network."""

from __future__ import annotations

import json
import logging
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anmok.collect import Plan, class_plan, read_plan
from anmok.collect.found import Call, Query, Reply, SourceTrouble
from anmok.collect.keys import Redacting, read_keys
from anmok.collect.licences import CODES, check_codes, licence, licence_of_name
from anmok.collect.outcome import _link, _plain
from anmok.collect.quotas import Quotas, account
from anmok.collect.sources import get_source
from anmok.errors import AnmokError, UsageError


def test_keys_come_from_the_environment_and_else_from_a_file_of_ones_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "keys.env"
    file.write_text('# mine\nA_KEY = "one"\nB_KEY=two\n')
    file.chmod(0o600)
    monkeypatch.setenv("ANMOK_KEYS", str(file))
    monkeypatch.setenv("B_KEY", "other")
    assert read_keys(["A_KEY", "B_KEY", "C_KEY"]) == {"A_KEY": "one", "B_KEY": "other"}


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o602])
def test_a_file_of_keys_that_others_may_read_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mode: int
) -> None:
    file = tmp_path / "keys.env"
    file.write_text("A_KEY=one\n")
    file.chmod(mode)
    monkeypatch.setenv("ANMOK_KEYS", str(file))
    with pytest.raises(UsageError, match="chmod 600"):
        read_keys(["A_KEY"])


def test_a_wrong_line_in_a_file_of_keys_is_named_and_not_shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "keys.env"
    file.write_text("A_KEY=one\nsecretwithoutname\n")
    file.chmod(0o600)
    monkeypatch.setenv("ANMOK_KEYS", str(file))
    with pytest.raises(UsageError, match="line 2") as caught:
        read_keys(["A_KEY"])
    assert "secretwithoutname" not in str(caught.value)


def test_secrets_leave_log_records_in_any_form() -> None:
    redacting = Redacting(["sec ret/1", "abcd"])
    record = logging.LogRecord("x", logging.INFO, "", 1, "GET %s", ("http://h/?k=sec%20ret%2F1&l=sec+ret%2F1",), None)
    assert redacting.filter(record)
    assert record.getMessage() == "GET http://h/?k=***&l=***"


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("CC BY-SA 4.0", "by-sa"),
        ("CC-BY-2.0", "by"),
        ("cc by-nc-nd 3.0", "by-nc-nd"),
        ("CC BY-ND-NC 1.0", "by-nc-nd"),
        ("CC BY NC 4.0", "by-nc"),
        ("CC BY\u2013NC 4.0", "by-nc"),
        ("CC BY-SA 3.0 de", "by-sa"),
        ("CC BY-NonCommercial 4.0", ""),
        ("CC BY-ND-SA 1.0", ""),
        ("by John Smith", ""),
        ("CC0", "cc0"),
        ("Public domain", "pdm"),
        ("PD-US", "pdm"),
        ("GFDL", ""),
        ("Standby 1.0", ""),
        ("All rights reserved", ""),
        ("", ""),
    ],
)
def test_licences_are_known_by_the_names_that_people_give_them(name: str, code: str) -> None:
    assert licence_of_name(name).code == code


@given(name=st.text(max_size=40), url=st.text(max_size=40))
def test_no_name_of_a_licence_is_taken_for_a_free_one_by_chance(name: str, url: str) -> None:
    found = licence_of_name(name, url)
    assert found.code in ("", *CODES)
    assert found.url == "" or found.url.startswith("http")


def test_a_licence_has_a_name_and_an_address() -> None:
    assert licence("cc-by-sa", "4.0").name == "CC BY-SA 4.0"
    assert licence("by", "2.0").url == "https://creativecommons.org/licenses/by/2.0/"
    assert licence("by", "2.0", "javascript:alert(1)").url == "https://creativecommons.org/licenses/by/2.0/"
    with pytest.raises(UsageError, match="not known"):
        check_codes(["by", "mit"])


@given(st.text(max_size=80))
def test_text_from_outside_stays_text_in_markdown(text: str) -> None:
    plain = _plain(text)
    assert "<" not in plain
    assert "\n" not in plain
    assert _link(text, f"http://x/{text}").count("\n") == 0


def test_a_plan_is_read_and_comes_back_the_same(tmp_path: Path) -> None:
    path = tmp_path / "plan.toml"
    path.write_text(
        'per_class = 30\ntest_per_class = 5\nsources = ["commons", "openverse"]\nlicences = ["CC0", "by"]\n'
        '[classes]\n"천지연 폭포" = ["천지연 폭포", { text = "waterfall", language = "en", sources = ["commons"] }]\n'
        'cat = "고양이"\ndog = []\n[manners]\nper_host = 2\n[manners.quotas]\nopenverse = 50\n'
        '[right]\nnaver = "agreed"\n[limits]\nseconds = 5\n',
        encoding="utf-8",
    )
    plan = read_plan(path)
    assert [one.name for one in plan.classes] == ["천지연 폭포", "cat", "dog"]
    assert plan.classes[0].queries[1].sources == ("commons",)
    assert plan.classes[2].queries[0].text == "dog"
    assert plan.licences == ("cc0", "by")
    assert plan.manners.quotas == {"openverse": 50}
    assert plan.limits.seconds == 5
    assert Plan.from_json(json.loads(json.dumps(plan.to_json()))) == plan


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("per_class = 3", "names no classes"),
        ("[classes]\na = [3]", "no query"),
        ("per_clas = 3\n[classes]\na = 'x'", "Did you mean per_class"),
        ("per_class = 0\n[classes]\na = 'x'", "1 to"),
        ("sources = ['gogle']\n[classes]\na = 'x'", "Did you mean google"),
        ("[classes]\n'../a' = 'x'", "name of a folder"),
        ("[classes]\nCat = 'x'\ncat = 'y'", "named twice"),
        ("[classes]\nnul = 'y'", "name of a folder"),
        ("licences = ['mit']\n[classes]\na = 'y'", "not known"),
        ("[right]\nnaver = 3\n[classes]\na = 'y'", "right"),
        ("[manners]\nper_hosts = 3\n[classes]\na = 'y'", "per_host"),
        ("manners = 3\n[classes]\na = 'y'", "manners"),
        ("limits = 3\n[classes]\na = 'y'", "limits"),
        ("x = [", "no TOML"),
    ],
)
def test_a_wrong_plan_is_told_what_is_wrong(tmp_path: Path, text: str, words: str) -> None:
    path = tmp_path / "plan.toml"
    path.write_text(text)
    with pytest.raises(UsageError, match=words):
        read_plan(path)


@given(st.text(min_size=1, max_size=30))
def test_a_class_is_a_folder_of_its_own_or_refused(name: str) -> None:
    try:
        made = class_plan(name, ["x"], "test")
    except AnmokError:
        return
    assert Path("root", made.name).parent == Path("root")
    assert made.name not in (".", "..")


def test_calls_are_counted_by_account_and_leave_the_window(tmp_path: Path) -> None:
    quotas = Quotas(tmp_path / "calls.sqlite")
    mine, other = account("s", "http://a", ["k1"]), account("s", "http://a", ["k2"])
    assert "k1" not in mine
    assert [quotas.take(mine, 2, 100.0) for _ in range(2)] == [0.0, 0.0]
    assert 99 < quotas.take(mine, 2, 100.0) <= 100
    assert quotas.take(other, 2, 100.0) == 0.0
    assert quotas.take(mine, 2, 1e-9) == 0.0
    assert quotas.made(mine) == 3
    quotas.close()


@pytest.mark.parametrize(
    ("headers", "taken"),
    [
        ({"x-robots-tag": "nofollow, NoAI"}, False),
        ({"x-robots-tag": "anmok: noimageai"}, False),
        ({"tdm-reservation": "1"}, False),
        ({"x-robots-tag": "googlebot: none"}, True),
        ({"x-robots-tag": "nofollow", "tdm-reservation": "0"}, True),
        ({}, True),
    ],
)
def test_what_the_headers_of_a_page_forbid_holds_for_its_pictures(headers: dict[str, str], taken: bool) -> None:
    address = "https://site.example/page"
    reply = Reply(200, headers, b'<img src="/a.jpg">', address)

    def found() -> list[str]:
        page = get_source("page")().read(reply, Call(address), Query(text=address))
        return [one.image_url for one in page.found]

    if taken:
        assert found() == ["https://site.example/a.jpg"]
        return
    with pytest.raises(SourceTrouble, match="not-permitted"):
        found()
