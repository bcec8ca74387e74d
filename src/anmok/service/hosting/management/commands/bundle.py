"""``anmok manage bundle``: which bundles answer, and others in their place while the service runs."""

from __future__ import annotations

import threading
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from anmok.errors import AnmokError
from anmok.i18n import _
from anmok.service.answering import CANDIDATES, LIMITS
from anmok.service.hosting.choices import check_name
from anmok.service.hosting.hosted import Serving, version_of
from anmok.service.hosting.store import BundleStore


class Command(BaseCommand):
    """Installs a bundle in a service, removes it, lists what answers. A service that runs follows within seconds."""

    @property
    def help(self) -> str:
        """What ``anmok manage help bundle`` says."""
        return _("Install a bundle in the service, which need not stop; remove it; list what answers.")

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Add ``install``, ``remove`` and ``list``."""
        actions = parser.add_subparsers(dest="action", required=True)
        install = actions.add_parser("install", help=_("Check a bundle and let it answer."))
        install.add_argument("file", type=Path, help=_("The bundle's file."))
        remove = actions.add_parser(
            "remove", help=_("Remove an installed bundle; the one that `anmok serve` names answers again.")
        )
        actions.add_parser("list", help=_("List the bundles of the service."))
        for one in (install, remove):
            one.add_argument("--name", default="", help=_("Its name; without it the one of the home page."))

    def handle(self, *_words: Any, action: str, name: str = "", file: Path | None = None, **_options: Any) -> None:
        """Do it, and say what was done."""
        store = BundleStore(settings.FOLDER.path)
        name = check_name(name) if name else store.usual_name()
        if action == "install" and file is not None:
            self._install(store, name, file)
        elif action == "remove":
            store.remove(name)
            self.stdout.write(_("Removed {name}. A service that runs follows within seconds.").format(name=name))
        else:
            self._list(store)

    def _install(self, store: BundleStore, name: str, file: Path) -> None:
        serving = Serving(turns=threading.Semaphore(1), together=1, candidates=CANDIDATES, limits=LIMITS)
        installed = store.install(name, file, serving)
        words = _("Installed {name}, version {version}, {count} classes. A service that runs follows within seconds.")
        count = len(installed.predictor.labels)
        self.stdout.write(words.format(name=name, version=installed.version, count=count))

    def _list(self, store: BundleStore) -> None:
        installed, choices = store.installed(), store.choices()
        named = {choice.name: choice.path for choice in choices}
        for name in dict.fromkeys((*named, *installed)):
            path = installed.get(name) or named[name]
            try:
                version = version_of(path)
            except AnmokError as error:
                version = error.message
            came = _("installed") if name in installed else _("named by anmok serve")
            self.stdout.write(f"{name}\t{version}\t{came}\t{path}")
