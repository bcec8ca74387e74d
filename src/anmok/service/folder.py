"""The service's folder: database, uploads and the secret key. All that a backup needs."""

from __future__ import annotations

import contextlib
import fcntl
import os
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from anmok.errors import StorageError
from anmok.i18n import _
from anmok.storage import explained

#: Characters of the secret key; Django asks for 50 or more.
KEY_LENGTH = 64


@dataclass(frozen=True, slots=True)
class ServiceFolder:
    """Paths below one folder, which ``prepare`` makes."""

    path: Path

    @property
    def database(self) -> Path:
        """The SQLite file, used where no DATABASE_URL is set."""
        return self.path / "anmok.sqlite3"

    @property
    def uploads(self) -> Path:
        """Photos by the hash of what is kept."""
        return self.path / "uploads"

    @property
    def incoming(self) -> Path:
        """Bodies of requests that are still coming, in files without a name or until they are read."""
        return self.path / "incoming"

    @property
    def cards(self) -> Path:
        """Photos of cards by the hash of what is kept; a backup needs them too."""
        return self.path / "cards"

    @property
    def key_file(self) -> Path:
        """What signs sessions and forms; readable by its owner only."""
        return self.path / "secret-key"

    def prepare(self) -> None:
        """Make the folder and the key, where they are not there yet.

        Raises:
            StorageError: no permission, disk full.
        """
        with explained(self.path):
            self.path.mkdir(parents=True, exist_ok=True)
            self.uploads.mkdir(exist_ok=True)
            self.incoming.mkdir(mode=0o700, exist_ok=True)
        make_secret(self.key_file, KEY_LENGTH)

    @contextlib.contextmanager
    def alone(self, name: str = "start") -> Iterator[None]:
        """Let one process or thread of this machine at a time into the block of that name; others wait.

        Raises:
            StorageError: no permission, disk full.
        """
        path = self.path / f".{name}.lock"
        with explained(path):
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            # Closing it also ends the lock; a killed process closes it too.
            os.close(descriptor)

    def secret_key(self) -> str:
        """Return the key that ``prepare`` made.

        Raises:
            StorageError: it is missing or cut off.
        """
        with explained(self.key_file):
            key = self.key_file.read_text(encoding="ascii", errors="ignore").strip()
        if len(key) < KEY_LENGTH:
            raise StorageError(
                _("{path} holds no key of {count} characters.").format(path=self.key_file, count=KEY_LENGTH),
                hint=_("Delete it, and `anmok serve` makes a new one; visitors must then log in again."),
            )
        return key


def make_secret(path: Path, letters: int) -> None:
    """Write so many random letters into a file that its owner alone may read, where there is none yet.

    Raises:
        StorageError: no permission, disk full.
    """
    if path.exists():
        return
    # Written beside and linked into place: of two processes that start at once, one secret wins, and both read it.
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    with explained(path):
        descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        try:
            with os.fdopen(descriptor, "w", encoding="ascii") as stream:
                stream.write(secrets.token_urlsafe(letters)[:letters] + "\n")
                stream.flush()
                os.fsync(stream.fileno())
            with contextlib.suppress(FileExistsError):
                os.link(beside, path)
        finally:
            beside.unlink(missing_ok=True)
