"""A service with accounts of every role, and people who log in to it."""

from __future__ import annotations

import itertools
import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import requests

from tests.service.served import Served, Visitor

PASSWORD = "a long word for tests"
OWNER, CURATOR, LABELLER, ADMIN, MEMBER = "olga", "cora", "lars", "ada", "mina"
ROLE_OF = {CURATOR: "curator", LABELLER: "labeller", ADMIN: "admin", MEMBER: None}
_PEOPLE = f"""
from django.contrib.auth.models import Group, User
from django.contrib.auth.hashers import make_password
password = make_password({PASSWORD!r})
User.objects.create(username={OWNER!r}, password=password, is_staff=True, is_superuser=True)
for name, role in {ROLE_OF!r}.items():
    person = User.objects.create(username=name, password=password)
    if role:
        person.groups.add(Group.objects.get(name=role))
"""
#: What the open shell does: each line is a program, each answer a line.
_ANSWER_LINES = """
import contextlib, io, json, sys, traceback
for line in sys.stdin:
    names, said = {"__name__": "shell"}, io.StringIO()
    try:
        with contextlib.redirect_stdout(said):
            exec(json.loads(line), names)
        done = {"answer": names.get("answer")}
    except Exception:
        done = {"error": traceback.format_exc()}
    print(json.dumps(done), flush=True)
"""
#: Addresses of the block that is kept for examples (RFC 5737, RFC 2544), each given out once.
_addresses = (f"198.{18 + number // 65536}.{number // 256 % 256}.{number % 256}" for number in itertools.count(1))


def new_address() -> str:
    return next(_addresses)


class Person(Visitor):
    """A visitor from an address of their own, as the trusted proxy tells it."""

    def __init__(self, address: str, came_from: str = "") -> None:
        super().__init__(address)
        self.came_from = came_from or new_address()
        self.session.headers["X-Forwarded-For"] = self.came_from

    def token(self) -> str:
        # The home page may be closed.
        found = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', self.get("/login/").text)
        assert found is not None
        return found[1]

    def log_in(self, name: str, password: str = PASSWORD, **values: str) -> requests.Response:
        return self.post("/login/", username=name, password=password, **values)


@dataclass
class Staffed:
    """A running service with people; ``people`` are those who have logged in."""

    served: Served
    people: dict[str, Person] = field(default_factory=dict)
    opened: subprocess.Popen[str] | None = None

    @classmethod
    @contextmanager
    def of(cls, served: Served) -> Iterator[Staffed]:
        made = cls(served)
        try:
            made.shell(_PEOPLE)
            yield made
        finally:
            made.close()

    @property
    def address(self) -> str:
        return self.served.address

    def stranger(self, came_from: str = "") -> Person:
        return Person(self.address, came_from)

    def person(self, name: str) -> Person:
        """Return someone who is logged in, the same one each time."""
        if name not in self.people:
            came = self.stranger()
            assert came.log_in(name).status_code == 302
            self.people[name] = came
        return self.people[name]

    def api(self, path: str, token: str = "", *, came_from: str = "", data: bytes | None = None) -> requests.Response:
        """Ask the API as a program does."""
        headers = {"X-Forwarded-For": came_from or new_address()}
        if token:
            headers["Authorization"] = f"Bearer {token}"
        method = "GET" if data is None else "POST"
        return requests.request(method, f"{self.address}/api/v1/{path}", headers=headers, data=data, timeout=60)

    def manage(self, *words: str) -> subprocess.CompletedProcess[str]:
        environ = {**os.environ, **self.served.environ}
        command = self.command(*words)
        return subprocess.run(command, check=False, capture_output=True, text=True, env=environ, timeout=120)

    def command(self, *words: str) -> list[str]:
        return [sys.executable, "-m", "anmok", "manage", "--data", str(self.served.folder), *words]

    def shell(self, code: str) -> Any:
        """Run Python in the service's own shell, which stays open, and return what ``answer`` is set to."""
        if self.opened is None:
            self.opened = subprocess.Popen(
                self.command("shell", "-v", "0", "-c", _ANSWER_LINES),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
                env={**os.environ, **self.served.environ},
            )
        assert self.opened.stdin is not None
        assert self.opened.stdout is not None
        self.opened.stdin.write(json.dumps(code) + "\n")
        self.opened.stdin.flush()
        done = json.loads(self.opened.stdout.readline())
        assert "error" not in done, done["error"]
        return done["answer"]

    def close(self) -> None:
        if self.opened is not None:
            self.opened.communicate(timeout=30)

    def log(self, **asked: str) -> str:
        """Return the log as the owner reads it in the admin."""
        page = self.person(OWNER).session.get(f"{self.address}/admin/accounts/entry/", params=asked, timeout=60)
        assert page.status_code == 200
        return page.text


@contextmanager
def preferences(staffed: Staffed, **values: object) -> Iterator[None]:
    """Let the owner set preferences in the admin, and set back what they were."""
    address = "/admin/accounts/ownerpreferences/1/change/"
    owner = staffed.person(OWNER)
    page = owner.get(address).text
    before = dict(re.findall(r'<input type="number" name="(\w+)" value="(\d+)"', page))
    assert "photos_per_address" in before
    visitors = {"visitors": "on"} if re.search(r'name="visitors"[^>]* checked', page) else {}

    def save(**wanted: object) -> None:
        given = {name: str(value) for name, value in wanted.items() if value is not False}
        assert owner.post(address, **given).status_code == 302

    save(**{**before, **visitors, **values})
    try:
        # Each process looks again after a second.
        wait_a_second()
        yield
    finally:
        save(**before, **visitors)
        wait_a_second()


def wait_a_second() -> None:
    time.sleep(1.1)
