"""A folder is read as it is; nothing outside of it is, whatever links and paths say."""

import os
import threading
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from anmok.config import Limits
from anmok.data.folders import FileSource, FolderSource
from anmok.data.names import escape, is_hidden
from anmok.data.source import Entry
from anmok.errors import DataError, PictureError, PictureTooLarge, StorageError
from anmok.records import Quarantined
from tests.data.made import unprivileged, write_tree


def listed(folder: Path, limits: Limits | None = None) -> dict[str, str]:
    """Paths, each with the quarantine's code, or "" for what can be read."""
    entries = list(FolderSource(folder, limits=limits or Limits()).entries())
    assert len({entry.path for entry in entries}) == len(entries)
    return {entry.path: entry.code if isinstance(entry, Quarantined) else "" for entry in entries}


def test_all_files_come_out_sorted_with_their_sizes_but_hidden_ones(tmp_path: Path) -> None:
    names = ["b/2.jpg", "b/10.jpg", "a.jpg", "b/c/1", ".hidden.jpg", "b/.git/x", "__MACOSX/a.jpg", "b/Thumbs.db"]
    write_tree(tmp_path, {name: name.encode() for name in names})
    with FolderSource(tmp_path, limits=Limits()) as source:
        entries = list(source.entries())
        assert entries == [Entry(name, len(name)) for name in ("a.jpg", "b/10.jpg", "b/2.jpg", "b/c/1")]
        assert [source.read(entry.path) for entry in entries] == [entry.path.encode() for entry in entries]


def test_links_inside_are_followed_and_links_out_are_not(tmp_path: Path) -> None:
    write_tree(tmp_path / "out", {"secret.jpg": b"secret", "cats/1.jpg": b"1"})
    root = write_tree(tmp_path / "in", {"cats/1.jpg": b"1", ".store/2.jpg": b"2"})
    (root / "cats/2.jpg").symlink_to("../.store/2.jpg")
    (root / "kittens").symlink_to("cats")
    (root / "secret.jpg").symlink_to("../out/secret.jpg")
    (root / "more").symlink_to(tmp_path / "out" / "cats")
    # Its name begins like that of the source.
    write_tree(tmp_path / "in2", {"x.jpg": b"x"})
    (root / "x.jpg").symlink_to("../in2/x.jpg")
    (root / "gone.jpg").symlink_to("nothing.jpg")
    assert listed(root) == {
        "cats/1.jpg": "",
        "cats/2.jpg": "",
        "kittens/1.jpg": "",
        "kittens/2.jpg": "",
        "secret.jpg": "outside-source",
        "more": "outside-source",
        "x.jpg": "outside-source",
        "gone.jpg": "missing",
    }
    source = FolderSource(root, limits=Limits())
    assert source.read("kittens/2.jpg") == b"2"
    for path in ("secret.jpg", "more/1.jpg"):
        with pytest.raises(PictureError, match="leads out") as error:
            source.read(path)
        assert error.value.code == "outside-source"


def test_loops_of_links_end(tmp_path: Path) -> None:
    write_tree(tmp_path, {"a/1.jpg": b"1", "b/2.jpg": b"2"})
    (tmp_path / "a/self").symlink_to("self")
    (tmp_path / "a/up").symlink_to("..")
    (tmp_path / "a/b").symlink_to("../b")
    (tmp_path / "b/a").symlink_to("../a")
    found = listed(tmp_path)
    assert {path for path, code in found.items() if not code} == {"a/1.jpg", "b/2.jpg", "a/b/2.jpg", "b/a/1.jpg"}
    assert set(found.values()) == {"", "loop"}


def test_crossing_links_do_not_make_endless_paths(tmp_path: Path) -> None:
    for level in range(30):
        (tmp_path / f"{level}").mkdir()
        for name in "ab":
            (tmp_path / f"{level}" / name).symlink_to(f"../{level + 1}")
    (tmp_path / "30").mkdir()
    assert len(listed(tmp_path)) < 200


def test_pipes_are_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.jpg")
    assert listed(tmp_path) == {"pipe.jpg": "not-a-file"}
    with pytest.raises(PictureError, match="ordinary file"):
        FolderSource(tmp_path, limits=Limits()).read("pipe.jpg")
    with pytest.raises(PictureError, match="ordinary file"):
        FolderSource(tmp_path.parent, limits=Limits()).read(tmp_path.name)


@pytest.mark.parametrize(
    "path",
    [
        "../x.jpg",
        "/etc/passwd",
        "a/../../x.jpg",
        "",
        ".",
        "a//b",
        r"..\x2fx.jpg",
        r"a\x00b",
        "../in2/x.jpg",
        "a/../a/1.jpg",
        "a\0b",
    ],
)
def test_paths_from_elsewhere_cannot_lead_out(tmp_path: Path, path: str) -> None:
    write_tree(tmp_path, {"x.jpg": b"x", "in/a/1.jpg": b"1", "in2/x.jpg": b"x"})
    with pytest.raises(PictureError):
        FolderSource(tmp_path / "in", limits=Limits()).read(path)


