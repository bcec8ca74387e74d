"""The sources that come with Anmok, in the order in which they are shown: those that need no key first."""

from __future__ import annotations

#: Modules of this package; importing one registers its source.
MODULES = (
    "openverse",
    "commons",
    "inaturalist",
    "flickr",
    "naver",
    "kakao",
    "google",
    "instagram",
    "unsplash",
    "pexels",
    "pixabay",
    "urls",
    "page",
)
#: Asked where none is named: they need no key and give a licence for each picture.
DEFAULT = ("openverse", "commons")
