"""A comparison looks its pictures over first: the demo finds what was planted, near copies are never parted."""

from __future__ import annotations

import io
import json
import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from anmok.config import CompareConfig
from anmok.data.catalog import get_dataset
from anmok.data.cut import picture_groups
from anmok.data.manifest import Manifest
from anmok.data.sources import open_source
from anmok.errors import SplitLeak
from anmok.evaluation.results import Comparison
from anmok.evaluation.stored import read_comparison
from anmok.i18n import use_language
from anmok.pipeline.compare import compare
from anmok.pipeline.conclusion import retell
from anmok.pipeline.planted import find_planted

PLANTED = {"exact-duplicate": 6, "near-duplicate": 8, "wrong-label": 6, "off-topic": 6, "unreadable": 1}


@pytest.fixture(scope="module")
def demo(module_cache: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Comparison]:
    """The demo as it runs where no weights are at hand."""
    out = tmp_path_factory.mktemp("demo") / "out"
    return out, compare("sample", out, CompareConfig(models=("handcrafted",)))


@pytest.mark.usefixtures("shared_cache")
def test_without_weights_the_demo_finds_what_simple_features_can_and_names_the_rest(
    demo: tuple[Path, Comparison],
) -> None:
    planted = find_planted(get_dataset("sample"), demo[1])
    assert {row.fault: row.planted for row in planted} == PLANTED
    missed = {row.fault: len(row.missed) for row in planted if row.missed}
    # Hand-made features tell a map and a chat from a cave, but not a drawn cat from a drawn cafe.
    assert set(missed) <= {"off-topic"}
    assert missed.get("off-topic", 0) <= PLANTED["off-topic"] / 2


@pytest.mark.real
@pytest.mark.usefixtures("shared_cache", "real_weights")
def test_the_demo_finds_all_planted_faults_through_mobilenetv2(tmp_path: Path) -> None:
    comparison = compare("sample", tmp_path / "out", CompareConfig(models=("mobilenetv2",)))
    planted = find_planted(get_dataset("sample"), comparison)
    assert [row.missed for row in planted] == [()] * len(PLANTED)
    # Of what is flagged, at least half is really wrong; a list of everything would find all faults, too.
    assert sum(row.others for row in planted) <= sum(PLANTED.values())


@pytest.mark.usefixtures("shared_cache")
def test_the_report_says_below_the_answer_what_the_checks_found_and_shows_it(demo: tuple[Path, Comparison]) -> None:
    out, comparison = demo
    page = (out / "report.html").read_text(encoding="utf-8")
    main = page[page.index("<main") :]
    assert (
        main.index('id="answer"')
        < main.index('id="looked-over"')
        < main.index('id="models"')
        < main.index('id="checks"')
    )
    wrong = next(done for done in comparison.checks if done.check == "label-error")
    gallery = main[main.index('<h3 id="check-label-error"') :]
    for finding in wrong.shown:
        assert finding.path.rpartition("/")[2] in gallery
    assert gallery.count('src="data:image/jpeg') >= len(wrong.shown)
    summary = json.loads((out / "summary.json").read_text(encoding="utf-8"))
    assert summary["checks"]["exact-duplicate"] == 6


@pytest.mark.usefixtures("shared_cache")
def test_the_findings_are_told_in_the_other_language_too(demo: tuple[Path, Comparison]) -> None:
    with use_language("ko"):
        told = retell(read_comparison(demo[0]))
    for before, after in zip(demo[1].checks, told.checks, strict=True):
        for one, other in zip(before.shown, after.shown, strict=True):
            assert one.path == other.path
            assert re.search("[가-힣]", other.reason), other.reason


@pytest.mark.usefixtures("shared_cache")
def test_near_copies_stand_in_one_split(demo: tuple[Path, Comparison]) -> None:
    table = Manifest.load(demo[0] / "manifest.parquet").table
    groups = picture_groups(table)
    assert (table["group"] != "").sum() >= 2 * PLANTED["near-duplicate"]
    for number in np.unique(groups):
        assert len(set(table["split"][groups == number])) == 1


@pytest.fixture
def leaking(data_dir: Path, tmp_path: Path) -> Path:
    """Real scenes in train and test, with one test picture that comes back in train, smaller and compressed anew."""
    folder = tmp_path / "scenes"
    with open_source(data_dir / "scenes6.zip") as source:
        chosen: dict[tuple[str, str], int] = {}
        for path in sorted(entry.path for entry in source.entries()):
            split, label, name = path.split("/")
            if label not in ("forest", "street") or chosen.setdefault((split, label), 0) >= 25:
                continue
            chosen[split, label] += 1
            place = folder / split / label
            place.mkdir(parents=True, exist_ok=True)
            (place / name).write_bytes(source.read(path))
    original = min((folder / "test" / "forest").iterdir())
    with Image.open(io.BytesIO(original.read_bytes())) as picture:
        picture.convert("RGB").resize((130, 128)).save(folder / "train" / "forest" / "again.jpg", quality=60)
    return folder


@pytest.mark.real
@pytest.mark.usefixtures("shared_cache")
def test_a_near_copy_of_a_test_picture_in_train_is_refused_repaired_or_said(leaking: Path, tmp_path: Path) -> None:
    def run(**choice: str) -> Comparison:
        config = CompareConfig(models=("handcrafted",), look_over=False, **choice)  # type: ignore[arg-type]
        return compare(leaking, tmp_path / "out", config)

    with pytest.raises(SplitLeak) as caught:
        run()
    assert "again.jpg" in caught.value.message
    repaired = run(leaks="repair")
    assert [row.path for row in repaired.data.quarantined] == ["train/forest/again.jpg"]
    allowed = run(leaks="allow")
    assert "stands among the validation or test pictures too" in allowed.warnings[0]
    assert allowed.warnings[0] in (tmp_path / "out" / "report.html").read_text(encoding="utf-8")


def test_without_the_checks_nothing_is_said_of_them(tmp_path: Path, leaking: Path) -> None:
    config = CompareConfig(models=("handcrafted",), look_over=False, leaks="repair")
    comparison = compare(leaking, tmp_path / "out", config)
    assert comparison.checks == ()
    assert "looked-over" not in (tmp_path / "out" / "report.html").read_text(encoding="utf-8").partition("<main")[2]
