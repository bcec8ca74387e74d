"""Bundles in the service's folder: those that ``anmok manage bundle install`` put there, and the last good ones.

bundles/NAME.anmok             answers under that name, whatever the command line says
bundles/last-good/NAME.anmok   what answered last: a process that starts while the named file is damaged takes it
bundles/served.json            names and files that ``anmok serve`` was given, the home page's first
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

from anmok.bundle.format import SUFFIX
from anmok.errors import AnmokError, UnknownName
from anmok.i18n import _
from anmok.service.hosting.choices import MAIN, NAME, BundleChoice
from anmok.service.hosting.hosted import (
    VERSION_LETTERS,
    HostedBundle,
    Serving,
    changed_meanwhile,
    open_bundle,
    version_of,
)
from anmok.storage import explained, read_json, write_bytes, write_json


class BundleStore:
    """The folder ``bundles`` of a service.

    Args:
        folder: of the service; nothing is made before something is written.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "bundles"

    def installed(self) -> dict[str, Path]:
        """Return what was installed, by name."""
        found = sorted(self.folder.glob(f"*{SUFFIX}"))
        return {path.stem: path for path in found if NAME.fullmatch(path.stem) and path.is_file()}

    def place(self, name: str) -> Path:
        """Return where the installed bundle of that name lies, or would."""
        return self.folder / f"{name}{SUFFIX}"

    def last_good(self, name: str) -> Path:
        """Return where the last good bundle of that name lies, or would."""
        return self.folder / "last-good" / f"{name}{SUFFIX}"

    def install(self, name: str, path: Path, serving: Serving) -> HostedBundle:
        """Check a bundle and put a copy in place, in one step: a reader sees the one before or this one.

        Raises:
            SourceNotFound, BundleError: it cannot be used; the one before stays.
            StorageError: no room, no permission.
        """
        opened = open_bundle(name, path, serving)
        self._copy(opened, self.place(name))
        return opened

    def remove(self, name: str) -> None:
        """Remove an installed bundle; what the command line names under that name answers again.

        Raises:
            UnknownName: none of that name is installed.
        """
        path = self.place(name)
        if name not in self.installed():
            raise UnknownName(
                _("No bundle {name} is installed.").format(name=repr(name)),
                hint=_("Installed are: {names}.").format(names=", ".join(self.installed()) or "-"),
            )
        with explained(path):
            path.unlink()
        # It would come back by this way if the service started while nothing else answers under that name.
        self.last_good(name).unlink(missing_ok=True)

    def keep_good(self, hosted: HostedBundle) -> None:
        """Keep a copy of what answers now, unless it is there already.

        Raises:
            StorageError: no room, no permission.
        """
        kept = self.last_good(hosted.name)
        if not kept.exists() or version_of(kept) != hosted.version:
            self._copy(hosted, kept)

    def note_choices(self, choices: Sequence[BundleChoice]) -> None:
        """Write down what the command line named, for commands that run beside the service."""
        served = [{"name": choice.name, "path": str(choice.path.resolve())} for choice in choices]
        write_json(self.folder / "served.json", {"bundles": served})

    def choices(self) -> tuple[BundleChoice, ...]:
        """Return what the command line named when the service started last; nothing where it never did."""
        path = self.folder / "served.json"
        if not path.exists():
            return ()
        try:
            return tuple(BundleChoice(str(one["name"]), Path(one["path"])) for one in read_json(path)["bundles"])
        except (AnmokError, KeyError, TypeError):
            # It only tells what is usual; a broken one must not keep anybody from installing.
            return ()

    def usual_name(self) -> str:
        """Return the name of the bundle that the home page asks."""
        choices = self.choices()
        return choices[0].name if choices else MAIN

    def _copy(self, opened: HostedBundle, target: Path) -> None:
        with explained(opened.path):
            data = opened.path.read_bytes()
        if hashlib.sha256(data).hexdigest()[:VERSION_LETTERS] != opened.version:
            raise changed_meanwhile(opened.path)
        write_bytes(target, data)
