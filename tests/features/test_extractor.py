"""Vectors and pixels are computed once, kept, and right, whatever happens to processes, files and disks."""

from __future__ import annotations

import hashlib
import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import numpy as np
import pytest

from anmok import images
from anmok.data.manifest import Manifest
from anmok.data.scan import scan
from anmok.errors import DataError, SourceNotFound, StorageError
from anmok.features import extraction
from anmok.features import pixels as pixels_module
from anmok.features.extraction import extract, load_pixels
from anmok.features.extractor import Extractor
from anmok.features.session import open_session
from anmok.locations import cache_dir
from tests.features.graphs import mean_colour
from tests.pictures import encode, photo


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """A folder of 2 classes with 20 pictures each; the first picture of each class is the same file."""
    folder = tmp_path / "사진"
    for kind in ("a", "b"):
        (folder / kind).mkdir(parents=True)
        for number in range(20):
            seed = number if number == 0 else number + 100 * (kind == "b")
            (folder / kind / f"{number:02}.jpg").write_bytes(encode(photo(40, 30, seed), "JPEG"))
    return folder


@pytest.fixture
def manifest(source: Path) -> Manifest:
    return scan(source)


def made_extractor(folder: Path, size: int = 16) -> Extractor:
    graph = mean_colour(size)
    path = folder / "graph.onnx"
    path.write_bytes(graph)
    digest = hashlib.sha256(graph).hexdigest()
    return Extractor(name="mean colour", onnx=path, sha256=digest, input_size=size, resize="squash", dim=3)


@pytest.fixture
def colours(tmp_path: Path) -> Extractor:
    return made_extractor(tmp_path)


class Counting:
    """Progress that counts, and keeps what was said."""

    def __init__(self) -> None:
        self.done = 0
        self.total: int | None = None
        self.said: list[str] = []

    def task(self, title: str, total: int | None = None, *, unit: str = "") -> Counting:
        self.total = total
        return self

    def say(self, text: str) -> None:
        self.said.append(text)

    def advance(self, steps: int = 1, /) -> None:
        self.done += steps

    def note(self, text: str, /) -> None: ...

    def __enter__(self) -> Counting:
        return self

    def __exit__(self, *reason: object) -> None: ...


def test_vectors_are_the_graph_s_answers_in_the_manifest_s_order(manifest: Manifest, colours: Extractor) -> None:
    vectors = extract(manifest, colours)
    session = open_session(colours.onnx)
    with manifest.open_source() as opened:
        for row, path in enumerate(manifest.table["path"]):
            pixels = images.load(opened.read(path), name=path, size=16, rule="squash")
            assert vectors[row].tolist() == session.run(["embedding"], {"pictures": pixels[None]})[0][0].tolist()
    assert vectors.dtype == np.float32
    assert vectors.shape == (40, 3)


def test_another_order_gives_the_same_vectors_in_that_order(manifest: Manifest, colours: Extractor) -> None:
    vectors = extract(manifest, colours)
    turned = manifest.with_table(manifest.table.iloc[::-1])
    assert (extract(turned, colours) == vectors[::-1]).all()


def test_the_second_time_neither_pictures_nor_the_graph_are_needed(
    source: Path, manifest: Manifest, colours: Extractor
) -> None:
    vectors = extract(manifest, colours)
    source.rename(source.with_name("elsewhere"))
    colours.onnx.unlink()
    assert (extract(manifest, colours) == vectors).all()


def test_only_new_pictures_are_computed(
    source: Path, manifest: Manifest, colours: Extractor, monkeypatch: pytest.MonkeyPatch
) -> None:
    extract(manifest, colours)
    (source / "a" / "new.jpg").write_bytes(encode(photo(40, 30, 999), "JPEG"))
    # The old pictures lie somewhere else now, which does not matter: their content is known.
    (source / "b").rename(source / "c")
    larger = scan(source)
    read: list[str] = []
    items = extraction._items

    def noted(opened: object, paths: list[str], ids: list[str]) -> object:
        read.extend(paths)
        return items(opened, paths, ids)  # type: ignore[arg-type]

    monkeypatch.setattr(extraction, "_items", noted)
    assert len(extract(larger, colours)) == 41
    assert read == ["a/new.jpg"]


def test_other_weights_sizes_and_rules_have_vectors_of_their_own(colours: Extractor, tmp_path: Path) -> None:
    def with_(**changes: object) -> str:
        facts = {"name": "x", "onnx": tmp_path, "sha256": "0" * 64, "input_size": 16, "resize": "squash", "dim": 3}
        return Extractor(**{**facts, **changes}).key  # type: ignore[arg-type]

    keys = [with_(), with_(sha256="1" * 64), with_(input_size=32), with_(resize="crop")]
    assert len(set(keys)) == 4
    assert with_(name="other", onnx=tmp_path / "moved") == with_()


