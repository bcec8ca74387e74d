"""Whatever happens to the cache file, a scan goes on with the same results."""

import os
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest

from anmok.data.scan import scan
from anmok.data.scancache import Facts, ScanCache
from anmok.locations import cache_dir
from tests.data.made import digest, pictures_of, write_tree
from tests.data.test_scan import Counting

ROOT = Path(__file__).parents[2]


def facts(number: int) -> Facts:
    names = ("brightness", "contrast", "mean_r", "mean_g", "mean_b", "saturation", "sharpness", "entropy")
    values = dict.fromkeys(names, number / 3)
    return Facts(id=digest(number), width=number + 1, height=2, mode="RGB", format="PNG", bytes=3, phash="0", **values)


def cache_file() -> Path:
    return cache_dir() / "scan.sqlite"


def filled(count: int) -> None:
    with ScanCache.open(Counting()) as cache:
        for number in range(count):
            cache.put(facts(number))


def known(count: int) -> int:
    with ScanCache.open(Counting()) as cache:
        found = [cache.get(digest(number)) for number in range(count)]
    assert all(entry is None or entry == facts(number) for number, entry in enumerate(found))
    return sum(entry is not None for entry in found)


def test_what_was_put_is_found_at_once_and_later() -> None:
    with ScanCache.open(Counting()) as cache:
        assert cache.get(digest(1)) is None
        cache.put(facts(1))
        assert cache.get(digest(1)) == facts(1)
    filled(1200)
    assert known(1200) == 1200


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
                assert cache.get(digest(number)) in (None, facts(number))
                cache.put(facts(number))
    assert known(2000) == 2000
    assert len(progress.said) <= 1
    if place == 0:
        assert "is damaged" in progress.said[0]
        assert cache_file().with_suffix(".damaged").exists()


def test_a_changed_value_in_the_file_is_not_believed() -> None:
    filled(2)
    with sqlite3.connect(cache_file()) as database:
        database.execute("UPDATE pictures SET facts = CAST(replace(CAST(facts AS TEXT), 'RGB', 'XXX') AS BLOB)")
    database.close()
    assert known(2) == 0


def test_a_full_disk_turns_the_cache_off_after_one_line(tmp_path: Path) -> None:
    write_tree(tmp_path, pictures_of({"a": 10, "b": 10}))
    wanted = scan(tmp_path).table
    cache_file().unlink()
    progress = Counting()
    with ScanCache.open(progress) as cache:
        assert cache._database is not None
        cache._database.execute("PRAGMA max_page_count = 2")
        for number in range(2000):
            cache.put(facts(number))
        assert cache.get(digest(1999)) is None
    assert len(progress.said) == 1
    assert "full" in progress.said[0]
    assert scan(tmp_path).table.equals(wanted)


def test_a_folder_that_may_not_be_written_turns_the_cache_off(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_tree(tmp_path / "set", pictures_of({"a": 2, "b": 2}))
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("ANMOK_CACHE", str(tmp_path / "file" / "cache"))
    progress = Counting()
    assert len(scan(tmp_path / "set", progress=progress)) == 4
    assert len(progress.said) == 1
    assert "the scan goes on without it" in progress.said[0]


def run_writer(code: str) -> "subprocess.Popen[str]":
    return subprocess.Popen([sys.executable, "-c", code], cwd=ROOT, stdout=subprocess.PIPE, text=True)


WRITER = """
from anmok.data.scancache import ScanCache
from tests.data.test_scan import Counting
from tests.data.test_scancache import facts
progress = Counting()
print("begin", flush=True)
with ScanCache.open(progress) as cache:
    for number in range({begin}, {end}):
        cache.put(facts(number))
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
            cache.get(digest(0))
        assert progress.said == []
    database = sqlite3.connect(cache_file())
    assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    database.close()
    assert known(500) in (0, 500)


def test_an_interrupted_scan_keeps_what_it_measured(tmp_path: Path) -> None:
    write_tree(tmp_path, pictures_of({"a": 30, "b": 30}))

    class Interrupting(Counting):
        def advance(self, steps: int = 1, /) -> None:
            super().advance(steps)
            if self.done == 20:
                raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        scan(tmp_path, progress=Interrupting(), threads=2)
    with ScanCache.open(Counting()) as cache:
        assert cache._database is not None
        assert cache._database.execute("SELECT count(*) FROM pictures").fetchone()[0] >= 20
