"""Two commands in one folder for results: the second is told who the first is, and nothing is mixed or lost."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from anmok.cli import main
from anmok.errors import StorageError
from anmok.pipeline.alone import LOCK, alone_in

HOLDS = """
import sys, time
from pathlib import Path
from anmok.pipeline.alone import alone_in
with alone_in(Path(sys.argv[1]), "anmok compare photos --out mine"):
    print("held", flush=True)
    time.sleep(60)
"""


@pytest.fixture
def other(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """Another process that works in ``tmp_path / "mine"``."""
    words = [sys.executable, "-c", HOLDS, str(tmp_path / "mine")]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        yield process
        process.kill()


@pytest.mark.parametrize("command", [("compare", "digits"), ("train", "digits", "--model", "handcrafted"), ("tune",)])
def test_a_second_command_in_a_folder_is_told_who_works_there(
    other: subprocess.Popen[str], tmp_path: Path, capsys: pytest.CaptureFixture[str], command: tuple[str, ...]
) -> None:
    words = ("tune", "digits", "--recipe", "cnn-small") if command == ("tune",) else command
    with pytest.raises(SystemExit, match="1"):
        main([*words, "--out", str(tmp_path / "mine")])
    said = " ".join(capsys.readouterr().err.split())
    assert "anmok compare photos --out mine" in said
    assert f"process {other.pid}" in said
    assert "name another folder with --out" in said
    assert [path.name for path in (tmp_path / "mine").iterdir()] == [LOCK]


def test_a_killed_process_holds_nothing(other: subprocess.Popen[str], tmp_path: Path) -> None:
    os.kill(other.pid, signal.SIGKILL)
    other.wait()
    assert (tmp_path / "mine" / LOCK).exists()
    with alone_in(tmp_path / "mine"):
        pass
    assert not (tmp_path / "mine").exists()


def test_a_folder_that_a_killed_process_left_empty_may_be_used(
    other: subprocess.Popen[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    os.kill(other.pid, signal.SIGKILL)
    other.wait()
    with pytest.raises(SystemExit):
        main(["compare", str(tmp_path / "nowhere"), "--out", str(tmp_path / "mine")])
    said = capsys.readouterr().err
    assert "something else" not in said
    assert "nowhere" in said.replace("\n", "")  # the folder was taken, and then the pictures were looked for


def test_of_many_that_come_and_go_never_two_are_inside(tmp_path: Path) -> None:
    inside, most, times = 0, 0, 0
    refused: list[str] = []
    ends = time.monotonic() + 60

    def come_and_go() -> None:
        nonlocal inside, most, times
        while times < 2000 and time.monotonic() < ends:
            try:
                with alone_in(tmp_path / "mine"):
                    inside += 1
                    most = max(most, inside)
                    times += 1
                    time.sleep(0)
                    inside -= 1
            except StorageError as error:
                refused.append(error.message)

    threads = [threading.Thread(target=come_and_go) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert times >= 100
    assert most == 1
    assert {text.split(" the folder")[0] for text in refused} <= {"Another command works in"}


def test_what_lies_in_the_folder_stays_and_the_lock_goes(tmp_path: Path) -> None:
    with alone_in(tmp_path):
        (tmp_path / "result").write_text("done")
    assert [path.name for path in tmp_path.iterdir()] == ["result"]
