"""Looking pictures over, deciding, applying: the whole way through the Python functions, with files on the disk."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from anmok.clean.decisions import AcceptRule
from anmok.clean.findings_file import read_findings, write_findings
from anmok.config import CleanConfig
from anmok.data.manifest import Manifest
from anmok.data.scan import scan
from anmok.errors import SourceNotFound, StorageError, UsageError
from anmok.pipeline.clean import apply_findings, clean_source, redraw
from tests.clean.made_checks import PICTURES, folder_of_pictures, only_made_checks


@pytest.fixture(autouse=True)
def made_checks() -> Iterator[None]:
    with only_made_checks():
        yield


@pytest.fixture
def pets(tmp_path: Path) -> Path:
    return folder_of_pictures(tmp_path / "pets")


def accept_all(path: Path, check: str) -> None:
    rows = read_findings(path)
    write_findings(path, [replace(row, accept="yes") if row.finding.check == check else row for row in rows])


def test_cleaning_leaves_the_findings_the_page_the_manifest_and_the_values(pets: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    done = clean_source(pets, out)
    names = {"findings.csv", "review.html", "manifest.parquet", "manifest.quarantine.csv", "clean.json"}
    assert {path.name for path in out.iterdir()} == names
    rows = read_findings(out / "findings.csv")
    assert [row.key for row in rows] == [row.key for row in done.outcome.decisions]
    assert {row.finding.check for row in rows} == {
        "exact-duplicate",
        "near-duplicate",
        "label-error",
        "dark",
        "unreadable",
    }
    assert json.loads((out / "clean.json").read_text())["outcome"]["pictures"] == len(PICTURES)


def test_the_manifest_names_the_checks_that_flagged_each_picture(pets: Path, tmp_path: Path) -> None:
    clean_source(pets, tmp_path / "out")
    flags = Manifest.load(tmp_path / "out" / "manifest.parquet").table.set_index("path")["flags"]
    assert flags["cat/copy of 0.png"] == "exact-duplicate"
    assert "label-error" in flags["강아지/wrong-하얀 개.png"]
    assert flags["cat/0.png"] == ""


def test_decisions_about_other_pictures_are_not_written_over(pets: Path, tmp_path: Path) -> None:
    clean_source(pets, tmp_path / "out")
    accept_all(tmp_path / "out" / "findings.csv", "exact-duplicate")
    before = (tmp_path / "out" / "findings.csv").read_bytes()
    others = folder_of_pictures(tmp_path / "elsewhere" / "pets")
    with pytest.raises(StorageError, match="decisions about other pictures"):
        clean_source(others, tmp_path / "out")
    assert (tmp_path / "out" / "findings.csv").read_bytes() == before


def test_no_original_is_touched(pets: Path, tmp_path: Path) -> None:
    def state() -> dict[str, tuple[str, int]]:
        files = [path for path in pets.rglob("*") if path.is_file()]
        return {str(p): (hashlib.sha256(p.read_bytes()).hexdigest(), p.stat().st_mtime_ns) for p in files}

    before = state()
    clean_source(pets, tmp_path / "out", accepting=[AcceptRule("exact-duplicate"), AcceptRule("label-error")])
    apply_findings(tmp_path / "out" / "findings.csv", tmp_path / "out" / "cleaned.parquet")
    assert state() == before


def test_nothing_is_written_where_no_folder_is_given(
    pets: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    assert clean_source(pets).outcome.decisions
    assert not list((tmp_path / "here").iterdir())


def test_the_cleaned_manifest_is_a_source_like_any_other(pets: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    before = clean_source(pets, out, accepting=[AcceptRule("exact-duplicate"), AcceptRule("label-error", 0.9)]).manifest
    apply_findings(out / "findings.csv", out / "cleaned.parquet")
    cleaned = scan(out / "cleaned.parquet")
    assert len(cleaned) == len(before) - 1
    assert cleaned.content_hash != before.content_hash
    labels = cleaned.table.set_index("path")["label"]
    assert labels["cat/wrong-1.png"] == "dog"
    assert labels["강아지/wrong-하얀 개.png"] == "강아지"  # below the certainty that was asked for
    with cleaned.open_source() as pictures:
        assert pictures.read("dog/=1+1.png") == (pets / "dog/=1+1.png").read_bytes()
    again = clean_source(out / "cleaned.parquet", tmp_path / "again")
    assert "exact-duplicate" not in {row.finding.check for row in again.outcome.decisions}


def test_what_was_decided_survives_a_second_run(pets: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    clean_source(pets, out)
    accept_all(out / "findings.csv", "label-error")
    clean_source(pets, out, CleanConfig(checks=("dark",)))
    accepted = [row.finding.path for row in read_findings(out / "findings.csv") if row.accept == "yes"]
    assert accepted == ["cat/wrong-1.png", 'dog/wrong-2, "quoted".png', "강아지/wrong-하얀 개.png"]
    clean_source(pets, out)
    again = [row.finding.path for row in read_findings(out / "findings.csv") if row.accept == "yes"]
    assert sorted(again) == sorted(accepted)
    assert len(read_findings(out / "findings.csv")) == 8


def test_a_picture_that_was_deleted_by_hand_does_not_stand_in_the_way(pets: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    clean_source(pets, out)
    accept_all(out / "findings.csv", "label-error")
    (pets / "cat/wrong-1.png").unlink()
    clean_source(pets, out)
    apply_findings(out / "findings.csv", out / "cleaned.parquet")
    assert "cat/wrong-1.png" not in {row.finding.path for row in read_findings(out / "findings.csv")}


def test_findings_that_cannot_be_read_are_not_overwritten(pets: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    clean_source(pets, out)
    (out / "findings.csv").write_text("path,check,action,accept\ncat/0.png,dark,remove,perhaps\n")
    with pytest.raises(UsageError, match="line 2, column accept"):
        clean_source(pets, out)
    assert "perhaps" in (out / "findings.csv").read_text()


def test_results_are_not_mixed_into_somebodys_folder(pets: Path, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "thesis.txt").write_text("mine")
    with pytest.raises(StorageError, match="something else"):
        clean_source(pets, tmp_path / "out")
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["thesis.txt"]


@pytest.mark.parametrize("out", ["out/manifest.parquet", "out/findings.csv", "out/notes.parquet"])
def test_nothing_is_overwritten_that_would_be_missed(pets: Path, tmp_path: Path, out: str) -> None:
    clean_source(pets, tmp_path / "out")
    (tmp_path / "out" / "notes.parquet").write_text("no manifest")
    before = (tmp_path / out).read_bytes()
    with pytest.raises((StorageError, UsageError)):
        apply_findings(tmp_path / "out" / "findings.csv", tmp_path / out)
    assert (tmp_path / out).read_bytes() == before


def test_findings_away_from_their_manifest_want_the_source_to_be_named(pets: Path, tmp_path: Path) -> None:
    clean_source(pets, tmp_path / "out", accepting=[AcceptRule("exact-duplicate")])
    elsewhere = tmp_path / "downloads" / "findings.csv"
    elsewhere.parent.mkdir()
    elsewhere.write_bytes((tmp_path / "out" / "findings.csv").read_bytes())
    with pytest.raises(SourceNotFound, match=r"manifest\.parquet"):
        apply_findings(elsewhere, tmp_path / "cleaned.parquet")
    applied = apply_findings(elsewhere, tmp_path / "cleaned.parquet", tmp_path / "out" / "manifest.parquet")
    assert applied.removed == {"exact-duplicate": 1}


def test_marks_may_be_typed_as_the_shell_completes_them(
    pets: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    marks = ("cat/0.png", "pets/dog/1.png", str(pets / "강아지" / "까만 개.png"))
    done = clean_source(pets, config=CleanConfig(off_topic_marks=marks))
    assert done.outcome.config["off_topic_marks"] == ("cat/0.png", "dog/1.png", "강아지/까만 개.png")


def test_a_mark_on_a_picture_that_is_not_there_names_a_similar_one(pets: Path) -> None:
    with pytest.raises(UsageError) as caught:
        clean_source(pets, config=CleanConfig(on_topic_marks=("cat/copy of 1.png",)))
    assert "cat/copy of 0.png" in caught.value.hint


def test_the_page_is_drawn_again_in_another_language_with_what_was_accepted(pets: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    clean_source(pets, out)
    accept_all(out / "findings.csv", "near-duplicate")
    page = redraw(out, language="ko").read_text(encoding="utf-8")
    assert '<html lang="ko">' in page
    assert page.count(" checked>") == 1


def test_the_page_is_drawn_without_its_pictures_where_they_were_moved_away(pets: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    clean_source(pets, out)
    pets.rename(tmp_path / "moved")
    assert "data:image" not in redraw(out, language="en").read_text(encoding="utf-8")


def test_a_damaged_file_of_values_is_said_and_not_drawn(pets: Path, tmp_path: Path) -> None:
    clean_source(pets, tmp_path / "out")
    (tmp_path / "out" / "clean.json").write_text('{"format": 1, "outcome": {"source": 3}}')
    with pytest.raises(StorageError, match=r"clean\.json"):
        redraw(tmp_path / "out", language="en")


def test_a_run_that_is_killed_loses_nothing_that_was_decided(pets: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    clean_source(pets, out)
    accept_all(out / "findings.csv", "label-error")
    decided = (out / "findings.csv").read_bytes()
    code = (
        "import sys; from pathlib import Path\n"
        "from tests.clean.made_checks import only_made_checks\n"
        "from anmok.pipeline.clean import clean_source\n"
        "with only_made_checks():\n"
        "    print('ready', flush=True)\n"
        "    while True: clean_source(sys.argv[1], Path(sys.argv[2]))\n"
    )
    root = Path(__file__).parents[2]
    environment = {**os.environ, "PYTHONPATH": f"{root}:{root / 'tests'}"}
    process = subprocess.Popen(
        [sys.executable, "-c", code, str(pets), str(out)], stdout=subprocess.PIPE, env=environment
    )
    assert process.stdout is not None
    assert process.stdout.readline() == b"ready\n"
    for delay in (0.15, 0.02):
        time.sleep(delay)
    process.send_signal(signal.SIGKILL)
    process.communicate(timeout=30)
    assert (out / "findings.csv").read_bytes() == decided
    Manifest.load(out / "manifest.parquet")
    clean_source(pets, out)
    assert (out / "findings.csv").read_bytes() == decided
