"""Where Pillow's PNG reader needs help: extras that it would unpack, and transparent colours of unusual depths."""

from __future__ import annotations

from PIL import Image

_SIGNATURE_LENGTH = 8
_DEPTH_AT = 24
# PNG marks a chunk as needed for the picture by a capital first letter; of the others these two matter here.
_WANTED_EXTRAS = (b"tRNS", b"eXIf")


def without_extras(data: bytes) -> bytes:
    """Return a PNG without the chunks that do not change its pixels: texts, profiles, times, further frames.

    Pillow inflates texts and colour profiles while it opens a file. Leaving them out costs a sound picture with a
    large text nothing, and takes the point out of one that was made to fill the memory. What follows a chunk whose
    length cannot be is kept as it is, so that damage is still found.
    """
    view, kept = memoryview(data), [memoryview(data)[:_SIGNATURE_LENGTH]]
    at = _SIGNATURE_LENGTH
    while at + 12 <= len(data):
        end = at + 12 + int.from_bytes(view[at : at + 4], "big")
        name = bytes(view[at + 4 : at + 8])
        if end > len(data) or not name.isalpha():
            break
        if name[:1].isupper() or name in _WANTED_EXTRAS:
            kept.append(view[at:end])
        at = end
    return b"".join([*kept, view[at:]])


def mend_transparency(image: Image.Image, data: bytes) -> None:
    """Bring the transparent colour of a PNG to the 8 bits of its pixels.

    Pillow hands it on as stored, but scales the pixels: 2 and 4 bits up, RGB of 16 bits down. (Then all colours of
    the same upper eight bits are transparent; the lower eight are gone.)
    """
    transparent, depth = image.info.get("transparency"), data[_DEPTH_AT]
    if image.mode == "L" and isinstance(transparent, int) and depth < 8:
        image.info["transparency"] = transparent * 255 // (2**depth - 1)
    elif image.mode == "RGB" and isinstance(transparent, tuple) and depth == 16:
        image.info["transparency"] = tuple(value >> 8 for value in transparent)
