"""Where Pillow's TIFF reader needs help: parts without number, and parts that are missing."""

from __future__ import annotations

import struct

from PIL import ImageFile

MOST_PARTS = 200_000
"""Strips or tiles of one page. A picture of 150 megapixels has 2,300 tiles of the usual 256 pixels."""

_STRIP_OFFSETS, _TILE_OFFSETS, _PLANAR_CONFIGURATION = 273, 324, 284
_CHANNELS_APART = 2


def count_parts(data: bytes) -> int:
    """Return how many strips or tiles the first page of a TIFF or BigTIFF declares; 0 where that is not readable.

    Pillow makes a Python object of each while it opens the file, which takes minutes for some megabytes of them.
    """
    order = "<" if data.startswith(b"II") else ">"
    big = data[2:4] in (b"+\0", b"\0+")
    most = 0
    start, number, entry = ("Q", "Q", "HHQ8x") if big else ("I", "H", "HHI4x")
    try:
        (at,) = struct.unpack_from(order + start, data, 8 if big else 4)
        (entries,) = struct.unpack_from(order + number, data, at)
        at += struct.calcsize(order + number)
        width = struct.calcsize(order + entry)
        for index in range(entries):
            tag, _, count = struct.unpack_from(order + entry, data, at + index * width)
            if tag in (_STRIP_OFFSETS, _TILE_OFFSETS):
                most = max(most, count)
    except (struct.error, OverflowError):
        return most  # a directory that is cut off; Pillow goes on with what it holds
    return most


def check_complete(image: ImageFile.ImageFile) -> None:
    """Raise ``OSError`` where an uncompressed TIFF (opened, not loaded) has fewer strips or tiles than its size needs.

    Pillow would leave the rest black. Of compressed ones libtiff finds it out itself.
    """
    if not image.tile or image.tile[0].codec_name != "raw":
        return
    apart = getattr(image, "tag_v2", {}).get(_PLANAR_CONFIGURATION) == _CHANNELS_APART
    covered = 0
    for tile in image.tile:
        left, upper, right, lower = tile.extents or (0, 0, *image.size)
        covered += (right - left) * (lower - upper)
    if covered < image.width * image.height * (len(image.getbands()) if apart else 1):
        raise OSError("strips are missing")
