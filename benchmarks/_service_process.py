"""`anmok serve` as a process of its own, its workers and their memory, for benchmarks that treat it badly."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Service:
    """A running service: where it answers, its folder, its log and its first process."""

    host: str
    port: int
    folder: Path
    log: Path
    process: subprocess.Popen[bytes]

    def workers(self) -> list[int]:
        """Return the processes that answer."""
        return children(self.process.pid)

    def memory(self) -> float:
        """Return what all its processes hold, MB; what they share is counted once."""
        held = 0
        for number in (self.process.pid, *self.workers()):
            with contextlib.suppress(OSError):
                for line in Path(f"/proc/{number}/smaps_rollup").read_text().splitlines():
                    if line.startswith("Pss:"):
                        held += int(line.split()[1])
        return held / 1024


@contextmanager
def serve(folder: Path, *words: str, bundle: Path | None = None, **environ: str) -> Iterator[Service]:
    """Run the service until the block ends."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "anmok", "serve", "--data", str(folder), "--port", str(port), *words]
    if bundle is not None:
        command += ["--bundle", str(bundle)]
    log = folder.with_suffix(".log")
    # All clients come from one address, which limits are there to slow down.
    environment = {**os.environ, "ANMOK_LIMITS": "off", "ANMOK_LANG": "en", "DATABASE_URL": "", **environ}
    with log.open("ab") as stream:
        process = subprocess.Popen(command, stdout=stream, stderr=stream, env=environment)
    try:
        wait_until_ready(port, process, log)
        yield Service("127.0.0.1", port, folder, log, process)
    finally:
        process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(40)
        process.kill()


def wait_until_ready(
    port: int, process: subprocess.Popen[bytes] | None, log: Path | None, patience: float = 180
) -> None:
    """Return once the service says that it can answer."""
    end = time.monotonic() + patience
    while time.monotonic() < end and (process is None or process.poll() is None):
        with contextlib.suppress(OSError):
            if urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=5).status == 200:
                return
        time.sleep(0.1)
    raise SystemExit(f"the service does not answer:\n{log.read_text() if log else ''}")


def children(parent: int) -> list[int]:
    """Return the processes that a process started."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if int((entry / "stat").read_text().rpartition(")")[2].split()[1]) == parent:
                found.append(int(entry.name))
    return sorted(found)
