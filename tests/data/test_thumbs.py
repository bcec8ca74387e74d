"""The thumbnails that a scan kept are there without reading a picture again; those that are gone are made anew."""

import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from anmok.data.measures import perceptual_hashes
from anmok.data.scan import scan
from anmok.data.sources import open_source
from anmok.data.thumbs import load_thumbs
from anmok.errors import DataError
from anmok.images import decode
from anmok.locations import cache_dir
from tests.data.made import picture, pictures_of, write_tree
from tests.data.test_scan import Counting
from tests.pictures import encode, photo


def forget_half() -> None:
    """Delete rows that say in which file a thumbnail is."""
    with sqlite3.connect(cache_dir() / "pictures.sqlite") as database:
        database.execute("DELETE FROM entries WHERE number % 2")
    database.close()


def forget_all() -> None:
    shutil.rmtree(cache_dir() / "pictures.thumbs")


def test_thumbnails_come_from_the_scan_although_the_pictures_are_gone(tmp_path: Path) -> None:
    files = pictures_of({"a": 3, "b": 3}) | {"b/large.jpg": encode(photo(500, 300), "JPEG")}
    manifest = scan(write_tree(tmp_path, files))
    for path in files:
        (tmp_path / path).unlink()
    thumbs = load_thumbs(manifest)
    assert (thumbs.shape, thumbs.dtype) == ((7, 32, 32, 3), np.uint8)
    assert perceptual_hashes(thumbs) == manifest.table["phash"].tolist()
    assert len({thumb.tobytes() for thumb in thumbs}) == 7


def test_a_thumbnail_shows_the_whole_picture_squashed(tmp_path: Path) -> None:
    for name, size in (("wide", (640, 200)), ("small", (20, 48)), ("exact", (32, 32))):
        data = encode(photo(*size), "PNG")
        manifest = scan(write_tree(tmp_path / name, {"a/1.png": data}))
        image = Image.fromarray(decode(data, name="x").pixels)
        wanted = np.asarray(image.resize((32, 32), Image.Resampling.BILINEAR)).astype(int)
        assert np.abs(load_thumbs(manifest)[0] - wanted).mean() < 10
    assert np.array_equal(load_thumbs(manifest)[0], wanted)


@pytest.mark.parametrize("forget", [forget_half, forget_all])
def test_thumbnails_that_are_gone_are_made_anew_and_kept(tmp_path: Path, forget: Callable[[], None]) -> None:
    manifest = scan(write_tree(tmp_path, pictures_of({"a": 40, "b": 40})))
    manifest = manifest.with_table(manifest.table.sample(frac=1, random_state=1))
    wanted = load_thumbs(manifest)
    forget()
    progress = Counting()
    assert np.array_equal(load_thumbs(manifest, threads=2, progress=progress), wanted)
    assert 0 < progress.total == progress.done <= 80
    again = Counting()
    assert np.array_equal(load_thumbs(manifest, progress=again), wanted)
    assert again.total == 0


def test_a_picture_that_is_gone_or_another_is_said(tmp_path: Path) -> None:
    manifest = scan(write_tree(tmp_path, pictures_of({"a": 3})))
    forget_all()
    write_tree(tmp_path, {"a/001.png": picture(9)})
    with pytest.raises(DataError, match=r"a/001\.png is not the picture that was scanned"):
        load_thumbs(manifest)
    (tmp_path / "a/001.png").unlink()
    with pytest.raises(DataError, match=r"a/001\.png is not there"):
        load_thumbs(manifest)


def test_of_no_pictures_there_are_no_thumbnails(tmp_path: Path) -> None:
    manifest = scan(write_tree(tmp_path, pictures_of({"a": 1})))
    assert load_thumbs(manifest.with_table(manifest.table[:0])).shape == (0, 32, 32, 3)


@pytest.mark.real
def test_thumbnails_of_real_pictures_are_the_same_from_the_scan_and_read_again(data_dir: Path) -> None:
    manifest = scan(data_dir / "scenes6.zip")
    kept = load_thumbs(manifest)
    forget_all()
    assert np.array_equal(load_thumbs(manifest), kept)
    with open_source(data_dir / "scenes6.zip") as source:
        pixels = decode(source.read(manifest.table["path"][5]), name="x").pixels
    assert abs(float(kept[5].mean()) - float(pixels.mean())) < 1
