"""The four checks for copies: what is flagged, what is kept, what is proposed; on real pictures with planted faults."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageEnhance

from anmok.clean.evidence import Evidence
from anmok.clean.examine import Examined, examine
from anmok.clean.near_copies import near_copies
from anmok.clean.near_groups import with_groups
from anmok.data.cut import NEAR
from anmok.data.manifest import Manifest
from anmok.data.scan import scan
from anmok.data.split import check, find_leaks
from anmok.errors import LabelConflict, SplitLeak
from anmok.records import Finding
from tests.data.made import write_tree

pytestmark = pytest.mark.real
CHECKS = ("exact-duplicate", "near-duplicate", "leak", "label-conflict")


def changed(data: bytes, *, quality: int, cut: int, light: float) -> bytes:
    """Return the picture cut by so many pixels, brightened and compressed anew."""
    image = Image.open(io.BytesIO(data)).convert("RGB")
    image = ImageEnhance.Brightness(image.crop((cut, 0, image.width, image.height - cut))).enhance(light)
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=quality)
    return buffer.getvalue()


@pytest.fixture(scope="module")
def planted(data_dir: Path, module_cache: Path, tmp_path_factory: pytest.TempPathFactory) -> Manifest:
    """Forty pictures of scenes6 and, among them, copies where they should not be."""
    whole = scan(data_dir / "scenes6.zip")
    table = whole.table
    files: dict[str, bytes] = {}
    with whole.open_source() as source:
        for split in ("train", "test"):
            for label in ("sea", "forest"):
                paths = table.loc[(table["split"] == split) & (table["label"] == label), "path"].iloc[:10]
                for number, path in enumerate(paths):
                    files[f"{split}/{label}/{number}.jpg"] = source.read(path)
    files["train/sea/equal.jpg"] = files["test/sea/0.jpg"]
    files["train/sea/near.jpg"] = changed(files["test/sea/1.jpg"], quality=40, cut=6, light=0.85)
    files["train/forest/twice.jpg"] = files["train/forest/2.jpg"]
    files["train/forest/small.jpg"] = changed(files["train/forest/3.jpg"], quality=80, cut=3, light=1.15)
    files["train/sea/wrong.jpg"] = files["train/forest/4.jpg"]
    files["train/sea/doubtful.jpg"] = changed(files["train/forest/5.jpg"], quality=60, cut=2, light=1.0)
    return scan(write_tree(tmp_path_factory.mktemp("planted"), files))


@pytest.fixture(scope="module")
def results(planted: Manifest) -> dict[str, Examined]:
    return {done.check.name: done for done in examine(Evidence(planted), CHECKS)}


def told(done: Examined) -> dict[str, Finding]:
    return {finding.path: finding for finding in done.findings}


def test_of_equal_files_one_stays_the_one_that_is_held_out(results: dict[str, Examined]) -> None:
    found = told(results["exact-duplicate"])
    assert {path: (finding.other, finding.action) for path, finding in found.items()} == {
        "train/sea/equal.jpg": ("test/sea/0.jpg", "remove"),
        "train/forest/twice.jpg": ("train/forest/2.jpg", "remove"),
        # Which label is right is not for this check to settle.
        "train/sea/wrong.jpg": ("train/forest/4.jpg", "review"),
    }
    assert "byte for byte" in found["train/sea/equal.jpg"].reason


def test_near_copies_are_to_join_one_group_and_name_each_other(results: dict[str, Examined]) -> None:
    found = told(results["near-duplicate"])
    pairs = (
        ("train/sea/near.jpg", "test/sea/1.jpg"),
        ("train/forest/small.jpg", "train/forest/3.jpg"),
        ("train/sea/doubtful.jpg", "train/forest/5.jpg"),
    )
    assert set(found) == {path for pair in pairs for path in pair}
    for one, other in pairs:
        assert found[one].other == other
        assert found[other].other == one
        assert found[one].suggested == found[other].suggested
        assert found[one].suggested.startswith(NEAR)
        assert found[one].action == "group"
        assert other in found[one].reason
    result = results["near-duplicate"].result
    assert result.about["groups"] == 3
    assert result.about["largest"] == 2
    assert 0.9 < result.thresholds["likeness"] < 1


def test_leaks_are_the_training_side_of_exact_and_near_copies(results: dict[str, Examined]) -> None:
    found = told(results["leak"])
    assert {path: finding.other for path, finding in found.items()} == {
        "train/sea/equal.jpg": "test/sea/0.jpg",
        "train/sea/near.jpg": "test/sea/1.jpg",
    }
    assert "is nearly the same picture as" in found["train/sea/near.jpg"].reason
    assert "is the same picture as" in found["train/sea/equal.jpg"].reason
    assert {finding.action for finding in found.values()} == {"remove"}


def test_one_picture_under_two_labels_goes_a_nearly_equal_one_is_looked_at(results: dict[str, Examined]) -> None:
    found = told(results["label-conflict"])
    assert {path: finding.action for path, finding in found.items()} == {
        "train/sea/wrong.jpg": "remove",
        "train/forest/4.jpg": "remove",
        "train/sea/doubtful.jpg": "review",
        "train/forest/5.jpg": "review",
    }
    assert found["train/sea/doubtful.jpg"].other == "train/forest/5.jpg"
    assert found["train/sea/wrong.jpg"].score < found["train/sea/doubtful.jpg"].score


def test_the_search_runs_once_for_all_checks(planted: Manifest, monkeypatch: pytest.MonkeyPatch) -> None:
    evidence = Evidence(planted)
    first = near_copies(evidence)
    monkeypatch.setattr("anmok.clean.near_copies.candidates", lambda *_args, **_settings: pytest.fail("searched again"))
    examine(evidence, CHECKS)
    assert near_copies(evidence) is first


def test_a_split_with_near_copies_on_both_sides_is_refused_and_says_nearly(planted: Manifest) -> None:
    sound = planted.with_table(
        planted.table[~planted.table["path"].isin(["train/sea/equal.jpg", "train/sea/wrong.jpg"])]
    )
    # Equal bytes are all that is known without looking for near copies.
    assert find_leaks(sound) == ()
    with pytest.raises(SplitLeak, match=r"train/sea/near\.jpg ≈ test/sea/1\.jpg\n1 of them is nearly the same"):
        check(with_groups(sound), "refuse")
    repaired = check(with_groups(sound), "repair")
    assert [row.path for row in repaired.quarantined] == ["train/sea/near.jpg"]
    assert "nearly the same picture as test/sea/1.jpg" in repaired.quarantined[0].reason
    assert any("nearly" in note for note in repaired.notes)


def test_only_equal_files_under_two_labels_are_refused_nearly_equal_ones_are_not(planted: Manifest) -> None:
    train = with_groups(planted.with_table(planted.table[planted.table["split"] == "train"]))
    with pytest.raises(LabelConflict, match="wrong"):
        check(train, "refuse")
    check(train.with_table(train.table[train.table["path"] != "train/sea/wrong.jpg"]), "refuse")


def test_groups_of_the_source_are_joined_not_lost(planted: Manifest) -> None:
    table = planted.table.copy()
    group = dict.fromkeys(["train/forest/small.jpg", "train/forest/0.jpg"], "burst")
    group |= dict.fromkeys(["train/forest/3.jpg", "train/forest/1.jpg"], "walk") | {"train/sea/7.jpg": "alone"}
    table["group"] = table["path"].map(lambda path: group.get(path, "")).astype("str")
    named = dict(zip(table["path"], with_groups(planted.with_table(table)).table["group"], strict=True))
    assert {path for path, name in named.items() if name == "burst+walk"} == {
        "train/forest/small.jpg",
        "train/forest/0.jpg",
        "train/forest/3.jpg",
        "train/forest/1.jpg",
    }
    assert named["train/sea/7.jpg"] == "alone"
    assert named["train/sea/near.jpg"] == named["test/sea/1.jpg"] != ""
    assert named["train/sea/3.jpg"] == ""


def test_many_plain_pictures_of_equal_hash_do_no_harm(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    levels = {f"{label}/{n:03d}.png": (60 if n % 2 else 180) for label in ("a", "b") for n in range(60)}
    files = {}
    for name, level in levels.items():
        buffer = io.BytesIO()
        pixels = np.full((24, 24, 3), level, dtype=np.uint8)
        pixels[rng.integers(24), rng.integers(24)] += 1
        Image.fromarray(pixels).save(buffer, "PNG")
        files[name] = buffer.getvalue()
    manifest = scan(write_tree(tmp_path, files))
    near = near_copies(Evidence(manifest))
    assert near.compared < 20 * len(manifest)
    paths = manifest.table["path"].tolist()
    assert all(levels[paths[one]] == levels[paths[other]] for one, other in near.pairs.tolist())
