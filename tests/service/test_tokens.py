"""Tokens of programs: made, shown once, kept as a hash, good for what they were made for, and ended."""

from __future__ import annotations

import re

import pytest
import requests

from tests.service.served import photo
from tests.service.staffed import ADMIN, CURATOR, LABELLER, OWNER, PASSWORD, Staffed, preferences


def make(staffed: Staffed, *scopes: str, account: str = "", more: str = "") -> str:
    """Make a token in the service's own process, and return it."""
    user = f"User.objects.get(username={account!r})" if account else "None"
    return str(
        staffed.shell(
            "from django.contrib.auth.models import User\n"
            "from anmok.service.accounts.tokens import make_token\n"
            f"token, answer = make_token('a test', {scopes!r}, account={user})\n{more}"
        )
    )


def is_problem(answer: requests.Response, status: int, error: str) -> None:
    assert answer.status_code == status, answer.text
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.json()["status"] == status
    assert answer.json()["detail"]
    assert error in answer.headers["WWW-Authenticate"]


def test_a_token_made_in_the_admin_is_shown_once_and_kept_nowhere(staffed: Staffed) -> None:
    ada = staffed.person(ADMIN)
    form = ada.get("/admin/accounts/token/add/").text
    own = re.search(r'<option value="(\d+)" selected>ada', form)
    assert own is not None
    assert f">{OWNER}<" not in form
    made = ada.post("/admin/accounts/token/add/", name="a phone", account=own[1], scopes="identify")
    assert made.status_code == 200
    assert "no-store" in made.headers["Cache-Control"]
    found = re.search(r"Authorization: Bearer (anmok_[\w-]{43})<", made.text)
    assert found is not None
    secret = found[1]
    answer = staffed.api("identify", secret, data=photo("red", seed=70))
    assert answer.status_code == 200, answer.text
    listed = ada.get("/admin/accounts/token/").text
    assert secret[:12] in listed
    assert secret not in listed + staffed.log()
    kept = staffed.shell(
        "from django.apps import apps\nanswer = str([list(model.objects.values_list()) for model in apps.get_models()])"
    )
    assert secret[:12] in kept
    assert secret[12:] not in kept


def test_a_token_is_made_listed_and_revoked_on_the_command_line(staffed: Staffed) -> None:
    made = staffed.manage("token", "create", "nightly script", "--scope", "read", "--days", "3")
    secret = made.stdout.strip()
    assert re.fullmatch(r"anmok_[\w-]{43}", secret), made.stderr
    assert staffed.api("cards", secret).status_code == 200
    listed = staffed.manage("token", "list").stdout
    assert f"{secret[:12]}  holds" in listed
    assert "nightly script" in listed
    assert secret not in listed
    assert staffed.manage("token", "revoke", secret[:12]).returncode == 0
    is_problem(staffed.api("cards", secret), 401, 'error="invalid_token"')
    listed_now = staffed.shell(
        "import io\nfrom django.core.management import call_command\n"
        "said = io.StringIO()\ncall_command('token', 'list', stdout=said)\nanswer = said.getvalue()"
    )
    assert f"{secret[:12]}  revoked" in listed_now


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["create", "x", "--scope", "everything"], "invalid choice"),
        (["create", "x", "--scope", "read", "--account", "nobody"], "no account nobody"),
        (["create", "x", "--scope", "cards:write", "--account", LABELLER], "may not do that itself: cards:write"),
        (["create", "x", "--scope", "read", "--days", "0"], "more than 0 is wanted"),
        (["revoke", "anmok_nobody"], "0 tokens begin with anmok_nobody"),
    ],
)
def test_what_the_command_line_cannot_do_is_said(staffed: Staffed, words: list[str], told: str) -> None:
    code = (
        "from django.core.management import CommandError, call_command\n"
        f"try:\n    call_command('token', *{words!r})\nexcept CommandError as error:\n    answer = str(error)"
    )
    assert told in staffed.shell(code)


def test_a_token_is_good_for_its_scopes_alone(staffed: Staffed) -> None:
    reads = make(staffed, "read")
    assert staffed.api("cards", reads).status_code == 200
    is_problem(staffed.api("identify", reads, data=photo("red")), 403, 'error="insufficient_scope", scope="identify"')
    identifies = make(staffed, "identify")
    assert staffed.api("identify", identifies, data=photo("red", seed=71)).status_code == 200
    is_problem(staffed.api("models", identifies), 403, 'scope="read"')


def test_a_token_deletes_what_others_gave_only_with_the_scope_for_it(staffed: Staffed) -> None:
    numbers = [staffed.api("identify", data=photo("red", seed=seed)).json()["upload"] for seed in (73, 74)]

    def delete(number: str, *scopes: str) -> int:
        return requests.delete(
            f"{staffed.address}/api/v1/uploads/{number}",
            headers={"Authorization": f"Bearer {make(staffed, *scopes)}"},
            timeout=60,
        ).status_code

    assert delete(numbers[0], "read", "uploads:write") == 204
    assert staffed.api(f"uploads/{numbers[0]}").status_code == 404
    assert delete(numbers[1], "read", "uploads:read") == 403
    assert staffed.api(f"uploads/{numbers[1]}").status_code == 200


