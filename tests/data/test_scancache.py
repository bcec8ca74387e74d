"""Whatever happens to the cache file, a scan goes on with the same results."""

import contextlib
import errno
import os
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anmok.data.scan import scan
from anmok.data.scancache import Facts, ScanCache, _packed, _unpacked
from anmok.locations import cache_dir
from tests.data.made import digest, pictures_of, write_tree
from tests.data.test_scan import Counting

ROOT = Path(__file__).parents[2]


THUMB = bytes(range(256)) * 12


def facts(number: int) -> Facts:
    names = ("brightness", "contrast", "mean_r", "mean_g", "mean_b", "saturation", "sharpness", "entropy")
    values = dict.fromkeys(names, number / 3)
    return Facts(
        id=digest(number), width=number + 1, height=2, mode="RGB", format="PNG", bytes=3, phash="0" * 16, **values
    )


def cache_file() -> Path:
    return cache_dir() / "pictures.sqlite"


def put(cache: ScanCache, numbers: range) -> None:
    for begin in range(numbers.start, numbers.stop, 32):
        cache.put([(facts(number), THUMB) for number in range(begin, min(begin + 32, numbers.stop))])


def filled(count: int) -> None:
    with ScanCache.open(Counting()) as cache:
        put(cache, range(count))


def known(count: int) -> int:
    with ScanCache.open(Counting()) as cache:
        found = cache.get(digest(number) for number in range(count))
    wanted = {digest(number): facts(number) for number in range(count)}
    assert all(entry == wanted[name] for name, entry in found.items())
    return len(found)


def test_what_was_put_is_found_at_once_and_later() -> None:
    with ScanCache.open(Counting()) as cache:
        assert cache.get([digest(1)]) == {}
        cache.put([(facts(1), THUMB)], {"stamp": facts(1)})
        assert cache.get([digest(1), digest(2)]) == {digest(1): facts(1)}
        assert cache.get_stamped(["stamp", "other"]) == {"stamp": facts(1)}
        assert dict(cache.get_thumbs([digest(1), digest(2)])) == {digest(1): THUMB}
    filled(1200)
    assert known(1200) == 1200


@given(
    mode=st.text(st.characters(codec="utf-8"), max_size=40),
    kind=st.text(st.characters(codec="utf-8"), max_size=40),
    size=st.integers(0, 2**63),
    value=st.floats(allow_nan=False),
)
def test_any_facts_come_back_as_they_were(mode: str, kind: str, size: int, value: float) -> None:
    wanted = facts(5)._replace(mode=mode, format=kind, bytes=size, entropy=value)
    assert _unpacked(wanted.id, _packed(wanted)) == wanted


def test_another_scan_version_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    filled(3)
    monkeypatch.setattr("anmok.data.scancache.SCAN_VERSION", 99)
    assert known(3) == 0


@pytest.mark.parametrize("place", [0, 50, 0.4, 0.9], ids=["magic", "header", "page", "end"])
def test_a_damaged_file_is_set_aside_and_begun_anew(place: float) -> None:
    filled(2000)
    with sqlite3.connect(cache_file()) as database:
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    database.close()
    data = bytearray(cache_file().read_bytes())
    at = int(place if place > 1 or place == 0 else place * len(data))
    data[at : at + 9000] = b"\xa5" * len(data[at : at + 9000])
    cache_file().write_bytes(data)
    progress = Counting()
    # What the damaged file lost is put in by the first scan, or by the one after it.
    for _scan in range(2):
        with ScanCache.open(progress) as cache:
            for number in range(2000):
                assert cache.get([digest(number)]).get(digest(number)) in (None, facts(number))
            put(cache, range(2000))
    assert known(2000) == 2000
    if place == 0:
        assert Path(f"{cache_file()}.damaged").exists()


def test_a_changed_value_in_the_file_is_not_believed() -> None:
    filled(2)
    with sqlite3.connect(cache_file()) as database:
        database.execute("UPDATE entries SET value = CAST(replace(CAST(value AS TEXT), 'RGB', 'XXX') AS BLOB)")
    database.close()
    assert known(2) == 0


def test_a_full_disk_turns_the_cache_off_after_one_line(tmp_path: Path) -> None:
    write_tree(tmp_path, pictures_of({"a": 10, "b": 10}))
    wanted = scan(tmp_path).table
    cache_file().unlink()
    progress = Counting()
    with ScanCache.open(progress) as cache:
        assert cache._cache._connection is not None
        cache._cache._connection.execute("PRAGMA max_page_count = 3")
        put(cache, range(2000))
        assert digest(1999) not in cache.get([digest(1999)])
    assert len(progress.said) == 1
    assert "full" in progress.said[0]
    assert scan(tmp_path).table.equals(wanted)


def test_a_disk_that_is_too_full_for_thumbnails_turns_the_cache_off_after_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_tree(tmp_path, pictures_of({"a": 70, "b": 70}))
    filled(1)

    def no_space(path: Path, data: bytes) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))

    with monkeypatch.context() as full:
        full.setattr(Path, "write_bytes", no_space)
        progress = Counting()
        wanted = scan(tmp_path, progress=progress).table
    assert len(progress.said) == 1
    assert "the disk is full" in progress.said[0]
    # No row was written without its thumbnail.
    assert known(1) == 1
    assert finished() == 0
    assert scan(tmp_path).table.equals(wanted)


