"""Accounts and roles: who may open what, how one logs in, and what guessing passwords comes to."""

from __future__ import annotations

import html
import re
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests

from anmok.data.sample import place_names
from tests.service.served import photo
from tests.service.staffed import ADMIN, CURATOR, LABELLER, MEMBER, OWNER, PASSWORD, Staffed, new_address, preferences

#: Every address of the admin, with 1 where a number is wanted.
ADDRESSES = """
from django.contrib import admin
from django.urls import URLPattern
def addresses(patterns, before):
    for one in patterns:
        route = before + str(one.pattern)
        if isinstance(one, URLPattern):
            yield route
        else:
            yield from addresses(one.url_patterns, route)
import re
answer = sorted({re.sub(r"<[^>]+>", "1", one) for one in addresses(admin.site.urls[0], "/admin/") if "(?P" not in one})
"""


@pytest.mark.parametrize(
    ("name", "opens", "refused"),
    [
        (CURATOR, ["cards/card/", "cards/card/add/", "uploads/upload/"], ["auth/user/", "accounts/token/"]),
        (LABELLER, ["cards/card/", "uploads/upload/"], ["cards/card/add/", "auth/user/", "accounts/entry/"]),
        (
            ADMIN,
            ["cards/card/add/", "auth/user/", "auth/user/add/", "accounts/token/add/", "accounts/entry/"],
            ["auth/group/", "auth/group/add/", "accounts/entry/add/", "uploads/upload/add/"],
        ),
        (OWNER, ["auth/group/", "accounts/token/add/", "accounts/ownerpreferences/1/change/"], ["accounts/entry/add/"]),
    ],
)
def test_each_role_opens_what_is_its_own_and_nothing_else(
    staffed: Staffed, name: str, opens: list[str], refused: list[str]
) -> None:
    person = staffed.person(name)
    assert {path: person.get(f"/admin/{path}").status_code for path in opens} == dict.fromkeys(opens, 200)
    assert {path: person.get(f"/admin/{path}").status_code for path in refused} == dict.fromkeys(refused, 403)


def test_nobody_opens_a_staff_address_without_logging_in(staffed: Staffed) -> None:
    addresses = [one for one in staffed.shell(ADDRESSES) if one not in ("/admin/login/", "/admin/logout/")]
    assert len(addresses) > 30
    stranger = staffed.stranger()
    for address in addresses:
        for method in ("GET", "POST"):
            answer = stranger.session.request(
                method,
                staffed.address + address,
                data={"csrfmiddlewaretoken": stranger.token()} if method == "POST" else None,
                timeout=60,
                allow_redirects=False,
            )
            assert answer.status_code == 302, (method, address, answer.status_code)
            assert "/login/" in answer.headers["Location"], address


def test_a_member_without_a_role_may_not_open_the_admin_and_is_told_so(staffed: Staffed) -> None:
    page = staffed.person(MEMBER).get("/admin/")
    assert page.url.startswith(f"{staffed.address}/admin/login/")
    assert "may not open that page" in page.text


def test_an_admin_cannot_raise_themselves_or_touch_the_owner(staffed: Staffed) -> None:
    numbers = staffed.shell(
        "from django.contrib.auth.models import User\n"
        f"answer = [User.objects.get(username=name).pk for name in ({ADMIN!r}, {OWNER!r})]"
    )
    ada = staffed.person(ADMIN)
    own = f"/admin/auth/user/{numbers[0]}/change/"
    assert 'name="is_superuser"' not in ada.get(own).text
    groups = re.findall(r'<option value="(\d+)" selected>', ada.get(own).text)
    given = {"username": ADMIN, "is_active": "on", "groups": groups[0], "is_superuser": "on", "is_staff": "on"}
    assert ada.post(own, **given).status_code == 302
    password = {"password1": "another long word", "password2": "another long word"}
    assert ada.post(f"/admin/auth/user/{numbers[1]}/password/", **password).status_code == 403
    assert ada.post(f"/admin/auth/user/{numbers[1]}/change/", username="mallory").status_code == 403
    assert ada.post(f"/admin/auth/user/{numbers[1]}/delete/", post="yes").status_code == 403
    assert staffed.shell(
        "from django.contrib.auth.models import User\n"
        f"answer = [User.objects.get(username={ADMIN!r}).is_superuser, User.objects.get(username={OWNER!r}).is_active]"
    ) == [False, True]


