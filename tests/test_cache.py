"""The byte cache survives kills, damage, other processes and full disks, and never returns anything wrong."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import textwrap
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from anmok.cache import ByteCache


def in_process(code: str, *arguments: object) -> subprocess.Popen[str]:
    """Start Python in a process of its own."""
    command = [sys.executable, "-c", textwrap.dedent(code), *map(str, arguments)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "folder" / "cache.sqlite"


def filled(path: Path, count: int = 100) -> dict[str, bytes]:
    values = {f"{number:064x}": os.urandom(5120) for number in range(count)}
    with ByteCache(path) as cache:
        cache.put("space", values)
    return values


def no_warning(text: str) -> None:
    pytest.fail(f"the cache complained: {text}")


def test_what_was_put_is_there_in_the_next_process(path: Path) -> None:
    values = filled(path)
    with ByteCache(path, warn=no_warning) as cache:
        assert cache.get("space", values) == values


def test_spaces_are_apart_and_unknown_keys_are_left_out(path: Path) -> None:
    with ByteCache(path) as cache:
        cache.put("a", {"k": b"1"})
        cache.put("b", {"k": b"2"})
        assert cache.get("a", ["k", "other"]) == {"k": b"1"}
        assert cache.get("b", ["k", "k"]) == {"k": b"2"}
        assert cache.get("c", ["k"]) == {}


def test_putting_again_replaces(path: Path) -> None:
    with ByteCache(path) as cache:
        cache.put("a", {"k": b"1"})
        cache.put("a", {"k": b"2"})
        assert cache.get("a", ["k"]) == {"k": b"2"}


@settings(max_examples=25)
@given(values=st.dictionaries(st.text(), st.binary(max_size=64)))
def test_any_key_and_any_bytes_come_back(tmp_path_factory: pytest.TempPathFactory, values: dict[str, bytes]) -> None:
    with ByteCache(tmp_path_factory.mktemp("any") / "c.sqlite", warn=no_warning) as cache:
        cache.put("space", values)
        assert cache.get("space", values) == values


def test_more_keys_than_one_query_takes(path: Path) -> None:
    values = {str(number): b"x" for number in range(40_000)}
    with ByteCache(path, warn=no_warning) as cache:
        cache.put("space", values)
        assert cache.get("space", values) == values


def test_threads_may_share_one_cache(path: Path) -> None:
    with ByteCache(path, warn=no_warning) as cache, ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda number: cache.put("s", {str(number): bytes([number])}), range(100)))
        assert cache.get("s", map(str, range(100))) == {str(number): bytes([number]) for number in range(100)}


def test_a_kill_loses_nothing_that_was_put_and_leaves_a_sound_file(path: Path) -> None:
    writer = in_process(
        """
        import sys, hashlib
        from pathlib import Path
        from anmok.cache import ByteCache
        cache = ByteCache(Path(sys.argv[1]))
        for number in range(10**9):
            cache.put("s", {str(number): hashlib.sha256(str(number).encode()).digest() * 200})
            print(number, flush=True)
        """,
        path,
    )
    assert writer.stdout is not None
    for _line in range(30):
        writer.stdout.readline()
    writer.send_signal(signal.SIGKILL)
    told = writer.communicate()[0].split()
    last = int(told[-1]) if told else 29
    with ByteCache(path, warn=no_warning) as cache:
        assert set(cache.get("s", map(str, range(last + 1)))) == set(map(str, range(last + 1)))
    assert sqlite3.connect(path).execute("PRAGMA integrity_check").fetchone() == ("ok",)
    assert not path.with_name("cache.sqlite.damaged").exists()


def test_two_processes_write_at_once_and_lose_nothing(path: Path) -> None:
    code = """
        import sys
        from pathlib import Path
        from anmok.cache import ByteCache
        warned = []
        with ByteCache(Path(sys.argv[1]), warn=warned.append) as cache:
            for number in range(200):
                cache.put("s", {f"{sys.argv[2]}-{number}": sys.argv[2].encode() * 3000})
        sys.exit("; ".join(warned) or 0)
        """
    writers = [in_process(code, path, name) for name in "ab"]
    messages = [writer.communicate(timeout=120) for writer in writers]
    assert [writer.returncode for writer in writers] == [0, 0], messages
    with ByteCache(path) as cache:
        for name in "ab":
            found = cache.get("s", [f"{name}-{number}" for number in range(200)])
            assert len(found) == 200
            assert set(found.values()) == {name.encode() * 3000}


@pytest.mark.parametrize("damage", [b"no database", b"SQLite format 3\0" + b"\xff" * 5000, b"\0" * 70_000], ids=repr)
def test_a_damaged_file_is_set_aside_and_begun_anew(
    path: Path, damage: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    path.parent.mkdir()
    path.write_bytes(damage)
    with ByteCache(path, warn=no_warning) as cache:
        cache.put("s", {"k": b"v"})
        assert cache.get("s", ["k"]) == {"k": b"v"}
    assert path.with_name("cache.sqlite.damaged").read_bytes() == damage
    assert "damaged" in caplog.text


def test_damage_in_the_middle_gives_nothing_wrong_and_the_cache_works_on(path: Path) -> None:
    values = filled(path)
    data = bytearray(path.read_bytes())
    for position in range(20_000, len(data), 7_001):
        data[position] ^= 0xFF
    path.write_bytes(data)
    with ByteCache(path, warn=no_warning) as cache:
        found = cache.get("space", values)
        assert all(values[key] == value for key, value in found.items())
        cache.put("space", values)
        found = cache.get("space", values)
        assert len(found) > len(values) / 2
        assert all(values[key] == value for key, value in found.items())


def test_a_flipped_bit_inside_a_value_is_noticed(path: Path) -> None:
    filled(path, count=1)
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE entries SET value = zeroblob(length(value))")
    connection.close()
    with ByteCache(path, warn=no_warning) as cache:
        assert cache.get("space", [f"{0:064x}"]) == {}


def test_a_file_of_another_version_is_begun_anew(path: Path) -> None:
    filled(path, count=1)
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA user_version = 99")
    connection.close()
    with ByteCache(path, warn=no_warning) as cache:
        assert cache.get("space", [f"{0:064x}"]) == {}
        cache.put("space", {"k": b"v"})
        assert cache.get("space", ["k"]) == {"k": b"v"}


def test_a_process_whose_file_was_set_aside_by_another_goes_on_with_the_new_one(path: Path) -> None:
    filled(path, count=1)
    with ByteCache(path, warn=no_warning) as cache:
        path.replace(path.with_name("elsewhere"))
        cache.put("space", {"k": b"v"})
        assert cache.get("space", ["k"]) == {"k": b"v"}
    with ByteCache(path, warn=no_warning) as cache:
        assert cache.get("space", ["k"]) == {"k": b"v"}


def test_a_full_disk_is_told_once_and_the_work_goes_on(path: Path) -> None:
    # A limit on file sizes makes writes fail for real; the file that is there can still be read.
    done = in_process(
        """
        import os, resource, sys
        from pathlib import Path
        from anmok.cache import ByteCache
        warned = []
        with ByteCache(Path(sys.argv[1]), warn=warned.append) as cache:
            cache.put("s", {"before": b"x"})
            resource.setrlimit(resource.RLIMIT_FSIZE, (400_000, 400_000))
            for number in range(100):
                cache.put("s", {str(number): os.urandom(9000)})
            assert cache.get("s", ["before"]) == {"before": b"x"}, "cannot read any more"
        assert len(warned) == 1 and "goes on" in warned[0], warned
        """,
        path,
    )
    output, errors = done.communicate(timeout=60)
    assert done.returncode == 0, output + errors
    with ByteCache(path, warn=no_warning) as cache:
        assert cache.get("s", ["before", "0"]).keys() == {"before", "0"}


def test_a_database_that_may_grow_no_more_is_called_a_full_disk(path: Path) -> None:
    warned: list[str] = []
    with ByteCache(path, warn=warned.append) as cache:
        cache.put("s", {"before": b"x"})
        assert cache._connection is not None
        cache._connection.execute("PRAGMA max_page_count = 5")
        cache.put("s", {"after": b"y" * 200_000})
        cache.put("s", {"later": b"y" * 200_000})
        assert cache.get("s", ["before"]) == {"before": b"x"}
    assert len(warned) == 1
    assert "the disk is full" in warned[0]


@pytest.mark.skipif(os.name == "nt", reason="folders have other permissions there")
def test_a_place_that_cannot_be_a_file_is_told_once_and_the_work_goes_on(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    warned: list[str] = []
    with ByteCache(tmp_path / "file" / "cache.sqlite", warn=warned.append) as cache:
        cache.put("s", {"k": b"v"})
        assert cache.get("s", ["k"]) == {}
        assert not cache.is_used
    assert len(warned) == 1


def test_a_dead_lock_of_a_killed_process_does_not_stop_others(path: Path) -> None:
    path.parent.mkdir()
    path.write_bytes(b"no database")
    lock = path.with_name("cache.sqlite.lock")
    lock.touch()
    long_ago = time.time() - 1000
    os.utime(lock, (long_ago, long_ago))
    with ByteCache(path, warn=no_warning) as cache:
        cache.put("s", {"k": b"v"})
        assert cache.get("s", ["k"]) == {"k": b"v"}
    assert not lock.exists()