def test_a_folder_that_becomes_a_link_later_is_not_followed_out(tmp_path: Path) -> None:
    write_tree(tmp_path, {"in/a/1.jpg": b"1", "out/1.jpg": b"secret"})
    source = FolderSource(tmp_path / "in", limits=Limits())
    (tmp_path / "in/b").symlink_to("../out")
    with pytest.raises(PictureError, match="leads out"):
        source.read("b/1.jpg")


def test_what_may_not_be_read_is_named_and_the_rest_goes_on(tmp_path: Path) -> None:
    root = write_tree(tmp_path / "in", {"a/1.jpg": b"1", "b/2.jpg": b"2", "c/3.jpg": b"3"})
    # The way to it must be open for everybody; pytest's own folder is not.
    for folder in (tmp_path, *tmp_path.parents):
        if not folder.stat().st_mode & 0o001:
            folder.chmod(0o755)
    (root / "b").chmod(0)
    (root / "c/3.jpg").chmod(0)
    try:
        with unprivileged():
            assert listed(root) == {"a/1.jpg": "", "b": "no-permission", "c/3.jpg": ""}
            with pytest.raises(PictureError, match=r"no permission to read c/3\.jpg") as error:
                FolderSource(root, limits=Limits()).read("c/3.jpg")
            assert error.value.code == "no-permission"
            with pytest.raises(StorageError, match="No permission"):
                list(FolderSource(root / "b", limits=Limits()).entries())
    finally:
        (root / "b").chmod(0o755)


def test_limits_on_bytes_and_on_files_hold(tmp_path: Path) -> None:
    write_tree(tmp_path, {"1.jpg": b"12345", "2.jpg": b"1234"})
    source = FolderSource(tmp_path, limits=Limits(max_bytes=4))
    assert source.read("2.jpg") == b"1234"
    with pytest.raises(PictureTooLarge, match="5 bytes; at most 4"):
        source.read("1.jpg")
    assert len(listed(tmp_path, Limits(max_files=2))) == 2
    with pytest.raises(DataError, match="more than 1 files"):
        listed(tmp_path, Limits(max_files=1))


def test_a_single_file_is_called_by_its_name(tmp_path: Path) -> None:
    write_tree(tmp_path, {"a b.jpg": b"1"})
    source = FileSource(tmp_path / "a b.jpg", limits=Limits())
    assert list(source.entries()) == [Entry("a b.jpg", 1)]
    assert source.read("a b.jpg") == b"1"
    with pytest.raises(PictureError, match="not there"):
        source.read("../a b.jpg")


def test_threads_can_read_at_the_same_time(tmp_path: Path) -> None:
    write_tree(tmp_path, {f"{i % 5}/{i}.jpg": bytes([i]) * 1000 for i in range(100)})
    source = FolderSource(tmp_path, limits=Limits())
    wrong = []

    def read_all() -> None:
        wrong.extend(i for i in range(100) if source.read(f"{i % 5}/{i}.jpg") != bytes([i]) * 1000)

    threads = [threading.Thread(target=read_all) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


# Names of up to 255 bytes, of any bytes but the two that no disk takes; some hit hidden names on purpose.
odd_names = st.one_of(
    st.binary(min_size=1, max_size=255).filter(lambda raw: not {0, 47} & set(raw) and raw not in (b".", b"..")),
    st.text(st.characters(codec="utf-8", exclude_characters="/\0"), min_size=1, max_size=60).map(
        lambda text: text.encode() if text not in (".", "..") else b"_"
    ),
    st.sampled_from(
        ["가" * 85, "각".encode(), "가\u11a8", "two\nlines.jpg", "사진 1🐕.jpg", "x" * 255, "a\\b.jpg"]
    ).map(lambda name: name if isinstance(name, bytes) else name.encode()),
)


@settings(max_examples=60)
@given(tree=st.dictionaries(st.tuples(odd_names, odd_names), st.binary(max_size=20), max_size=8))
def test_whatever_the_names_are_each_file_is_listed_once_and_read_back(
    tmp_path_factory: pytest.TempPathFactory, tree: dict[tuple[bytes, bytes], bytes]
) -> None:
    root = tmp_path_factory.mktemp("odd")
    wanted = {}
    for (folder, name), data in tree.items():
        place = root / os.fsdecode(folder)
        place.mkdir(exist_ok=True)
        (place / os.fsdecode(name)).write_bytes(data)
        if not is_hidden(os.fsdecode(folder)) and not is_hidden(os.fsdecode(name)):
            wanted[f"{escape(os.fsdecode(folder))}/{escape(os.fsdecode(name))}"] = data
    source = FolderSource(root, limits=Limits())
    assert {entry.path: source.read(entry.path) for entry in source.entries()} == wanted
