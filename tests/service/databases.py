"""A real MariaDB for tests: the one of this machine, or a private one where none runs."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pymysql
import pytest

ADDRESS = ("127.0.0.1", 3306)


@contextmanager
def mariadb(folder: Path) -> Iterator[str]:
    """Give the URL of an empty database, which is dropped afterwards.

    Where there is no server the test is skipped, but fails in CI.
    """
    with _server(folder) as options:
        name = f"anmok_test_{uuid.uuid4().hex[:12]}"
        _tell(options, f"CREATE DATABASE {name} CHARACTER SET utf8mb4")
        try:
            if "unix_socket" in options:
                yield f"mysql://{options['user']}@/{name}?unix_socket={options['unix_socket']}"
            else:
                yield f"mysql://{options['user']}@{ADDRESS[0]}:{ADDRESS[1]}/{name}"
        finally:
            _tell(options, f"DROP DATABASE {name}")


@contextmanager
def _server(folder: Path) -> Iterator[dict[str, Any]]:
    """Give what the client must be told to reach a server."""
    if _listens():
        yield {"host": ADDRESS[0], "port": ADDRESS[1], "user": "root"}
        return
    daemon = shutil.which("mariadbd") or shutil.which("mariadbd", path="/usr/sbin")
    if daemon is None:
        _give_up("no MariaDB runs here and none is installed: apt-get install mariadb-server")
    data, door = folder / "mariadb", folder / "mariadb.sock"
    data.mkdir(mode=0o700)
    common = ["--no-defaults", f"--datadir={data}", *(["--user=root"] if os.geteuid() == 0 else [])]
    install = ["mariadb-install-db", *common, "--auth-root-authentication-method=normal", "--skip-test-db"]
    subprocess.run(install, check=True, capture_output=True)
    process = subprocess.Popen(
        [daemon, *common, f"--socket={door}", "--skip-networking", f"--pid-file={folder / 'mariadb.pid'}"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        _wait_for(door, process)
        yield {"unix_socket": str(door), "user": "root"}
    finally:
        process.terminate()
        process.wait(60)


def _listens() -> bool:
    with suppress(OSError), socket.create_connection(ADDRESS, timeout=2):
        return True
    return False


def _wait_for(door: Path, process: subprocess.Popen[bytes]) -> None:
    end = time.monotonic() + 60
    while process.poll() is None and time.monotonic() < end:
        with suppress(OSError), socket.socket(socket.AF_UNIX) as client:
            client.connect(str(door))
            return
        time.sleep(0.1)
    raise AssertionError("the private MariaDB did not start")


def _tell(options: dict[str, Any], statement: str) -> None:
    connection = pymysql.connect(**options)
    try:
        connection.cursor().execute(statement)
    finally:
        connection.close()


def _give_up(reason: str) -> None:
    if os.environ.get("CI"):
        pytest.fail(reason)
    pytest.skip(reason)