def test_photos_of_a_program_are_those_of_its_account_wherever_it_asks_from(staffed: Staffed) -> None:
    secret = make(staffed, "identify", account=CURATOR)
    numbers = [staffed.api("identify", secret, data=photo("red", seed=seed)).json()["upload"] for seed in (75, 76)]
    numbers.append(staffed.api("identify", data=photo("red", seed=77)).json()["upload"])
    givers = staffed.shell(
        "from anmok.service.uploads.models import Upload\n"
        f"answer = [Upload.objects.get(pk=number).visitor for number in {numbers!r}]"
    )
    assert givers[0] == givers[1] != givers[2]


def test_a_token_never_allows_more_than_its_account_does_now(staffed: Staffed) -> None:
    code = """
from django.contrib.auth.models import User, Group
from anmok.service.accounts.models import Token
from anmok.service.accounts.scopes import Scope
from anmok.service.accounts.tokens import find_token, make_token
user = User.objects.create(username="tobi")
user.groups.add(Group.objects.get(name="curator"))
_row, secret = make_token("x", ["cards:write", "read"], account=user)
answer = []
def look():
    token = find_token(secret)
    answer.append(None if token is None else [token.allows(Scope.CARDS_WRITE), token.allows(Scope.READ)])
look()
user.groups.clear()
look()
user.is_active = False
user.save()
look()
user.delete()
answer.append(Token.objects.filter(name="x").count())
"""
    assert staffed.shell(code) == [[True, True], [False, True], None, 0]


@pytest.mark.parametrize(
    "header",
    [
        "Bearer",
        "Bearer ",
        "Bearer anmok_",
        "Bearer anmok_" + "A" * 43,
        "Bearer " + "x" * 4000,
        "bearer anmok_\u00e9",
        "Basic b2xnYTpvbGdh",
        "anmok_" + "A" * 43,
    ],
)
def test_a_header_that_lets_nobody_in_is_refused_even_where_visitors_may(staffed: Staffed, header: str) -> None:
    answer = requests.get(
        f"{staffed.address}/api/v1/cards", headers={"Authorization": header.encode("latin-1")}, timeout=60
    )
    is_problem(answer, 401, 'error="invalid_token"')


def test_a_token_ends_on_its_day(staffed: Staffed) -> None:
    past = (
        "from datetime import timedelta\nfrom django.utils import timezone\n"
        "token.expires = timezone.now() - timedelta(seconds=1)\ntoken.save()"
    )
    is_problem(staffed.api("cards", make(staffed, "read", more=past)), 401, "invalid_token")


def test_without_visitors_programs_need_a_token_and_with_one_they_are_answered(staffed: Staffed) -> None:
    secret = make(staffed, "identify", "read", account=CURATOR)
    with preferences(staffed, visitors=False):
        for path in ("cards", "models", "cards/0/nearby"):
            is_problem(staffed.api(path), 401, 'Bearer realm="Anmok"')
            assert staffed.api(path, secret).status_code == 200
        is_problem(staffed.api("identify", data=photo("red")), 401, "Bearer")
        assert staffed.api("identify", secret, data=photo("red", seed=72)).status_code == 200


def test_scopes_that_an_account_does_not_have_are_refused_in_the_admin(staffed: Staffed) -> None:
    owner = staffed.person(OWNER)
    form = owner.get("/admin/accounts/token/add/").text
    lars = re.search(rf'<option value="(\d+)">{LABELLER}', form)
    assert lars is not None
    answer = owner.post("/admin/accounts/token/add/", name="x", account=lars[1], scopes="cards:write")
    assert "may not do that itself: cards:write" in answer.text
    assert "Bearer" not in answer.text


def test_tokens_are_revoked_in_the_admin(staffed: Staffed) -> None:
    secret = make(staffed, "read", more="token.name = 'lost laptop'; token.save()")
    ada = staffed.person(ADMIN)
    row = re.search(r'value="(\d+)" class="action-select"[^>]*>.*?lost laptop', ada.get("/admin/accounts/token/").text)
    assert row is not None
    ada.post("/admin/accounts/token/", action="revoke_chosen", _selected_action=row[1])
    is_problem(staffed.api("cards", secret), 401, "invalid_token")


def test_whoever_may_not_make_tokens_makes_none(staffed: Staffed) -> None:
    for name in (CURATOR, LABELLER):
        assert staffed.person(name).post("/admin/accounts/token/add/", name="x", scopes="read").status_code == 403
    assert PASSWORD not in staffed.log()
