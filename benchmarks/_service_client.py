"""Visitors who send photos as fast as they are answered; started by ``service_speed.py`` as a process of its own.

    python _service_client.py HOST PORT PATH PHOTOS CLIENTS SECONDS SKIP

Each client keeps one connection and sends the next photo of the folder PHOTOS as a form would, as soon as the last
answer is there; SKIP photos were sent before. Bare sockets, and requests that are made beforehand: the clients share
the processor with the service, and what they take it lacks. Prints one JSON object: ``answers`` (how many),
``seconds``, ``p50``, ``p99`` (milliseconds), ``statuses``, ``first`` (the first answers by name of the photo).
"""

from __future__ import annotations

import json
import socket
import sys
import threading
import time
from collections import Counter
from pathlib import Path

BOUNDARY = b"----------------anmok-benchmark"
#: Answers that are kept to be compared.
KEPT = 40


def main() -> None:
    host, port, path, folder, clients, seconds, skip = sys.argv[1:8]
    photos = sorted(Path(folder).iterdir())
    photos = photos[int(skip) % len(photos) :] + photos[: int(skip) % len(photos)]
    requests = [(photo.name, request(host, path, photo)) for photo in photos]
    todo = iter(requests)
    lock, results = threading.Lock(), []
    end = time.perf_counter() + float(seconds)

    def visit() -> None:
        connection = Connection(host, int(port))
        while time.perf_counter() < end:
            with lock:
                name, data = next(todo, (None, b""))
            if name is None:
                raise SystemExit("there are too few photos for this many seconds: each is sent once")
            began = time.perf_counter()
            status, body = connection.ask(data)
            results.append((name, time.perf_counter() - began, status, body))

    began = time.perf_counter()
    threads = [threading.Thread(target=visit) for _number in range(int(clients))]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    took = time.perf_counter() - began
    times = sorted(1000 * seconds for _name, seconds, _status, _body in results)
    kept = sorted((name, body) for name, _seconds, status, body in results if status == 200)[:KEPT]
    print(
        json.dumps(
            {
                "answers": len(results),
                "seconds": took,
                "p50": times[len(times) // 2],
                "p99": times[min(len(times) - 1, int(0.99 * len(times)))],
                "statuses": Counter(str(status) for _name, _seconds, status, _body in results),
                "first": {name: json.loads(body) for name, body in kept},
            }
        )
    )


def request(host: str, path: str, photo: Path) -> bytes:
    """Return a whole request with one photo as a form."""
    head = b'Content-Disposition: form-data; name="photo"; filename="' + photo.name.encode() + b'"\r\n'
    parts = (b"--", BOUNDARY, b"\r\n", head, b"Content-Type: image/jpeg\r\n\r\n", photo.read_bytes(), b"\r\n")
    body = b"".join((*parts, b"--", BOUNDARY, b"--\r\n"))
    lines = (
        f"POST {path} HTTP/1.1",
        f"Host: {host}",
        f"Content-Type: multipart/form-data; boundary={BOUNDARY.decode()}",
        f"Content-Length: {len(body)}",
        "Accept: application/json",
        "",
        "",
    )
    return "\r\n".join(lines).encode() + body


class Connection:
    """One visitor's connection, opened again where the service closed it."""

    def __init__(self, host: str, port: int) -> None:
        self._address = (host, port)
        self._socket: socket.socket | None = None
        self._rest = b""

    def ask(self, data: bytes) -> tuple[int, bytes]:
        """Send a request and return status and body of the answer."""
        if self._socket is None:
            self._socket, self._rest = socket.create_connection(self._address, timeout=60), b""
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._socket.sendall(data)
        head = self._until(b"\r\n\r\n").decode("latin-1").lower()
        status = int(head.split(None, 2)[1])
        fields = dict(line.split(":", 1) for line in head.split("\r\n")[1:] if ":" in line)
        if "chunked" in fields.get("transfer-encoding", ""):
            body = self._chunks()
        else:
            body = self._exactly(int(fields["content-length"]))
        if "close" in fields.get("connection", ""):
            self._socket.close()
            self._socket = None
        return status, body

    def _chunks(self) -> bytes:
        parts = []
        while length := int(self._until(b"\r\n").split(b";")[0], 16):
            parts.append(self._exactly(length))
            self._exactly(2)
        self._until(b"\r\n")
        return b"".join(parts)

    def _until(self, mark: bytes) -> bytes:
        while mark not in self._rest:
            self._more()
        found, self._rest = self._rest.split(mark, 1)
        return found

    def _exactly(self, length: int) -> bytes:
        while len(self._rest) < length:
            self._more()
        found, self._rest = self._rest[:length], self._rest[length:]
        return found

    def _more(self) -> None:
        assert self._socket is not None
        part = self._socket.recv(65536)
        if not part:
            raise ConnectionError("the service closed the connection in the middle of an answer")
        self._rest += part


if __name__ == "__main__":
    main()
