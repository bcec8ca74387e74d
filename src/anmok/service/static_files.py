"""Styles, scripts and icons: named by their hash, so that browsers keep them; compressed once, anew when changed."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.staticfiles.finders import get_finders
from django.core.management import call_command
from whitenoise.compress import Compressor
from whitenoise.storage import CompressedManifestStaticFilesStorage

from anmok.storage import write_text

#: What no page loads: the other one of the two pages that describe the API, the sources of what is minified, another
#: version of htmx. Compressing them took half of the time of the first start.
UNUSED = (
    "redoc*",
    "swagger-ui-bundle.js.map",
    "htmax-*",
    "htmx-2.js",
    "htmx-2-compat-4*",
    "htmx-4*",
    "hx-*",
    "xregexp.js",
    "jquery.js",
    "select2.full.js",
    "select2.css",
    "LICENSE*",
    "README*",
)
_STAMP = ".collected"


class GzippedFiles(CompressedManifestStaticFilesStorage):
    """WhiteNoise's storage without Brotli, which it takes whenever the package is there (Scrapy brings it).

    It saves a tenth more than gzip, and made the first start take 35 seconds of computing instead of two.
    """

    def create_compressor(self, **options: Any) -> Compressor:
        """Return what compresses a file; ``options`` are WhiteNoise's own."""
        return Compressor(use_brotli=False, **options)


def collect() -> None:
    """Collect what pages load into the service's folder, unless that was done with these very files.

    Raises:
        OSError: disk full, no permission.
    """
    folder, now = Path(settings.STATIC_ROOT), _fingerprint()
    stamp = folder / _STAMP
    if (
        stamp.exists()
        and (folder / GzippedFiles.manifest_name).exists()
        and stamp.read_text(encoding="utf-8").strip() == now
    ):
        return
    call_command("collectstatic", interactive=False, verbosity=0, ignore_patterns=list(UNUSED))
    write_text(stamp, now + "\n")


def _fingerprint() -> str:
    """Return what differs as soon as a file, or the way that it is stored, differs."""
    lines = [str(settings.STORAGES["staticfiles"]), str(UNUSED)]
    for finder in get_finders():
        for path, storage in finder.list(list(UNUSED)):
            facts = Path(storage.path(path)).stat()
            lines.append(f"{path} {facts.st_size} {facts.st_mtime_ns}")
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()
