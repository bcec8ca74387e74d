"""Nothing is ever half-written: not by a kill, a full disk, a raised error or another process."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import textwrap
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anmok.errors import StorageError
from anmok.storage import atomic_write, read_json, write_bytes, write_json, write_text

json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    # A lone surrogate is no text that UTF-8 could hold.
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), inner),
    max_leaves=10,
)


def start(script: str, *arguments: object) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", textwrap.dedent(script), *map(str, arguments)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_file_is_written_with_the_folders_above_it(tmp_path: Path) -> None:
    target = tmp_path / "runs" / "천지연 폭포" / "a.bin"
    write_bytes(target, b"\0\1")
    assert target.read_bytes() == b"\0\1"
    write_bytes(target, b"new")
    assert target.read_bytes() == b"new"
    assert names(target.parent) == ["a.bin"]


def test_text_is_utf8_with_unix_line_ends(tmp_path: Path) -> None:
    write_text(tmp_path / "a.txt", "줄\n줄\n")
    assert (tmp_path / "a.txt").read_bytes() == "줄\n줄\n".encode()


@pytest.mark.parametrize("name", ["가" * 84, "폭포.parquet", "a" * 250, " .json", "-rf"], ids=range(5))
def test_names_up_to_the_file_systems_limit_work(tmp_path: Path, name: str) -> None:
    write_text(tmp_path / name, "x")
    assert names(tmp_path) == [name]


@given(json_values)
def test_json_comes_back(tmp_path_factory: pytest.TempPathFactory, value: object) -> None:
    path = tmp_path_factory.getbasetemp() / "value.json"
    write_json(path, value)
    assert read_json(path) == value


def test_json_keeps_hangul_readable(tmp_path: Path) -> None:
    write_json(tmp_path / "a.json", {"class": "고양이"})
    assert '"고양이"' in (tmp_path / "a.json").read_text(encoding="utf-8")


@pytest.mark.parametrize("value", [float("nan"), {"a": [float("inf")]}, object()])
def test_what_json_cannot_hold_leaves_the_old_file(tmp_path: Path, value: object) -> None:
    write_json(tmp_path / "a.json", 1)
    with pytest.raises((ValueError, TypeError)):
        write_json(tmp_path / "a.json", value)
    assert read_json(tmp_path / "a.json") == 1
    assert names(tmp_path) == ["a.json"]


@pytest.mark.parametrize("content", ["", "{", '{"a": 1} trailing', "nope"])
def test_a_file_that_is_no_json_is_named(tmp_path: Path, content: str) -> None:
    (tmp_path / "a.json").write_text(content)
    with pytest.raises(StorageError, match=r"a\.json is not readable JSON"):
        read_json(tmp_path / "a.json")


def test_json_that_is_no_utf8_is_named(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_bytes(b'{"a": "\xff"}')
    with pytest.raises(StorageError, match=r"a\.json is not readable JSON"):
        read_json(tmp_path / "a.json")


def test_json_that_is_nested_too_deeply_is_named(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text("[" * 200_000)
    with pytest.raises(StorageError, match=r"a\.json is not readable JSON"):
        read_json(tmp_path / "a.json")


def test_long_names_of_wide_characters_work(tmp_path: Path) -> None:
    write_text(tmp_path / ("😀" * 62), "x")


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match=r"no\.json: No such file"):
        read_json(tmp_path / "no.json")


def test_a_folder_in_the_place_of_a_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "a.json").mkdir()
    with pytest.raises(StorageError, match=r"a\.json"):
        write_json(tmp_path / "a.json", 1)
    with pytest.raises(StorageError, match=r"a\.json: Is a directory"):
        read_json(tmp_path / "a.json")
    assert names(tmp_path) == ["a.json"]


def test_a_file_in_the_place_of_a_folder_is_named(tmp_path: Path) -> None:
    (tmp_path / "runs").write_text("not a folder")
    with pytest.raises(StorageError, match=r"runs"):
        write_json(tmp_path / "runs" / "a.json", 1)
    assert (tmp_path / "runs").read_text() == "not a folder"


@pytest.mark.parametrize("error", [KeyError, KeyboardInterrupt, SystemExit])
def test_an_error_while_writing_leaves_the_old_file_and_nothing_else(
    tmp_path: Path, error: type[BaseException]
) -> None:
    write_bytes(tmp_path / "a", b"old")

    def write_half() -> None:
        with atomic_write(tmp_path / "a") as stream:
            stream.write(b"half")
            raise error

    with pytest.raises(error):
        write_half()
    assert (tmp_path / "a").read_bytes() == b"old"
    assert names(tmp_path) == ["a"]


def test_the_file_appears_only_when_it_is_complete(tmp_path: Path) -> None:
    with atomic_write(tmp_path / "a") as stream:
        stream.write(b"x" * 100_000)
        stream.flush()
        assert not (tmp_path / "a").exists()
    assert (tmp_path / "a").stat().st_size == 100_000


def test_new_files_have_the_permissions_that_the_user_set(tmp_path: Path) -> None:
    for mask, mode in ((0o022, 0o644), (0o077, 0o600), (0o002, 0o664)):
        before = os.umask(mask)
        try:
            write_bytes(tmp_path / "a", b"")
        finally:
            assert os.umask(before) == mask
        assert (tmp_path / "a").stat().st_mode & 0o777 == mode


def test_a_kill_in_the_middle_leaves_the_old_file(tmp_path: Path) -> None:
    write_bytes(tmp_path / "a", b"old")
    script = """
        import sys, time
        from pathlib import Path
        from anmok.storage import atomic_write
        with atomic_write(Path(sys.argv[1])) as stream:
            stream.write(b"new" * 100_000)
            stream.flush()
            print("half", flush=True)
            time.sleep(600)
    """
    with start(script, tmp_path / "a") as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "half\n"
        process.send_signal(signal.SIGKILL)
    assert (tmp_path / "a").read_bytes() == b"old"
    # What the killed one left is hidden and does not disturb the next.
    assert all(name.startswith(".") for name in names(tmp_path) if name != "a")
    write_bytes(tmp_path / "a", b"new")
    assert (tmp_path / "a").read_bytes() == b"new"


def test_kills_at_any_moment_leave_a_complete_file(tmp_path: Path) -> None:
    script = """
        import itertools, sys
        from pathlib import Path
        from anmok.storage import write_json
        print("ready", flush=True)
        for number in itertools.count():
            write_json(Path(sys.argv[1]), [number] * 20_000)
    """
    path = tmp_path / "a.json"
    wait = random.Random(0)
    for _ in range(4):
        with start(script, path) as process:
            assert process.stdout is not None
            process.stdout.readline()
            end = time.monotonic() + 0.05 + wait.random() / 5
            while time.monotonic() < end:
                if path.exists():
                    assert len(set(read_json(path))) == 1
            process.send_signal(signal.SIGKILL)
        if path.exists():
            value = read_json(path)
            assert len(value) == 20_000
            assert len(set(value)) == 1
    assert path.exists()


def test_threads_that_write_one_file_leave_one_of_their_versions(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda number: write_bytes(tmp_path / "a", bytes([number]) * 50_000), range(40)))
    assert len(set((tmp_path / "a").read_bytes())) == 1
    assert (tmp_path / "a").stat().st_size == 50_000
    assert names(tmp_path) == ["a"]


FULL = """
    import sys
    from pathlib import Path
    from anmok.errors import StorageError
    from anmok.storage import write_bytes
    folder = Path(sys.argv[1])
    write_bytes(folder / "a", b"old")
    try:
        write_bytes(folder / "a", b"x" * 1_000_000)
    except StorageError as error:
        print(error.message)
    print((folder / "a").read_bytes().decode(), sorted(path.name for path in folder.iterdir()))
