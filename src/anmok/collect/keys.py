"""Keys of sources: from the environment, else from a file that nobody but its owner may read. They are never stored."""

from __future__ import annotations

import logging
import os
import stat
from collections.abc import Iterable, Mapping
from pathlib import Path
from urllib.parse import quote, quote_plus

import platformdirs

from anmok.errors import UsageError
from anmok.i18n import _
from anmok.storage import explained

#: Names the file, where it is not the user's own one.
VARIABLE = "ANMOK_KEYS"
_HIDDEN = "***"
_SHORTEST = 4


def keys_file() -> Path:
    """Return the file of keys: ``ANMOK_KEYS``, else ``keys.env`` among the user's settings."""
    named = os.environ.get(VARIABLE)
    return Path(named) if named else Path(platformdirs.user_config_dir("anmok", appauthor=False)) / "keys.env"


def read_keys(names: Iterable[str]) -> dict[str, str]:
    """Return those of the keys ``names`` that are at hand.

    The file has lines ``NAME=value``; empty ones and those that begin with ``#`` are passed over. The environment goes
    before it.

    Raises:
        UsageError: others than its owner may read or write the file, or a line of it is none.
    """
    stored = _read_file(keys_file())
    found = {name: os.environ.get(name, "") or stored.get(name, "") for name in names}
    return {name: value.strip() for name, value in found.items() if value.strip()}


def _read_file(path: Path) -> Mapping[str, str]:
    if not path.is_file():
        return {}
    with explained(path):
        mode = stat.S_IMODE(path.stat().st_mode)
        text = path.read_text(encoding="utf-8", errors="replace")
    if os.name == "posix" and mode & 0o077:
        raise UsageError(
            _("The file of keys {path} may be read by others (mode {mode}).").format(path=path, mode=f"{mode:03o}"),
            hint=_("Make it yours alone: chmod 600 {path}").format(path=path),
        )
    keys = {}
    for number, line in enumerate(text.splitlines(), 1):
        name, equals, value = line.strip().partition("=")
        if not name or name.startswith("#"):
            continue
        if not equals:
            raise UsageError(
                _("{path}, line {number}: NAME=value is wanted.").format(
                    path=path, number=number
                )  # never the line itself
            )
        keys[name.strip()] = value.strip().strip("\"'")
    return keys


class Redacting(logging.Filter):
    """Takes secrets out of log records, in whatever form a library writes them: the last of three guards.

    The first is that calls are kept without their keys, the second that keys are added below everything that logs.
    """

    def __init__(self, secrets: Iterable[str]) -> None:
        super().__init__()
        forms = {
            form for one in secrets if len(one) >= _SHORTEST for form in (one, quote(one, safe=""), quote_plus(one))
        }
        self._secrets = sorted(forms, key=len, reverse=True)

    def clean(self, text: str) -> str:
        """Return the text without secrets."""
        for secret in self._secrets:
            text = text.replace(secret, _HIDDEN)
        return text

    def filter(self, record: logging.LogRecord) -> bool:
        """Clean the record; it is always let through."""
        text = record.getMessage()
        if record.exc_info:
            text += "\n" + logging.Formatter().formatException(record.exc_info)
            record.exc_info = record.exc_text = None
        record.msg, record.args = self.clean(text), ()
        return True
