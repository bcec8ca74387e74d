"""A scan reads each file once, measures what is a picture, and says of everything else why it is none."""

import hashlib
import os
import time
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np
import pytest
from PIL import Image

from anmok.config import Limits
from anmok.data import measuring
from anmok.data.archives import ZipSource
from anmok.data.folders import FolderSource
from anmok.data.manifest import Manifest
from anmok.data.measures import MEASURED_SIDE, measure
from anmok.data.scan import scan
from anmok.data.sources import open_source
from anmok.errors import AnmokError, EmptySource, SourceNotFound
from anmok.i18n import use_language
from anmok.images import Upright, decode, decode_image
from anmok.locations import cache_dir
from anmok.progress import Task
from tests.data.made import picture, pictures_of, write_tree, write_zip
from tests.pictures import encode, photo


class Counting:
    """Progress that counts."""

    def __init__(self) -> None:
        self.total = self.done = 0
        self.said: list[str] = []

    def task(self, title: str, total: int | None = None, *, unit: str = "") -> Task:
        self.total += total or 0
        return self

    def say(self, text: str) -> None:
        self.said.append(text)

    def advance(self, steps: int = 1, /) -> None:
        self.done += steps

    def note(self, text: str, /) -> None:
        pass

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None, /
    ) -> None:
        pass


def test_a_row_holds_what_the_file_is(tmp_path: Path) -> None:
    data = encode(photo(40, 30), "JPEG", orientation=6)
    write_tree(tmp_path, {"train/cats/1.jpg": data, "test/dogs/2.png": picture(2)})
    manifest = scan(tmp_path)
    row = manifest.table.set_index("path").loc["train/cats/1.jpg"]
    assert row["id"] == hashlib.sha256(data).hexdigest()
    assert (row["label"], row["split"], row["group"]) == ("cats", "train", "")
    assert (row["width"], row["height"], row["mode"], row["format"], row["bytes"]) == (30, 40, "RGB", "JPEG", len(data))
    wanted = measure(decode(data, name="x").pixels)
    names = ("brightness", "contrast", "mean_r", "mean_g", "mean_b", "saturation", "sharpness", "entropy")
    assert [row[name] for name in names] == pytest.approx([getattr(wanted, name) for name in names])
    assert row["phash"] == wanted.phash
    assert manifest.name == tmp_path.name
    assert manifest.classes == ("cats", "dogs")


def test_a_folder_and_its_zip_give_the_same_manifest(tmp_path: Path) -> None:
    files = pictures_of({"cats": 3, "폭포/큰": 3})
    folder = scan(write_tree(tmp_path / "set", files))
    zipped = scan(write_zip(tmp_path / "set.zip", files))
    assert folder.content_hash == zipped.content_hash
    assert folder.table.equals(zipped.table)


def test_the_number_of_threads_changes_nothing(tmp_path: Path) -> None:
    write_tree(tmp_path, pictures_of({"a": 20, "b": 20}) | {"a/bad.jpg": b"bad"})
    one, many = (scan(tmp_path, threads=threads) for threads in (1, 7))
    assert one.table.equals(many.table)
    assert one.quarantined == many.quarantined
    assert one.table["path"].is_monotonic_increasing


def test_what_is_no_sound_picture_is_quarantined_with_its_reason(tmp_path: Path) -> None:
    files = pictures_of({"cats": 2}) | {
        "cats/cut.png": picture(3)[:-40],
        "cats/text.jpg": b"hello world",
        "cats/empty.jpg": b"",
        "cats/long.png": picture(4) + b"\0" * 5000,
        "cats/wide.png": encode(photo(200, 10), "PNG"),
        "loose.png": picture(5),
        "cats/readme.txt": b"",
    }
    manifest = scan(write_tree(tmp_path, files), limits=Limits(max_bytes=5000, max_pixels=1999))
    codes = {row.path: row.code for row in manifest.quarantined}
    assert codes == {
        "cats/cut.png": "damaged",
        "cats/text.jpg": "unknown-format",
        "cats/empty.jpg": "unknown-format",
        "cats/long.png": "too-large",
        "cats/wide.png": "too-large",
        "loose.png": "no-label",
    }
    assert all(row.path in row.reason for row in manifest.quarantined)
    assert len(manifest) == 2
    assert manifest.ignored == 1