def test_an_admin_who_gives_a_role_leaves_other_groups_of_the_account_as_they_are(staffed: Staffed) -> None:
    number = staffed.shell(
        "from django.contrib.auth.models import Group, User\n"
        "user = User.objects.create_user('greta')\n"
        "user.groups.add(Group.objects.create(name='made by the owner'))\n"
        "answer = user.pk"
    )
    ada, address = staffed.person(ADMIN), f"/admin/auth/user/{number}/change/"
    form = ada.get(address).text
    assert "made by the owner" not in form
    curator = re.search(r'<option value="(\d+)">curator', form)
    assert curator is not None
    assert ada.post(address, username="greta", is_active="on", groups=curator[1]).status_code == 302
    assert staffed.shell(
        "from django.contrib.auth.models import User\n"
        "answer = sorted(group.name for group in User.objects.get(username='greta').groups.all())"
    ) == ["curator", "made by the owner"]


@pytest.mark.parametrize("active", [True, False])
def test_an_admin_does_not_get_at_rights_of_others_by_their_password(staffed: Staffed, active: bool) -> None:
    number = staffed.shell(
        "from django.contrib.auth.models import Group, Permission, User\n"
        f"user = User.objects.create_user('hanna {active}', is_active={active})\n"
        f"group = Group.objects.create(name='may more {active}')\n"
        "group.permissions.add(Permission.objects.get(codename='change_group'))\n"
        "user.groups.add(group)\n"
        "answer = user.pk"
    )
    ada = staffed.person(ADMIN)
    password = {"password1": "another long word", "password2": "another long word"}
    assert ada.post(f"/admin/auth/user/{number}/password/", **password).status_code == 403
    assert ada.post(f"/admin/auth/user/{number}/change/", username="mallory", is_active="on").status_code == 403
    assert ada.post(f"/admin/auth/user/{number}/delete/", post="yes").status_code == 403


@pytest.mark.parametrize("language", ["en", "ko"])
def test_the_admin_bears_the_services_own_name(staffed: Staffed, language: str) -> None:
    page = staffed.person(CURATOR).get("/admin/", **{"Accept-Language": language}).text
    assert re.search(r'id="site-name"><a href="/admin/">(Anmok|안목)', page)
    assert "Django" not in page


def test_a_role_opens_the_admin_and_its_loss_closes_it_at_once(staffed: Staffed) -> None:
    owner = staffed.person(OWNER)
    made = {"username": "nora", "password1": PASSWORD, "password2": PASSWORD, "usable_password": "true"}
    address = owner.post("/admin/auth/user/add/", **made).headers["Location"]
    curator = re.search(r'<option value="(\d+)">curator', owner.get(address).text)
    assert curator is not None
    given = {"username": "nora", "is_active": "on"}
    nora = staffed.stranger()
    assert nora.log_in("nora").headers["Location"] == "/"
    assert nora.get("/admin/").url.startswith(f"{staffed.address}/admin/login/")
    owner.post(address, **given, groups=curator[1])
    assert nora.get("/admin/cards/card/").status_code == 200
    owner.post(address, **given)
    assert nora.get("/admin/cards/card/").url.startswith(f"{staffed.address}/admin/login/")


def test_where_the_owner_lets_no_visitors_in_the_login_stands_before_everything_but_answers(staffed: Staffed) -> None:
    stranger, member = staffed.stranger(), staffed.person(MEMBER)
    answer = member.give(("a.jpg", photo("red", seed=60))).url.removeprefix(staffed.address)
    with preferences(staffed, visitors=False):
        home = stranger.get("/")
        assert home.url == f"{staffed.address}/login/?next=/"
        assert "This service answers whoever has an account" in home.text
        given = stranger.post("/identify/")
        assert (given.status_code, given.headers["Location"]) == (303, "/login/?next=/")
        part = stranger.session.post(
            f"{staffed.address}/identify/",
            data={"csrfmiddlewaretoken": stranger.token()},
            headers={"HX-Request": "true"},
            timeout=60,
        )
        assert part.headers["HX-Redirect"] == "/login/?next=/"
        refused = staffed.api("identify", data=photo("red", seed=61))
        assert refused.status_code == 401
        assert refused.headers["Content-Type"] == "application/problem+json"
        assert refused.headers["WWW-Authenticate"].startswith("Bearer")
        assert stranger.get(answer).status_code == 200
        assert stranger.get(f"{answer}photo.jpg").status_code == 200
        assert requests.get(f"{staffed.address}/healthz", timeout=60).status_code == 200
        assert place_names("en")[1] in html.unescape(member.give(("a.jpg", photo("green", seed=62))).text)
        assert f"<span>{MEMBER}</span>" in member.get("/").text
        # Cookies count for nothing at the API.
        assert member.get("/api/v1/cards").status_code == 401
        logged_in = stranger.log_in(MEMBER, next="/")
        assert logged_in.headers["Location"] == "/"
        assert stranger.get("/").url == f"{staffed.address}/"
    home = staffed.stranger().get("/")
    assert home.url == f"{staffed.address}/"
    assert "Log out" not in home.text


