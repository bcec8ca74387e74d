"""Vectors too large for memory lie in files: the same vectors, made once, whatever happens to files."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import numpy as np
import onnxruntime
import pytest

from anmok.data.manifest import Manifest
from anmok.data.scan import scan
from anmok.errors import DataError
from anmok.features import cache_maps
from anmok.features.extraction import extract, extract_maps, load_pixels
from anmok.features.extractor import Extractor
from anmok.features.extractor_outputs import VectorOutput, map_shape
from anmok.locations import cache_dir
from bundle.small_bundles import DIM, SIZE, colour_extractor
from tests.pictures import encode, photo

SIZES: dict[VectorOutput, int] = {"average-pool": DIM, "max-pool": DIM, "flatten": DIM * 16}


@pytest.fixture
def manifest(tmp_path: Path) -> Manifest:
    for kind in ("a", "b"):
        (tmp_path / "pictures" / kind).mkdir(parents=True)
        for number in range(10):
            data = encode(photo(40, 30, number + 100 * (kind == "b")), "JPEG")
            (tmp_path / "pictures" / kind / f"{number}.jpg").write_bytes(data)
    return scan(tmp_path / "pictures", threads=1)


def made_extractor(folder: Path, output: VectorOutput = "flatten") -> Extractor:
    graph = colour_extractor().SerializeToString()
    (folder / "graph.onnx").write_bytes(graph)
    digest = hashlib.sha256(graph).hexdigest()
    return Extractor(
        name="colours",
        onnx=folder / "graph.onnx",
        sha256=digest,
        input_size=SIZE,
        resize="squash",
        dim=SIZES[output],
        output=output,
    )


@pytest.fixture
def several_files(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cache_maps, "FILE_BYTES", 4 * DIM * 16 * 2)


@pytest.mark.parametrize("output", ["average-pool", "max-pool", "flatten"])
def test_vectors_are_made_of_the_feature_map(manifest: Manifest, tmp_path: Path, output: VectorOutput) -> None:
    extractor = made_extractor(tmp_path, output)
    pixels = load_pixels(manifest, SIZE, "squash")
    session = onnxruntime.InferenceSession(str(extractor.onnx))
    maps = session.run(["feature_map"], {"pictures": np.array(pixels)})[0]
    wanted = {"average-pool": maps.mean(axis=(2, 3)), "max-pool": maps.max(axis=(2, 3))}.get(
        output, maps.reshape(len(maps), -1)
    )
    np.testing.assert_allclose(extract(manifest, extractor, threads=2), wanted, rtol=1e-4, atol=1e-5)
    assert maps.shape[1:] == map_shape(extractor.onnx)


def test_outputs_do_not_share_vectors(tmp_path: Path) -> None:
    keys = {made_extractor(tmp_path, output).key for output in SIZES}
    assert len(keys) == 3


@pytest.mark.usefixtures("several_files")
def test_files_give_what_memory_does_rounded_or_not(manifest: Manifest, tmp_path: Path) -> None:
    extractor = made_extractor(tmp_path)
    wanted = extract(manifest, extractor)
    rows = np.array([3, 0, 19, 3])
    exact, rounded = (extract_maps(manifest, extractor, dtype=dtype, threads=2) for dtype in ("<f4", "<f2"))
    np.testing.assert_array_equal(exact[rows], wanted[rows])
    np.testing.assert_array_equal(rounded[rows], wanted[rows].astype(np.float16).astype(np.float32))
    assert exact.shape == rounded.shape == (20, DIM * 16)
    assert exact[rows].dtype == np.float32
    assert len(list((cache_dir() / "maps").glob("*.npy"))) > 4


@pytest.mark.usefixtures("several_files")
def test_the_second_time_only_damaged_files_are_made_again(manifest: Manifest, tmp_path: Path) -> None:
    extractor = made_extractor(tmp_path)
    before = extract_maps(manifest, extractor)[np.arange(20)]
    files = sorted((cache_dir() / "maps").glob("*.npy"))
    inodes = {file: file.stat().st_ino for file in files}
    os.truncate(files[0], 100)
    # Not unlinked: the new file might be given its inode.
    files[1].rename(tmp_path / "away")
    assert (extract_maps(manifest, extractor)[np.arange(20)] == before).all()
    assert [file for file in files if file.stat().st_ino == inodes[file]] == files[2:]
    (tmp_path / "pictures").rename(tmp_path / "elsewhere")
    extractor.onnx.unlink()
    assert (extract_maps(manifest, extractor)[np.arange(20)] == before).all()


@pytest.mark.usefixtures("several_files")
def test_what_was_made_before_a_failure_is_kept(manifest: Manifest, tmp_path: Path) -> None:
    extractor = made_extractor(tmp_path)
    last = max(manifest.table["id"])
    path = tmp_path / "pictures" / manifest.table.set_index("id").loc[last, "path"]
    data = path.read_bytes()
    path.unlink()
    with pytest.raises(DataError):
        extract_maps(manifest, extractor, threads=1)
    kept = list((cache_dir() / "maps").glob("*"))
    assert kept
    assert all(file.suffix == ".npy" for file in kept)
    path.write_bytes(data)
    assert len(extract_maps(manifest, extractor)) == 20


def test_what_float16_cannot_hold_is_cut_off_and_not_infinite(tmp_path: Path) -> None:
    files = cache_maps.MapFiles("key", 2, np.dtype("<f2"), ["0" * 64])
    files.write(["0" * 64], [np.array([1e6, -1e6], np.float32)])
    assert files.open(["0" * 64])[np.array([0])].tolist() == [[65504.0, -65504.0]]
