"""gunicorn's worker that lets waitress do the HTTP: processes from the one, whole requests from the other.

gunicorn starts the processes, starts them again when they die, and hands on its sockets. waitress takes requests in
whole before a thread is taken for them (``connections``), so that a visitor who sends slowly keeps a buffer and
nothing else; gunicorn's own workers read bodies in their threads, of which sixteen such visitors held all.
"""

from __future__ import annotations

import ctypes
import logging
import os
import resource
import socket
import tempfile
import time
from typing import Any

from gunicorn.workers.base import Worker
from waitress import wasyncore
from waitress.adjustments import Adjustments
from waitress.task import ThreadedTaskDispatcher

from anmok.service.connections import (
    HEAD_BYTES,
    MEMORY_BYTES,
    MOST_CONNECTIONS,
    PIECE_BYTES,
    TcpServer,
    UnixServer,
    room_for,
)

#: glibc's number for the size from which memory is borrowed piece by piece, and that size (bytes).
_M_MMAP_THRESHOLD, _OWN_PIECE = -3, 2**20
#: Files that a connection may hold open, and those that the rest of the process may need.
_FILES_EACH, _OTHER_FILES = 2, 200


class BufferingWorker(Worker):
    """One process of the service."""

    def run(self) -> None:
        """Serve until told to stop; what was taken on by then is still answered."""
        from django.conf import settings

        # Bodies lie beside the photos: /tmp is memory on many machines.
        tempfile.tempdir = str(settings.FOLDER.incoming)
        # A queue of a few requests is nothing to warn of.
        logging.getLogger("waitress.queue").setLevel(logging.ERROR)
        dispatcher = ThreadedTaskDispatcher()
        dispatcher.set_thread_count(self.cfg.threads)
        connections: dict[int, Any] = {}
        servers = self._servers(connections, dispatcher, settings.MOST_REQUEST_BYTES)
        while self.alive and os.getppid() == self.ppid:
            self._turn(connections)
        for server in servers:
            server.accepting = False
        end = time.monotonic() + self.cfg.graceful_timeout
        while time.monotonic() < end and any(server.busy() for server in servers):
            self._turn(connections)
        dispatcher.shutdown(timeout=1)

    def _turn(self, connections: dict[int, Any]) -> None:
        self.notify()
        wasyncore.loop(timeout=1.0, use_poll=True, map=connections, count=1)

    def _servers(
        self, connections: dict[int, Any], dispatcher: ThreadedTaskDispatcher, most_bytes: int
    ) -> list[TcpServer | UnixServer]:
        settings = Adjustments(
            sockets=[listener.sock for listener in self.sockets],
            ident=None,
            backlog=self.cfg.backlog,
            recv_bytes=PIECE_BYTES,
            inbuf_overflow=MEMORY_BYTES,
            max_request_header_size=HEAD_BYTES,
            # Refused from this size on.
            max_request_body_size=most_bytes + 1,
            connection_limit=most_connections(),
            cleanup_interval=1,
            log_socket_errors=False,
            # What a proxy says is judged by the settings of the application.
            clear_untrusted_proxy_headers=False,
            server_name="localhost",
        )
        servers: list[TcpServer | UnixServer] = []
        settings.room = room_for(servers)
        for sock in settings.sockets:
            kind = UnixServer if sock.family == socket.AF_UNIX else TcpServer
            address = (sock.family, sock.type, sock.proto, sock.getsockname())
            servers.append(
                kind(
                    self.wsgi,
                    connections,
                    True,
                    sock,
                    dispatcher=dispatcher,
                    adj=settings,
                    sockinfo=address,
                    bind_socket=False,
                )
            )
        return servers


def most_connections() -> int:
    """Return how many connections this process may hold, having raised its limit of open files as far as it may."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _FILES_EACH * MOST_CONNECTIONS + _OTHER_FILES
    if soft != resource.RLIM_INFINITY and soft < wanted:
        soft = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    if soft == resource.RLIM_INFINITY:
        return MOST_CONNECTIONS
    return max(min(MOST_CONNECTIONS, (soft - _OTHER_FILES) // _FILES_EACH), 16)


def return_freed_memory() -> None:
    """Let the C library give the memory of decoded photos back at once; does nothing where that is not glibc.

    It would else raise the size from which it does so with the first large photo, and then keep what every thread
    once needed: twelve photos of 80 megapixels left 2.5 GB with a process.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(_M_MMAP_THRESHOLD, _OWN_PIECE)