"""


def test_a_full_disk_leaves_the_old_file_and_says_so(tmp_path: Path) -> None:
    """On a file system of 64 KiB that only this test's process sees; where none can be made, with a size limit."""
    script = textwrap.dedent(FULL)
    unshare = shutil.which("unshare")
    mounted = 'mount -t tmpfs -o size=64k tmpfs "$1" && exec "$2" -c "$3" "$1"'
    private = [unshare or "unshare", *(["-r"] if os.geteuid() else []), "-m", "sh", "-c", mounted, "sh"]
    if unshare and subprocess.run([*private, tmp_path, "true", ""], capture_output=True, check=False).returncode == 0:
        command = [*private, str(tmp_path), sys.executable, script]
        message = f"The disk is full: {tmp_path}/a could not be written."
    else:
        limited = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (65536, 65536))\n" + script
        command = [sys.executable, "-c", limited, str(tmp_path)]
        message = f"{tmp_path}/a: File too large."
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120)
    assert done.stdout.splitlines() == [message, "old ['a']"]


def test_a_file_over_the_users_size_limit_leaves_the_old_file(tmp_path: Path) -> None:
    limited = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (65536, 65536))\n" + textwrap.dedent(FULL)
    done = subprocess.run(
        [sys.executable, "-c", limited, str(tmp_path)], capture_output=True, text=True, check=True, timeout=120
    )
    assert done.stdout.splitlines() == [f"{tmp_path}/a: File too large.", "old ['a']"]


def test_without_permission_the_message_says_what_to_do(tmp_path: Path) -> None:
    """Root may write anywhere, so the process gives up its rights once all that it needs is imported."""
    script = """
        import os, sys
        from pathlib import Path
        from anmok.errors import StorageError
        from anmok.i18n import _
        from anmok.storage import write_bytes
        _("the first look into the catalogue imports what it needs")
        folder = Path(sys.argv[1])
        if os.geteuid() == 0:
            os.setegid(65534)
            os.seteuid(65534)
        try:
            write_bytes(folder / "a", b"new")
        except StorageError as error:
            print(error.message, error.hint, sep="\\n")
    """
    folder = tmp_path / "locked"
    folder.mkdir()
    write_bytes(folder / "a", b"old")
    folder.chmod(0o555)
    with start(script, folder) as process:
        output, _ = process.communicate(timeout=120)
    folder.chmod(0o755)
    message, hint = output.splitlines()
    assert message.startswith("No permission for ")
    assert hint.startswith("Choose a folder that you may write to")
    assert (folder / "a").read_bytes() == b"old"
    assert names(folder) == ["a"]


def test_json_reads_back_what_the_standard_library_wrote(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text(json.dumps({"가": [1, None]}), encoding="utf-8")
    assert read_json(tmp_path / "a.json") == {"가": [1, None]}
