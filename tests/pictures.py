"""Test pictures made by code: every format and mode that the decoder meets, and files built byte by byte.

``encode(photo(64, 48), "WEBP")`` is a sound picture; ``EVERY_KIND`` names all combinations of format and mode;
``png``, ``tiff`` and ``jpeg_header`` build what Pillow does not write.
"""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Iterable
from typing import Any

import numpy as np
from PIL import Image

RED, GREEN, BLUE, YELLOW = (255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 0)
ORIENTATION = 0x0112

LOSSLESS: dict[str, dict[str, Any]] = {
    "PNG": {},
    "WEBP": {"lossless": True, "exact": True},
    "BMP": {},
    "TIFF": {},
}
"""Formats that give back the very pixels, with the options that make them do so."""

EVERY_FORMAT = ("JPEG", "MPO", "PNG", "WEBP", "GIF", "BMP", "TIFF", "AVIF", "HEIF")

EVERY_KIND: tuple[tuple[str, str], ...] = (
    *(("JPEG", mode) for mode in ("L", "RGB", "CMYK", "YCbCr")),
    *(("PNG", mode) for mode in ("1", "L", "LA", "I;16", "P", "RGB", "RGBA")),
    *(("WEBP", mode) for mode in ("RGB", "RGBA")),
    *(("GIF", mode) for mode in ("L", "P", "RGB")),
    *(("BMP", mode) for mode in ("1", "L", "P", "RGB", "RGBA")),
    *(("TIFF", mode) for mode in ("1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "YCbCr", "LAB", "I;16", "I", "F")),
    *(("AVIF", mode) for mode in ("L", "RGB", "RGBA")),
    *(("HEIF", mode) for mode in ("L", "RGB", "RGBA")),
    ("MPO", "RGB"),
)
"""(format, mode) of every kind of file that Pillow and pillow_heif write and the decoder accepts."""


def photo(width: int = 64, height: int = 48, seed: int = 0) -> Image.Image:
    """Return a smooth RGB picture with some noise, which compresses as photos do."""
    rng = np.random.default_rng(seed)
    coarse = rng.integers(0, 256, (max(2, height // 16), max(2, width // 16), 3), dtype=np.uint8)
    smooth = np.asarray(Image.fromarray(coarse).resize((width, height), Image.Resampling.BICUBIC), dtype=np.int16)
    noisy = smooth + rng.integers(-6, 7, (height, width, 3), dtype=np.int16)
    return Image.fromarray(np.clip(noisy, 0, 255).astype(np.uint8))


def corners(width: int = 48, height: int = 32) -> Image.Image:
    """Return four fields: red and green above, blue and yellow below; no two of its eight turns are alike."""
    image = Image.new("RGB", (width, height), RED)
    image.paste(GREEN, (width // 2, 0, width, height // 2))
    image.paste(BLUE, (0, height // 2, width // 2, height))
    image.paste(YELLOW, (width // 2, height // 2, width, height))
    return image


def in_mode(image: Image.Image, mode: str) -> Image.Image:
    """Return an RGB picture in ``mode``; alpha fades from left to right, 16 and 32 bits use their full range."""
    if mode == "I;16":
        return Image.fromarray(np.asarray(image.convert("L"), dtype=np.uint16) * 257)
    if mode == "I":
        return Image.fromarray(np.asarray(image.convert("L"), dtype=np.int32) * 257)
    if mode == "F":
        return Image.fromarray(np.asarray(image.convert("L"), dtype=np.float32) / 255)
    converted = image.convert(mode)
    if mode in ("LA", "RGBA"):
        fade = np.linspace(0, 255, image.width).astype(np.uint8)
        converted.putalpha(Image.fromarray(np.tile(fade, (image.height, 1))))
    return converted


def encode(image: Image.Image, kind: str, *, orientation: int = 0, **options: Any) -> bytes:
    """Return ``image`` as the bytes of a file of Pillow's format ``kind``, with EXIF orientation where not 0."""
    stream = io.BytesIO()
    if orientation:
        exif = Image.Exif()
        exif[ORIENTATION] = orientation
        options["exif"] = exif.tobytes() if kind == "HEIF" else exif
    if kind == "HEIF":
        import pillow_heif

        pillow_heif.from_pillow(image).save(stream, **options)
    elif kind == "MPO":
        image.save(stream, "MPO", save_all=True, append_images=[image.transpose(Image.Transpose.ROTATE_180)], **options)
    else:
        image.save(stream, kind, **options)
    return stream.getvalue()


def of_kind(kind: str, mode: str, width: int = 64, height: int = 48, seed: int = 0) -> bytes:
    """Return one of ``EVERY_KIND`` as bytes."""
    return encode(in_mode(photo(width, height, seed), mode), kind)


def png_chunk(name: bytes, data: bytes) -> bytes:
    """Return one PNG chunk with its length and checksum."""
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def png(
    width: int,
    height: int,
    *,
    depth: int,
    colour: int,
    rows: bytes,
    before: Iterable[tuple[bytes, bytes]] = (),
    after: Iterable[tuple[bytes, bytes]] = (),
) -> bytes:
    """Return a PNG built by hand.

    Args:
        depth, colour: bits a channel and colour type of the header (0 grey, 2 RGB, 3 palette, 4 LA, 6 RGBA).
        rows: the samples, row by row, big-endian, without filter bytes.
        before, after: (name, data) of chunks that stand before and after the pixels.
    """
    stride = len(rows) // height
    filtered = b"".join(b"\0" + rows[y * stride : (y + 1) * stride] for y in range(height))
    chunks = [
        (b"IHDR", struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)),
        *before,
        (b"IDAT", zlib.compress(filtered)),
        *after,
        (b"IEND", b""),
    ]
    return b"\x89PNG\r\n\x1a\n" + b"".join(png_chunk(name, data) for name, data in chunks)


def tiff(
    width: int,
    height: int,
    *,
    bits: int,
    photometric: int,
    sample_format: int,
    rows: bytes,
    big_endian: bool = False,
    planes: int = 1,
    strips: int | None = None,
) -> bytes:
    """Return an uncompressed TIFF built by hand, with one strip for each channel.

    Args:
        photometric: 0 white is zero, 1 black is zero, 2 RGB.
        sample_format: 1 unsigned, 2 signed, 3 float.
        rows: the samples in the byte order asked for; one channel behind the other.
        planes: channels.
        strips: how many of the channels' strips the directory names; None names all.
    """
    order = ">" if big_endian else "<"
    strips = planes if strips is None else strips
    size = len(rows) // planes
    tags: dict[int, tuple[str, list[int]]] = {
        256: ("I", [width]),
        257: ("I", [height]),
        258: ("H", [bits] * planes),
        259: ("H", [1]),
        262: ("H", [photometric]),
        273: ("I", [8 + number * size for number in range(strips)]),
        277: ("H", [planes]),
        278: ("I", [height]),
        279: ("I", [size] * strips),
        284: ("H", [2 if planes > 1 else 1]),
        339: ("H", [sample_format] * planes),
    }
    behind = 8 + len(rows) + 2 + 12 * len(tags) + 4
    directory, values = struct.pack(order + "H", len(tags)), b""
    for tag, (kind, numbers) in tags.items():
        packed = struct.pack(f"{order}{len(numbers)}{kind}", *numbers)
        if len(packed) > 4:
            packed, values = struct.pack(order + "I", behind + len(values)), values + packed
        directory += struct.pack(order + "HHI", tag, 3 if kind == "H" else 4, len(numbers)) + packed.ljust(4, b"\0")
    header = (b"MM\0*" if big_endian else b"II*\0") + struct.pack(order + "I", 8 + len(rows))
    return header + rows + directory + struct.pack(order + "I", 0) + values


def with_tiff_tag(data: bytes, tag: int, value: int) -> bytes:
    """Return a little-endian TIFF in which a tag of one short number was changed."""
    changed = bytearray(data)
    (at,) = struct.unpack_from("<I", data, 4)
    (entries,) = struct.unpack_from("<H", data, at)
    for entry in range(at + 2, at + 2 + 12 * entries, 12):
        if struct.unpack_from("<H", data, entry) == (tag,):
            struct.pack_into("<H", changed, entry + 8, value)
            return bytes(changed)
    raise ValueError(f"the picture has no tag {tag}")


def exif_of(orientation: int, *, big_endian: bool = False) -> bytes:
    """Return EXIF data (without the ``Exif`` mark) that holds an orientation and nothing else."""
    order, mark = (">", b"MM\0*") if big_endian else ("<", b"II*\0")
    return mark + struct.pack(order + "IHHHIHHI", 8, 1, ORIENTATION, 3, 1, orientation, 0, 0)


def jpeg_segment(marker: int, data: bytes) -> bytes:
    """Return one JPEG segment with its length."""
    return struct.pack(">BBH", 0xFF, marker, len(data) + 2) + data


def after_start(jpeg: bytes, *segments: bytes) -> bytes:
    """Return ``jpeg`` with segments put right behind its start."""
    return jpeg[:2] + b"".join(segments) + jpeg[2:]
