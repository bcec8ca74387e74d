"""A backup is taken from a service that answers, and restored on any database; what is damaged is refused whole."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import threading
import zipfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import requests

from tests.bundle.small_bundles import write_colour_bundle
from tests.service.databases import mariadb
from tests.service.served import Served, photo, serve

#: What differs from one backup of the same service to the next.
LIST = "backup.json"


@dataclass(frozen=True)
class Place:
    """A folder and a database into which a backup may be restored."""

    folder: Path
    environ: dict[str, str] = field(default_factory=dict)

    def manage(self, *words: str | Path) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "anmok", "manage", "--data", str(self.folder), *map(str, words)]
        environment = {**os.environ, "DATABASE_URL": "", **self.environ}
        return subprocess.run(command, check=False, capture_output=True, text=True, timeout=120, env=environment)

    def backup(self, path: Path) -> dict[str, bytes]:
        done = self.manage("backup", path)
        assert done.returncode == 0, done.stderr
        return entries(path)

    def photos(self) -> set[str]:
        return {path.name for path in self.folder.glob("uploads/*/*")}


def entries(path: Path) -> dict[str, bytes]:
    """Return what a backup holds; rows sorted, since databases do not agree on the order of UUIDs."""
    with zipfile.ZipFile(path) as archive:
        files = {name: archive.read(name) for name in archive.namelist() if name != LIST}
    rows = {name: b"".join(sorted(data.splitlines(True))) for name, data in files.items() if name.startswith("rows/")}
    return {**files, **rows}


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A service with some photos, of which one was given twice, and what its cards tell."""
    folder = tmp_path_factory.mktemp("source")
    with serve(None, folder / "data", DATABASE_URL="") as running:
        for seed in (0, 0, 1, 2):
            given = requests.post(f"{running.address}/api/v1/identify", data=photo("red", seed=seed), timeout=60)
            assert given.status_code == 200
        yield running


