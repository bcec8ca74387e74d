"""Photos that a file names: kept already, or lying beside the file. No path leads out of the file's own folder."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from anmok.errors import AnmokError
from anmok.i18n import _
from anmok.service.answering import LIMITS
from anmok.service.cards.models import CardPhoto
from anmok.service.cards.photos import adopt, where
from anmok.service.cards.wording import Unwanted, shown
from anmok.service.uploads.keeping import Kept, encode
from anmok.storage import explained

_HASH = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Picture:
    """A photo that can be had: its hash and size in pixels; ``kept`` where it must still be stored."""

    picture: str
    width: int
    height: int
    kept: Kept | None = None


class Pictures:
    """Finds photos by what a file calls them.

    Args:
        folder: where the file lies; None where it came over the web, and only kept photos can be named.
        stem: the file's name without its ending; what it exported lies in ``<stem>-photos``.
    """

    def __init__(self, folder: Path | None = None, stem: str = "") -> None:
        self._folder, self._stem = folder, stem
        self._found: dict[str, Picture] = {}

    def find(self, name: str) -> Picture:
        """Return a photo; it is decoded, but not stored yet.

        Raises:
            Unwanted: there is none of that name, or it cannot be read.
        """
        if name not in self._found:
            try:
                self._found[name] = self._kept(name) if _HASH.fullmatch(name) else self._beside(name)
            except AnmokError as error:
                raise Unwanted(error.message, _("A photo that can be read is wanted.")) from error
        return self._found[name]

    def forget_stored(self) -> None:
        """Look anew for photos that are stored already: somebody may have removed them since."""
        self._found = {name: picture for name, picture in self._found.items() if picture.kept is not None}

    def _kept(self, picture: str) -> Picture:
        row = CardPhoto.objects.filter(picture=picture).first()
        if row is not None and where(picture).is_file():
            return Picture(picture, row.width, row.height)
        for path in (where(picture), self._exported(picture)):
            if path is not None and path.is_file():
                kept = adopt(picture, _read(path))
                return Picture(picture, kept.width, kept.height, kept)
        raise Unwanted(
            _("The photo {name} came, which is not kept here.").format(name=shown(picture[:12] + "…")),
            _("Export with --photos, and keep that folder beside the file."),
        )

    def _exported(self, picture: str) -> Path | None:
        return None if self._folder is None else self._folder / f"{self._stem}-photos" / f"{picture}.jpg"

    def _beside(self, name: str) -> Picture:
        if self._folder is None:
            raise Unwanted(
                _("{value} came.").format(value=shown(name)),
                _("Files can be named on the command line only; here, add photos in the form of the card."),
            )
        root = self._folder.resolve()
        path = (root / name).resolve()
        if not path.is_relative_to(root) or not path.is_file():
            wanted = _("A file below {folder} is wanted.").format(folder=root)
            raise Unwanted(_("{value} came.").format(value=shown(name)), wanted)
        kept = encode(path.name, _read(path))
        return Picture(kept.picture, kept.width, kept.height, kept)


def _read(path: Path) -> bytes:
    # One byte more than is accepted is enough to refuse it.
    with explained(path), path.open("rb") as stream:
        return stream.read(LIMITS.max_bytes + 1)
