"""A MariaDB server of one's own, which may be killed: never the one of the machine."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from pathlib import Path

import pymysql


class PrivateMariaDB:
    """A server below a folder, reached through a socket file.

    Args:
        folder: empty; short enough for the name of a socket file (about 90 letters).
    """

    def __init__(self, folder: Path) -> None:
        daemon = shutil.which("mariadbd") or shutil.which("mariadbd", path="/usr/sbin")
        if daemon is None:
            raise SystemExit("no MariaDB is installed: apt-get install mariadb-server")
        self._door = folder / "door"
        data = folder / "data"
        data.mkdir(parents=True, mode=0o700)
        common = ["--no-defaults", f"--datadir={data}", *(["--user=root"] if os.geteuid() == 0 else [])]
        install = ["mariadb-install-db", *common, "--auth-root-authentication-method=normal", "--skip-test-db"]
        subprocess.run(install, check=True, capture_output=True)
        self._command = [
            daemon,
            *common,
            f"--socket={self._door}",
            "--skip-networking",
            f"--pid-file={folder / 'pid'}",
            f"--log-error={folder / 'log'}",
            # Durable, as it comes; a machine that dies is not what is tried here, only processes that do.
            "--innodb-buffer-pool-size=32M",
        ]
        self._process: subprocess.Popen[bytes] | None = None

    def url(self, name: str) -> str:
        """Make a database and return its address."""
        connection = pymysql.connect(unix_socket=str(self._door), user="root")
        try:
            connection.cursor().execute(f"CREATE DATABASE {name} CHARACTER SET utf8mb4")
        finally:
            connection.close()
        return f"mysql://root@/{name}?unix_socket={self._door}"

    def start(self) -> None:
        """Start it and wait until it answers."""
        self._process = subprocess.Popen(self._command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        end = time.monotonic() + 120
        while time.monotonic() < end and self._process.poll() is None:
            try:
                with socket.socket(socket.AF_UNIX) as client:
                    client.connect(str(self._door))
                pymysql.connect(unix_socket=str(self._door), user="root").close()
                return
            except (OSError, pymysql.Error):
                time.sleep(0.1)
        raise SystemExit("the private MariaDB did not start")

    def kill(self) -> None:
        """Kill it as a machine without memory would."""
        if self._process is not None:
            self._process.kill()
            self._process.wait(60)

    def stop(self) -> None:
        """End it in order."""
        if self._process is not None:
            self._process.terminate()
            self._process.wait(60)
