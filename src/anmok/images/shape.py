"""What size a picture has, from its header alone: as stored, and upright."""

from __future__ import annotations

from dataclasses import dataclass

from PIL import Image

from anmok.config import Limits
from anmok.errors import DamagedPicture, PictureTooLarge, UnknownFormat
from anmok.i18n import _
from anmok.images.decoding import open_header, orientation_of
from anmok.images.signatures import describe, format_of

_SIDES_SWAPPED = (5, 6, 7, 8)


@dataclass(frozen=True, slots=True)
class Shape:
    """The size of a picture.

    Attributes:
        width, height: upright, pixels.
        orientation: EXIF's number, 1-8; 1 where the picture is stored upright.
    """

    width: int
    height: int
    orientation: int = 1

    @property
    def stored(self) -> tuple[int, int]:
        """Width and height as the file holds the pixels, before it is turned upright."""
        turned = self.orientation in _SIDES_SWAPPED
        return (self.height, self.width) if turned else (self.width, self.height)


def shape_of(data: bytes, *, name: str, limits: Limits = Limits()) -> Shape:  # noqa: B008
    """Return the size of a picture without decoding its pixels.

    Args:
        name: what errors call the file.
        limits: on bytes and pixels.

    Raises:
        UnknownFormat, PictureTooLarge, DamagedPicture: as ``decode``; damage behind the header is not seen.
    """
    kind = format_of(data)
    if kind is None:
        raise UnknownFormat(
            _("{name} is {what}, not a picture that can be read.").format(name=name, what=describe(data))
        )
    if len(data) > limits.max_bytes:
        raise PictureTooLarge(
            _("{name} has {size:,} bytes; at most {limit:,} are accepted.").format(
                name=name, size=len(data), limit=limits.max_bytes
            )
        )
    try:
        with open_header(data, kind) as image:
            (width, height), orientation = image.size, orientation_of(image)
    except MemoryError:
        raise
    except Image.DecompressionBombError as error:
        raise PictureTooLarge(_("{name} declares more pixels than can be decoded safely.").format(name=name)) from error
    except Exception as error:  # Pillow's plugins raise anything on hostile bytes
        raise DamagedPicture(
            _("{name} is a {format} picture that cannot be decoded, probably truncated or broken ({reason}).").format(
                name=name, format=kind, reason=" ".join(str(error).split())[:120] or type(error).__name__
            )
        ) from error
    if width * height > limits.max_pixels:
        raise PictureTooLarge(
            _("{name} has {width}x{height} pixels; at most {limit:,} pixels are accepted.").format(
                name=name, width=width, height=height, limit=limits.max_pixels
            )
        )
    orientation = orientation if 1 <= orientation <= 8 else 1
    if orientation in _SIDES_SWAPPED:
        width, height = height, width
    return Shape(width, height, orientation)
