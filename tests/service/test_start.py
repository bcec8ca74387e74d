"""How the service starts."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest

from anmok.service import serve
from tests.bundle.small_bundles import write_colour_bundle

PREPARE = """
import sys
from pathlib import Path
from anmok.service.serve import ServeOptions, prepare
prepare(ServeOptions(bundle=Path(sys.argv[1]), folder=Path(sys.argv[2])))
"""


def test_several_services_that_start_at_once_on_a_new_folder_all_start(tmp_path: Path) -> None:
    bundle = write_colour_bundle(tmp_path / "colours.anmok")
    command = [sys.executable, "-c", PREPARE, str(bundle), str(tmp_path / "data")]
    environ = {name: value for name, value in os.environ.items() if name != "DATABASE_URL"}
    started = [subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=environ) for _number in range(3)]
    words = [process.communicate(timeout=120)[1] for process in started]
    assert [process.returncode for process in started] == [0, 0, 0], words


@pytest.mark.parametrize(
    ("named", "hosts"),
    [({}, "localhost,127.0.0.1,[::1],b.example"), ({"ANMOK_HOSTS": "a.example"}, "a.example,b.example")],
    ids=["command line alone", "environment too"],
)
def test_names_of_the_command_line_stand_beside_those_of_the_environment(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, named: dict[str, str], hosts: str
) -> None:
    environ = dict(named)
    monkeypatch.setattr(serve, "os", SimpleNamespace(environ=environ))
    for _start in range(2):
        serve.set_environment(serve.ServeOptions(bundle=tmp_path / "a.anmok", folder=tmp_path, hosts=("b.example",)))
    assert environ["ANMOK_HOSTS"] == hosts


def start(folder: Path, **environ: str) -> subprocess.CompletedProcess[str]:
    """Start a service that cannot start."""
    command = [sys.executable, "-m", "anmok", "serve", "--data", str(folder), "--port", "1"]
    return subprocess.run(
        command,
        check=False,
        capture_output=True,
        text=True,
        timeout=120,
        env={**os.environ, "ANMOK_LANG": "en", **environ},
    )


def no_database(folder: Path) -> dict[str, str]:
    (folder / "anmok.sqlite3").write_text("this is no database " * 100)
    return {"DATABASE_URL": ""}


def cut_key(folder: Path) -> dict[str, str]:
    (folder / "secret-key").write_bytes(b"\xff\xfe" * 40)
    return {}


@pytest.mark.parametrize(
    ("prepare", "code", "words"),
    [
        (no_database, 1, "file is not a database"),
        (cut_key, 1, "holds no key of 64 characters"),
        (lambda _folder: {"DATABASE_URL": "mysql://root:secret@127.0.0.1:1/x"}, 1, "The database cannot be used"),
        (lambda _folder: {"DATABASE_URL": "secret"}, 2, "is no address of a database"),
    ],
    ids=["damaged database", "damaged key", "no server", "no address"],
)
def test_a_service_that_cannot_start_says_why_and_what_to_do(
    tmp_path: Path, prepare: Callable[[Path], dict[str, str]], code: int, words: str
) -> None:
    done = start(tmp_path, **prepare(tmp_path))
    assert done.returncode == code, done.stderr
    assert words in " ".join(done.stderr.split())
    assert "What to do:" in done.stderr
    assert "Traceback" not in done.stderr
    assert "secret@" not in done.stderr.replace("\n", "")
