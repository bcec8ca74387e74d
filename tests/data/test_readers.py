"""Labels and splits come from folders, as people lay them out."""

import unicodedata
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anmok.data.readers import CLASS_FOLDERS, Item, Listing, find_top, read_listing, register_layout
from anmok.data.source import Closing, Entry
from anmok.records import Quarantined


class Named(Closing):
    """A source of which only the names matter."""

    location, name = Path("/named"), "named"

    def __init__(self, paths: Iterable[str]) -> None:
        self._paths = list(paths)

    def entries(self) -> Iterator[Entry | Quarantined]:
        return (Entry(path, 1) for path in self._paths)

    def stamp(self, _path: str, /) -> str | None:
        return None

    def read(self, path: str, /) -> bytes:
        raise AssertionError(f"{path} was read, though listing needs names only")


def listing_of(*paths: str) -> Listing:
    return read_listing(Named(paths))


def labels_of(*paths: str) -> dict[str, tuple[str, str]]:
    return {item.path: (item.label, item.split) for item in listing_of(*paths).items}


def test_class_folders_give_labels() -> None:
    assert listing_of("dogs/b.jpg", "cats/a.jpg").items == (Item("cats/a.jpg", "cats"), Item("dogs/b.jpg", "dogs"))


@pytest.mark.parametrize(
    ("folder", "split"),
    [
        ("train", "train"),
        ("Training", "train"),
        ("VALID", "valid"),
        ("val", "valid"),
        ("Validation", "valid"),
        ("dev", "valid"),
        ("Test", "test"),
        ("testing", "test"),
    ],
)
def test_split_folders_give_splits_in_any_case(folder: str, split: str) -> None:
    assert labels_of(f"{folder}/cats/a.jpg") == {f"{folder}/cats/a.jpg": ("cats", split)}


def test_splits_are_found_below_wrapper_folders() -> None:
    found = labels_of("data/set 1/train/cats/a.jpg", "data/set 1/test/dogs/b.jpg", "data/readme.txt", "cover.jpg")
    assert found == {
        "data/set 1/train/cats/a.jpg": ("cats", "train"),
        "data/set 1/test/dogs/b.jpg": ("dogs", "test"),
    }


def test_a_wrapper_folder_is_no_part_of_the_label() -> None:
    assert set(labels_of("animals/cats/a.jpg", "animals/dogs/b.jpg").values()) == {("cats", ""), ("dogs", "")}


def test_nested_folders_make_nested_labels() -> None:
    found = labels_of("animals/dogs/a.jpg", "animals/cats/old/b.jpg", "cars/c.jpg", "animals/d.jpg")
    assert [label for label, _split in found.values()] == ["animals/cats/old", "animals", "animals/dogs", "cars"]
    assert labels_of("test/animals/dogs/a.jpg") == {"test/animals/dogs/a.jpg": ("animals/dogs", "test")}


def test_a_class_may_be_called_train_among_other_classes() -> None:
    found = labels_of("train/a.jpg", "bus/b.jpg", "car/c.jpg")
    assert set(found.values()) == {("train", ""), ("bus", ""), ("car", "")}
    assert labels_of("train/train/a.jpg", "train/bus/b.jpg", "test/train/c.jpg") == {
        "train/train/a.jpg": ("train", "train"),
        "train/bus/b.jpg": ("bus", "train"),
        "test/train/c.jpg": ("train", "test"),
    }


def test_hangul_in_both_compositions_is_one_class() -> None:
    nfc, nfd = (unicodedata.normalize(form, "천지연 폭포") for form in ("NFC", "NFD"))
    found = labels_of(f"{nfc}/1.jpg", f"{nfd}/2.jpg", "x/3.jpg")
    assert found == {f"{nfc}/1.jpg": (nfc, ""), f"{nfd}/2.jpg": (nfc, ""), "x/3.jpg": ("x", "")}


@pytest.mark.parametrize(
    ("paths", "lost", "words"),
    [
        (("a.jpg", "cats/b.jpg", "dogs/c.jpg"), "a.jpg", "lies in no class folder"),
        (("train/a.jpg", "train/cats/b.jpg"), "train/a.jpg", "lies in no class folder"),
        (
            ("train/cats/a.jpg", "test/cats/b.jpg", "extra/c.jpg"),
            "extra/c.jpg",
            "lies beside the folders of the splits",
        ),
    ],
)
def test_pictures_without_a_class_are_quarantined_with_advice(paths: tuple[str, ...], lost: str, words: str) -> None:
    listing = listing_of(*paths)
    assert [(row.path, row.code) for row in listing.quarantined] == [(lost, "no-label")]
    assert lost in listing.quarantined[0].reason
    assert words in listing.quarantined[0].reason
    assert len(listing.items) == len(paths) - 1


def test_files_that_are_no_pictures_are_counted_and_unknown_ones_are_tried() -> None:
    listing = listing_of(
        "cats/a.JPG", "cats/notes.TXT", "cats/b", "cats/c.xyz", "cats/d.json", "truth.csv", "x/set.zip"
    )
    assert [item.path for item in listing.items] == ["cats/a.JPG", "cats/b", "cats/c.xyz"]
    assert listing.ignored == 4
    assert listing.quarantined == ()


def test_what_the_source_refuses_stays_in_the_quarantine() -> None:
    class Refusing(Named):
        def entries(self) -> Iterator[Entry | Quarantined]:
            yield Quarantined("cats/b.jpg", "encrypted", "locked")
            yield from super().entries()

    listing = read_listing(Refusing(["cats/a.jpg"]))
    assert listing.quarantined == (Quarantined("cats/b.jpg", "encrypted", "locked"),)


def test_a_layout_with_a_taken_name_is_refused() -> None:
    with pytest.raises(ValueError, match="registered already"):
        register_layout(CLASS_FOLDERS)


parts = st.sampled_from(["train", "Test", "val", "cats", "dogs", "가", "a b", " ", "wrap"])


@given(st.lists(st.lists(parts, max_size=4), max_size=12))
def test_every_file_is_an_item_or_in_quarantine_whatever_the_tree(folders: list[list[str]]) -> None:
    paths = {"/".join([*names, f"{number}.jpg"]) for number, names in enumerate(folders)}
    listing = listing_of(*paths)
    assert {item.path for item in listing.items} | {row.path for row in listing.quarantined} == paths
    assert len(listing.items) + len(listing.quarantined) == len(paths)
    assert all(item.label.strip() for item in listing.items)
    shuffled = listing_of(*sorted(paths, reverse=True))
    assert shuffled.items == listing.items


def test_very_deep_folders_are_no_trouble() -> None:
    deep = "/".join(["d"] * 20_000)
    assert find_top([f"{deep}/a.jpg", f"{deep}/x/b.jpg"]) == (19_999, False)
