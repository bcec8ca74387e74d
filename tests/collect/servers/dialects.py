"""All dialects by the first part of their path, and the keys that they take."""

from __future__ import annotations

from tests.collect.servers import (
    commons,
    flickr,
    google,
    inaturalist,
    instagram,
    kakao,
    naver,
    openverse,
    pexels,
    pixabay,
    unsplash,
)
from tests.collect.servers.world import Dialect

_MODULES = {
    "openverse": openverse,
    "commons": commons,
    "inaturalist": inaturalist,
    "flickr": flickr,
    "naver": naver,
    "kakao": kakao,
    "google": google,
    "instagram": instagram,
    "unsplash": unsplash,
    "pexels": pexels,
    "pixabay": pixabay,
}
DIALECTS: dict[str, Dialect] = {name: module.answer for name, module in _MODULES.items()}
#: Where each source finds its API on the server, and the keys that it needs.
PATHS: dict[str, str] = {name: module.PATH for name, module in _MODULES.items()}
KEYS: dict[str, dict[str, str]] = {name: getattr(module, "KEYS", {}) for name, module in _MODULES.items()}
