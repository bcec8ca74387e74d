"""The bundles of one process by name, each exchanged in one step while others answer."""

from __future__ import annotations

import logging
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

from anmok.errors import AnmokError, BundleError, UnknownName
from anmok.i18n import _
from anmok.service.hosting import metrics
from anmok.service.hosting.choices import BundleChoice
from anmok.service.hosting.hosted import HostedBundle, Look, Serving, look_at, open_bundle
from anmok.service.hosting.store import BundleStore

logger = logging.getLogger(__name__)


class ModelHost:
    """Answers which bundle is meant, and exchanges bundles whose files were replaced.

    An installed bundle goes before the file that the command line names under the same name. A file that is damaged is
    refused, said in the log, and looked at again when it changes; until then the bundle before it answers.

    Args:
        choices: what the command line names; the first answers where no name is given.
        store: what was installed.

    Raises:
        BundleError, SourceNotFound, StorageError: a bundle of ``choices`` can be had from nowhere.
    """

    def __init__(self, choices: Sequence[BundleChoice], store: BundleStore, serving: Serving) -> None:
        self._choices, self._store, self._serving = tuple(choices), store, serving
        self._hosted: Mapping[str, HostedBundle] = MappingProxyType({})
        self._looks: dict[str, Look | None] = {}
        self._seen: dict[str, Look | None] = {}
        self._refused: set[Look] = set()
        self._lock = threading.Lock()
        for name, paths in self._wanted().items():
            self._open_first(name, paths)

    def get(self, name: str = "") -> HostedBundle:
        """Return the bundle that answers now; whoever holds it is answered by it to the end.

        Args:
            name: empty: the usual one.

        Raises:
            UnknownName: none answers under that name.
            BundleError: the service was started without any.
        """
        hosted = self._hosted
        if name in hosted:
            return hosted[name]
        if name:
            raise UnknownName(
                _("No model is named {name}.").format(name=repr(name[:60])),
                hint=_("There are: {names}.").format(names=", ".join(hosted)),
            )
        if not hosted:
            raise BundleError(
                _("The service was started without a bundle."), hint=_("Start it with `anmok serve --bundle FILE`.")
            )
        return next(iter(hosted.values()))

    def all(self) -> tuple[HostedBundle, ...]:
        """Return the bundles that answer now, the usual one first."""
        return tuple(self._hosted.values())

    def refresh(self) -> None:
        """Look at the files, and exchange what was replaced. A file must look the same twice: it may be half copied."""
        with self._lock:
            wanted = self._wanted()
            for name in set(self._hosted) - set(wanted):
                self._drop(name)
            for name, paths in wanted.items():
                look = look_at(paths[0])
                settled = self._seen.get(name) == look
                self._seen[name] = look
                if look is None or look == self._looks.get(name) or look in self._refused or not settled:
                    continue
                self._exchange(name, look)

    def _wanted(self) -> dict[str, list[Path]]:
        """Return by name where a bundle may come from, best first; the command line's names first."""
        installed = self._store.installed()
        wanted = {choice.name: [choice.path] for choice in self._choices}
        for name, path in installed.items():
            wanted[name] = [path, *wanted.get(name, [])]
        return wanted

    def _open_first(self, name: str, paths: Sequence[Path]) -> None:
        """Open a bundle at the start: what is wanted, else what answered last."""
        errors: list[AnmokError] = []
        for path in (*paths, self._store.last_good(name)):
            look = look_at(path)
            if look is None and errors:
                continue
            try:
                hosted = open_bundle(name, path, self._serving)
            except AnmokError as error:
                logger.error("bundle %s: %s", name, error)
                errors.append(error)
                if look is not None:
                    self._refused.add(look)
                continue
            self._take(hosted, look)
            return
        if any(choice.name == name for choice in self._choices):
            raise errors[0]

    def _exchange(self, name: str, look: Look) -> None:
        try:
            hosted = open_bundle(name, look.path, self._serving)
        except AnmokError as error:
            # Written to while it was read? Then the next looks will see it settle.
            if look_at(look.path) == look:
                self._refused.add(look)
                metrics.count_exchange(name, taken=False)
                logger.error("bundle %s: the new file is refused, the one before goes on: %s", name, error)
            return
        self._take(hosted, look)
        metrics.count_exchange(name, taken=True)
        logger.info("bundle %s: version %s answers from now on", name, hosted.version)

    def _take(self, hosted: HostedBundle, look: Look | None) -> None:
        before = self._hosted.get(hosted.name)
        # One assignment: a request sees the one before or this one, and keeps what it saw.
        self._hosted = MappingProxyType({**self._hosted, hosted.name: hosted})
        self._looks[hosted.name] = look
        self._note_versions(before, hosted)
        try:
            self._store.keep_good(hosted)
        except AnmokError as error:
            logger.warning("bundle %s: no copy of it can be kept: %s", hosted.name, error)

    def _drop(self, name: str) -> None:
        before = self._hosted[name]
        self._hosted = MappingProxyType({key: one for key, one in self._hosted.items() if key != name})
        self._looks.pop(name, None)
        self._note_versions(before, None)
        logger.info("bundle %s: answers no longer", name)

    def _note_versions(self, before: HostedBundle | None, after: HostedBundle | None) -> None:
        for one, answers in ((before, False), (after, True)):
            if one is not None:
                metrics.note_version(one.name, one.version, one.predictor.info.name, answers=answers)
