"""A small web: pictures at addresses, API dialects over them, and faults that are injected to order.

One threaded HTTP server stands for all hosts. What it was asked, in which order and when, is kept, so that tests can
tell what was fetched twice, and what was never asked for.
"""

from __future__ import annotations

import json
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit


@dataclass
class Asked:
    """One request. ``host`` is the Host header; ``at`` is monotonic."""

    path: str
    params: dict[str, str]
    headers: dict[str, str]
    at: float


@dataclass
class Answer:
    """What is sent back. ``cut``: bytes after which the connection is closed though more were promised."""

    body: bytes = b""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    cut: int | None = None
    wait: float = 0.0
    drip: float = 0.0


@dataclass
class Hosted:
    """A picture that sources name. ``faults``: answers given before the sound one."""

    name: str
    data: bytes
    width: int
    height: int
    licence: str = "by"
    kind: str = "image/jpeg"
    author: str = "Jo"
    faults: list[Answer] = field(default_factory=list)


Dialect = Callable[["World", Asked], Answer]


def json_answer(value: Any, status: int = 200, **headers: str) -> Answer:
    return Answer(json.dumps(value).encode(), status, {"Content-Type": "application/json", **headers})


class World:
    """The server. ``by_query``: the pictures that every source has for a query."""

    def __init__(self) -> None:
        self.pictures: dict[str, Hosted] = {}
        self.by_query: dict[str, list[Hosted]] = {}
        self.dialects: dict[str, Dialect] = {}
        self.pages: dict[str, Answer | Callable[[Asked], Answer]] = {}
        self.faults: dict[str, list[Answer]] = {}
        self.asked: list[Asked] = []
        self._lock = threading.Lock()

    def add(self, query: str, *pictures: Hosted) -> None:
        for picture in pictures:
            self.pictures[picture.name] = picture
        self.by_query.setdefault(query, []).extend(pictures)

    @property
    def base(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def address(self, picture: Hosted) -> str:
        return f"{self.base}/files/{picture.name}"

    def served(self) -> Counter[str]:
        """How often each picture's file was asked for."""
        return Counter(one.path.removeprefix("/files/") for one in self.asked if one.path.startswith("/files/"))

    def calls(self, dialect: str) -> list[Asked]:
        return [one for one in self.asked if one.path.startswith(f"/{dialect}")]

    def answer(self, asked: Asked) -> Answer:
        with self._lock:
            self.asked.append(asked)
            waiting = self.faults.get(asked.path)
            if waiting:
                return waiting.pop(0)
            if asked.path.startswith("/files/"):
                return self._file(unquote(asked.path.removeprefix("/files/")))
        page = self.pages.get(asked.path)
        if page is not None:
            return page if isinstance(page, Answer) else page(asked)
        for prefix, dialect in self.dialects.items():
            if asked.path == f"/{prefix}" or asked.path.startswith(f"/{prefix}/"):
                return dialect(self, asked)
        return Answer(b"not here", 404)

    def _file(self, name: str) -> Answer:
        picture = self.pictures.get(name)
        if picture is None:
            return Answer(b"no such file", 404)
        if picture.faults:
            return picture.faults.pop(0)
        return Answer(picture.data, 200, {"Content-Type": picture.kind})

    @contextmanager
    def open(self) -> Iterator[World]:
        world = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            # Headers and body go in two packets; without it each small answer would wait for an acknowledgement.
            disable_nagle_algorithm = True

            def do_GET(self) -> None:
                parts = urlsplit(self.path)
                pieces = parts.path.split("/")
                if pieces[1] == "photos":  # as iNaturalist keeps them: /photos/NAME/large.jpg
                    parts = parts._replace(path=f"/files/{pieces[2]}" if pieces[3:] == ["large.jpg"] else "/nothing")
                params = dict(parse_qsl(parts.query, keep_blank_values=True))
                headers = {name.lower(): value for name, value in self.headers.items()}
                answer = world.answer(Asked(parts.path, params, headers, time.monotonic()))
                if answer.wait:
                    time.sleep(answer.wait)
                try:
                    self._send(answer)
                except (BrokenPipeError, ConnectionResetError):
                    self.close_connection = True

            def _send(self, answer: Answer) -> None:
                self.send_response(answer.status)
                for name, value in answer.headers.items():
                    self.send_header(name, value)
                if "Content-Length" not in answer.headers:
                    self.send_header("Content-Length", str(len(answer.body)))
                self.end_headers()
                body = answer.body if answer.cut is None else answer.body[: answer.cut]
                if answer.drip:
                    for at in range(0, len(body), 64):
                        self.wfile.write(body[at : at + 64])
                        time.sleep(answer.drip)
                else:
                    self.wfile.write(body)
                if answer.cut is not None:
                    self.close_connection = True

            def log_message(self, *_words: object) -> None:
                pass

        class Server(ThreadingHTTPServer):
            daemon_threads = True
            request_queue_size = 128

            def handle_error(self, *_words: object) -> None:
                pass

        server = Server(("127.0.0.1", 0), Handler)
        self.port = server.server_address[1]
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        try:
            yield self
        finally:
            server.shutdown()
            server.server_close()
