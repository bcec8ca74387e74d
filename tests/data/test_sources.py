"""What a user names is opened as what it is, or refused with a sentence."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from anmok.data.archives import ZipSource
from anmok.data.folders import FileSource, FolderSource
from anmok.data.sources import open_source
from anmok.data.tables import TableSource
from anmok.errors import AnmokError, SourceNotFound, StorageError, UnknownSource
from tests.data.made import picture, unprivileged, write_tree, write_zip


def test_each_kind_of_source_is_recognised_by_its_content(tmp_path: Path) -> None:
    write_tree(tmp_path, {"d/a/1.png": picture(1), "photo": picture(2), "t.csv": b"path,label\n"})
    write_zip(tmp_path / "set.zip", {"a/1.png": picture(1)})
    (tmp_path / "set.zip").rename(tmp_path / "download")
    write_tree(tmp_path, {"broken.jpg": b"nonsense"})
    kinds = {
        "d": FolderSource,
        "photo": FileSource,
        "download": ZipSource,
        "t.csv": TableSource,
        "broken.jpg": FileSource,
    }
    for name, kind in kinds.items():
        with open_source(tmp_path / name) as source:
            assert type(source) is kind
            assert source.location == tmp_path / name
            assert source.name == name


@pytest.mark.parametrize(
    ("name", "data", "words"),
    [
        ("notes.txt", b"hello", "is a text file; a folder, a zip, a CSV or a picture is wanted"),
        ("empty", b"", "is an empty file"),
        ("page.html", b"<!doctype html><p>404", "is an HTML page"),
    ],
)
def test_other_files_are_refused_with_what_they_are(tmp_path: Path, name: str, data: bytes, words: str) -> None:
    write_tree(tmp_path, {name: data})
    with pytest.raises(UnknownSource, match=words):
        open_source(tmp_path / name)


@pytest.mark.parametrize("name", ["", "nowhere", "no\0name", "\udcff", "x" * 5000])
def test_what_is_not_there_is_said_with_the_names_of_the_data_sets(name: str) -> None:
    with pytest.raises(AnmokError) as error:
        open_source(name)
    if len(name) < 100:
        assert isinstance(error.value, SourceNotFound)
        assert "sample, digits" in error.value.hint
    str(error.value).encode("utf-8")


def test_a_pipe_is_refused(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(UnknownSource, match="neither a file nor a folder"):
        open_source(tmp_path / "pipe")


def test_a_file_without_permission_is_a_storage_error(tmp_path: Path) -> None:
    for folder in (tmp_path, *list(tmp_path.parents)[:2]):
        folder.chmod(0o755)
    path = write_zip(tmp_path / "a.zip", {})
    path.chmod(0)
    with unprivileged(), pytest.raises(StorageError, match="No permission"):
        open_source(path)


def test_a_folder_on_disk_wins_over_a_data_set_of_that_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(write_tree(tmp_path, {"digits/1/a.png": picture(1)}))
    with open_source("digits") as source:
        assert [entry.path for entry in source.entries()] == ["1/a.png"]


def test_sources_and_readers_load_nothing_heavy() -> None:
    code = (
        "import sys, anmok.data.sources, anmok.data.readers, anmok.data.catalog\n"
        "heavy = {'pandas', 'sklearn', 'matplotlib', 'torch', 'django', 'pyarrow', 'scipy'} & set(sys.modules)\n"
        "assert not heavy, heavy"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
