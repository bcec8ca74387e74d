"""From bytes to an upright RGB picture: limits first, then Pillow, then one of three errors or the pixels."""

from __future__ import annotations

import importlib
import io
import warnings
from dataclasses import dataclass
from typing import cast

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFile

from anmok.config import Limits, ResizeRule
from anmok.errors import DamagedPicture, PictureError, PictureTooLarge, UnknownFormat
from anmok.i18n import _
from anmok.images.colour import to_rgb
from anmok.images.png import mend_transparency, without_extras
from anmok.images.resizing import check_square, resize_image
from anmok.images.signatures import describe, format_of
from anmok.images.tiff import MOST_PARTS, check_complete, count_parts

FORMATS: tuple[str, ...] = ("JPEG", "MPO", "PNG", "WEBP", "GIF", "BMP", "TIFF", "AVIF", "HEIF")
"""Pillow's names of the formats that are accepted. MPO is what cameras store as JPEG with further pictures behind."""

_FORMATS_IN_WORDS = "JPEG, PNG, WebP, GIF, BMP, TIFF, AVIF, HEIC"

# The module and the class (or function) that opens each format. Nothing is looked up in Pillow's registry, so
# no other plugin ever meets hostile bytes, and HEIF needs no registration; each is imported when first needed.
_OPENERS = {
    "JPEG": ("PIL.JpegImagePlugin", "jpeg_factory"),
    "PNG": ("PIL.PngImagePlugin", "PngImageFile"),
    "WEBP": ("PIL.WebPImagePlugin", "WebPImageFile"),
    "GIF": ("PIL.GifImagePlugin", "GifImageFile"),
    "BMP": ("PIL.BmpImagePlugin", "BmpImageFile"),
    "TIFF": ("PIL.TiffImagePlugin", "TiffImageFile"),
    "AVIF": ("PIL.AvifImagePlugin", "AvifImageFile"),
    "HEIF": ("pi_heif", "HeifImageFile"),
}

_DECODED_AT_LEAST = 2  # times the side of the square

_SCAN = b"\xff\xda"
_MOST_SCANS = 100

_ORIENTATION_TAG = 0x0112
# What makes a picture upright, by its EXIF orientation; 1 is upright already.
_UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_SIDES_SWAPPED = (5, 6, 7, 8)


@dataclass(frozen=True, slots=True)
class Decoded:
    """A picture, upright and in RGB.

    Attributes:
        pixels: (H, W, 3) uint8, read-only. H and W are smaller than ``height`` and ``width`` after a scaled decode.
        width, height: of the full picture, pixels, upright.
        mode, format: Pillow's words for the file as stored (``"CMYK"``, ``"JPEG"``).
    """

    pixels: NDArray[np.uint8]
    width: int
    height: int
    mode: str
    format: str


@dataclass(frozen=True, slots=True)
class Upright:
    """A picture, upright and in RGB, as Pillow holds it; see ``Decoded``."""

    image: Image.Image
    width: int
    height: int
    mode: str
    format: str


def decode(data: bytes, *, name: str, limits: Limits = Limits(), at_least: int | None = None) -> Decoded:  # noqa: B008
    """Decode one picture, whatever its file's ending says; of several frames or pages, the first.

    Args:
        data: the file's bytes.
        name: what errors call the file.
        limits: on bytes and pixels, both checked before pixels are decoded.
        at_least: a JPEG may be decoded at 1/2, 1/4 or 1/8 of its size (much faster) as long as both sides keep at
            least so many pixels; None decodes it in full.

    Raises:
        UnknownFormat: the bytes are not a picture of one of ``FORMATS``.
        PictureTooLarge: over the limits.
        DamagedPicture: truncated or broken.
    """
    if at_least is not None and at_least < 1:
        raise ValueError(f"at_least is {at_least}; at least 1 pixel is wanted")
    upright = decode_image(data, name, limits, at_least)
    pixels = np.asarray(upright.image)
    return Decoded(pixels, upright.width, upright.height, upright.mode, upright.format)


def load(
    data: bytes,
    *,
    name: str,
    size: int,
    rule: ResizeRule,
    limits: Limits = Limits(),  # noqa: B008
) -> NDArray[np.uint8]:
    """Decode one picture and make it square: what every model sees.

    The same as ``resize(decode(data, ..., at_least=2 * size).pixels, size, rule)``, without the copies between.
    Twice the size, because the last halving is then done by the bicubic filter: it differs from a full decode by
    about 50 dB (35 dB at once the size), and a 12-megapixel photo still takes a quarter of the time.

    Returns:
        (size, size, 3) uint8.

    Raises:
        PictureError: as ``decode``.
    """
    check_square(size, rule)
    image = decode_image(data, name, limits, _DECODED_AT_LEAST * size).image
    return resize_image(image, size, rule)