def test_reasons_are_in_the_users_language_although_threads_write_them(tmp_path: Path) -> None:
    write_tree(tmp_path, pictures_of({"a": 1}) | {"a/bad.jpg": b"bad", "loose.jpg": b""})
    with use_language("ko"):
        manifest = scan(tmp_path, threads=3)
    assert [row.code for row in manifest.quarantined] == ["no-label", "unknown-format"]
    assert all(any("가" <= character <= "힣" for character in row.reason) for row in manifest.quarantined)


@pytest.mark.parametrize("progressive", [False, True], ids=["baseline", "progressive"])
@pytest.mark.parametrize("share", [0.3, 0.8, 0.99])
def test_a_big_photo_that_was_cut_short_is_found_although_it_is_decoded_small(
    tmp_path: Path, share: float, progressive: bool
) -> None:
    whole = encode(photo(2400, 1600), "JPEG", quality=90, progressive=progressive)
    cut = whole[: int(len(whole) * share)]
    manifest = scan(write_tree(tmp_path, {"a/whole.jpg": whole, "a/cut.jpg": cut}))
    assert manifest.table["path"].tolist() == ["a/whole.jpg"]
    assert [(row.path, row.code) for row in manifest.quarantined] == [("a/cut.jpg", "damaged")]
    # It was decoded small indeed: otherwise this test would show nothing.
    assert decode(whole, name="x", at_least=MEASURED_SIDE).pixels.shape == (200, 300, 3)
    full = measure(decode(whole, name="x").pixels)
    assert manifest.table["brightness"][0] == pytest.approx(full.brightness, abs=0.5)
    assert manifest.table["contrast"][0] == pytest.approx(full.contrast, rel=0.1)


