"""SIGKILL for a process of the service, for its database and for an import of cards, while photos come in.

    python benchmarks/service_kill.py [--rounds 20] [--clients 6] [--seconds 3] [--json FILE]

In turn a web process, the database (a private MariaDB, never that of the machine) and an import of cards are killed,
each time after some seconds of uploads. The database is started again, as its own keeper would do; everything else must
come back by itself. Wanted: after each round photos are answered and kept again; in the end every photo that was
accepted can be fetched, as what was said of it; every row has its photo; the cards are all of one import, whole. Exit
code 1 where something is not so.
"""

from __future__ import annotations

import argparse
import contextlib
import http.client
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from _hostile_files import photo
from _private_mariadb import PrivateMariaDB
from _service_process import Service, serve

#: What is killed, in turn.
VICTIMS = ("web process", "database", "import")
#: Cards of an import, and places near each.
CARDS, NEARBY = 40, 5
#: Seconds after which photos must be kept again.
PATIENCE = 90.0


@dataclass
class Outcome:
    """What was accepted, what went wrong, and how long the service was away, seconds."""

    accepted: list[str] = field(default_factory=list)
    answers: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)
    away: list[float] = field(default_factory=list)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--clients", type=int, default=6)
    parser.add_argument("--seconds", type=float, default=3, help="of uploads before each kill")
    parser.add_argument("--json", type=Path, help="also write the figures there")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="kill") as scratch:
        outcome = kill_and_look(Path(scratch), options.rounds, options.clients, options.seconds)
    figures = {
        "rounds": options.rounds,
        "answers": dict(sorted(outcome.answers.items())),
        "accepted": len(outcome.accepted),
        "wrong": outcome.wrong[:20],
        "longest_away_s": round(max(outcome.away, default=0), 1),
    }
    met = not outcome.wrong and bool(outcome.accepted)
    print(json.dumps(figures, indent=2))
    print("met" if met else "NOT met")
    if options.json is not None:
        options.json.write_text(json.dumps({**figures, "met": met}, indent=2) + "\n")
    return 0 if met else 1


def kill_and_look(scratch: Path, rounds: int, clients: int, seconds: float) -> Outcome:
    """Kill so often, and look at what is left."""
    outcome, ended = Outcome(), threading.Event()
    database = PrivateMariaDB(scratch / "db")
    database.start()
    try:
        environ = {"DATABASE_URL": database.url("anmok")}
        with serve(scratch / "data", **environ) as service:
            threads = [
                threading.Thread(target=visit, args=(service, outcome, ended, number)) for number in range(clients)
            ]
            for thread in threads:
                thread.start()
            try:
                for number in range(rounds):
                    victim = VICTIMS[number % len(VICTIMS)]
                    kill(victim, service, database, seconds, environ)
                    came_back(service, outcome, f"round {number + 1}, {victim}")
            finally:
                ended.set()
                for thread in threads:
                    thread.join()
            look(service, outcome, environ)
    finally:
        database.stop()
    return outcome