def test_progress_counts_every_picture_once_cached_or_not(manifest: Manifest, colours: Extractor) -> None:
    for _time in range(2):
        progress = Counting()
        extract(manifest, colours, progress=progress)
        assert (progress.done, progress.total) == (40, 40)
        assert progress.said == []


def test_a_picture_that_vanished_is_named_with_the_way_out(
    source: Path, manifest: Manifest, colours: Extractor
) -> None:
    (source / "b" / "07.jpg").unlink()
    for compute in (lambda: extract(manifest, colours), lambda: load_pixels(manifest, 16, "squash")):
        with pytest.raises(DataError, match=r"b/07\.jpg.*scan again"):
            compute()


def test_a_picture_that_changed_is_named_with_the_way_out(source: Path, manifest: Manifest, colours: Extractor) -> None:
    (source / "a" / "03.jpg").write_bytes(encode(photo(40, 30, 777), "JPEG"))
    for compute in (lambda: extract(manifest, colours), lambda: load_pixels(manifest, 16, "squash")):
        with pytest.raises(DataError, match=r"a/03\.jpg.*changed.*scan again"):
            compute()


def test_what_was_computed_before_a_failure_is_kept(source: Path, manifest: Manifest, colours: Extractor) -> None:
    last = source / manifest.table["path"].iloc[-1]
    data = last.read_bytes()
    last.unlink()
    with pytest.raises(DataError):
        extract(manifest, colours, threads=1)
    last.write_bytes(data)
    known = extraction.VectorCache().get(colours.key, manifest.table["id"], dim=3)
    assert len(known) == 38  # of 39 different pictures


def test_a_source_that_is_gone_is_an_error_of_its_own(source: Path, manifest: Manifest, colours: Extractor) -> None:
    source.rename(source.with_name("elsewhere"))
    with pytest.raises(SourceNotFound):
        extract(manifest, colours)


EXTRACT = """
    import sys, time
    from pathlib import Path
    import numpy as np
    from anmok.data.manifest import Manifest
    from anmok.features import extraction
    from tests.features.test_extractor import Counting, made_extractor
    extraction.PUT_EVERY = 4
    class Told(Counting):
        def advance(self, steps=1):
            super().advance(steps)
            print(self.done, flush=True)
            time.sleep(float(sys.argv[3]))
    told = Told()
    manifest = Manifest.load(Path(sys.argv[1]))
    vectors = extraction.extract(manifest, made_extractor(Path(sys.argv[2])), progress=told)
    assert not told.said, told.said
    np.save(sys.argv[4], vectors)
    """


def extracting(manifest: Path, folder: Path, pause: float, out: Path) -> subprocess.Popen[str]:
    folder.mkdir()
    command = [sys.executable, "-c", textwrap.dedent(EXTRACT), *map(str, (manifest, folder, pause, out))]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def test_a_kill_loses_little_and_leaves_nothing_wrong(manifest: Manifest, colours: Extractor, tmp_path: Path) -> None:
    manifest.save(tmp_path / "m.parquet")
    process = extracting(tmp_path / "m.parquet", tmp_path / "first", 0.01, tmp_path / "v.npy")
    assert process.stdout is not None
    for line in process.stdout:
        if int(line) >= 22:
            break
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert process.returncode == -signal.SIGKILL
    known = extraction.VectorCache().get(colours.key, manifest.table["id"], dim=3)
    assert 20 <= len(known) < 39
    vectors = extract(manifest, colours)
    for row, picture in enumerate(manifest.table["id"]):
        if picture in known:
            assert (vectors[row] == known[picture]).all()


def test_two_processes_share_the_cache_and_agree(manifest: Manifest, colours: Extractor, tmp_path: Path) -> None:
    manifest.save(tmp_path / "m.parquet")
    both = [
        extracting(tmp_path / "m.parquet", tmp_path / name, 0.005, tmp_path / f"{name}.npy") for name in ("one", "two")
    ]
    for process in both:
        _output, errors = process.communicate(timeout=120)
        assert process.returncode == 0, errors
    expected = extract(manifest, colours)
    for name in ("one", "two"):
        assert (np.load(tmp_path / f"{name}.npy") == expected).all()


def test_a_damaged_cache_is_computed_again(manifest: Manifest, colours: Extractor) -> None:
    vectors = extract(manifest, colours)
    (cache_dir() / "vectors.sqlite").write_bytes(os.urandom(50_000))
    progress = Counting()
    assert (extract(manifest, colours, progress=progress) == vectors).all()
    assert progress.said == []


