from __future__ import annotations

import io
import json
import multiprocessing
import os
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from anmok.bundle.format import Bundle, read_bundle, update_bundle_info, write_bundle
from anmok.bundle.info import FORMAT_VERSION, Measured
from anmok.bundle.reference import Reference
from anmok.errors import BundleError, SourceNotFound, StorageError
from anmok.records import Interval
from bundle.small_bundles import (
    DIM,
    LABELS,
    RULE,
    colour_extractor,
    colour_info,
    colour_model,
    colour_reference,
    write_colour_bundle,
)

MEASURED = Measured("test", 6, {"accuracy": Interval(0.9, 0.6, 0.98)})


@pytest.fixture
def bundle_path(tmp_path: Path) -> Path:
    return write_colour_bundle(tmp_path / "colours.anmok")


@pytest.fixture(scope="module")
def bundle_bytes(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    return write_colour_bundle(tmp_path_factory.mktemp("bundle") / "colours.anmok").read_bytes()


def same(one: Bundle, other: Bundle) -> bool:
    assert one.reference is not None
    assert other.reference is not None
    return (
        (one.info, one.model, one.card) == (other.info, other.model, other.card)
        and np.array_equal(one.reference.embeddings, other.reference.embeddings)
        and np.array_equal(one.reference.labels, other.reference.labels)
    )


def repacked(source: Path, target: Path, changes: dict[str, bytes | None], *, deflate: bool = False) -> Path:
    """A copy of a bundle with members replaced, added or (None) left out, all check sums right."""
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(target, "w") as new:
        contents: dict[str, bytes | None] = {name: old.read(name) for name in old.namelist()}
        for name, data in (contents | changes).items():
            if data is not None:
                new.writestr(name, data, zipfile.ZIP_DEFLATED if deflate else zipfile.ZIP_STORED)
    return target


def test_what_was_written_is_read_back(bundle_path: Path) -> None:
    bundle = read_bundle(bundle_path)
    reference = colour_reference()
    assert bundle.info == colour_info()
    assert bundle.model == colour_model().SerializeToString()
    assert bundle.reference is not None
    np.testing.assert_array_equal(bundle.reference.embeddings, reference.embeddings)
    np.testing.assert_array_equal(bundle.reference.labels, reference.labels)
    assert "red" in bundle.card


def test_the_same_content_gives_the_same_bytes(tmp_path: Path) -> None:
    one = write_colour_bundle(tmp_path / "one.anmok").read_bytes()
    other = write_colour_bundle(tmp_path / "elsewhere" / "other.anmok").read_bytes()
    assert one == other


def test_a_bundle_packed_again_by_another_zip_program_is_read(bundle_path: Path, tmp_path: Path) -> None:
    copy = repacked(bundle_path, tmp_path / "copy.anmok", {}, deflate=True)
    assert same(read_bundle(copy), read_bundle(bundle_path))


def test_reference_embeddings_are_left_unread_on_request(bundle_path: Path) -> None:
    assert read_bundle(bundle_path, reference=False).reference is None


def test_measures_are_stored_afterwards_and_appear_in_the_card(bundle_path: Path) -> None:
    before = read_bundle(bundle_path)
    update_bundle_info(bundle_path, measured=MEASURED)
    after = read_bundle(bundle_path)
    assert after.info.measured == MEASURED
    assert after.info.temperature == before.info.temperature
    assert after.model == before.model
    assert "0.9000" in after.card
    assert "0.9000" not in before.card


def test_an_update_keeps_what_an_earlier_update_stored(bundle_path: Path) -> None:
    update_bundle_info(bundle_path, measured=MEASURED)
    info = update_bundle_info(bundle_path, temperature=1.5, unknown=RULE)
    assert (info.measured, info.temperature, info.unknown) == (MEASURED, 1.5, RULE)
    assert read_bundle(bundle_path).info == info


def test_a_missing_file_is_bad_usage(tmp_path: Path) -> None:
    with pytest.raises(SourceNotFound, match=r"no-such\.anmok"):
        read_bundle(tmp_path / "no-such.anmok")


def test_a_folder_is_named_as_a_storage_error(tmp_path: Path) -> None:
    with pytest.raises(StorageError):
        read_bundle(tmp_path)


def test_a_newer_format_says_to_update(bundle_path: Path, tmp_path: Path) -> None:
    values = colour_info().to_json() | {"format_version": FORMAT_VERSION + 1, "a_new_key": 1}
    newer = repacked(bundle_path, tmp_path / "newer.anmok", {"bundle.json": json.dumps(values).encode()})
    with pytest.raises(BundleError, match="newer version") as caught:
        read_bundle(newer)
    assert "Update" in caught.value.hint


@pytest.mark.parametrize(
    "changes",
    [
        {"bundle.json": None},
        {"card.md": None},
        {"model.onnx": None},
        {"reference.npz": None},
        {"extra.txt": b"hello"},
        {"../outside.txt": b"hello"},
        {"bundle.json": b""},
        {"bundle.json": b"[]"},
        {"bundle.json": b"\xff\xfe"},
        {"bundle.json": b"[" * 100_000},
        {"card.md": b"\xff\xfe"},
        {"model.onnx": b""},
        {"model.onnx": b"not a model"},
        {"reference.npz": b""},
        {"reference.npz": b"PK"},
    ],
    ids=lambda changes: f"{next(iter(changes))}={next(iter(changes.values()))!r:.20}",
)
def test_wrong_members_are_refused_by_name(bundle_path: Path, tmp_path: Path, changes: dict[str, bytes | None]) -> None:
    bad = repacked(bundle_path, tmp_path / "bad.anmok", changes)
    with pytest.raises(BundleError, match=r"bad\.anmok"):
        read_bundle(bad)


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_a_member_that_stands_in_it_twice_is_refused(bundle_path: Path) -> None:
    with zipfile.ZipFile(bundle_path, "a") as archive:
        archive.writestr("card.md", "another card")
    with pytest.raises(BundleError):
        read_bundle(bundle_path)


def test_labels_that_do_not_fit_the_model_are_refused(tmp_path: Path) -> None:
    info = {"labels": ("red", "green"), "pictures": {}}
    path = write_colour_bundle(tmp_path / "two.anmok", info=info)
    with pytest.raises(BundleError, match="2 classes, but its model knows 3"):
        read_bundle(path)


def test_a_picture_size_that_does_not_fit_the_model_is_refused(tmp_path: Path) -> None:
    path = write_colour_bundle(tmp_path / "size.anmok", info={"image_size": 32})
    with pytest.raises(BundleError, match="32"):
        read_bundle(path)


def test_a_bomb_is_refused_before_it_expands(bundle_path: Path, tmp_path: Path) -> None:
    bomb = repacked(bundle_path, tmp_path / "bomb.anmok", {"model.onnx": bytes(300 * 2**20)}, deflate=True)
    assert bomb.stat().st_size < 2**20
    with pytest.raises(BundleError, match="too large"):
        read_bundle(bomb)


def test_a_member_larger_than_its_header_says_is_refused(bundle_path: Path, tmp_path: Path) -> None:
    bomb = repacked(bundle_path, tmp_path / "bomb.anmok", {"card.md": bytes(100 * 2**20)}, deflate=True)
    data = bomb.read_bytes()
    # Both headers (of the member and of the directory) claim 1000 bytes where 100 MiB come out.
    bomb.write_bytes(data.replace((100 * 2**20).to_bytes(4, "little"), (1000).to_bytes(4, "little")))
    with pytest.raises(BundleError):
        read_bundle(bomb)


def test_a_zip_that_announces_a_huge_directory_is_refused(bundle_path: Path) -> None:
    data = bytearray(bundle_path.read_bytes())
    data[-12:-10] = (60_000).to_bytes(2, "little")
    bundle_path.write_bytes(data)
    with pytest.raises(BundleError, match="no bundle"):
        read_bundle(bundle_path)


def test_a_file_far_larger_than_any_bundle_is_not_read(tmp_path: Path) -> None:
    huge = tmp_path / "huge.anmok"
    with huge.open("wb") as stream:
        stream.truncate(2**40)
    with pytest.raises(BundleError, match="too large"):
        read_bundle(huge)


def test_a_device_is_no_bundle() -> None:
    with pytest.raises(BundleError, match="not an ordinary file"):
        read_bundle(Path("/dev/zero"))


def test_a_pipe_that_nobody_writes_to_is_refused_and_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.anmok")
    with pytest.raises(BundleError, match="not an ordinary file"):
        read_bundle(tmp_path / "pipe.anmok")


def npz(embeddings: bytes, labels: bytes) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("embeddings.npy", embeddings)
        archive.writestr("labels.npy", labels)
    return stream.getvalue()


def npy(array: np.ndarray, header: str | None = None) -> bytes:
    stream = io.BytesIO()
    np.save(stream, array, allow_pickle=True)
    data = stream.getvalue()
    if header is None:
        return data
    padded = header.ljust(len(data) - array.nbytes - 11) + "\n"
    return data[:10] + padded.encode() + data[len(data) - array.nbytes :]


GOOD_LABELS = npy(np.zeros(2, np.int32))
GOOD_EMBEDDINGS = npy(np.zeros((2, DIM), np.float16))


@pytest.mark.parametrize(
    ("embeddings", "labels"),
    [
        (GOOD_EMBEDDINGS, npy(np.array([0, 3], np.int32))),
        (GOOD_EMBEDDINGS, npy(np.array([0, -1], np.int32))),
        (GOOD_EMBEDDINGS, npy(np.zeros(3, np.int32))),
        (npy(np.zeros((2, DIM + 1), np.float16)), GOOD_LABELS),
        (GOOD_EMBEDDINGS, npy(np.array(["evil"], dtype=object))),
        (GOOD_EMBEDDINGS, b""),
        (GOOD_EMBEDDINGS[:-1], GOOD_LABELS),
        (npy(np.zeros((2, DIM), np.int64)), GOOD_LABELS),
        (
            npy(np.zeros((2, DIM), np.float16), "{'descr': '<f2', 'fortran_order': False, 'shape': (2, 10**12)}"),
            GOOD_LABELS,
        ),
        (
            npy(np.zeros((2, DIM), np.float16), "{'descr': '<f2', 'fortran_order': False, 'shape': (-2, -8)}"),
            GOOD_LABELS,
        ),
        (npy(np.zeros((2, DIM), np.float16), "{'descr': '|O', 'fortran_order': False, 'shape': (2, 8)}"), GOOD_LABELS),
        (npy(np.zeros((2, DIM), np.float16), "(" * 50), GOOD_LABELS),
        (npy(np.full((2, DIM), np.nan, np.float16)), GOOD_LABELS),
        (npy(np.full((2, DIM), -np.inf, np.float32)), GOOD_LABELS),
    ],
    ids=[
        "label-too-high",
        "label-negative",
        "lengths-differ",
        "not-as-wide-as-the-graph-says",
        "pickle",
        "empty",
        "cut-off",
        "wrong-type",
        "huge-shape",
        "negative-shape",
        "objects",
        "nonsense-header",
        "no-numbers",
        "infinite",
    ],
)
def test_damaged_reference_embeddings_are_refused(
    bundle_path: Path, tmp_path: Path, embeddings: bytes, labels: bytes
) -> None:
    bad = repacked(bundle_path, tmp_path / "bad.anmok", {"reference.npz": npz(embeddings, labels)})
    with pytest.raises(BundleError, match="reference"):
        read_bundle(bad)


def test_the_helper_for_good_reference_embeddings_is_accepted(bundle_path: Path, tmp_path: Path) -> None:
    good = repacked(bundle_path, tmp_path / "good.anmok", {"reference.npz": npz(GOOD_EMBEDDINGS, GOOD_LABELS)})
    reference = read_bundle(good).reference
    assert reference is not None
    assert reference.embeddings.shape == (2, DIM)


def test_an_empty_reference_is_allowed(tmp_path: Path) -> None:
    empty = Reference(np.zeros((0, DIM), np.float16), np.zeros(0, np.int32))
    path = tmp_path / "empty.anmok"
    write_bundle(path, info=colour_info(), model=colour_model().SerializeToString(), reference=empty)
    reference = read_bundle(path).reference
    assert reference is not None
    assert len(reference.labels) == 0


@given(data=st.data())
def test_flipped_bytes_are_refused_or_change_nothing(
    data: st.DataObject, bundle_bytes: bytes, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.getbasetemp()
    good, bad = folder / "flip-good.anmok", folder / "flip-bad.anmok"
    good.write_bytes(bundle_bytes)
    changed = bytearray(bundle_bytes)
    # Half of the flips hit the last bytes, where the zip's directory is: a tenth of the file, most of the trouble.
    start = data.draw(st.sampled_from([0, len(changed) - 400]))
    for _ in range(data.draw(st.integers(1, 4))):
        changed[data.draw(st.integers(start, len(changed) - 1))] ^= data.draw(st.integers(1, 255))
    bad.write_bytes(changed)
    try:
        bundle = read_bundle(bad)
    except BundleError:
        return
    assert same(bundle, read_bundle(good))


@given(share=st.floats(0, 1, exclude_max=True))
def test_truncated_bundles_are_refused(
    share: float, bundle_bytes: bytes, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.getbasetemp() / "short.anmok"
    path.write_bytes(bundle_bytes[: int(share * len(bundle_bytes))])
    with pytest.raises(BundleError):
        read_bundle(path)


@given(noise=st.binary(max_size=300))
def test_noise_is_refused(noise: bytes, tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.getbasetemp() / "noise.anmok"
    path.write_bytes(noise)
    with pytest.raises(BundleError):
        read_bundle(path)


def test_a_full_disk_leaves_the_old_bundle(bundle_path: Path) -> None:
    before = bundle_path.read_bytes()
    worker = multiprocessing.get_context("spawn").Process(target=_update_with_little_room, args=(str(bundle_path),))
    worker.start()
    worker.join()
    assert worker.exitcode == 0
    assert bundle_path.read_bytes() == before
    assert [path.name for path in bundle_path.parent.iterdir()] == [bundle_path.name]


def _update_with_little_room(path: str) -> None:
    import resource
    import signal

    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
    try:
        update_bundle_info(Path(path), measured=MEASURED)
    except StorageError:
        os._exit(0)
    os._exit(1)


def test_the_extractor_alone_is_no_bundle(tmp_path: Path) -> None:
    path = write_colour_bundle(tmp_path / "half.anmok", model=colour_extractor())
    with pytest.raises(BundleError, match="logits"):
        read_bundle(path)


def test_labels_keep_their_order(tmp_path: Path) -> None:
    swapped = tuple(reversed(LABELS))
    path = write_colour_bundle(tmp_path / "swapped.anmok", info={"labels": swapped})
    assert read_bundle(path).info.labels == swapped


def test_readers_see_whole_bundles_while_another_process_updates_and_is_killed(bundle_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    begun = context.Event()
    writer = context.Process(target=_update_for_ever, args=(str(bundle_path), begun))
    writer.start()
    assert begun.wait(60)
    seen = {read_bundle(bundle_path).info.temperature for _ in range(100)}
    writer.kill()
    writer.join()
    assert len(seen) > 1
    assert read_bundle(bundle_path).info.temperature in (1.0, 2.0, 3.0)


def _update_for_ever(path: str, begun: Any) -> None:
    while True:
        for temperature in (2.0, 3.0):
            update_bundle_info(Path(path), temperature=temperature)
            begun.set()
