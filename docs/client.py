"""Ask an Anmok service what photos show. One file, Python 3.11 or newer, nothing to install: copy it into your project.

    from client import Anmok

    anmok = Anmok("http://localhost:8000")
    answer = anmok.identify("holiday.jpg")
    print(answer.name, f"{answer.probability:.0%}")
    anmok.delete(answer)

As a program it prints what it is told:

    python client.py --address http://localhost:8000 holiday.jpg beach.png
"""

# ruff: noqa: S310, T201 - the address is the user's own, and a program prints
from __future__ import annotations

import argparse
import json
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urljoin, urlsplit


class Refused(Exception):
    """The service refused: ``status`` is HTTP's number, ``title`` and ``detail`` are its words."""

    def __init__(self, status: int, title: str, detail: str) -> None:
        super().__init__(detail or title)
        self.status, self.title, self.detail = status, title, detail


@dataclass(frozen=True)
class Answer:
    """What a photo shows.

    Attributes:
        label: the class, and index: its place in the model. probability: 0-1.
        unknown: the photo shows none of the classes; ``label`` is only the nearest.
        top: pairs of a class and its probability, the most probable first.
        card: what is known of the class (number, name, description, position, link), or None.
        upload: names the photo from now on; None where it was not kept, and forgotten says why.
        deletion: the secret address at which the photo can be deleted; keep it to yourself.
    """

    label: str
    index: int
    probability: float
    unknown: bool
    top: tuple[tuple[str, float], ...]
    card: dict[str, Any] | None
    upload: str | None
    forgotten: str
    deletion: str

    @property
    def name(self) -> str:
        """The name for people."""
        return self.card["name"] if self.card else self.label


class Anmok:
    """A service.

    Args:
        address: where it answers.
        token: what lets you in, where its owner asks for one.
        language: of its texts, "en" or "ko".
        timeout: seconds that it may be silent.
        attempts: how often a request is made while the service is too busy.
    """

    def __init__(
        self,
        address: str = "http://localhost:8000",
        *,
        token: str = "",
        language: str = "en",
        timeout: float = 60,
        attempts: int = 5,
    ) -> None:
        if not address.startswith(("http://", "https://")):
            raise ValueError(f"{address} is no address; write it as http://localhost:8000")
        self.address = address.rstrip("/") + "/api/v1/"
        self.timeout, self.attempts = timeout, attempts
        self.headers = {"Accept": "application/json, application/problem+json", "Accept-Language": language}
        if token:
            self.headers["Authorization"] = f"Bearer {token}"

    def identify(self, photo: str | Path | bytes, *, model: str = "", keep: bool = False) -> Answer:
        """Ask what a photo shows.

        Args:
            photo: the path of a file, or its bytes.
            model: one of ``models``; empty: the usual one.
            keep: the photo may be kept, where the service asks for that.

        Raises:
            Refused: it is no photo, too large, or the service cannot answer.
            OSError: the file cannot be read, or the service cannot be reached.
        """
        data = photo if isinstance(photo, bytes) else Path(photo).read_bytes()
        query = urlencode({"model": model, "keep": "yes" if keep else ""})
        told, headers = self._ask("POST", f"identify?{query}", data)
        return Answer(
            label=told["class"],
            index=told["index"],
            probability=told["probability"],
            unknown=told["unknown"],
            top=tuple((one["class"], one["probability"]) for one in told["top"]),
            card=told["card"],
            upload=told["upload"],
            forgotten=told["forgotten"],
            deletion=_links(headers.get("Link", "")).get("edit", ""),
        )

    def uploads(self) -> Iterator[dict[str, Any]]:
        """Yield what was said of all photos, newest first; needs a token that may read what visitors gave."""
        return self._all("uploads")

    def upload(self, number: str) -> dict[str, Any]:
        """Return once more what was said of a photo."""
        return self._ask("GET", f"uploads/{number}")[0]

    def delete(self, answer: Answer) -> None:
        """Delete a photo and what was noted of it."""
        self._ask("DELETE", answer.deletion)

    def cards(self) -> Iterator[dict[str, Any]]:
        """Yield what is known of each class, by number."""
        return self._all("cards")

    def card(self, number: int) -> dict[str, Any]:
        """Return what is known of the class with that number."""
        return self._ask("GET", f"cards/{number}")[0]

    def nearby(self, number: int, category: str = "") -> Iterator[dict[str, Any]]:
        """Yield what lies near a card, nearest first; of one category: "sight", "restaurant" or "lodging"."""
        return self._all(f"cards/{number}/nearby?{urlencode({'category': category} if category else {})}")

    def models(self) -> list[dict[str, Any]]:
        """Return the models that answer."""
        return self._ask("GET", "models")[0]

    def _all(self, path: str) -> Iterator[dict[str, Any]]:
        """Yield the entries of a list that comes in parts."""
        while path:
            entries, headers = self._ask("GET", path)
            yield from entries
            path = _links(headers.get("Link", "")).get("next", "")

    def _ask(self, method: str, path: str, data: bytes | None = None) -> tuple[Any, Any]:
        headers = {**self.headers, **({"Content-Type": "application/octet-stream"} if data is not None else {})}
        address = urljoin(self.address, path)
        if urlsplit(address)[:2] != urlsplit(self.address)[:2]:
            raise ValueError(f"{address} is not at {self.address}, so it is not told your token")
        request = urllib.request.Request(address, data, headers, method=method)
        for attempt in range(1, self.attempts + 1):
            try:
                with urllib.request.urlopen(request, timeout=self.timeout) as response:
                    body = response.read()
                    return (json.loads(body) if body else None), response.headers
            except urllib.error.HTTPError as error:
                wait = error.headers.get("Retry-After", "")
                if attempt == self.attempts or not wait.isdigit():
                    raise _refused(error) from None
                error.close()
                time.sleep(int(wait))
        raise AssertionError("attempts is below 1")


def _refused(error: urllib.error.HTTPError) -> Refused:
    with error:
        try:
            told = json.loads(error.read())
            return Refused(error.code, told["title"], told["detail"])
        except (ValueError, KeyError, TypeError):
            return Refused(error.code, error.reason, "")


def _links(header: str) -> dict[str, str]:
    """Return addresses by what they are for, from a header Link."""
    links = {}
    for part in header.split(", "):
        address, _separator, relation = part.partition('>; rel="')
        if relation:
            links[relation.rstrip('"')] = address.lstrip("<")
    return links


def main() -> int:
    """Print what photos show."""
    parser = argparse.ArgumentParser(description="Ask an Anmok service what photos show.")
    parser.add_argument("photos", nargs="+", help="files")
    parser.add_argument("--address", default="http://localhost:8000", help="of the service")
    parser.add_argument("--token", default="", help="where the service asks for one")
    parser.add_argument("--language", choices=("en", "ko"), default="en")
    given = parser.parse_args()
    anmok, failures = Anmok(given.address, token=given.token, language=given.language), 0
    for photo in given.photos:
        try:
            answer = anmok.identify(photo)
        except (Refused, OSError) as error:
            failures += 1
            print(f"{photo}\t{error}", file=sys.stderr)
            continue
        print(f"{photo}\t{'?' if answer.unknown else answer.name}\t{answer.probability:.3f}")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
