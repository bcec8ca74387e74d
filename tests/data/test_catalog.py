"""Data sets that can be named are made once, whole, and the same in each process."""

import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from sklearn.datasets import load_digits

from anmok.data import catalog
from anmok.data.catalog import get_dataset, list_datasets
from anmok.data.sources import open_source
from anmok.errors import StorageError, UnknownName
from anmok.i18n import use_language
from anmok.progress import Progress


def test_digits_are_written_as_class_folders_with_the_pixels_of_scikit_learn(shared_cache: Path) -> None:
    folder = get_dataset("digits")
    files = sorted(folder.glob("*/*.png"))
    bunch = load_digits()
    assert Counter(file.parent.name for file in files) == Counter(map(str, bunch.target))
    for number in (0, 500, 1796):
        with Image.open(folder / str(bunch.target[number]) / f"{number:04d}.png") as image:
            assert np.array_equal(np.rint((255 - np.asarray(image, dtype=float)) * 16 / 255), bunch.images[number])


def test_a_second_call_finds_what_is_there(shared_cache: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in get_dataset("digits").glob("*/*")}
    with open_source("digits") as source:
        assert source.name == "digits"
        assert sum(1 for _ in source.entries()) == 1797
    assert {path: path.stat().st_mtime_ns for path in get_dataset("digits").glob("*/*")} == before


def test_the_list_tells_the_counts(shared_cache: Path) -> None:
    info = {entry.name: entry for entry in list_datasets()}
    assert list(info) == ["sample", "digits"]
    assert (info["digits"].pictures, info["digits"].classes) == (1797, 10)
    assert all(entry.summary for entry in info.values())


def test_the_sample_speaks_the_users_language_and_is_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(catalog, "SAMPLE_PER_CLASS", 1)
    with use_language("ko"):
        korean = get_dataset("sample")
    english = get_dataset("sample", tmp_path / "here")
    assert {path.name for path in korean.iterdir() if path.is_dir()} != {path.name for path in english.iterdir()}
    assert any("폭포" in path.name for path in korean.iterdir())
    assert len([path for path in english.iterdir() if path.is_dir()]) == 5
    assert [path.name for path in tmp_path.iterdir()] == ["here"]


def test_a_folder_with_something_in_it_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(StorageError, match="not empty"):
        get_dataset("digits", tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_an_unknown_name_is_refused_with_the_known_ones() -> None:
    with pytest.raises(UnknownName, match="no data set cats") as error:
        get_dataset("cats")
    assert "sample, digits" in error.value.hint


def test_nothing_is_left_where_the_writing_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(folder: Path, _progress: Progress) -> None:
        (folder / "half").write_text("half")
        raise OSError(28, "No space left on device")

    monkeypatch.setitem(catalog._DATASETS, "digits", catalog._Dataset(1, 1, str, fail, lambda: "1"))
    with pytest.raises(StorageError, match="disk is full"):
        get_dataset("digits", tmp_path / "new")
    assert list(tmp_path.iterdir()) == []


def test_whoever_makes_a_data_set_at_the_same_time_ends_with_one_whole_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    together = threading.Barrier(4)

    def write(folder: Path, _progress: Progress) -> None:
        for name in "ab":
            (folder / name).write_text(name)
        together.wait(timeout=30)

    monkeypatch.setitem(catalog._DATASETS, "digits", catalog._Dataset(2, 1, str, write, lambda: "1"))
    with ThreadPoolExecutor(4) as pool:
        folders = list(pool.map(lambda _: get_dataset("digits"), range(4)))
    assert len(set(folders)) == 1
    assert sorted(path.name for path in folders[0].iterdir()) == ["a", "b"]
    assert list(folders[0].parent.iterdir()) == [folders[0]]
