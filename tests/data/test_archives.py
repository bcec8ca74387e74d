"""A zip from anywhere is read without trusting its names, its headers or its bytes."""

import io
import struct
import threading
import zipfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from anmok.config import Limits
from anmok.data.archives import ZipSource
from anmok.data.source import Entry
from anmok.errors import AnmokError, DamagedPicture, DataError, PictureError, UnknownSource
from anmok.records import Quarantined
from tests.data.made import picture, write_zip

REAL = {"train/cats/1.png": picture(1), "train/dogs/2.png": picture(2), "test/cats/사진.png": picture(3)}


def listed(path: Path, limits: Limits | None = None) -> dict[str, str]:
    with ZipSource(path, limits=limits or Limits()) as source:
        entries = list(source.entries())
    return {entry.path: entry.code if isinstance(entry, Quarantined) else "" for entry in entries}


def patched(path: Path, old: bytes, new: bytes) -> Path:
    """Change every place of the file, local headers and directory alike."""
    data = path.read_bytes()
    assert old in data
    path.write_bytes(data.replace(old, new))
    return path


def test_members_are_read_in_place_and_nothing_is_extracted(tmp_path: Path) -> None:
    path = write_zip(tmp_path / "a.zip", REAL)
    with ZipSource(path, limits=Limits()) as source:
        assert list(source.entries()) == [Entry(name, len(data)) for name, data in REAL.items()]
        assert {name: source.read(name) for name in REAL} == REAL
        assert source.name == "a.zip"
    assert list(tmp_path.iterdir()) == [path]


def test_names_that_lead_out_are_quarantined_and_not_readable(tmp_path: Path) -> None:
    bad = ["../evil.png", "/etc/evil.png", "C:evil.png", "c:/evil.png", "a/../../evil.png", "a//b.png"]
    path = write_zip(tmp_path / "a.zip", dict.fromkeys([*bad, "ok/1.png"], b"x"))
    patched(path, b"ok/1.png", b"a\\b1.png")
    found = listed(path)
    assert found == dict.fromkeys([*bad, r"a\x5cb1.png"], "outside-source")
    with ZipSource(path, limits=Limits()) as source:
        for name in found:
            with pytest.raises(PictureError):
                source.read(name)


def test_hidden_members_and_folders_are_passed_over(tmp_path: Path) -> None:
    names = ["__MACOSX/cats/._1.png", "cats/.DS_Store", "cats/", "./cats/1.png", "cats/Thumbs.db"]
    path = write_zip(tmp_path / "a.zip", dict.fromkeys(names, b""))
    assert listed(path) == {"cats/1.png": ""}


def test_of_two_members_with_one_name_the_first_is_taken(tmp_path: Path) -> None:
    path = write_zip(tmp_path / "a.zip", {"cats/1.png": b"first", "cats/2.png": b"second"})
    patched(path, b"cats/2.png", b"cats/1.png")
    with ZipSource(path, limits=Limits()) as source:
        entries = list(source.entries())
        assert entries[0] == Entry("cats/1.png", 5)
        assert isinstance(entries[1], Quarantined)
        assert entries[1].code == "duplicate-name"
        assert source.read("cats/1.png") == b"first"


def raw_zip(names: list[bytes], data: bytes = b"x", flags: int = 0) -> bytes:
    """A zip with stored members whose names are any bytes, without the UTF-8 mark unless ``flags`` sets it."""
    import zlib

    body = directory = b""
    for name in names:
        common = struct.pack("<HHHHHIIIHH", 20, flags, 0, 0, 33, zlib.crc32(data), len(data), len(data), len(name), 0)
        directory += b"PK\1\2" + struct.pack("<H", 20) + common + struct.pack("<HHHII", 0, 0, 0, 0, len(body)) + name
        body += b"PK\3\4" + common + name + data
    end = struct.pack("<HHHHIIH", 0, 0, len(names), len(names), len(directory), len(body), 0)
    return body + directory + b"PK\5\6" + end


@pytest.mark.parametrize("encoding", ["utf-8", "cp949"])
def test_names_without_the_utf8_mark_are_understood_as_utf8_or_korean(tmp_path: Path, encoding: str) -> None:
    path = tmp_path / "a.zip"
    path.write_bytes(raw_zip(["폭포/사진 1.jpg".encode(encoding)]))
    assert listed(path) == {"폭포/사진 1.jpg": ""}
    with ZipSource(path, limits=Limits()) as source:
        assert source.read("폭포/사진 1.jpg") == b"x"


