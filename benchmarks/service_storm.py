"""The service in a storm: visitors who send photos, who send slowly, who leave, and who send what they should not.

    python benchmarks/service_storm.py [--clients 200] [--seconds 120] [--database mysql://...] [--json FILE]

A third of the clients is trouble: they drip a body, stop in the middle, leave before the answer, or say nothing. The
others send photos through the API as fast as they are answered, and 5 % of what they send is hostile: decompression
bombs, polyglots, truncated and wrong files, bodies of 100 MB. Wanted: no answer 500 to 599 but 503 (come again), and
each hostile file its right answer; every photo that was accepted can be fetched afterwards, as what was said of it;
memory of all processes in the last quarter within 15 % of that in the second (the first is warming up); no traceback in
the log. Exit code 1 where something is not so.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import statistics
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from _hostile_files import ENDLESS, TOO_LARGE, Hostile, hostile_files, photo
from _service_process import Service, serve

#: Shares of clients that are trouble, and of files that are hostile; how much memory may grow.
TROUBLE, HOSTILE, GROWTH = 1 / 3, 0.05, 0.15
#: Photos that clients choose from, each with other bytes behind its end, so that each upload is its own.
PHOTOS = 64
#: Seconds that anybody waits for an answer.
PATIENCE = 120.0


@dataclass
class Seen:
    """What happened."""

    statuses: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)
    accepted: list[str] = field(default_factory=list)
    memory: list[float] = field(default_factory=list)
    times: list[float] = field(default_factory=list)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clients", type=int, default=200)
    parser.add_argument("--seconds", type=float, default=120)
    parser.add_argument("--database", default="", help="DATABASE_URL; SQLite where it is not given")
    parser.add_argument("--json", type=Path, help="also write the figures there")
    options = parser.parse_args()
    with (
        tempfile.TemporaryDirectory() as scratch,
        serve(Path(scratch) / "data", DATABASE_URL=options.database) as service,
    ):
        seen = asyncio.run(storm(service, options.clients, options.seconds))
        lost = asyncio.run(missing(service, seen.accepted))
        log = service.log.read_text(errors="replace")
    return told(seen, lost, log, options.json)


def told(seen: Seen, lost: list[str], log: str, path: Path | None) -> int:
    """Print what was seen, and return the exit code."""
    quarter = max(len(seen.memory) // 4, 1)
    second, last = (statistics.median(part) for part in (seen.memory[quarter : 2 * quarter], seen.memory[-quarter:]))
    growth = last / second - 1
    times = sorted(seen.times) or [0.0]
    figures = {
        "answers": dict(sorted(seen.statuses.items())),
        "wrong": seen.wrong[:10],
        "accepted": len(seen.accepted),
        "lost": len(lost),
        "memory_second_quarter_mb": round(second),
        "memory_last_quarter_mb": round(last),
        "memory_most_mb": round(max(seen.memory)),
        "growth": round(growth, 3),
        "p50_ms": round(1000 * times[len(times) // 2]),
        "p99_ms": round(1000 * times[int(0.99 * (len(times) - 1))]),
        "tracebacks_in_log": log.count("Traceback"),
    }
    print(json.dumps(figures, indent=2))
    met = not seen.wrong and not lost and growth <= GROWTH and bool(seen.accepted) and not figures["tracebacks_in_log"]
    print("met" if met else "NOT met")
    if path is not None:
        path.write_text(json.dumps({**figures, "met": met}, indent=2) + "\n")
    return 0 if met else 1


async def storm(service: Service, clients: int, seconds: float) -> Seen:
    """Let all clients go for so long."""
    seen, end = Seen(), time.monotonic() + seconds
    photos, hostile = [photo(number) for number in range(PHOTOS)], hostile_files()
    tasks = [
        asyncio.create_task(
            trouble(service, seen, end, number)
            if number < clients * TROUBLE
            else visit(service, seen, end, number, photos, hostile)
        )
        for number in range(clients)
    ]

    async def watch() -> None:
        while time.monotonic() < end:
            seen.memory.append(await asyncio.to_thread(service.memory))
            await asyncio.sleep(1)

    await asyncio.gather(watch(), *tasks)
    return seen


async def visit(
    service: Service, seen: Seen, end: float, number: int, photos: list[bytes], hostile: tuple[Hostile, ...]
) -> None:
    """Send photos, and now and then something else."""
    chance, sent = random.Random(number), 0
    while time.monotonic() < end:
        bad = chance.random() < HOSTILE
        which = chance.choice((*hostile, None)) if bad else None
        sent += 1
        began = time.monotonic()
        try:
            if bad and which is None:
                status, body = await ask(service, b"", length=ENDLESS)
                name, right = "endless", (TOO_LARGE,)
            elif which is not None:
                status, body = await ask(service, which.data)
                name, right = which.name, which.right
            else:
                # Bytes behind a JPEG's end: another file, the same picture.
                status, body = await ask(service, chance.choice(photos) + f"{number} {sent}".encode())
                name, right = "photo", (200,)
                seen.times.append(time.monotonic() - began)
        except (OSError, asyncio.IncompleteReadError, TimeoutError) as error:
            seen.wrong.append(f"{which.name if which else 'photo'}: {type(error).__name__} {error}")
            continue
        seen.statuses[str(status)] += 1
        if status == 503:
            await asyncio.sleep(chance.uniform(1, 3))
        elif status not in right:
            seen.wrong.append(f"{name}: {status} {body[:200]!r}")
        elif status == 200:
            seen.accepted.append(str(json.loads(body)["upload"]))


def head_of(length: int) -> bytes:
    """Return the head of a request with a body of so many bytes."""
    lines = (
        "POST /api/v1/identify HTTP/1.1",
        "Host: localhost",
        "Content-Type: image/jpeg",
        "Connection: close",
        f"Content-Length: {length}",
    )
    return "\r\n".join((*lines, "", "")).encode()


async def ask(service: Service, data: bytes, *, length: int | None = None) -> tuple[int, bytes]:
    """Send one body, or ``length`` bytes that are no photo, and return number and body of the answer."""
    async with asyncio.timeout(PATIENCE):
        reader, writer = await asyncio.open_connection(service.host, service.port)
        try:
            writer.write(head_of(len(data) if length is None else length) + data)
            answer = asyncio.create_task(reader.read())
            if length is not None:
                piece = bytes(2**16)
                for _piece in range(length // len(piece)):
                    if answer.done() or writer.is_closing():
                        break
                    writer.write(piece)
                    try:
                        await writer.drain()
                    except ConnectionError:
                        break
            said = await answer
        finally:
            writer.close()
    head_bytes, _blank, body = said.partition(b"\r\n\r\n")
    if not head_bytes:
        raise asyncio.IncompleteReadError(said, None)
    return int(head_bytes.split(b" ", 2)[1]), body


async def trouble(service: Service, seen: Seen, end: float, number: int) -> None:
    """Be a client that sends slowly, stops, leaves or says nothing."""
    chance = random.Random(number)
    data = photo(-number)
    head = head_of(len(data))
    while time.monotonic() < end:
        kind = chance.choice(("drips", "stops", "leaves", "silent", "half a head"))
        seen.statuses[f"({kind})"] += 1
        try:
            _reader, writer = await asyncio.open_connection(service.host, service.port)
        except OSError:
            await asyncio.sleep(1)
            continue
        try:
            if kind == "half a head":
                writer.write(head[:40])
            elif kind != "silent":
                writer.write(head)
            if kind == "drips":
                for at in range(0, len(data), 200):
                    writer.write(data[at : at + 200])
                    await writer.drain()
                    await asyncio.sleep(0.3)
                    if time.monotonic() > end:
                        break
            elif kind == "stops":
                writer.write(data[: len(data) // 2])
            elif kind == "leaves":
                writer.write(data)
            await writer.drain()
            if kind in ("stops", "silent", "half a head"):
                await asyncio.sleep(min(chance.uniform(5, 40), max(end - time.monotonic(), 0)))
        except OSError:
            pass
        finally:
            writer.close()
        await asyncio.sleep(chance.uniform(0, 1))


async def missing(service: Service, accepted: list[str]) -> list[str]:
    """Return the accepted photos that cannot be fetched, or of which nothing is told."""
    lost, waiting = [], list(accepted)

    async def fetch() -> None:
        while waiting:
            number = waiting.pop()
            for path, wanted in ((f"/r/{number}/photo.jpg", b"\xff\xd8\xff"), (f"/api/v1/uploads/{number}", b"{")):
                reader, writer = await asyncio.open_connection(service.host, service.port)
                writer.write(f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode())
                said = await reader.read()
                writer.close()
                head, _blank, body = said.partition(b"\r\n\r\n")
                if b" 200 " not in head[:20] or not body.startswith(wanted):
                    lost.append(f"{path}: {head[:40]!r}")

    await asyncio.gather(*(fetch() for _number in range(8)))
    return lost


if __name__ == "__main__":
    sys.exit(main())
