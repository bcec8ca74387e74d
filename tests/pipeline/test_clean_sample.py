"""The checks that come with Anmok, all of them, through the files that a cleaning leaves: the built-in sample."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from anmok.clean.apply import COPIES
from anmok.clean.decisions import AcceptRule
from anmok.clean.findings_file import read_findings
from anmok.clean.registry import all_checks
from anmok.config import CleanConfig
from anmok.data.catalog import get_dataset
from anmok.data.leaks import find_conflicts
from anmok.pipeline.clean import Cleaning, apply_findings, clean_source, redraw


@pytest.fixture(scope="module")
def cleaned(tmp_path_factory: pytest.TempPathFactory, module_cache: Path) -> tuple[Cleaning, Path]:
    out = tmp_path_factory.mktemp("cleaned") / "out"
    return clean_source(get_dataset("sample"), out, CleanConfig(vectors="handcrafted")), out


def test_every_check_ran_and_its_findings_can_be_read_back(cleaned: tuple[Cleaning, Path]) -> None:
    done, out = cleaned
    assert [check.check for check in done.outcome.checks] == [check.name for check in all_checks()]
    rows = {row.key: row.finding for row in read_findings(out / "findings.csv")}
    assert len(rows) == len(done.outcome.decisions)
    for row in done.outcome.decisions:
        again = rows[row.key]
        assert (again.reason, again.action, again.suggested) == (
            row.finding.reason,
            row.finding.action,
            row.finding.suggested,
        )


def test_the_names_of_checks_for_copies_are_those_of_real_checks() -> None:
    assert {check.name for check in all_checks()} >= COPIES


def test_what_is_stored_is_enough_to_draw_the_page_in_either_language(
    cleaned: tuple[Cleaning, Path], tmp_path: Path
) -> None:
    done, out = cleaned
    assert json.loads((out / "clean.json").read_text(encoding="utf-8"))["format"] == 1
    assert redraw(out, tmp_path / "en.html", language="en").read_bytes() == (out / "review.html").read_bytes()
    korean = redraw(out, tmp_path / "ko.html", language="ko").read_text(encoding="utf-8")
    assert korean.count("data-row=") == sum(row.finding.check != "unreadable" for row in done.outcome.decisions)


def test_accepting_everything_that_is_proposed_leaves_a_sound_set(
    cleaned: tuple[Cleaning, Path], shared_cache: Path, tmp_path: Path
) -> None:
    done, out = cleaned
    everything = [AcceptRule(check.name) for check in all_checks()]
    applied = apply_findings(out / "findings.csv", tmp_path / "cleaned.parquet", accepting=everything)
    assert applied.manifest.classes == done.manifest.classes
    assert not find_conflicts(applied.manifest)
    again = clean_source(tmp_path / "cleaned.parquet", config=CleanConfig(checks=("exact-duplicate",)))
    assert not again.examined[0].findings