@pytest.mark.parametrize("damage", ["cut", "changed", "empty", "folder"])
def test_a_damaged_file_of_thumbnails_counts_for_nothing(damage: str) -> None:
    filled(40)
    one, other = sorted(cache_file().with_suffix(".thumbs").rglob("*.bin"))
    data = one.read_bytes()
    if damage == "folder":
        one.unlink()
        one.mkdir()
    else:
        changed = {"cut": data[:-1], "changed": data[:5000] + b"\0" + data[5001:], "empty": b""}
        one.write_bytes(changed[damage])
    numbers = [digest(number) for number in range(40)]
    with ScanCache.open(Counting()) as cache:
        found = dict(cache.get_thumbs(numbers))
        assert set(found.values()) == {THUMB}
        assert len(found) == (other.stat().st_size - 4) // len(THUMB) in (8, 32)
        assert len(cache.get(numbers)) == 40
        put(cache, range(40))
        assert len(dict(cache.get_thumbs(numbers))) == 40


def test_a_folder_that_may_not_be_written_turns_the_cache_off(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_tree(tmp_path / "set", pictures_of({"a": 2, "b": 2}))
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("ANMOK_CACHE", str(tmp_path / "file" / "cache"))
    progress = Counting()
    assert len(scan(tmp_path / "set", progress=progress)) == 4
    assert len(progress.said) == 1
    assert "The work goes on" in progress.said[0]


def run_writer(code: str) -> "subprocess.Popen[str]":
    return subprocess.Popen([sys.executable, "-c", code], cwd=ROOT, stdout=subprocess.PIPE, text=True)


WRITER = """
from anmok.data.scancache import ScanCache
from tests.data.test_scan import Counting
from tests.data.test_scancache import facts, put
progress = Counting()
print("begin", flush=True)
with ScanCache.open(progress) as cache:
    put(cache, range({begin}, {end}))
print(progress.said)
"""


def test_processes_that_write_at_the_same_time_lose_nothing() -> None:
    processes = [run_writer(WRITER.format(begin=begin, end=begin + 3000)) for begin in (0, 1500, 3000)]
    said = [process.communicate()[0].splitlines()[-1] for process in processes]
    assert said == ["[]"] * 3
    assert known(6000) == 6000


def test_a_writer_that_is_killed_leaves_a_sound_file() -> None:
    for wait in (0.05, 0.3):
        process = run_writer(WRITER.format(begin=0, end=200_000))
        assert process.stdout is not None
        process.stdout.readline()
        time.sleep(wait)
        os.kill(process.pid, signal.SIGKILL)
        process.communicate()
        progress = Counting()
        with ScanCache.open(progress) as cache:
            cache.get([digest(0)])
        assert progress.said == []
    database = sqlite3.connect(cache_file())
    assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    database.close()
    assert known(32) == 32


def test_an_interrupted_scan_keeps_what_it_measured(tmp_path: Path) -> None:
    write_tree(tmp_path, pictures_of({"a": 300, "b": 300}))

    class Interrupting(Counting):
        def advance(self, steps: int = 1, /) -> None:
            super().advance(steps)
            if self.done >= 200:
                raise KeyboardInterrupt

    progress = Interrupting()
    with pytest.raises(KeyboardInterrupt):
        scan(tmp_path, progress=progress, threads=2)
    with sqlite3.connect(cache_file()) as database:
        assert progress.done <= database.execute("SELECT count(*) FROM entries").fetchone()[0] < 600
    database.close()


SCAN = """
import os, sys, time
log = os.open({log!r}, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
def hook(event, values):
    if event == "open" and str(values[0]).endswith(".png"):
        os.write(log, (str(values[0]) + "\\n").encode())
        time.sleep({slow})
sys.addaudithook(hook)
from pathlib import Path
from anmok.data import measuring, source
from anmok.data.scan import scan
source.SETTLED_NS, measuring.HANDFUL = 50_000_000, 4
if __name__ == "__main__":
    print(len(scan(Path({folder!r}), threads=2)))
"""


def scanning(folder: Path, log: Path, slow: float = 0.0) -> "subprocess.Popen[str]":
    return run_writer(SCAN.format(folder=str(folder), log=str(log), slow=slow))


def opened(log: Path) -> list[str]:
    return log.read_text().splitlines()


def finished() -> int:
    with contextlib.suppress(sqlite3.OperationalError), contextlib.closing(sqlite3.connect(cache_file())) as database:
        # Each picture has two rows.
        return int(database.execute("SELECT count(*) FROM entries").fetchone()[0]) // 2
    return 0  # not even made


def test_a_scan_that_was_killed_goes_on_and_opens_nothing_twice_that_was_finished(tmp_path: Path) -> None:
    folder = write_tree(tmp_path / "set", pictures_of({"a": 60, "b": 60}))
    time.sleep(0.1)
    process = scanning(folder, tmp_path / "first", slow=0.02)
    deadline = time.monotonic() + 60
    while finished() < 30 and time.monotonic() < deadline:
        time.sleep(0.02)
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()
    before, done = opened(tmp_path / "first"), finished()
    assert 30 <= done <= len(before) < 120
    assert scanning(folder, tmp_path / "second").communicate()[0] == "120\n"
    after = opened(tmp_path / "second")
    assert len(after) == 120 - done
    # Only what was on its way: a handful for each of the two threads.
    assert len(set(before) & set(after)) == len(before) - done <= 2 * 4
    assert scanning(folder, tmp_path / "third").communicate()[0] == "120\n"
    assert opened(tmp_path / "third") == []


def test_two_scans_at_once_do_not_disturb_each_other(tmp_path: Path) -> None:
    folder = write_tree(tmp_path / "set", pictures_of({"a": 40, "b": 40}))
    time.sleep(0.1)
    processes = [scanning(folder, tmp_path / name, slow=0.002) for name in ("one", "other")]
    assert [process.communicate()[0] for process in processes] == ["80\n", "80\n"]
    assert scanning(folder, tmp_path / "last").communicate()[0] == "80\n"
    assert opened(tmp_path / "last") == []
