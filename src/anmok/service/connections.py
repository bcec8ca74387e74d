"""Connections of visitors: each request comes in whole, in memory or on disk, before a thread is taken for it.

waitress does the HTTP. What is added: a request must come within some time, however slowly it drips; what is too
large or finds no room on the disk is handed to the application with its head alone, which says so in the visitor's
language; and who is refused while still sending gets to read why.
"""

from __future__ import annotations

import contextlib
import os
import socket
import tempfile
import time
from collections.abc import Callable
from typing import Any

from waitress.channel import HTTPChannel
from waitress.parser import HTTPRequestParser
from waitress.server import TcpWSGIServer, UnixWSGIServer
from waitress.task import WSGITask
from waitress.utilities import Error, RequestEntityTooLarge

#: Seconds for the head of a request, from the connection or the last answer on; so long an idle connection lives.
HEAD_SECONDS = 15.0
#: Seconds for all of a request's body, and without a byte of it or of the answer moving. A phone on a weak line
#: sends 20 MB in the first.
BODY_SECONDS, STILL_SECONDS = 150.0, 30.0
#: Seconds for the whole answer to be taken.
ANSWER_SECONDS = 600.0
#: Seconds in which what a refused visitor still sends is read and thrown away.
LINGER_SECONDS = 5.0
#: Bytes of a body that are held in memory; of a head; of one piece that is read.
MEMORY_BYTES, HEAD_BYTES, PIECE_BYTES = 128 * 2**10, 16 * 2**10, 64 * 2**10
#: Open connections of a process; further ones wait at the door. Bytes of the disk that bodies leave free.
MOST_CONNECTIONS, FREE_BYTES = 1000, 64 * 2**20
#: Where the application finds why there is no body: TOO_LARGE or NO_ROOM.
REFUSAL, TOO_LARGE, NO_ROOM = "anmok.refusal", "too large", "no room"


class TooSlow(Error):
    """The answer to a request that did not come in time."""

    code = 408
    reason = "Request Timeout"


class Request(HTTPRequestParser):
    """A request that comes in. ``refusal`` says why its body was not taken."""

    refusal = ""
    #: When its head was complete.
    began = 0.0
    #: waitress's: what takes the body; None where there is none.
    body_rcv: Any
    error: Any

    def received(self, data: bytes) -> int:
        """Take some bytes and return how many were its own."""
        consumed = super().received(data)
        if self.headers_finished and not self.began:
            self.began = time.monotonic()
            if not self.completed and not self.adj.room(self.content_length):
                self._refuse(NO_ROOM)
        if isinstance(self.error, RequestEntityTooLarge):
            self._refuse(TOO_LARGE)
        return int(consumed)

    def is_late(self, now: float, waited_since: float) -> bool:
        """Tell whether head or body should have been here by now."""
        return now - self.began > BODY_SECONDS if self.began else now - waited_since > HEAD_SECONDS

    def _refuse(self, why: str) -> None:
        """Leave the body on the wire and let the application say why."""
        self.refusal, self.error = why, None
        self.completed, self.connection_close, self.expect_continue = True, True, False
        if self.chunked:
            self.headers["CONTENT_LENGTH"] = str(self.body_bytes_received)
        if self.body_rcv is not None:
            self.body_rcv.getbuf().close()
            self.body_rcv = None


class Task(WSGITask):
    """A request that is answered."""

    def get_environment(self) -> dict[str, Any]:
        """Return what the application is told."""
        environ: dict[str, Any] = super().get_environment()
        if self.request.refusal:
            environ[REFUSAL] = self.request.refusal
        return environ

    def build_response_header(self) -> bytes:
        """Return the answer's head; the connection ends where a body was left on the wire."""
        if self.request.connection_close:
            self.set_close_on_finish()
        return bytes(super().build_response_header())


