"""Django's backend for MariaDB and MySQL; a connection whose request is answered serves the next one, on any thread.

Django keeps a connection for each thread, and a process of the service has dozens of threads that mostly wait: two
services took all of the 151 connections that MariaDB gives by default. Opening one for each request instead costs as
much as identifying a photo where TLS is set up (20 ms). Django 5.1 has such a pool for PostgreSQL alone.
"""

from __future__ import annotations

import threading
from typing import Any

from django.db.backends.mysql import base

from anmok.service.mysql.idle import MOST_IDLE, IdleConnections

_idle = IdleConnections(MOST_IDLE)


class DatabaseWrapper(base.DatabaseWrapper):
    """Takes its connection from those that wait, and gives it back when Django closes it after a request."""

    def get_new_connection(self, conn_params: dict[str, Any]) -> Any:
        """Return a connection."""
        self._parameters = conn_params
        return _idle.take(conn_params) or super().get_new_connection(conn_params)

    def _close(self) -> None:
        if self.connection is None:
            return
        # What state it is in may not be known; and nobody comes after the main thread, which answers no requests.
        if self.errors_occurred or self.in_atomic_block or threading.current_thread() is threading.main_thread():
            super()._close()
            return
        with self.wrap_database_errors:
            _idle.give_back(self._parameters, self.connection)
