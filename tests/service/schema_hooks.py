"""What schemathesis loads: photos, so that what it holds for good requests are good ones."""

from __future__ import annotations

import schemathesis
from hypothesis import strategies

from tests.service.served import photo

PHOTOS = strategies.sampled_from([photo("red", seed=90), photo("blue", kind="PNG", seed=91)])

schemathesis.openapi.format("binary", PHOTOS)
for _kind in ("jpeg", "png", "webp", "heic", "heif", "avif"):
    schemathesis.openapi.media_type(f"image/{_kind}", PHOTOS)