class Channel(HTTPChannel):
    """One visitor's connection."""

    task_class, parser_class = Task, Request
    #: waitress's: the request that comes in, those that wait for their answer, and how the connection ends.
    request: Any
    requests: list[Any]
    close_when_flushed: bool

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self._refused = False
        self._lingers_until = 0.0
        self._answered = time.monotonic()
        super().__init__(*args, **kwargs)

    def service(self) -> None:
        """Answer the first request that is complete; runs in a thread."""
        request = self.requests[0]
        self._refused = bool(request.error or getattr(request, "refusal", ""))
        super().service()
        self._answered = time.monotonic()

    def readable(self) -> bool:
        """Tell whether the next bytes are wanted."""
        return bool(self._lingers_until or super().readable())

    def handle_read(self) -> None:
        """Take bytes, or throw them away after a refusal."""
        if not self._lingers_until:
            super().handle_read()
            return
        with contextlib.suppress(OSError):
            self.recv(PIECE_BYTES)

    def handle_write(self) -> None:
        """Send what waits. After a refusal the other side is still sending: closing now would take its answer away."""
        if self._refused and self.close_when_flushed and not self.will_close:
            self._flush_exception(self._flush_some)
            if not self.total_outbufs_len and not self.will_close:
                with contextlib.suppress(OSError):
                    self.socket.shutdown(socket.SHUT_WR)
                self.close_when_flushed = False
                self._lingers_until = time.monotonic() + LINGER_SECONDS
            return
        super().handle_write()

    def handle_close(self) -> None:
        """Let go of everything, also of the part of a request that had come."""
        request = self.request
        super().handle_close()
        if request is not None:
            request.close()

    def is_idle(self) -> bool:
        """Tell whether nothing is going on here: no request has begun, no answer waits."""
        return not (self.requests or self.total_outbufs_len or self.request is not None or self._lingers_until)

    def hurry(self, now: float) -> None:
        """End what takes too long; the server calls it every second from the thread that reads."""
        still = time.time() - self.last_activity
        if self._lingers_until:
            too_long = now > self._lingers_until
        elif self.requests or self.total_outbufs_len:
            # An answer is made, which may take its time, or taken, which may not.
            slow = still > STILL_SECONDS or (not self.requests and now - self._answered > ANSWER_SECONDS)
            too_long = bool(self.total_outbufs_len) and slow
        elif self.request is None:
            too_long = now - self._answered > HEAD_SECONDS
        else:
            too_long = False
            if self.request.is_late(now, self._answered) or (self.request.began and still > STILL_SECONDS):
                self._refuse_late()
        if too_long:
            # Not ``will_close``, which waits until the other side takes something.
            self.handle_close()

    def _refuse_late(self) -> None:
        with self.requests_lock:
            late, self.request = self.request, None
            late.close()
            refused = self.parser_class(self.adj)
            refused.error, refused.version = TooSlow("The request did not come in time."), "1.1"
            self.requests.append(refused)
            self.server.add_task(self)


class _Bounded:
    """What servers of both kinds of address share."""

    channel_class = Channel
    active_channels: dict[int, Any]
    in_connection_overflow: bool

    def maintenance(self, _now: float) -> None:
        """Look at every connection; called once in a second or so."""
        now = time.monotonic()
        for channel in tuple(self.active_channels.values()):
            channel.hurry(now)
            # Who only keeps a connection for later makes room for who wants something now.
            if self.in_connection_overflow and channel.is_idle():
                channel.handle_close()

    def busy(self) -> bool:
        """Tell whether a request is coming in, answered, or its answer taken."""
        return not all(channel.is_idle() for channel in tuple(self.active_channels.values()))

    def promised(self) -> int:
        """Return the bytes of bodies that are announced and have not come."""
        coming = [channel.request for channel in tuple(self.active_channels.values())]
        return sum(max(one.content_length - one.body_bytes_received, 0) for one in coming if one is not None)


class TcpServer(_Bounded, TcpWSGIServer):
    """Listens on an address and port."""


class UnixServer(_Bounded, UnixWSGIServer):
    """Listens on a socket file."""


def room_for(servers: list[Any]) -> Callable[[int], bool]:
    """Return what tells whether a body of so many bytes finds room on the disk beside those that are promised it."""

    def room(length: int) -> bool:
        if length <= MEMORY_BYTES:
            return True
        there = os.statvfs(tempfile.gettempdir())
        promised = sum(server.promised() for server in servers)
        return there.f_bavail * there.f_frsize - promised >= FREE_BYTES

    return room
