"""Connections to MariaDB or MySQL that wait for the next request, on whichever thread it comes."""

from __future__ import annotations

import os
import threading
from typing import Any

import pymysql

#: Connections of a process that wait for a request.
MOST_IDLE = 4


class IdleConnections:
    """Open connections that nobody uses, each with the parameters that it was opened with."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._idle: list[tuple[dict[str, Any], Any]] = []
        self._process = os.getpid()
        self._lock = threading.Lock()

    def take(self, parameters: dict[str, Any]) -> Any:
        """Return a connection that works, that used last first; None where there is none."""
        while (connection := self._next(parameters)) is not None:
            if _answers(connection):
                return connection
        return None

    def give_back(self, parameters: dict[str, Any], connection: Any) -> None:
        """Keep a connection for who comes next, or close it where enough wait or it does not work."""
        if connection.open and _rolled_back(connection):
            with self._lock:
                self._forget_of_parent()
                if len(self._idle) < self._most:
                    self._idle.append((parameters, connection))
                    return
        connection.close()

    def _next(self, parameters: dict[str, Any]) -> Any:
        with self._lock:
            self._forget_of_parent()
            for place in reversed(range(len(self._idle))):
                if self._idle[place][0] == parameters:
                    return self._idle.pop(place)[1]
        return None

    def _forget_of_parent(self) -> None:
        """Leave connections alone that a process had before it became two: both would talk on them."""
        if self._process != os.getpid():
            self._idle, self._process = [], os.getpid()


def _answers(connection: Any) -> bool:
    try:
        connection.ping(reconnect=False)
    except pymysql.Error:  # the server closed it, or has gone
        return False
    return True


def _rolled_back(connection: Any) -> bool:
    try:
        connection.rollback()
    except pymysql.Error:
        return False
    return True