@pytest.mark.parametrize("language", ["en", "ko"])
def test_the_login_is_a_page_like_the_others_in_both_languages(staffed: Staffed, language: str) -> None:
    page = staffed.stranger().get("/login/", **{"Accept-Language": language})
    assert f'<html lang="{language}">' in page.text
    assert 'class="brand"' in page.text
    assert not re.findall(r"<script(?! src)|\son\w+=|style=", page.text)


def test_the_login_leads_back_but_never_elsewhere(staffed: Staffed) -> None:
    assert staffed.stranger().log_in(CURATOR, next="/admin/cards/card/").headers["Location"] == "/admin/cards/card/"
    assert staffed.stranger().log_in(CURATOR, next="https://elsewhere.example/").headers["Location"] == "/admin/"


def test_forms_of_staff_need_their_token_and_nobody_is_logged_out_by_a_link(staffed: Staffed) -> None:
    curator = staffed.person(CURATOR)
    for path in ("/login/", "/admin/cards/card/add/", "/logout/"):
        assert curator.session.post(staffed.address + path, data={"username": "x"}, timeout=60).status_code == 403
    assert curator.get("/logout/").status_code == 405
    assert curator.get("/admin/cards/card/").status_code == 200


def test_guesses_that_come_at_once_are_counted_and_lock_out_everyone_but_the_owners_browser(staffed: Staffed) -> None:
    staffed.shell(
        f"from django.contrib.auth.models import User; User.objects.create_user('gina', password={PASSWORD!r})"
    )
    # On MariaDB other spellings mean the same account.
    names = ["gina", "Gina", "gína"] if "DATABASE_URL" in staffed.served.environ else ["gina"]
    known = staffed.stranger()
    known.log_in("gina")
    guessers = [staffed.stranger() for _number in range(16)]
    tokens = [guesser.token() for guesser in guessers]

    def guess(number: int) -> requests.Response:
        values = {"username": names[number % len(names)], "password": f"guess {number}"}
        data = {"csrfmiddlewaretoken": tokens[number], **values}
        return guessers[number].session.post(f"{staffed.address}/login/", data=data, timeout=120)

    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(guess, range(16)))
    looked_at = [answer for answer in answers if answer.status_code == 200]
    assert len(looked_at) == 10
    assert all("Name or password is wrong" in answer.text for answer in looked_at)
    late = [answer for answer in answers if answer.status_code == 429]
    assert len(late) == 6
    assert 60 < int(late[0].headers["Retry-After"]) <= 90
    assert "Try again in" in late[0].text
    assert staffed.stranger().log_in("gina").status_code == 429
    assert known.log_in("gina").status_code == 302
    # Others are not locked out with them.
    assert staffed.stranger().log_in(CURATOR).status_code == 302


def test_an_address_may_guess_only_so_often_whatever_the_names(staffed: Staffed) -> None:
    came_from = new_address()
    staffed.shell(
        "from anmok.service.accounts import backend\n"
        "from anmok.service.limits.buckets import spend\n"
        f"spend(backend._ADDRESS, {came_from!r}, backend.PER_ADDRESS, backend.PER_ADDRESS.most - 1)"
    )
    guesser = staffed.stranger(came_from)
    assert guesser.log_in("somebody", "x").status_code == 200
    assert guesser.log_in("somebody else", "x").status_code == 429
    assert guesser.log_in(CURATOR).status_code == 429
    assert staffed.stranger().log_in(CURATOR).status_code == 302
