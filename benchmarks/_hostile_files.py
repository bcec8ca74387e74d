"""Files that visitors should not send: what they are called, their bytes, and what may be answered to them."""

from __future__ import annotations

import io
import random
import struct
import zipfile
import zlib
from dataclasses import dataclass

from PIL import Image

#: What says "this cannot be read", and what says "this is too large".
UNREADABLE, TOO_LARGE = 422, 413
#: Bytes of a body that is too large; it is made of pieces and never held at once.
ENDLESS = 100 * 2**20


@dataclass(frozen=True)
class Hostile:
    """A file, and the answers that are right; 200 where it holds a picture after all."""

    name: str
    data: bytes
    right: tuple[int, ...]


def photo(seed: int, size: tuple[int, int] = (320, 240)) -> bytes:
    """Return a JPEG that no other seed gives."""
    noise = Image.frombytes("RGB", (40, 30), random.Random(seed).randbytes(40 * 30 * 3))
    stream = io.BytesIO()
    noise.resize(size, Image.Resampling.BICUBIC).save(stream, "JPEG", quality=85)
    return stream.getvalue()


def hostile_files() -> tuple[Hostile, ...]:
    """Return one of each kind."""
    jpeg = photo(-1)
    zipped = io.BytesIO()
    with zipfile.ZipFile(zipped, "w") as archive:
        archive.writestr("index.html", "<script>alert(1)</script>")
    return (
        Hostile("bomb.png", _png(30_000, 30_000), (TOO_LARGE, UNREADABLE)),
        Hostile("bomb-declared.png", _png(2**31 - 1, 2**31 - 1, rows=1), (TOO_LARGE, UNREADABLE)),
        Hostile(
            "bomb.gif", b"GIF89a" + struct.pack("<HHBBB", 65535, 65535, 0x80, 0, 0) + bytes(6) + b";", (UNREADABLE,)
        ),
        Hostile("zip-behind.jpg", jpeg + zipped.getvalue(), (200,)),
        Hostile("page-behind.jpg", jpeg + b"<html><script>alert(1)</script></html>", (200,)),
        Hostile("page.jpg", b"<html><script>alert(1)</script></html>" + jpeg, (UNREADABLE,)),
        Hostile("truncated.jpg", jpeg[: len(jpeg) // 2], (UNREADABLE,)),
        Hostile("head-only.jpg", jpeg[:30], (UNREADABLE,)),
        Hostile(
            "drawing.svg", b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>', (UNREADABLE,)
        ),
        Hostile("program.jpg", b"\x7fELF" + bytes(4000), (UNREADABLE,)),
        Hostile("archive.jpg", zipped.getvalue(), (UNREADABLE,)),
        Hostile("text.png", b"a photo, honestly" * 100, (UNREADABLE,)),
        Hostile("noise.jpg", b"\xff\xd8\xff\xe0" + random.Random(5).randbytes(5000), (UNREADABLE,)),
        Hostile("empty.jpg", b"", (UNREADABLE,)),
    )


def _png(width: int, height: int, rows: int | None = None) -> bytes:
    """Return a PNG of one bit a pixel, all black: 30,000 pixels square are 110 KB."""
    packed = zlib.compressobj(9)
    line = bytes(1 + (width + 7) // 8) if rows is None else bytes(100)
    data = b"".join(packed.compress(line) for _row in range(height if rows is None else rows)) + packed.flush()
    header = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", header) + _chunk(b"IDAT", data) + _chunk(b"IEND", b"")


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