@pytest.fixture(scope="module")
def whole(source: Served, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A backup of that service."""
    path = tmp_path_factory.mktemp("backups") / "whole.zip"
    Place(source.folder).backup(path)
    return path


@pytest.fixture
def empty(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    with ExitStack() as stack:
        environ = {}
        if getattr(request, "param", "sqlite") == "mariadb":
            environ["DATABASE_URL"] = stack.enter_context(mariadb(tmp_path))
        yield Place(tmp_path / "restored", environ)


@pytest.mark.parametrize("empty", ["mariadb"], indirect=True)
def test_a_restored_service_is_the_same_on_any_database_and_answers(
    source: Served, whole: Path, empty: Place, tmp_path: Path
) -> None:
    restored = empty.manage("restore", whole)
    assert restored.returncode == 0, restored.stderr
    photos = {name for name in entries(whole) if name.endswith(".jpg") and not name.endswith(".small.jpg")}
    assert f"{len(photos)} photos" in restored.stdout
    assert sum(name.startswith("uploads/") for name in photos) == 3
    assert empty.backup(tmp_path / "again.zip") == entries(whole)
    rows = entries(whole)["rows/uploads.upload.jsonl"].decode().splitlines()
    assert len(rows) == 4
    number = re.search(r'"id": "([0-9a-f-]{36})"', rows[0])
    assert number is not None
    with serve(None, empty.folder, **{"DATABASE_URL": "", **empty.environ}) as running:
        for one in (source, running):
            page = one.visitor().get(f"/r/{number[1]}/photo.jpg")
            assert page.status_code == 200
        new = requests.post(f"{running.address}/api/v1/identify", data=photo("green", seed=9), timeout=60)
        assert new.json()["upload"]
        assert running.visitor().get(f"/r/{new.json()['upload']}/").status_code == 200


def test_the_file_is_its_owners_alone_and_replaces_none(source: Served, whole: Path) -> None:
    assert whole.stat().st_mode & 0o077 == 0
    before = whole.read_bytes()
    done = Place(source.folder).manage("backup", whole)
    assert done.returncode == 2
    assert "is there already" in done.stderr
    assert whole.read_bytes() == before


def test_the_key_goes_along_unless_it_is_left_out(source: Served, whole: Path, empty: Place, tmp_path: Path) -> None:
    key = (source.folder / "secret-key").read_bytes()
    assert entries(whole)["secret-key"] == key
    without = tmp_path / "without.zip"
    assert Place(source.folder).manage("backup", "--without-key", without).returncode == 0
    assert "secret-key" not in entries(without)
    assert empty.manage("restore", without).returncode == 0
    assert (empty.folder / "secret-key").read_bytes() != key
    assert empty.manage("restore", "--replace", whole).returncode == 0
    assert (empty.folder / "secret-key").read_bytes() == key
    assert (empty.folder / "secret-key").stat().st_mode & 0o077 == 0


def test_what_is_there_is_replaced_only_if_that_is_said(whole: Path, empty: Place, tmp_path: Path) -> None:
    assert empty.manage("restore", whole).returncode == 0
    odd = empty.folder / "uploads" / "ab" / f"{'ab' * 32}.jpg"
    odd.parent.mkdir(exist_ok=True)
    odd.write_bytes(b"not in the backup")
    damaged = next(path for path in empty.folder.glob("uploads/*/*") if path != odd)
    damaged.write_bytes(b"damaged")
    assert empty.manage("keeping", "--days", "7").returncode == 0
    refused = empty.manage("restore", whole)
    assert refused.returncode == 2
    assert "--replace" in refused.stderr
    assert "days: 7" in empty.manage("keeping").stdout
    assert empty.manage("restore", "--replace", whole).returncode == 0
    assert empty.backup(tmp_path / "again.zip") == entries(whole)
    assert not odd.exists()


def cut_off(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-200])


def flip_in_a_photo(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[data.index(b"\xff\xd8\xff") + 300] ^= 1
    path.write_bytes(data)


def rewritten(change: Callable[[dict[str, bytes]], None]) -> Callable[[Path], None]:
    """Return what changes a backup so that the zip itself is whole."""

    def rewrite(path: Path) -> None:
        with zipfile.ZipFile(path) as archive:
            files = {name: archive.read(name) for name in archive.namelist()}
        change(files)
        with zipfile.ZipFile(path, "w") as archive:
            for name, data in files.items():
                archive.writestr(name, data)

    return rewrite


def lose_a_photo(files: dict[str, bytes]) -> None:
    del files[next(name for name in files if name.startswith("uploads/"))]


def change_a_row(files: dict[str, bytes]) -> None:
    files["rows/cards.card.jsonl"] = files["rows/cards.card.jsonl"].replace(b"Earth", b"Mars.") + b"{}\n"


def add_a_file(files: dict[str, bytes]) -> None:
    files["../../evil"] = b"outside"


def no_list(files: dict[str, bytes]) -> None:
    files[LIST] = b"[]"


def from_the_future(files: dict[str, bytes]) -> None:
    files[LIST] = files[LIST].replace(b'"cards.0001_initial"', b'"cards.9999_later"')


DAMAGES: dict[str, tuple[Callable[[Path], object], str]] = {
    "cut off": (cut_off, "cut off"),
    "one bit": (flip_in_a_photo, "no whole backup"),
    "no zip": (lambda path: path.write_bytes(b"hello"), "is no backup"),
    "no file": (lambda path: path.unlink(), "No such file"),
    "a photo less": (rewritten(lose_a_photo), "no whole backup"),
    "a row": (rewritten(change_a_row), "no whole backup"),
    "a file more": (rewritten(add_a_file), "no whole backup"),
    "no list": (rewritten(no_list), "no whole backup"),
    "newer": (rewritten(from_the_future), "does not know: cards.9999_later"),
}
#: One process for all of them, which prints what each was told.
RESTORE_ALL = """
import json, sys
from pathlib import Path
from anmok.errors import AnmokError
from anmok.service.serve import DEMO, ServeOptions, set_environment, start_django
folder = Path(sys.argv[1])
set_environment(ServeOptions(bundle=DEMO, folder=folder))
start_django(folder)
from django.db import connection
from anmok.service.backup.restoring import restore
told = {}
for name in sys.argv[2:]:
    try:
        restore(Path(name))
    except AnmokError as error:
        photos = len(list(folder.glob("*/*/*.jpg")))
        told[Path(name).stem] = [error.message, connection.introspection.table_names(), photos]
print(json.dumps(told))
"""


def test_damaged_backups_are_refused_in_words_and_change_nothing(whole: Path, tmp_path: Path) -> None:
    broken = []
    for name, (damage, _words) in DAMAGES.items():
        broken.append(tmp_path / f"{name}.zip")
        broken[-1].write_bytes(whole.read_bytes())
        damage(broken[-1])
    command = [sys.executable, "-c", RESTORE_ALL, str(tmp_path / "restored"), *map(str, broken)]
    environment = {**os.environ, "DATABASE_URL": ""}
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=300, env=environment)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    for name, (_damage, words) in DAMAGES.items():
        message, tables, photos = told[name]
        assert words in message, (name, message)
        assert (tables, photos) == ([], 0), name
    assert not (tmp_path.parent / "evil").exists()


#: Restores, and kills itself when so many rows were written; 0: after the last.
KILLED = """
import os, signal, sys
from pathlib import Path
from anmok.service.serve import DEMO, ServeOptions, set_environment, start_django
folder = Path(sys.argv[1])
set_environment(ServeOptions(bundle=DEMO, folder=folder, database=os.environ["DATABASE_URL"]))
start_django(folder)
from anmok.service.backup import restoring
after, real = int(sys.argv[3]), restoring.replace_rows
def die():
    os.kill(os.getpid(), signal.SIGKILL)
def replaced(reader):
    real(reader, told=lambda rows: rows == after and die())
    die()
restoring.replace_rows = replaced
restoring.restore(Path(sys.argv[2]), replace=True)
"""


@pytest.mark.parametrize(
    ("empty", "after"),
    [("sqlite", 5), ("sqlite", 0), ("mariadb", 5)],
    indirect=["empty"],
    ids=["among the rows", "after the rows", "among the rows of MariaDB"],
)
def test_a_restore_that_is_killed_leaves_what_was_there_or_what_comes(
    whole: Path, empty: Place, tmp_path: Path, after: int
) -> None:
    assert empty.manage("restore", whole).returncode == 0
    assert empty.manage("keeping", "--days", "7").returncode == 0
    environment = {**os.environ, "DATABASE_URL": "", **empty.environ}
    command = [sys.executable, "-c", KILLED, str(empty.folder), str(whole), str(after)]
    killed = subprocess.run(command, check=False, timeout=120, env=environment)
    assert killed.returncode == -9
    left = empty.backup(tmp_path / "left.zip")
    assert (b'"days": 7' in left["rows/uploads.keepingrules.jsonl"]) is bool(after)
    # The rules were changed, and the log says so; all else is the same in what was there and in what comes.
    same = [name for name in entries(whole) if not name.startswith(("rows/uploads.keeping", "rows/accounts.entry"))]
    assert {name: left[name] for name in same} == {name: entries(whole)[name] for name in same}
    assert set(left) == set(entries(whole))
    # And the same command does it.
    assert empty.manage("restore", "--replace", whole).returncode == 0


def test_a_backup_that_is_taken_while_photos_come_and_go_names_no_photo_that_it_has_not(tmp_path: Path) -> None:
    bundle = write_colour_bundle(tmp_path / "colours.anmok")
    ended = threading.Event()
    with serve(bundle, tmp_path / "data", DATABASE_URL="") as running:

        def come_and_go() -> None:
            visitor, seed = running.visitor(), 100
            while not ended.is_set():
                page = visitor.give(("a.jpg", photo("blue", seed=seed)))
                if seed % 2:
                    visitor.post(f"{page.url.removeprefix(running.address)}delete/")
                seed += 1

        coming = [threading.Thread(target=come_and_go) for _number in range(2)]
        for thread in coming:
            thread.start()
        try:
            backup = Place(running.folder).backup(tmp_path / "taken.zip")
        finally:
            ended.set()
            for thread in coming:
                thread.join()
    named = set(re.findall(r'"picture": "([0-9a-f]{64})"', backup["rows/uploads.upload.jsonl"].decode()))
    assert {f"uploads/{picture}.jpg" for picture in named} == {one for one in backup if one.startswith("uploads/")}
    assert len(named) > 1
