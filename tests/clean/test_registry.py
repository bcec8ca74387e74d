"""One contract for every registered check: scores, flags, actions, sentences, order, nothing touched."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from anmok.clean.evidence import Evidence
from anmok.clean.examine import findings_of
from anmok.clean.registry import Check, all_checks, get_check, register_check
from anmok.config import CleanConfig
from anmok.data.catalog import get_dataset
from anmok.data.manifest import Manifest
from anmok.data.scan import scan
from anmok.errors import UnknownName
from anmok.i18n import use_language
from anmok.records import ACTIONS


@pytest.fixture(scope="module")
def evidence(tmp_path_factory: pytest.TempPathFactory, module_cache: Path) -> Evidence:
    """The built-in sample, whose faults are planted, seen through the features that need no weights."""
    return Evidence(scan(get_dataset("sample")), CleanConfig(vectors="handcrafted"))


CHECKS = pytest.mark.parametrize("check", all_checks(), ids=lambda check: check.name)


@CHECKS
def test_every_picture_gets_a_score_and_a_flag_and_the_same_again(check: Check, evidence: Evidence) -> None:
    once, again = check.find(evidence), check.find(evidence)
    assert len(once.scores) == len(evidence.manifest)
    assert once.flags.dtype == np.bool_
    assert np.array_equal(once.scores, again.scores)
    assert np.array_equal(once.flags, again.flags)


@CHECKS
def test_flagged_pictures_have_lower_scores_than_the_others(check: Check, evidence: Evidence) -> None:
    result = check.find(evidence)
    if result.flags.any() and not result.flags.all():
        assert result.scores[result.flags].max() <= result.scores[~result.flags].min()


@CHECKS
def test_findings_speak_both_languages_and_name_what_to_do(check: Check, evidence: Evidence) -> None:
    result = check.find(evidence)
    for finding in findings_of(evidence.manifest, check, result)[:5]:
        assert finding.action in ACTIONS
        assert finding.reason.strip()
        with use_language("ko"):
            korean = check.reason(finding.values)
        assert any("가" <= letter <= "힣" for letter in korean), korean
        if finding.other:
            assert finding.other in set(evidence.manifest.table["path"])


@CHECKS
def test_the_verdict_does_not_depend_on_the_order_of_the_rows(check: Check, evidence: Evidence) -> None:
    manifest = evidence.manifest
    order = np.random.default_rng(5).permutation(len(manifest))
    shuffled = Evidence(manifest.with_table(manifest.table.iloc[order]), evidence.config)
    result, mixed = check.find(evidence), check.find(shuffled)
    flagged = set(manifest.table["path"][result.flags])
    assert set(shuffled.manifest.table["path"][mixed.flags]) == flagged


@CHECKS
def test_a_set_of_two_pictures_is_no_reason_to_fail(check: Check, evidence: Evidence) -> None:
    table = evidence.manifest.table
    two = Evidence(evidence.manifest.with_table(table.iloc[[0, len(table) - 1]]), evidence.config)
    result = check.find(two)
    assert len(result.scores) == 2


def test_names_and_titles_are_unique() -> None:
    checks = all_checks()
    assert len({check.title for check in checks}) == len(checks) == len({check.name for check in checks})


def test_a_taken_name_is_refused_and_an_unknown_one_explained(evidence: Evidence) -> None:
    first = all_checks()[0]
    with pytest.raises(ValueError, match="already registered"):
        register_check(
            name=first.name, title="t", about="a", needs="facts", action="review", reason=lambda values: "r"
        )(first.find)
    with pytest.raises(UnknownName) as caught:
        get_check("blurrred")
    assert "blurred" in caught.value.hint


def test_originals_are_as_they_were(evidence: Evidence) -> None:
    for check in all_checks():
        check.find(evidence)
    # Ids are SHA-256 of the files. This test's own cache knows none of them, so each file is read again.
    again: Manifest = scan(evidence.manifest.source)
    assert again.content_hash == evidence.manifest.content_hash
