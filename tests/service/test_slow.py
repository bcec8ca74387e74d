"""Visitors who send or read slowly, too much, or not at all, keep nobody else waiting."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import pytest
import requests
from waitress import wasyncore
from waitress.adjustments import Adjustments
from waitress.task import ThreadedTaskDispatcher

from anmok.service import connections
from tests.service.served import Served, photo

Environ = dict[str, Any]
MOST = 300_000


def tell(environ: Environ, start: Callable[..., object]) -> Iterable[bytes]:
    """An application that says what came."""
    body = environ["wsgi.input"].read()
    said = f"{environ.get(connections.REFUSAL, 'taken')} {environ.get('CONTENT_LENGTH')} {len(body)}".encode()
    start("200 OK", [("Content-Length", str(len(said)))])
    return [said]


@contextlib.contextmanager
def listening(application: Callable[..., Iterable[bytes]], **settings: Any) -> Iterator[tuple[str, int]]:
    """Run a server as a worker does, in a thread, until the block ends."""
    door = socket.create_server(("127.0.0.1", 0))
    door.setblocking(False)
    # What connections inherit: little of an answer finds room in the system.
    door.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 65536)
    servers: list[Any] = []
    limits = Adjustments(sockets=[door], max_request_body_size=MOST + 1, cleanup_interval=0, **settings)
    limits.room = connections.room_for(servers)
    dispatcher, map_ = ThreadedTaskDispatcher(), {}
    dispatcher.set_thread_count(2)
    servers.append(
        connections.TcpServer(application, map_, True, door, dispatcher=dispatcher, adj=limits, bind_socket=False)
    )
    ended = threading.Event()

    def turn() -> None:
        while not ended.is_set():
            wasyncore.loop(timeout=0.05, use_poll=True, map=map_, count=1)

    thread = threading.Thread(target=turn)
    thread.start()
    try:
        yield door.getsockname()
    finally:
        ended.set()
        thread.join()
        dispatcher.shutdown(timeout=5)
        wasyncore.close_all(map_)


def all_of(client: socket.socket) -> bytes:
    """Return what the server still sends, until it closes."""
    client.settimeout(20)
    parts = []
    with contextlib.suppress(ConnectionResetError):
        while part := client.recv(65536):
            parts.append(part)
    return b"".join(parts)


def says(client: socket.socket, words: bytes) -> bool:
    """Tell whether the server's next answer ends so; the connection stays open."""
    client.settimeout(20)
    said = b""
    while not said.endswith(words) and (part := client.recv(65536)):
        said += part
    return said.endswith(words)


HEAD = b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n"


@pytest.mark.parametrize(
    ("sent", "answer"),
    [
        (b"", b""),
        (b"GET / HT", b"HTTP/1.1 408 "),
        (HEAD % 1000 + b"a few bytes", b"HTTP/1.1 408 "),
    ],
    ids=["silent", "in the head", "in the body"],
)
def test_who_stops_sending_is_told_and_let_go(monkeypatch: pytest.MonkeyPatch, sent: bytes, answer: bytes) -> None:
    monkeypatch.setattr(connections, "HEAD_SECONDS", 0.3)
    monkeypatch.setattr(connections, "STILL_SECONDS", 0.3)
    monkeypatch.setattr(connections, "LINGER_SECONDS", 0.3)
    with listening(tell) as address, socket.create_connection(address) as client:
        client.sendall(sent)
        said = all_of(client)
    assert said.startswith(answer)
    assert bool(said) == bool(answer)


@pytest.mark.parametrize("head", [b"GET / HTTP/1.1\r\nX-Long: ", HEAD % 1000], ids=["head", "body"])
def test_who_drips_is_let_go_too_however_steadily(monkeypatch: pytest.MonkeyPatch, head: bytes) -> None:
    monkeypatch.setattr(connections, "HEAD_SECONDS", 0.5)
    monkeypatch.setattr(connections, "BODY_SECONDS", 0.5)
    with listening(tell) as address, socket.create_connection(address) as client:
        client.sendall(head)
        client.settimeout(0.05)
        end, said = time.monotonic() + 20, b""
        while not said and time.monotonic() < end:
            client.sendall(b"x")
            with contextlib.suppress(TimeoutError):
                said = client.recv(65536)
    assert said.startswith(b"HTTP/1.1 408 ")


