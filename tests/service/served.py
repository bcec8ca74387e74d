"""The real service in a process of its own, asked over HTTP as a browser would."""

from __future__ import annotations

import io
import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import requests
from PIL import Image

from tests.bundle.small_bundles import coloured_picture

#: Seconds that a busy machine may take to start it.
PATIENCE = 120


@dataclass(frozen=True)
class Served:
    """A running service: where it answers, its folder, and what of the environment it was told."""

    address: str
    folder: Path
    environ: Mapping[str, str]

    def visitor(self) -> Visitor:
        return Visitor(self.address)


class Visitor:
    """Someone with a browser that keeps cookies and runs no scripts."""

    def __init__(self, address: str) -> None:
        self.address, self.session = address, requests.Session()

    def get(self, path: str = "/", **headers: str) -> requests.Response:
        return self.session.get(self.address + path, headers=headers, timeout=60)

    def give(self, *photos: tuple[str, bytes], **headers: str) -> requests.Response:
        """Send photos as the form on the home page does."""
        files = [("photo", photo) for photo in photos]
        return self.session.post(
            f"{self.address}/identify/",
            data={"csrfmiddlewaretoken": self.token()},
            files=files,
            headers=headers,
            timeout=60,
        )

    def post(self, path: str, **values: str) -> requests.Response:
        data = {"csrfmiddlewaretoken": self.token(), **values}
        return self.session.post(self.address + path, data=data, timeout=60, allow_redirects=False)

    def token(self) -> str:
        found = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', self.get().text)
        assert found is not None
        return found[1]


def photo(colour: str, *, kind: str = "JPEG", seed: int = 0) -> bytes:
    """Return a picture file that the small bundle knows."""
    stream = io.BytesIO()
    Image.fromarray(coloured_picture(colour, size=64, seed=seed)).save(stream, kind)
    return stream.getvalue()


@contextmanager
def serve(bundle: Path | None, folder: Path, *words: str, **environ: str) -> Iterator[Served]:
    """Run ``anmok serve`` until the block ends."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "anmok", "serve", "--data", str(folder)]
    if bundle is not None:
        command += ["--bundle", str(bundle)]
    log = folder.with_suffix(".log")
    with log.open("w", encoding="utf-8") as stream:
        process = subprocess.Popen(
            [*command, "--port", str(port), *words],
            stdout=stream,
            stderr=subprocess.STDOUT,
            # Tests ask more often than visitors do; those of the limits set them.
            env={**os.environ, "ANMOK_LIMITS": "off", **environ},
        )
        try:
            wait_until_ready(f"http://127.0.0.1:{port}", process, log)
            yield Served(f"http://127.0.0.1:{port}", folder, environ)
        finally:
            process.terminate()
            process.wait(30)


def wait_until_ready(address: str, process: subprocess.Popen[bytes], log: Path) -> None:
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        if process.poll() is not None:
            break
        try:
            if requests.get(f"{address}/healthz", timeout=5).status_code == 200:
                return
        except (requests.ConnectionError, requests.Timeout):
            time.sleep(0.1)
    raise AssertionError(f"the service did not start:\n{log.read_text(encoding='utf-8')}")
