"""`anmok split`: every picture gets a split, near copies stay together, leaks are refused, repaired or allowed."""

from __future__ import annotations

import io
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from anmok.cli.app import run
from anmok.data.manifest import Manifest
from tests.data.made import write_tree
from tests.pictures import encode, photo


def smaller(image: Image.Image) -> bytes:
    buffer = io.BytesIO()
    image.resize((image.width // 2, image.height // 2), Image.Resampling.BICUBIC).save(buffer, "JPEG", quality=70)
    return buffer.getvalue()


def folder(root: Path, *, copies: int = 10, split: str = "") -> Path:
    """Two classes of twenty pictures; the first ones of each stand there smaller, too."""
    files = {}
    for number, label in enumerate(("cat", "[red]dog")):
        for i in range(20):
            image = photo(128, 96, 100 * number + i)
            files[f"{split}{label}/{i:02d}.png"] = encode(image, "PNG")
            if i < copies:
                files[f"{split}{label}/{i:02d}-small.jpg"] = smaller(image)
    return write_tree(root, files)


def test_near_copies_go_the_same_way_and_the_table_says_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], shared_cache: Path
) -> None:
    out = tmp_path / "split.parquet"
    source = folder(tmp_path / "pictures")
    for seed in range(3):
        assert run(["split", str(source), "-o", str(out), "--seed", str(seed), "--test", "0.3"]) == 0
        table = Manifest.load(out).table
        assert set(table["split"]) == {"train", "valid", "test"}
        split = dict(zip(table["path"], table["split"], strict=True))
        for path, where in split.items():
            assert where == split[path.replace("-small.jpg", ".png")], path
    text = capsys.readouterr().out
    assert "[red]dog" in text
    assert "20 groups" in text
    assert "40 pictures, 2 in the largest" in text


def test_without_looking_for_near_copies_they_are_parted(tmp_path: Path, shared_cache: Path) -> None:
    out = tmp_path / "split.parquet"
    assert run(["split", str(folder(tmp_path / "pictures")), "-o", str(out), "--no-near"]) == 0
    split = {row.path: row.split for row in Manifest.load(out).records()}
    parted = [path for path in split if "-small" in path and split[path] != split[path.replace("-small.jpg", ".png")]]
    assert parted


def test_the_json_counts_what_the_manifest_holds(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], shared_cache: Path
) -> None:
    out = tmp_path / "split.parquet"
    assert run(["split", str(folder(tmp_path / "pictures", copies=2)), "-o", str(out), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    manifest = Manifest.load(out)
    assert told["content_hash"] == manifest.content_hash
    assert told["pictures"] == sum(row["pictures"] for row in told["counts"]) == len(manifest) == 44
    assert (told["groups"], told["grouped"], told["largest_group"]) == (4, 8, 2)
    for row in told["counts"]:
        part = manifest.table[(manifest.table["split"] == row["split"]) & (manifest.table["label"] == row["label"])]
        assert len(part) == row["pictures"]


def test_a_near_copy_across_given_splits_is_refused_repaired_or_allowed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], shared_cache: Path
) -> None:
    source = folder(tmp_path / "pictures", copies=0, split="train/")
    held_out = {
        f"test/{label}/{i}.png": encode(photo(128, 96, 500 + 10 * i + len(label)), "PNG")
        for label in ("cat", "[red]dog")
        for i in range(3)
    }
    held_out["test/cat/leak.jpg"] = smaller(photo(128, 96, 7))
    write_tree(source, held_out)
    out = tmp_path / "split.parquet"
    assert run(["split", str(source), "-o", str(out)]) == 1
    assert "train/cat/07.png ≈ test/cat/leak.jpg" in capsys.readouterr().err
    assert not out.exists()
    assert run(["split", str(source), "-o", str(out), "--repair"]) == 0
    assert "train/cat/07.png" not in set(Manifest.load(out).table["path"])
    assert run(["split", str(source), "-o", str(out), "--allow-leaks"]) == 0
    assert "train/cat/07.png" in set(Manifest.load(out).table["path"])
    assert run(["split", str(source), "-o", str(out), "--allow-leaks", "--repair"]) == 2


def test_the_same_pictures_and_seed_give_the_same_split(tmp_path: Path, shared_cache: Path) -> None:
    source = folder(tmp_path / "pictures")
    hashes = []
    for name in ("one", "two"):
        assert run(["split", str(source), "-o", str(tmp_path / f"{name}.parquet")]) == 0
        hashes.append(Manifest.load(tmp_path / f"{name}.parquet").content_hash)
    assert hashes[0] == hashes[1]
    # A manifest that has splits keeps them.
    assert run(["split", str(tmp_path / "one.parquet"), "-o", str(tmp_path / "again.parquet"), "--seed", "9"]) == 0
    again, one = (Manifest.load(tmp_path / f"{name}.parquet") for name in ("again", "one"))
    assert np.array_equal(again.table["split"], one.table["split"])