def test_who_does_not_read_the_answer_is_let_go(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "STILL_SECONDS", 0.3)
    size = 12 * 2**20

    def long_answer(_environ: Environ, start: Callable[..., object]) -> Iterable[bytes]:
        start("200 OK", [("Content-Length", str(size))])
        return [bytes(size)]

    with listening(long_answer) as address, socket.socket() as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
        client.connect(address)
        client.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
        time.sleep(1.5)
        assert len(all_of(client)) < size


@pytest.mark.parametrize("length", [1000, 250_000], ids=["in memory", "on disk"])
def test_a_body_that_comes_in_pieces_reaches_the_application_whole(length: int) -> None:
    with listening(tell) as address, socket.create_connection(address) as client:
        client.sendall(HEAD % length)
        for _piece in range(10):
            client.sendall(bytes(length // 10))
            time.sleep(0.02)
        assert says(client, f"taken {length} {length}".encode())
        client.sendall(HEAD % 3 + b"abc")
        assert says(client, b"taken 3 3")


def test_who_sends_too_much_reads_why_although_they_are_still_sending() -> None:
    sent = 60 * 2**20
    with listening(tell) as address, socket.create_connection(address) as client:
        client.settimeout(20)
        client.sendall(HEAD % sent)
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            for _piece in range(20):
                client.sendall(bytes(2**20))
        said = all_of(client)
    assert b"Connection: close" in said
    assert said.endswith(f"too large {sent} 0".encode())


def test_chunks_that_become_too_much_are_stopped() -> None:
    with listening(tell) as address, socket.create_connection(address) as client:
        client.sendall(b"POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n")
        for _piece in range(40):
            client.sendall(b"4000\r\n" + bytes(0x4000) + b"\r\n")
        client.shutdown(socket.SHUT_WR)
        said = all_of(client)
    came, body = said.rpartition(b"too large ")[2].split()
    assert int(came) > MOST
    assert int(body) == 0


def test_a_body_for_which_the_disk_has_no_room_is_not_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "FREE_BYTES", 2**60)
    with listening(tell) as address:
        with socket.create_connection(address) as client:
            client.sendall(HEAD % 250_000)
            assert all_of(client).endswith(b"no room 250000 0")
        with socket.create_connection(address) as client:
            client.sendall(HEAD % 3 + b"abc")
            assert says(client, b"taken 3 3")


def test_idle_connections_make_room_when_too_many_are_open() -> None:
    # The limit counts the door and what wakes the server, too.
    with listening(tell, connection_limit=5) as address, contextlib.ExitStack() as stack:
        idle = [stack.enter_context(socket.create_connection(address)) for _number in range(6)]
        client = stack.enter_context(socket.create_connection(address))
        client.sendall(HEAD % 3 + b"abc")
        client.settimeout(20)
        assert says(client, b"taken 3 3")
        assert idle


def test_many_stalled_uploads_keep_nobody_waiting(served: Served) -> None:
    host, port = served.address.removeprefix("http://").split(":")
    head = HEAD.replace(b" / ", b" /api/v1/identify ") % 900_000
    with contextlib.ExitStack() as stack:
        stalled = [stack.enter_context(socket.create_connection((host, int(port)))) for _number in range(60)]
        for client in stalled:
            client.sendall(head + bytes(200_000))
        began = time.monotonic()
        answer = requests.post(f"{served.address}/api/v1/identify", data=photo("red", seed=90), timeout=60)
        waited = time.monotonic() - began
        for client in stalled:
            client.setblocking(False)
            with pytest.raises(BlockingIOError):
                client.recv(1)
    assert answer.status_code == 200
    assert waited < connections.STILL_SECONDS