class Watch:
    """Which files are read, and which decoded."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.read: list[str] = []
        self.decoded: list[str] = []
        for kind in (FolderSource, ZipSource):
            monkeypatch.setattr(kind, "read", self._watched(kind.read))
        monkeypatch.setattr(measuring, "decode_image", self._decode)

    def _watched(self, read: Callable[[Any, str], bytes]) -> Callable[[Any, str], bytes]:
        def watched(source: Any, path: str) -> bytes:
            self.read.append(path)
            return read(source, path)

        return watched

    def _decode(self, data: bytes, name: str, *others: Any) -> Upright:
        self.decoded.append(name)
        return decode_image(data, name, *others)

    def forget(self) -> None:
        self.read.clear()
        self.decoded.clear()


@pytest.fixture
def watch(monkeypatch: pytest.MonkeyPatch) -> Watch:
    return Watch(monkeypatch)


@pytest.fixture
def settled(monkeypatch: pytest.MonkeyPatch) -> None:
    """Files are trusted as soon as they are a few ticks old: tests cannot wait for seconds."""
    monkeypatch.setattr("anmok.data.source.SETTLED_NS", 50_000_000)


def wait_until_settled() -> None:
    time.sleep(0.08)


def test_a_second_scan_of_files_that_just_changed_only_hashes(tmp_path: Path, watch: Watch) -> None:
    write_tree(tmp_path, pictures_of({"a": 3, "b": 3}))
    first = scan(tmp_path)
    (tmp_path / "a/000.png").rename(tmp_path / "b/renamed.png")
    watch.forget()
    second = scan(tmp_path)
    assert len(watch.read) == 6
    assert watch.decoded == []
    assert set(second.table["id"]) == set(first.table["id"])
    assert second.table.loc[second.table["path"] == "b/renamed.png", "label"].tolist() == ["b"]
    write_tree(tmp_path, {"a/000.png": picture(77)})
    scan(tmp_path)
    assert watch.decoded == ["a/000.png"]


@pytest.mark.usefixtures("settled")
def test_a_second_scan_opens_only_what_changed_whatever_its_size_and_date_say(tmp_path: Path, watch: Watch) -> None:
    files = {f"a/{number}.bmp": picture(number, "BMP") for number in range(5)}
    write_tree(tmp_path, files)
    wait_until_settled()
    first = scan(tmp_path)
    assert sorted(watch.read) == sorted(files)
    watch.forget()
    assert scan(tmp_path).table.equals(first.table)
    assert (watch.read, watch.decoded) == ([], [])
    # As many bytes, and the date put back.
    status = (tmp_path / "a/3.bmp").stat()
    assert len(picture(99, "BMP")) == status.st_size
    (tmp_path / "a/3.bmp").write_bytes(picture(99, "BMP"))
    os.utime(tmp_path / "a/3.bmp", ns=(status.st_atime_ns, status.st_mtime_ns))
    wait_until_settled()
    changed = scan(tmp_path)
    assert watch.read == ["a/3.bmp"]
    assert changed.table["id"][3] == hashlib.sha256(picture(99, "BMP")).hexdigest()
    assert changed.table.drop(index=3).equals(first.table.drop(index=3))


def test_a_file_that_changed_a_moment_ago_is_not_trusted(tmp_path: Path, watch: Watch) -> None:
    write_tree(tmp_path, pictures_of({"a": 2}))
    with open_source(tmp_path) as source:
        assert source.stamp("a/000.png") is None
    scan(tmp_path)
    watch.forget()
    scan(tmp_path)
    assert watch.read == ["a/000.png", "a/001.png"]


@pytest.mark.usefixtures("settled")
def test_a_second_scan_of_a_zip_unpacks_nothing_and_another_zip_of_that_name_is_noticed(
    tmp_path: Path, watch: Watch
) -> None:
    files = {f"a/{number}.bmp": picture(number, "BMP") for number in range(3)}
    write_zip(tmp_path / "set.zip", files, zipfile.ZIP_STORED)
    wait_until_settled()
    first = scan(tmp_path / "set.zip")
    watch.forget()
    assert scan(tmp_path / "set.zip").table.equals(first.table)
    assert watch.read == []
    write_zip(tmp_path / "set.zip", files | {"a/1.bmp": picture(9, "BMP")}, zipfile.ZIP_STORED)
    wait_until_settled()
    assert scan(tmp_path / "set.zip").table["id"][1] == hashlib.sha256(picture(9, "BMP")).hexdigest()


@pytest.mark.usefixtures("settled")
def test_hard_links_of_one_file_are_read_once(tmp_path: Path, watch: Watch) -> None:
    write_tree(tmp_path, pictures_of({"a": 3}))
    for number in range(30):
        os.link(tmp_path / f"a/{number % 3:03d}.png", tmp_path / f"a/link{number}.png")
    wait_until_settled()
    manifest = scan(tmp_path, threads=1)
    assert (len(manifest), len(set(manifest.table["id"]))) == (33, 3)
    assert len(watch.read) == len(watch.decoded) == 3


@pytest.mark.usefixtures("settled")
def test_copies_of_a_broken_picture_are_each_named_in_their_own_reason(tmp_path: Path) -> None:
    broken = picture(3)[:-40]
    write_tree(tmp_path, {"a/1.png": picture(1), "a/2.png": broken, "a/3.png": broken})
    os.link(tmp_path / "a/2.png", tmp_path / "a/4.png")
    wait_until_settled()
    for _scan in range(2):
        rows = scan(tmp_path, threads=1).quarantined
        assert [row.path for row in rows] == ["a/2.png", "a/3.png", "a/4.png"]
        assert all(row.reason.startswith(row.path) for row in rows)


@pytest.mark.usefixtures("settled")
def test_stricter_limits_on_bytes_hold_although_the_file_is_not_opened(tmp_path: Path) -> None:
    write_tree(tmp_path, pictures_of({"a": 1}) | {"a/big.png": picture(4) + b"\0" * 5000})
    wait_until_settled()
    assert len(scan(tmp_path)) == 2
    manifest = scan(tmp_path, limits=Limits(max_bytes=5000))
    assert [(row.path, row.code) for row in manifest.quarantined] == [("a/big.png", "too-large")]


def test_large_files_are_measured_before_the_handful_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files = pictures_of({"a": 20})
    manifest = scan(write_tree(tmp_path, files))
    (cache_dir() / "pictures.sqlite").unlink()
    monkeypatch.setattr(measuring, "HANDFUL_BYTES", 1000)
    assert scan(tmp_path).table.equals(manifest.table)


def test_stricter_limits_hold_for_pictures_that_are_known_from_before(tmp_path: Path) -> None:
    write_tree(tmp_path, pictures_of({"a": 1}) | {"a/big.png": encode(photo(50, 50), "PNG")})
    assert len(scan(tmp_path)) == 2
    manifest = scan(tmp_path, limits=Limits(max_pixels=1000))
    assert [(row.path, row.code) for row in manifest.quarantined] == [("a/big.png", "too-large")]


def test_a_manifest_is_loaded_instead_of_scanned(tmp_path: Path) -> None:
    scanned = scan(write_tree(tmp_path / "set", pictures_of({"a": 2, "b": 2})))
    scanned.save(tmp_path / "m.parquet")
    (tmp_path / "set/a/000.png").unlink()
    assert scan(tmp_path / "m.parquet").table.equals(scanned.table)
    assert scan(str(tmp_path / "m.parquet")).content_hash == scanned.content_hash


def test_progress_counts_every_file(tmp_path: Path) -> None:
    write_tree(tmp_path, pictures_of({"a": 5, "b": 5}) | {"a/bad.jpg": b"bad"})
    progress = Counting()
    scan(tmp_path, progress=progress)
    assert progress.total == progress.done == 11
    assert progress.said == []


def test_only_a_few_files_are_on_their_way_at_a_time() -> None:
    begun = done = most = 0

    def watched() -> Iterator[int]:
        nonlocal begun, most
        for number in range(1000):
            begun += 1
            most = max(most, begun - done)
            yield number

    seen: list[int] = []
    for handful, doubled in measuring.work_through(lambda some: [2 * number for number in some], watched(), 2):
        assert doubled == [2 * number for number in handful]
        seen += handful
        done += len(handful)
    assert seen == list(range(1000))
    assert most <= 6 * measuring.HANDFUL


def test_nothing_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(SourceNotFound, match="no folder, file or data set"):
        scan(tmp_path / "nowhere")
    with pytest.raises(SourceNotFound):
        scan(tmp_path / "nowhere.parquet")
    with pytest.raises(EmptySource, match="There is no picture"):
        scan(tmp_path)
    write_tree(tmp_path, {"a/readme.md": b"x"})
    with pytest.raises(EmptySource, match=r"\(1 other file\)") as error:
        scan(tmp_path)
    assert error.value.exit_code == 1
    assert "one folder for each class" in error.value.hint


def test_no_readable_picture_is_said_with_the_first_reasons(tmp_path: Path) -> None:
    write_tree(tmp_path, {f"a/{i}.jpg": b"text" for i in range(5)})
    with pytest.raises(EmptySource, match="None of the 5 files") as error:
        scan(tmp_path)
    assert "a/0.jpg is a text file" in str(error.value)
    assert str(error.value).count("is a text file") == 3
    with pytest.raises(EmptySource, match="lies in no class folder"):
        scan(write_tree(tmp_path / "one", {"1.png": picture(1)}) / "1.png")


def test_every_refusal_is_one_of_ours_with_a_message_that_can_be_printed(tmp_path: Path) -> None:
    for name in ("x\udcff.zip", "no\nname.csv", "x.parquet"):
        (tmp_path / name).write_bytes(b"PK\3\4 nonsense")
        with pytest.raises(AnmokError) as error:
            scan(tmp_path / name)
        str(error.value).encode("utf-8")
        assert "\n" not in error.value.message


@pytest.mark.real
@pytest.mark.parametrize(
    ("name", "classes", "counts"),
    [
        ("scenes6.zip", 6, {"train": 720, "test": 360}),
        ("drawings-with-photos.zip", 5, {"": 850}),
    ],
)
def test_real_pictures_are_read_with_their_classes_and_splits(
    data_dir: Path, name: str, classes: int, counts: dict[str, int]
) -> None:
    manifest = scan(data_dir / name)
    assert len(manifest.classes) == classes
    assert manifest.table["split"].value_counts().to_dict() == counts
    assert manifest.quarantined == ()


@pytest.mark.real
def test_real_pictures_that_were_damaged_are_found_or_still_decode_as_a_viewer_shows_them(
    data_dir: Path, tmp_path: Path
) -> None:
    random = np.random.default_rng(5)
    with open_source(data_dir / "scenes6.zip") as source:
        paths = [entry.path for entry in source.entries()][::120]
        files = {}
        for number, path in enumerate(paths):
            data = source.read(path)
            files[f"a/{number}-cut.jpg"] = data[: int(random.integers(2, len(data) - 200))]
            flipped = bytearray(data)
            flipped[int(random.integers(len(data)))] ^= 255
            files[f"a/{number}-flipped.jpg"] = bytes(flipped)
            files[f"a/{number}-whole.jpg"] = data
    manifest = scan(write_tree(tmp_path, files))
    assert {f"a/{number}-cut.jpg" for number in range(len(paths))} <= {row.path for row in manifest.quarantined}
    assert {f"a/{number}-whole.jpg" for number in range(len(paths))} <= set(manifest.table["path"])
    for path in manifest.table["path"]:
        with Image.open(tmp_path / path) as image:
            image.load()


def test_a_scan_of_the_named_digits_gives_ten_classes(shared_cache: Path) -> None:
    manifest = scan("digits")
    assert isinstance(manifest, Manifest)
    assert (manifest.name, len(manifest.classes), len(manifest)) == ("digits", 10, 1797)
    with manifest.open_source() as source:
        assert source.read(manifest.table["path"][0]).startswith(b"\x89PNG")
