"""Where photos of cards lie: decoded within limits, re-encoded, under the hash of the result, as uploads are.

Beside each photo lies a small one for lists, so that a page of fifty cards is not fifty megabytes on a phone.
"""

from __future__ import annotations

import io
from hashlib import sha256
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import transaction
from PIL import Image

from anmok.errors import DamagedPicture
from anmok.i18n import _
from anmok.images import decode_image
from anmok.service.answering import FEW_AT_ONCE, LIMITS
from anmok.service.cards.models import CardPhoto
from anmok.service.uploads.keeping import LONGEST_SIDE, Kept, discard, encode, place, preview, store
from anmok.storage import write_bytes

#: The longer side of a small photo, pixels, and its JPEG quality.
SMALL_SIDE, SMALL_QUALITY = 640, 82


def keep(name: str, data: bytes) -> Kept:
    """Decode, re-encode and store a photo for a card; a row that names it is the caller's.

    Raises:
        PictureError: it cannot be read, or is too large.
        StorageError: disk full, no permission.
    """
    kept = encode(name, data)
    put(kept)
    return kept


def put(kept: Kept) -> None:
    """Store an encoded photo and its small one, and again once the transaction is through.

    The second time is for a photo whose last other row was deleted meanwhile (``remove_unnamed``).
    """
    _store(kept)
    transaction.on_commit(lambda: _store(kept))


def where(picture: str, *, small: bool = False) -> Path:
    """Return where the photo of that hash lies, or its small one; ``ValueError`` where it is no hash."""
    path = place(picture, settings.FOLDER.cards)
    return path.with_suffix(".small.jpg") if small else path


def adopt(picture: str, data: bytes) -> Kept:
    """Take a photo that this or another service exported, as it is: its hash stays, so nothing is encoded twice.

    Raises:
        PictureError: it is not what ``encode`` writes: other bytes than the hash says, metadata, too large.
    """
    if sha256(data).hexdigest() != picture:
        raise DamagedPicture(_("The photo {name} was changed after it was exported.").format(name=picture[:12]))
    with FEW_AT_ONCE:
        decoded = decode_image(data, picture[:12], LIMITS, None)
    if decoded.format != "JPEG" or max(decoded.width, decoded.height) > LONGEST_SIDE or _has_more(data):
        raise DamagedPicture(_("The photo {name} is none that Anmok exported.").format(name=picture[:12]))
    return Kept(data, picture, picture, decoded.width, decoded.height)


def remove_picture(instance: CardPhoto, **_signal: Any) -> None:
    """Remove the file of a deleted row once the deletion is certain, unless other rows name it too."""
    transaction.on_commit(lambda: remove_unnamed(instance.picture))


def remove_unnamed(picture: str) -> bool:
    """Remove the photo of that hash unless a row names it; return whether it was removed."""
    gone = discard(where(picture), lambda: CardPhoto.objects.filter(picture=picture).exists())
    if gone:
        where(picture, small=True).unlink(missing_ok=True)
    return gone


def _store(kept: Kept) -> None:
    path = store(kept, settings.FOLDER.cards)
    small = path.with_suffix(".small.jpg")
    if not small.exists():
        write_bytes(small, preview(kept, SMALL_SIDE, quality=SMALL_QUALITY, optimize=True))


def _has_more(data: bytes) -> bool:
    """Return whether a JPEG holds more than a picture: metadata, a comment, bytes behind its end."""
    with Image.open(io.BytesIO(data), formats=["JPEG"]) as image:
        # Anmok's own files have nothing but JFIF's few facts.
        more = set(image.info) - {"jfif", "jfif_version", "jfif_unit", "jfif_density", "dpi"}
    return bool(more) or not data.endswith(b"\xff\xd9") or data.count(b"\xff\xd9") != 1