def kill(victim: str, service: Service, database: PrivateMariaDB, seconds: float, environ: dict[str, str]) -> None:
    """Let photos come for a while, and then kill."""
    chance = random.Random()
    if victim == "import":
        for letter in "ab":
            path = service.folder.parent / f"{letter}.json"
            path.write_text(json.dumps(cards(letter)))
            importing = subprocess.Popen(
                manage(service, "cards", "import", "--replace", str(path)),
                env={**os.environ, **environ},
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
            # The first comes through, the second perhaps not.
            with contextlib.suppress(subprocess.TimeoutExpired):
                importing.wait(None if letter == "a" else chance.uniform(0.5, 1) * seconds)
            importing.kill()
            importing.wait()
        return
    time.sleep(chance.uniform(0.5, 1) * seconds)
    if victim == "database":
        database.kill()
        time.sleep(0.5)
        database.start()
    else:
        workers = service.workers()
        if workers:
            os.kill(chance.choice(workers), signal.SIGKILL)


def visit(service: Service, outcome: Outcome, ended: threading.Event, number: int) -> None:
    """Send photos one after the other; each is its own."""
    sent = 0
    while not ended.is_set():
        sent += 1
        status, answer = ask(
            service, "POST", "/api/v1/identify", photo(number, (160, 120)) + f"{number} {sent}".encode()
        )
        outcome.answers[str(status or "no answer")] += 1
        if status == 200 and answer.get("upload"):
            outcome.accepted.append(str(answer["upload"]))
        elif status == 200:
            outcome.answers["answered, not kept"] += 1
        else:
            time.sleep(0.2)


def came_back(service: Service, outcome: Outcome, when: str) -> None:
    """Wait until photos are kept again, each of some in a row, so that all processes had one."""
    began, row = time.monotonic(), 0
    while row < 4:
        status, answer = ask(service, "POST", "/api/v1/identify", photo(-7, (160, 120)) + os.urandom(8).hex().encode())
        row = row + 1 if status == 200 and answer.get("upload") else 0
        if row:
            outcome.accepted.append(str(answer["upload"]))
        elif time.monotonic() - began > PATIENCE:
            outcome.wrong.append(f"{when}: did not come back in {PATIENCE:.0f} s, last answer {status}")
            return
        else:
            time.sleep(0.2)
    outcome.away.append(time.monotonic() - began)


def look(service: Service, outcome: Outcome, environ: dict[str, str]) -> None:
    """Hold what is there against what was accepted."""
    for number in outcome.accepted:
        status, answer = ask(service, "GET", f"/api/v1/uploads/{number}")
        if status != 200 or answer.get("upload") != number:
            outcome.wrong.append(f"lost: {number} ({status})")
        status, answer = ask(service, "GET", f"/r/{number}/photo.jpg")
        if status != 200 or not answer.get("bytes", b"").startswith(b"\xff\xd8\xff"):
            outcome.wrong.append(f"without its photo: {number} ({status})")
    backup, exported = service.folder.parent / "all.zip", service.folder.parent / "cards.json"
    for words in (("backup", str(backup)), ("cards", "export", str(exported))):
        done = subprocess.run(
            manage(service, *words), env={**os.environ, **environ}, check=False, capture_output=True, text=True
        )
        if done.returncode or "Left out" in done.stdout:
            outcome.wrong.append(f"{words[0]}: {done.stdout} {done.stderr[-500:]}")
    if exported.exists():
        outcome.wrong += half_cards(json.loads(exported.read_text()))


def cards(letter: str) -> dict[str, Any]:
    """Return a file of cards, all of whose words carry a letter."""
    near = [
        {"category": "sight", "name_en": f"{letter} place {number}", "latitude": 33.0, "longitude": 126.0}
        for number in range(NEARBY)
    ]
    return {
        "format": "anmok-cards 1",
        "cards": [
            {
                "class": f"class {number}",
                "number": number,
                "name_en": f"{letter} card {number}",
                "description_en": f"{letter} words",
                "nearby": near,
            }
            for number in range(CARDS)
        ],
    }


def half_cards(exported: dict[str, Any]) -> list[str]:
    """Return what is wrong with cards that were imported and perhaps killed on the way."""
    found = [card for card in exported["cards"] if str(card["class"]).startswith("class ")]
    if not found:
        return []
    letters = {str(card[key])[0] for card in found for key in ("name_en", "description_en")}
    letters |= {str(place["name_en"])[0] for card in found for place in card["nearby"]}
    wrong = [] if len(letters) == 1 else [f"cards of two imports: {sorted(letters)}"]
    wrong += [f"half a card: {card['name_en']}" for card in found if len(card["nearby"]) != NEARBY]
    return wrong if len(found) == CARDS else [*wrong, f"{len(found)} of {CARDS} cards"]


def manage(service: Service, *words: str) -> list[str]:
    """Return a command of the service."""
    return [sys.executable, "-m", "anmok", "manage", "--data", str(service.folder), *words]


def ask(service: Service, method: str, path: str, body: bytes | None = None) -> tuple[int, dict[str, Any]]:
    """Ask, and return number and answer; 0 where none came."""
    connection = http.client.HTTPConnection(service.host, service.port, timeout=60)
    try:
        connection.request(method, path, body, {"Content-Type": "image/jpeg"} if body else {})
        response = connection.getresponse()
        data = response.read()
        if response.headers.get_content_type() == "application/json":
            return response.status, dict(json.loads(data))
        return response.status, {"bytes": data}
    except (OSError, http.client.HTTPException, ValueError):
        return 0, {}
    finally:
        connection.close()


if __name__ == "__main__":
    sys.exit(main())
