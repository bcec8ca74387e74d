"""The log of what was done: who did what to what and when, written once, read in the admin, removed when it is old."""

from __future__ import annotations

import re

import pytest

from tests.service.served import photo
from tests.service.staffed import ADMIN, CURATOR, LABELLER, OWNER, Staffed, preferences
from tests.service.test_tokens import make

#: The newest entries, each as its values.
NEWEST = """
from anmok.service.accounts.models import Entry
names = ("actor", "via", "address", "action", "kind", "title", "changes")
answer = [[row[name] for name in names] for row in Entry.objects.values(*names)[:{count}]]
"""


def newest(staffed: Staffed, count: int) -> list[list[object]]:
    return list(staffed.shell(NEWEST.format(count=count)))


def test_what_staff_does_to_a_card_is_told_with_before_and_after(staffed: Staffed) -> None:
    cora = staffed.person(CURATOR)
    page = cora.get("/admin/cards/card/")
    address = re.search(r"/admin/cards/card/(\d+)/change/", page.text)
    assert address is not None
    code = """
from anmok.service.accounts.acting import Acting
from anmok.service.cards.models import Card
card = Card.objects.create(number=77, label="seventy seven", name_en="Before")
card = Card.objects.get(number=77)
card.name_en = "After"
card.save()
card.save()
card.delete()
"""
    staffed.shell(code)
    told = newest(staffed, 3)
    assert [entry[3] for entry in told] == ["deleted", "changed", "created"]
    assert all(str(entry[0]).startswith("command line (") and entry[1] == "command" for entry in told)
    assert [entry[4] for entry in told] == ["card"] * 3
    assert told[1][6] == {"name_en": ["Before", "After"]}
    # And the same from the admin, under the name of who did it.
    form = cora.get(address[0]).text
    values = dict(re.findall(r'<input type="(?:text|number|url|hidden)" name="([\w-]+)" value="([^"]*)"', form))
    values.pop("csrfmiddlewaretoken")
    values.update(re.findall(r'<textarea name="(\w+)"[^>]*>\s*(.*?)</textarea>', form, re.DOTALL))
    values.update(re.findall(r'<select name="([\w-]+)".*?<option value="(\w+)" selected', form, re.DOTALL))
    done = cora.post(address[0], **{**values, "name_ko": "새 이름"})
    assert done.status_code == 302, re.findall(r"errorlist.*", done.text)
    entry = newest(staffed, 1)[0]
    assert entry[:5] == [CURATOR, "admin", cora.came_from, "changed", "card"]
    assert entry[6]["name_ko"][1] == "새 이름"  # type: ignore[index]
    assert CURATOR in staffed.log(q=CURATOR)


def test_a_photo_that_its_giver_or_staff_deletes_is_told(staffed: Staffed) -> None:
    visitor = staffed.stranger()
    ours, other = (
        visitor.give(("a.jpg", photo("red", seed=seed))).url.removeprefix(staffed.address) for seed in (300, 301)
    )
    assert visitor.post(f"{ours}delete/").status_code == 200
    entry = newest(staffed, 1)[0]
    number = ours.removeprefix("/r/").rstrip("/")
    assert entry[:6] == ["visitor", "page", visitor.came_from, "deleted", "upload", number]
    assert staffed.person(ADMIN).post(f"{other}delete/").status_code == 200
    assert newest(staffed, 1)[0][:2] == [ADMIN, "page"]


def test_tokens_accounts_and_settings_are_told_without_their_secrets(staffed: Staffed) -> None:
    staffed.person(OWNER)
    make(staffed, "read", account=CURATOR)
    with preferences(staffed, photos_per_address=77):
        told = newest(staffed, 2)
    assert told[0][0] == OWNER
    assert told[0][3:5] == ["changed", "settings"]
    assert told[0][6] == {"photos_per_address": [120, 77]}
    assert told[1][3:5] == ["created", "token"]
    staffed.shell(
        "from django.contrib.auth.models import Group, User\n"
        "user = User.objects.create(username='told')\n"
        "user.groups.add(Group.objects.get(name='labeller'))\n"
        "user.set_password('another long word')\n"
        "user.save()\n"
    )
    account = newest(staffed, 4)
    assert [entry[3] for entry in account] == ["changed", "changed", "changed", "created"]
    assert account[0][6] == {"password": []}
    assert {"is_staff": [False, True]} in [entry[6] for entry in account]
    assert {"granted": [None, "labeller"]} in [entry[6] for entry in account]


def test_logins_are_told_and_names_that_no_account_has_are_not(staffed: Staffed) -> None:
    stranger = staffed.stranger()
    assert stranger.log_in(LABELLER, "wrong").status_code == 200
    assert stranger.log_in("my secret password", "x").status_code == 200
    assert stranger.log_in(LABELLER).status_code == 302
    assert stranger.post("/logout/").status_code == 302
    told = newest(staffed, 4)
    assert [(entry[3], entry[5]) for entry in told] == [
        ("logged out", LABELLER),
        ("logged in", LABELLER),
        ("login failed", "visitor"),
        ("login failed", LABELLER),
    ]
    assert all(entry[2] == stranger.came_from for entry in told)
    assert "my secret password" not in staffed.log()


@pytest.mark.parametrize("way", ["add/", "{number}/change/", "{number}/delete/", ""])
def test_nobody_writes_the_log_in_the_admin_the_owner_neither(staffed: Staffed, way: str) -> None:
    owner = staffed.person(OWNER)
    owner.get("/admin/")
    number = re.search(r"/admin/accounts/entry/(\d+)/change/", staffed.log())
    assert number is not None
    given = {"action": "delete_selected", "_selected_action": number[1], "actor": "mallory", "post": "yes"}
    answer = owner.post(f"/admin/accounts/entry/{way.format(number=number[1])}", **given)
    assert answer.status_code in (200, 302, 403)
    assert (answer.status_code == 403) == bool(way)
    assert f"/admin/accounts/entry/{number[1]}/change/" in staffed.log()


def test_entries_cannot_be_changed_or_deleted_by_the_program_either(staffed: Staffed) -> None:
    code = """
from anmok.service.accounts.log import note
from anmok.service.accounts.models import Entry
note("changed", "card", title="fixed")
entry = Entry.objects.first()
answer = []
for way in (lambda: setattr(entry, "title", "x") or entry.save(), entry.delete, lambda: Entry.objects.update(title="x"),
            lambda: Entry.objects.filter(pk=entry.pk).delete(), lambda: Entry.objects.bulk_update([entry], ["title"])):
    try:
        way()
    except TypeError as error:
        answer.append(str(error)[:18])
answer.append(Entry.objects.first().title)
"""
    assert staffed.shell(code) == [*["entries of the log"] * 5, "fixed"]


def test_old_entries_are_pruned_and_that_is_told(staffed: Staffed) -> None:
    staffed.shell("""
from datetime import timedelta
from django.utils import timezone
from anmok.service.accounts.models import Entry
now = timezone.now()
for days in (364, 366, 500):
    Entry(actor="pruned test", via="command", action="changed", kind="card", title=str(days),
          created=now - timedelta(days=days)).save()
""")
    done = staffed.manage("prune")
    assert "log entries 2" in done.stdout, done.stdout + done.stderr
    left = staffed.shell(
        "from anmok.service.accounts.models import Entry\n"
        "answer = list(Entry.objects.filter(actor='pruned test').values_list('title', flat=True))"
    )
    assert left == ["364"]
    assert newest(staffed, 1)[0][3:6] == ["pruned", "log", "2"]
