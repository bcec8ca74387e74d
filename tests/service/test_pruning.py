"""`anmok manage prune`: old uploads and leftovers go, everything else stays."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

from tests.service.served import Served, photo


def prune(served: Served, *words: str) -> str:
    command = [sys.executable, "-m", "anmok", "manage", "--data", str(served.folder), "prune", *words]
    environment = {**os.environ, **served.environ}
    return subprocess.run(command, check=True, capture_output=True, text=True, timeout=120, env=environment).stdout


def left(folder: Path, name: str, *, hours: float) -> Path:
    path = folder / "uploads" / name[:2].strip(".") / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"left")
    os.utime(path, (time.time() - hours * 3600,) * 2)
    return path


def test_leftovers_and_photos_without_a_row_go_and_what_is_named_stays(served: Served) -> None:
    visitor = served.visitor()
    address = visitor.give(("a.jpg", photo("red", seed=60))).url.removeprefix(served.address)
    nothing_names = left(served.folder, "ab" * 32 + ".jpg", hours=2)
    perhaps_soon_named = left(served.folder, "cd" * 32 + ".jpg", hours=0)
    killed = left(served.folder, ".0123456789abcdef.part", hours=2)
    in_work = left(served.folder, ".fedcba9876543210.part", hours=0)
    someone_elses = left(served.folder, "notes.txt", hours=2)
    for path in served.folder.glob("uploads/*/*.jpg"):
        if path.stat().st_size > 10:
            os.utime(path, (time.time() - 7200,) * 2)
    assert "photos that nothing named 1, files left behind 1" in prune(served)
    assert not nothing_names.exists()
    assert not killed.exists()
    assert perhaps_soon_named.exists()
    assert in_work.exists()
    assert someone_elses.exists()
    assert visitor.get(f"{address}photo.jpg").status_code == 200
    for path in (perhaps_soon_named, in_work, someone_elses):
        path.unlink()


def test_uploads_that_are_too_old_go_with_their_photos(served: Served) -> None:
    visitor = served.visitor()
    address = visitor.give(("a.jpg", photo("green", seed=61))).url.removeprefix(served.address)
    prune(served, "--days", "1")
    assert visitor.get(f"{address}photo.jpg").status_code == 200
    prune(served, "--days", "0")
    assert visitor.get(address).status_code == 404
    assert not list(served.folder.glob("uploads/*/*.jpg"))
