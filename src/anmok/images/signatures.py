"""What bytes are, told from their first few: the format of a picture, or a word for what came instead."""

from __future__ import annotations

from anmok.i18n import _

_PICTURES: tuple[tuple[bytes, str], ...] = (
    (b"\xff\xd8\xff", "JPEG"),
    (b"\x89PNG\r\n\x1a\n", "PNG"),
    (b"GIF87a", "GIF"),
    (b"GIF89a", "GIF"),
    (b"BM", "BMP"),
    (b"II*\0", "TIFF"),
    (b"MM\0*", "TIFF"),
    (b"II+\0", "TIFF"),  # BigTIFF, and the next
    (b"MM\0+", "TIFF"),
)

# The brands of ISO base media files ("ftyp" boxes) that hold a still picture, and its codec.
_BRANDS = {
    **dict.fromkeys((b"avif", b"avis"), "AVIF"),
    **dict.fromkeys((b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs"), "HEIF"),
}
_BRANDS_OF_ANY_CODEC = (b"mif1", b"msf1")

_OTHERS: tuple[tuple[bytes, str], ...] = (
    (b"%PDF", "PDF"),
    (b"PK\x03\x04", "ZIP"),
    (b"PK\x05\x06", "ZIP"),
    (b"\x1f\x8b", "gzip"),
    (b"7z\xbc\xaf\x27\x1c", "7z"),
    (b"Rar!\x1a\x07", "RAR"),
    (b"8BPS", "Photoshop"),
    (b"\x1aE\xdf\xa3", "Matroska (WebM)"),
    (b"OggS", "Ogg"),
    (b"ID3", "MP3"),
    (b"\x7fELF", "ELF"),
    (b"MZ", "EXE"),
    (b"SQLite format 3\0", "SQLite"),
    (b"\x00\x00\x01\x00", "ICO"),
    (b"\x00\x00\x00\x0cjP  ", "JPEG 2000"),
    (b"\xff\x4f\xff\x51", "JPEG 2000"),
    (b"\x00\x00\x00\x0cJXL ", "JPEG XL"),
    (b"\xff\x0a", "JPEG XL"),
)


def format_of(data: bytes) -> str | None:
    """Return Pillow's name of the picture format that ``data`` begins like, or None where it is none of ours."""
    for start, kind in _PICTURES:
        if data.startswith(start):
            return kind
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "WEBP"
    return _format_of_brands(data) if data[4:8] == b"ftyp" else None


def _format_of_brands(data: bytes) -> str | None:
    # The box holds its length, "ftyp", the major brand, a version, then compatible brands of four bytes each.
    end = min(int.from_bytes(data[:4], "big"), 512, len(data))
    brands = [data[8:12], *(data[i : i + 4] for i in range(16, end - 3, 4))]
    for brand in brands:
        if brand in _BRANDS:
            return _BRANDS[brand]
    return "HEIF" if brands[0] in _BRANDS_OF_ANY_CODEC else None


def describe(data: bytes) -> str:
    """Return what ``data`` seems to be, as a noun in the user's language (``"an HTML page"``)."""
    if not data:
        return _("an empty file")
    if not data[:4096].strip(b"\0"):
        return _("a file of zero bytes, as an interrupted download leaves it")
    for start, kind in _OTHERS:
        if data.startswith(start):
            return _("a {kind} file").format(kind=kind)
    if data[4:8] == b"ftyp":
        return _("a video, or a picture of an unknown kind")
    return _describe_text(data[:512])


def _describe_text(head: bytes) -> str:
    text = head.lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if text.startswith((b"<!doctype html", b"<html", b"<head", b"<body")):
        return _("an HTML page")
    if b"<svg" in text:
        return _("an SVG drawing")
    if text.startswith(b"<?xml"):
        return _("an XML file")
    if text.startswith(b"version https://git-lfs"):
        return _("a Git LFS pointer, the picture itself was not downloaded")
    return _("a text file") if _is_text(head) else _("a file of an unknown kind")


def _is_text(head: bytes) -> bool:
    if any(byte < 9 or 13 < byte < 27 for byte in head):
        return False
    # The cut may have gone through a character of several bytes, so up to three may be too many at the end.
    for end in range(len(head), max(len(head) - 4, 0), -1):
        try:
            head[:end].decode("utf-8")
        except UnicodeDecodeError:
            continue
        return True
    return False
