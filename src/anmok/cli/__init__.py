"""The command line: parse, call, print. ``main`` is the ``anmok`` command.

Each command lives in a module with ``register(app)``; texts are translated when the app is built, and heavy
libraries are imported when a command runs, so that ``anmok --help`` and ``anmok predict`` start quickly.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

from anmok.i18n import LANGUAGES, language_of, use_language


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the ``anmok`` command and leave with its exit code: 0 fine, 1 found something wrong, 2 bad usage."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    with use_language(_spoken(words)):
        from anmok.cli.app import run

        code = run(words)
    sys.exit(code)


def _spoken(words: Sequence[str]) -> str:
    # Help texts are translated before the options are parsed, so --lang is looked up by hand.
    for position, word in enumerate(words):
        if word == "--":
            break
        value = word.removeprefix("--lang=") if word.startswith("--lang=") else ""
        if word == "--lang" and position + 1 < len(words):
            value = words[position + 1]
        if value in LANGUAGES:
            return value
    return language_of()