def decode_image(data: bytes, name: str, limits: Limits, at_least: int | None) -> Upright:
    """Do what ``decode`` does, without the copy into an array; for what goes on with Pillow."""
    if len(data) > limits.max_bytes:
        raise PictureTooLarge(
            _("{name} has {size:,} bytes; at most {limit:,} are accepted.").format(
                name=name, size=len(data), limit=limits.max_bytes
            )
        )
    kind = format_of(data)
    if kind is None:
        raise UnknownFormat(
            _("{name} is {what}, not a picture that can be read.").format(name=name, what=describe(data)),
            hint=_("Pictures of these kinds are read: {formats}.").format(formats=_FORMATS_IN_WORDS),
        )
    try:
        return _upright(data, kind, name, limits, at_least)
    except (PictureError, MemoryError):
        raise
    except Image.DecompressionBombError as error:
        raise PictureTooLarge(_("{name} declares more pixels than can be decoded safely.").format(name=name)) from error
    except Exception as error:  # Pillow's plugins raise anything on hostile bytes
        raise DamagedPicture(
            _("{name} is a {format} picture that cannot be decoded, probably truncated or broken ({reason}).").format(
                name=name, format=kind, reason=_reason(error)
            )
        ) from error


def _reason(error: Exception) -> str:
    text = " ".join(str(error).split())[:120]
    return text or type(error).__name__


def _upright(data: bytes, kind: str, name: str, limits: Limits, at_least: int | None) -> Upright:
    _ignore_remarks()
    if kind == "TIFF" and count_parts(data) > MOST_PARTS:
        raise PictureTooLarge(
            _("{name} would take too long to decode: it is cut into more than {limit:,} parts.").format(
                name=name, limit=MOST_PARTS
            )
        )
    with open_header(data, kind) as image:
        size, mode, stored = image.size, image.mode, image.format or kind
        _check_pixels(size, name, limits)
        if kind == "JPEG":
            _check_scans(data, image, name)
        if kind == "TIFF":
            check_complete(image)
        scaled = kind == "JPEG" and at_least is not None
        if scaled:
            image.draft(None, (cast(int, at_least), cast(int, at_least)))
        image.load()
        if not scaled:
            # What a header declares need not be what its codec gives: HEIF may correct it only now.
            size = image.size
            _check_pixels(size, name, limits)
        if kind == "PNG":
            mend_transparency(image, data)
        orientation = orientation_of(image)
        rgb = to_rgb(image)
    if orientation in _UPRIGHT:
        rgb = rgb.transpose(_UPRIGHT[orientation])
    width, height = reversed(size) if orientation in _SIDES_SWAPPED else size
    return Upright(rgb, width, height, mode, stored)


def _check_pixels(size: tuple[int, int], name: str, limits: Limits) -> None:
    width, height = size
    if width * height > limits.max_pixels:
        raise PictureTooLarge(
            _("{name} has {width}x{height} pixels; at most {limit:,} pixels are accepted.").format(
                name=name, width=width, height=height, limit=limits.max_pixels
            )
        )


def _check_scans(data: bytes, image: ImageFile.ImageFile, name: str) -> None:
    """Refuse a JPEG whose pixels are sent over thousands of times: a few kilobytes could keep a core busy for hours.

    Encoders write about ten scans. Opening has read up to the first one; what follows holds the mark of a scan only
    where one begins, or by chance in what cameras put behind the picture (once in 65,536 bytes).
    """
    begin = image.fp.tell() if image.fp else 0
    if data.count(_SCAN, begin) > _MOST_SCANS + len(data) // 32768:
        raise PictureTooLarge(
            _("{name} would take too long to decode: it sends its pixels over more than {limit} times.").format(
                name=name, limit=_MOST_SCANS
            )
        )


def open_header(data: bytes, kind: str) -> ImageFile.ImageFile:
    """Open with the plugin of the one format that the bytes begin like; no pixel is decoded yet.

    Not through ``Image.open``: that loads all of Pillow's plugins for a format it has not met yet, and guards
    against bombs with a limit of the whole process, while ours comes with each call. (A few plugins look at that
    limit themselves, so 179 million pixels stay the most that a WebP, GIF or TIFF may have.)
    """
    module, opener = _OPENERS[kind]
    factory = getattr(importlib.import_module(module), opener)
    return cast(ImageFile.ImageFile, factory(io.BytesIO(without_extras(data) if kind == "PNG" else data), ""))


def orientation_of(image: Image.Image) -> int:
    """Return the orientation that the picture's EXIF data names; 1 (upright) where it names none."""
    try:
        return int(image.getexif().get(_ORIENTATION_TAG, 1))
    except Exception:  # noqa: BLE001 - broken EXIF data is no reason to refuse sound pixels
        return 1


def _ignore_remarks() -> None:
    """Keep Pillow's remarks about single files (odd tags, large sizes) off the user's screen.

    ``warnings.catch_warnings`` is not safe with threads, so a filter is set for these two kinds in Pillow's
    modules; it is looked for at each call, because others (pytest) put the list of filters back.
    """
    for category in (UserWarning, Image.DecompressionBombWarning):
        if not any(f[0] == "ignore" and f[2] is category and f[3] is not None for f in warnings.filters):
            warnings.filterwarnings("ignore", category=category, module=r"PIL\.")