def test_a_folder_gets_one_name_even_if_a_file_in_it_is_spelled_otherwise(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    folder = "폭포".encode("cp949")
    path.write_bytes(raw_zip([folder + b"/1.jpg", folder + b"/\xff\xff.jpg"]))
    assert {name.split("/")[0] for name in listed(path)} == {"폭포"}


def test_encrypted_linked_and_oddly_packed_members_are_quarantined(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    link = zipfile.ZipInfo("link.png")
    link.create_system, link.external_attr = 3, 0o120777 << 16
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(link, "/etc/passwd")
        archive.writestr("bz.png", b"x" * 100, zipfile.ZIP_BZIP2)
        archive.writestr("lzma.png", b"x" * 100, zipfile.ZIP_LZMA)
    assert listed(path) == {"link.png": "link", "bz.png": "compression", "lzma.png": "compression"}
    path.write_bytes(raw_zip([b"secret.png"], flags=1))
    assert listed(path) == {"secret.png": "encrypted"}


def test_too_large_members_are_refused_by_their_header(tmp_path: Path) -> None:
    path = write_zip(tmp_path / "a.zip", {"big.png": b"0" * 1001, "ok.png": b"0" * 1000})
    assert listed(path, Limits(max_bytes=1000)) == {"big.png": "too-large", "ok.png": ""}


def test_a_header_that_lies_about_the_size_never_unpacks_more_than_it_says(tmp_path: Path) -> None:
    size, lie = 50_000_000, 1000
    path = write_zip(tmp_path / "bomb.zip", {"bomb.png": b"\0" * size})
    patched(path, struct.pack("<I", size), struct.pack("<I", lie))
    with ZipSource(path, limits=Limits(max_bytes=2000)) as source:
        assert list(source.entries()) == [Entry("bomb.png", lie)]
        with pytest.raises(DamagedPicture, match=r"bomb\.png is damaged"):
            source.read("bomb.png")


def test_a_header_that_promises_more_than_there_is_is_damage(tmp_path: Path) -> None:
    path = write_zip(tmp_path / "a.zip", {"a.png": b"1234567" * 11})
    patched(path, struct.pack("<I", 77), struct.pack("<I", 900))
    with ZipSource(path, limits=Limits()) as source, pytest.raises(DamagedPicture):
        source.read("a.png")


def test_a_changed_byte_in_a_member_is_found_and_the_others_stay_readable(tmp_path: Path) -> None:
    path = write_zip(tmp_path / "a.zip", REAL, zipfile.ZIP_STORED)
    patched(path, picture(2), picture(2)[:-20] + b"!" + picture(2)[-19:])
    with ZipSource(path, limits=Limits()) as source:
        with pytest.raises(DamagedPicture, match="dogs/2"):
            source.read("train/dogs/2.png")
        assert source.read("train/cats/1.png") == picture(1)


def test_too_many_members_are_refused(tmp_path: Path) -> None:
    path = write_zip(tmp_path / "a.zip", dict.fromkeys("abc", b""))
    with pytest.raises(DataError, match="more than 2 files"):
        ZipSource(path, limits=Limits(max_files=2))


@pytest.mark.parametrize("data", [b"", b"PK\3\4", b"PK\5\6" + b"\xff" * 18, b"not a zip"], ids=range(4))
def test_what_is_no_zip_is_one_clear_error(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "bad.zip"
    path.write_bytes(data)
    with pytest.raises(UnknownSource, match=r"bad\.zip cannot be read as a zip"):
        ZipSource(path, limits=Limits())


def test_threads_can_read_at_the_same_time(tmp_path: Path) -> None:
    files = {f"{i}.bin": bytes([i]) * 20_000 + picture(i) for i in range(40)}
    path = write_zip(tmp_path / "a.zip", files)
    wrong: list[str] = []
    with ZipSource(path, limits=Limits()) as source:

        def read_all() -> None:
            wrong.extend(name for _ in range(5) for name, data in files.items() if source.read(name) != data)

        threads = [threading.Thread(target=read_all) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert wrong == []


def zip_bytes() -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in REAL.items():
            archive.writestr(name, data)
    return stream.getvalue()


def read_everything(path: Path) -> None:
    """Read all; the bytes that come out are those that went in, or there is an error of ours."""
    try:
        source = ZipSource(path, limits=Limits(max_bytes=100_000))
    except AnmokError:
        return
    with source:
        for entry in source.entries():
            if isinstance(entry, Entry):
                try:
                    data = source.read(entry.path)
                except PictureError:
                    continue
                # A flipped byte may rename a member, but the checksum keeps its content.
                assert data in REAL.values() or len(data) == 0


@settings(max_examples=400)
@given(changes=st.lists(st.tuples(st.floats(0, 0.999), st.integers(0, 255)), min_size=1, max_size=4))
def test_flipped_bytes_never_give_wrong_pictures_or_foreign_errors(
    tmp_path_factory: pytest.TempPathFactory, changes: list[tuple[float, int]]
) -> None:
    data = bytearray(zip_bytes())
    for place, value in changes:
        data[int(place * len(data))] = value
    path = tmp_path_factory.getbasetemp() / "flipped.zip"
    path.write_bytes(data)
    read_everything(path)


@settings(max_examples=300)
@given(place=st.integers(0, 400), value=st.integers(0, 255))
def test_flipped_bytes_of_the_directory_neither(
    tmp_path_factory: pytest.TempPathFactory, place: int, value: int
) -> None:
    # The directory and the end record stand last; that is where all the trust of a zip reader lies.
    data = bytearray(zip_bytes())
    data[-1 - place % 300] = value
    path = tmp_path_factory.getbasetemp() / "directory.zip"
    path.write_bytes(data)
    read_everything(path)


@settings(max_examples=150)
@given(share=st.floats(0, 1))
def test_a_zip_cut_short_never_gives_foreign_errors(tmp_path_factory: pytest.TempPathFactory, share: float) -> None:
    data = zip_bytes()
    path = tmp_path_factory.getbasetemp() / "cut.zip"
    path.write_bytes(data[: int(share * len(data))])
    read_everything(path)
