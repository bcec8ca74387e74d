"""Starts the service: the folder, the database, the cards, then gunicorn. One command, no further set-up."""

from __future__ import annotations

import contextlib
import gc
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from anmok.errors import StorageError, UsageError
from anmok.i18n import _
from anmok.service.folder import ServiceFolder
from anmok.service.hosting.choices import MAIN, BundleChoice, to_environment
from anmok.service.hosting.metrics_token import make_token
from anmok.storage import explained

#: What answers where no bundle is named: made by ``scripts/demo-bundle`` from the built-in sample.
DEMO = Path(__file__).parent / "demo.anmok"
#: Threads of a process beside those whose photos wait: for pages, and for those whom the full queue refuses.
SPARE_THREADS = 8


@dataclass(frozen=True, kw_only=True)
class ServeOptions:
    """How the service runs.

    Attributes:
        bundle: what answers on the home page, and name: under which name.
        others: what answers under further names.
        folder: database, uploads, secret key.
        host, port: where it listens.
        hosts: names that it may be asked for besides; empty: this machine's own.
        workers: processes; each holds the bundles.
        queue: photos that each takes on at a time; further ones are told to come again.
        together: photos that go through a model together; more than 1 pays on a GPU alone.
        database: a URL; empty: SQLite in the folder.
    """

    bundle: Path
    folder: Path
    name: str = MAIN
    others: tuple[BundleChoice, ...] = ()
    host: str = "127.0.0.1"
    port: int = 8000
    hosts: tuple[str, ...] = ()
    workers: int = 2
    queue: int = 24
    together: int = 1
    database: str = ""

    @property
    def choices(self) -> tuple[BundleChoice, ...]:
        """All bundles, that of the home page first."""
        return (BundleChoice(self.name, self.bundle), *self.others)

    @property
    def threads(self) -> int:
        """Requests that a process answers at the same time: who finds the queue full needs a thread to be told so."""
        return self.queue + SPARE_THREADS


def set_environment(options: ServeOptions) -> None:
    """Tell Django's settings what they read.

    Raises:
        UsageError: the database's URL is none.
    """
    os.environ["DJANGO_SETTINGS_MODULE"] = "anmok.service.settings"
    os.environ["ANMOK_SERVICE"] = str(options.folder.resolve())
    os.environ["ANMOK_BUNDLE"] = to_environment(options.choices)
    os.environ["ANMOK_QUEUE"], os.environ["ANMOK_TOGETHER"] = str(options.queue), str(options.together)
    named = os.environ.get("ANMOK_HOSTS") or "localhost,127.0.0.1,[::1]"
    os.environ["ANMOK_HOSTS"] = ",".join(dict.fromkeys((*named.split(","), *options.hosts)))
    if options.database:
        _check_database_url(options.database)
        os.environ["DATABASE_URL"] = options.database
    else:
        # An empty one would be taken for an address.
        os.environ.pop("DATABASE_URL", None)


def start_django(folder: Path) -> None:
    """Make the service's folder and let Django read its settings, which ``set_environment`` told it.

    Raises:
        StorageError: the folder cannot be written.
    """
    ServiceFolder(folder).prepare()
    import django

    django.setup()


def prepare(options: ServeOptions) -> None:
    """Make the folder, bring the database up to date, collect the static files, fill in cards that are known.

    Raises:
        StorageError: the folder cannot be written, or the database not be used.
        UsageError: the database's URL is none.
        BundleError, SourceNotFound: the bundle cannot be used.
    """
    set_environment(options)
    start_django(options.folder)
    from django.core.management import call_command
    from django.db import connection

    from anmok.bundle.format import read_bundle
    from anmok.service.cards.models import Card
    from anmok.service.cards.sample import load_sample
    from anmok.service.hosting.store import BundleStore
    from anmok.service.static_files import collect

    labels = [label for one in options.choices for label in read_bundle(one.path, reference=False).info.labels]
    make_token(options.folder)
    BundleStore(options.folder).note_choices(options.choices)
    # Of two services that start at once on one folder, one makes the tables and the other finds them.
    # The connection is not handed on to the processes that will answer.
    with (
        ServiceFolder(options.folder).alone(),
        explained_database(),
        explained(options.folder),
        contextlib.closing(connection),
    ):
        call_command("migrate", interactive=False, verbosity=0)
        collect()
        if not Card.objects.exists():
            load_sample(labels)


def _check_database_url(url: str) -> None:
    import dj_database_url

    try:
        dj_database_url.parse(url)
    except ValueError:
        # The URL itself stays out of the message: it holds a password.
        raise UsageError(
            _("DATABASE_URL is no address of a database."),
            hint=_("Write it as mysql://user:password@host/name, or leave it out for SQLite in the folder."),
        ) from None


@contextlib.contextmanager
def explained_database() -> Iterator[None]:
    """Turn what the database refuses into a ``StorageError``."""
    from django.db import DatabaseError

    try:
        yield
    except DatabaseError as error:
        raise StorageError(
            _("The database cannot be used: {reason}.").format(reason=error),
            hint=_("Check that the disk is not full, that the database server runs, and what DATABASE_URL says."),
        ) from error


def run(options: ServeOptions, *, ready: Callable[[], None]) -> None:
    """Serve until told to stop.

    Args:
        ready: called once the service listens.
    """
    from gunicorn.app.base import BaseApplication

    from anmok.service.hosting.shared_counts import forget_process

    settings = {
        "bind": f"{options.host}:{options.port}",
        "workers": options.workers,
        "worker_class": "anmok.service.worker.BufferingWorker",
        "threads": options.threads,
        "timeout": 60,
        "graceful_timeout": 20,
        "accesslog": None,
        "loglevel": "warning",
        "control_socket_disable": True,
        "when_ready": lambda _server: ready(),
        # Each process opens the bundles before its first visitor comes.
        "post_worker_init": lambda _worker: _warm(),
        "child_exit": lambda _server, worker: forget_process(worker.pid),
    }

    class Application(BaseApplication):
        def load_config(self) -> None:
            for name, value in settings.items():
                if name in self.cfg.settings:
                    self.cfg.set(name, value)

        def load(self) -> Any:
            from anmok.service.wsgi import application

            return application

    Application().run()


def _warm() -> None:
    from anmok.service.answering import admission, host
    from anmok.service.hosting.watching import watch
    from anmok.service.worker import return_freed_memory

    return_freed_memory()
    admission()
    watch(host())
    # What is there now stays: the collector need not look through it again and again while photos wait.
    gc.collect()
    gc.freeze()