def test_a_cache_that_cannot_be_written_stops_nothing_and_is_told_once(
    manifest: Manifest, colours: Extractor, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("ANMOK_CACHE", str(tmp_path / "file"))
    progress = Counting()
    assert len(extract(manifest, colours, progress=progress)) == 40
    assert len(progress.said) == 1
    assert "The work goes on" in progress.said[0]


def test_pixels_are_those_of_the_one_decoder_and_read_only(manifest: Manifest) -> None:
    pixels = load_pixels(manifest, 24, "crop")
    assert pixels.shape == (40, 24, 24, 3)
    assert pixels.dtype == np.uint8
    assert isinstance(pixels, np.memmap)
    assert not pixels.flags.writeable
    with manifest.open_source() as opened:
        for row, path in enumerate(manifest.table["path"]):
            assert (pixels[row] == images.load(opened.read(path), name=path, size=24, rule="crop")).all()


def test_pixels_are_decoded_once(source: Path, manifest: Manifest) -> None:
    first = np.array(load_pixels(manifest, 24, "crop"))
    source.rename(source.with_name("elsewhere"))
    assert (load_pixels(manifest, 24, "crop") == first).all()


def test_pixels_of_another_order_size_or_rule_are_others(manifest: Manifest) -> None:
    first = load_pixels(manifest, 24, "crop")
    turned = manifest.with_table(manifest.table.iloc[::-1])
    assert (load_pixels(turned, 24, "crop") == first[::-1]).all()
    assert load_pixels(manifest, 16, "crop").shape == (40, 16, 16, 3)
    assert not (load_pixels(manifest, 24, "squash") == first).all()


def test_labels_and_splits_do_not_decode_again(source: Path, manifest: Manifest) -> None:
    first = np.array(load_pixels(manifest, 24, "crop"))
    source.rename(source.with_name("elsewhere"))
    other = manifest.with_table(manifest.table.assign(split="train", label="other"))
    assert (load_pixels(other, 24, "crop") == first).all()


@pytest.mark.parametrize("cut", [0, 100, 1000], ids=lambda size: f"{size} bytes left")
def test_a_damaged_pixel_file_is_made_again(manifest: Manifest, cut: int) -> None:
    first = np.array(load_pixels(manifest, 24, "crop"))
    (file,) = (cache_dir() / "pixels").glob("*.npy")
    os.truncate(file, cut)
    assert (load_pixels(manifest, 24, "crop") == first).all()


def test_a_failure_leaves_no_half_file(source: Path, manifest: Manifest) -> None:
    (source / "b" / "19.jpg").unlink()
    with pytest.raises(DataError):
        load_pixels(manifest, 24, "crop")
    assert list((cache_dir() / "pixels").iterdir()) == []


def test_a_full_disk_is_an_error_in_words_and_leaves_no_half_file(manifest: Manifest, tmp_path: Path) -> None:
    manifest.save(tmp_path / "m.parquet")
    code = """
        import resource, sys
        from pathlib import Path
        from anmok.data.manifest import Manifest
        from anmok.errors import StorageError
        from anmok.features.extraction import load_pixels
        manifest = Manifest.load(Path(sys.argv[1]))
        resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, 200_000))
        try:
            load_pixels(manifest, 64, "crop")
        except StorageError as error:
            print(error)
        """
    command = [sys.executable, "-c", textwrap.dedent(code), str(tmp_path / "m.parquet")]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert "File too large" in done.stdout
    assert list((cache_dir() / "pixels").iterdir()) == []


def test_the_longest_unused_pixels_make_room(manifest: Manifest, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = cache_dir() / "pixels"
    monkeypatch.setattr(pixels_module, "BUDGET", 3 * (40 * 24 * 24 * 3 + 128))
    file_of = {}
    for number, rule in enumerate(("squash", "crop", "pad")):
        before = set(folder.glob("*.npy"))
        load_pixels(manifest, 24, rule)
        (file_of[rule],) = set(folder.glob("*.npy")) - before
        os.utime(file_of[rule], (1000 + number, 1000 + number))
    mapped = load_pixels(manifest, 24, "squash")  # is used again, so that "crop" is the longest unused now
    load_pixels(manifest, 20, "crop")
    assert {rule for rule, file in file_of.items() if file.exists()} == {"squash", "pad"}
    assert len(list(folder.glob("*.npy"))) == 3
    assert mapped.any()


def test_pixels_that_the_disk_has_no_room_for_are_refused_before_it_is_full(tmp_path: Path) -> None:
    older = tmp_path / "older.npy"
    older.write_bytes(b"x")
    file = pixels_module.PixelFile(tmp_path / "new.npy", 10**9, 4096)
    with pytest.raises(StorageError, match="disk is full"), file.writing():
        pass
    # Nothing was deleted to make room that there cannot be.
    assert older.exists()
