"""One photo, the whole way: asked about, kept, noted. What the pages and the API share."""

from __future__ import annotations

import logging
from dataclasses import dataclass

from django.conf import settings
from django.db import OperationalError, transaction

from anmok.errors import PictureError, StorageError
from anmok.i18n import _
from anmok.images import Position, position_of
from anmok.images.scaling import load_decoded
from anmok.service.answering import FEW_AT_ONCE, LIMITS, admission, served
from anmok.service.hosting.hosted import HostedBundle
from anmok.service.uploads.consent import Giver, why_forgotten
from anmok.service.uploads.keeping import LONGEST_SIDE, Kept, decode_to_keep, encoded, preview, store
from anmok.service.uploads.models import KeepingRules, Upload


@dataclass(frozen=True, slots=True)
class Refused:
    """A photo that could not be read: its name, and why, in the visitor's language."""

    name: str
    reason: str


@dataclass(frozen=True, slots=True)
class Identified:
    """An answer.

    Attributes:
        upload: what the model said; it has a row, and so an address, if the photo was kept.
        position: where the photo was taken, if it says so; it is in no database unless agreed to.
        forgotten: why the photo was not kept, for the visitor; empty where it was.
        preview: a small JPEG of a photo that was not kept, so that its giver still sees it; else empty.
    """

    upload: Upload
    position: Position | None
    forgotten: str = ""
    preview: bytes = b""


def identify(
    name: str, data: bytes, *, giver: Giver | None = None, keep_position: bool = False, model: str = ""
) -> Identified | Refused:
    """Answer for the bytes of one photo, and keep it if it may be kept and there is room.

    Args:
        name: as the visitor's machine called it; shown and stored, never used as a path.
        giver: whose it is, and what they agreed to; None: nobody is known, who agreed to nothing.
        keep_position: the visitor agreed that it is stored where the photo was taken.
        model: under which name the bundle answers; empty: that of the home page.

    Raises:
        UnknownName: no bundle answers under that name.
        Busy: too many photos wait already.
    """
    # Held to the end: answer, labels and version are of one bundle, whatever is installed meanwhile.
    bundle = served(model)
    with admission().place():
        return _identified(name, data, bundle, giver or Giver(), keep_position=keep_position)


def _identified(
    name: str, data: bytes, bundle: HostedBundle, giver: Giver, *, keep_position: bool
) -> Identified | Refused:
    shown = name.replace("\\", "/").rpartition("/")[2][:255] or "photo"
    info = bundle.predictor.info
    try:
        with FEW_AT_ONCE:
            picture = decode_to_keep(shown, data)
            # Before it is shrunk for keeping: the model sees what it sees in `anmok predict`.
            square = load_decoded(
                picture, LONGEST_SIDE, data, name=shown, size=info.image_size, rule=info.resize, limits=LIMITS
            )
            kept = encoded(picture, data)
            del picture
    except PictureError as error:
        return Refused(shown, error.message)
    answer = bundle.ask(shown, square)
    upload = Upload(
        name=shown,
        picture=kept.picture,
        original=kept.original,
        bytes=len(kept.data),
        visitor=giver.visitor,
        width=kept.width,
        height=kept.height,
    )
    upload.take(answer, model=bundle.mark)
    position = position_of(data)
    if keep_position and position is not None:
        upload.latitude, upload.longitude = position.latitude, position.longitude
    forgotten = why_forgotten(KeepingRules.current(), giver, len(kept.data)) or _keep(upload, kept)
    return Identified(upload, position, forgotten, preview(kept) if forgotten else b"")


def _keep(upload: Upload, kept: Kept) -> str:
    """Keep a photo and its row; return why that was not possible, for its giver, who has an answer all the same."""
    try:
        # The file first: a row whose photo is missing would be a lie, a photo without a row is swept away later.
        store(kept, settings.FOLDER.uploads)
        with transaction.atomic():
            upload.save(force_insert=True)
        # Again, in case that its last row was deleted meanwhile (``uploads.removal``); it usually is there.
        store(kept, settings.FOLDER.uploads)
    except (StorageError, OperationalError) as error:
        logging.getLogger(__name__).error("a photo was not kept: %s", error, exc_info=error)
        # Its giver is told that nothing stayed, so nothing may; where that cannot be made sure of, they get no answer.
        Upload.objects.filter(pk=upload.pk).delete()
        return _("The service cannot keep photos now: this one was looked at and forgotten.")
    return ""
