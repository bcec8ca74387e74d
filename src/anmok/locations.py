"""Where Anmok looks for and keeps things on this machine. Reads the environment when called, not at import."""

from __future__ import annotations

import os
from pathlib import Path

import platformdirs


def cache_dir() -> Path:
    """Return the folder of everything that can be computed again: ``ANMOK_CACHE``, else the user's cache."""
    named = os.environ.get("ANMOK_CACHE")
    return Path(named) if named else Path(platformdirs.user_cache_dir("anmok", appauthor=False))


def weight_dirs() -> tuple[Path, ...]:
    """Return the folders where weight packs are looked for, first wins.

    The folders of ``ANMOK_WEIGHTS`` (separated as in ``PATH``), then ``weights`` in the cache.
    """
    named = os.environ.get("ANMOK_WEIGHTS", "")
    return (*(Path(part) for part in named.split(os.pathsep) if part), cache_dir() / "weights")


def is_offline() -> bool:
    """Tell whether the user forbade the network: ``ANMOK_OFFLINE`` or ``HF_HUB_OFFLINE`` is set."""
    return any(os.environ.get(name, "") not in ("", "0") for name in ("ANMOK_OFFLINE", "HF_HUB_OFFLINE"))
