"""What the bytes are decides, not the file's ending; and what is no picture is called by its name."""

from __future__ import annotations

import pytest

from anmok.errors import UnknownFormat
from anmok.i18n import use_language
from anmok.images import decode
from tests.pictures import EVERY_FORMAT, encode, photo

OTHERS = {
    "an empty file": b"",
    "a file of zero bytes": b"\0" * 5000,
    "an HTML page": b"<!DOCTYPE html><html><body>404</body></html>",
    "an HTML page ": b"\xef\xbb\xbf\r\n <html>",
    "a PDF file": b"%PDF-1.7\n",
    "a ZIP file": b"PK\x03\x04\x14\0",
    "an SVG drawing": b'<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"></svg>',
    "an XML file": b'<?xml version="1.0"?><rss></rss>',
    "a text file": "안녕하세요, 고양이".encode() * 50,
    "a text file ": b'{"error": "not found"}',
    "a Git LFS pointer": b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n",
    "a video, or a picture of an unknown kind": b"\0\0\0\x20ftypisom\0\0\2\0isomiso2avc1mp41",
    "a JPEG XL file": b"\0\0\0\x0cJXL \r\n\x87\n",
    "a JPEG 2000 file": b"\0\0\0\x0cjP  \r\n\x87\n",
    "a Photoshop file": b"8BPS\0\1",
    "a file of an unknown kind": b"\x93\x01\x02\x03\xf5\xf6\xf7",
}


@pytest.mark.parametrize(("what", "data"), OTHERS.items(), ids=OTHERS)
def test_the_message_names_the_file_and_what_came(what: str, data: bytes) -> None:
    with pytest.raises(UnknownFormat) as caught:
        decode(data, name="cats/나비.jpg")
    assert caught.value.message.startswith(f"cats/나비.jpg is {what.strip()}")
    assert "JPEG, PNG, WebP, GIF, BMP, TIFF, AVIF, HEIC" in caught.value.hint


@pytest.mark.parametrize("kind", EVERY_FORMAT)
def test_the_ending_of_the_name_means_nothing(kind: str) -> None:
    assert decode(encode(photo(), kind), name="picture.txt").format == kind


def test_the_message_is_in_the_users_language() -> None:
    with use_language("ko"), pytest.raises(UnknownFormat):
        decode(b"", name="a.jpg")


def test_the_codec_of_a_heif_container_is_found_behind_its_general_brand() -> None:
    """Cameras write mif1 first, and what it holds after it."""
    for kind, brand in (("AVIF", b"avif"), ("HEIF", b"heic")):
        data = bytearray(encode(photo(), kind))
        assert data[8:12] == brand
        data[8:12] = b"mif1"
        assert brand in data[16:40]
        assert decode(bytes(data), name="a").format == kind
