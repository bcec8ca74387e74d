"""The review page: whole, self-contained, harmless whatever the names, small with thousands of findings."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from anmok.clean.decisions import Decision
from anmok.clean.outcome import CheckOutcome, Histogram, Outcome
from anmok.clean.registry import get_check
from anmok.records import Finding
from anmok.report import clean as review
from anmok.report.clean import render_review
from tests.clean.made_checks import only_made_checks
from tests.pictures import encode, photo
from tests.report.pages import Page

HOSTILE = '"><script>alert(1)</script> </script> {{ 7 * 7 }} \u202e & \x1b[31m'


@pytest.fixture(autouse=True)
def made_checks() -> Iterator[None]:
    with only_made_checks():
        yield


def decision(number: int, check: str = "label-error", **changes: Any) -> Decision:
    values = {"suggested": "dog"} if check == "label-error" else {"other": "cat/0.png", "brightness": 3.5}
    made = Finding(
        path=f"cat/{number}.png",
        check=check,
        score=0.02 + number / 10**6,
        flag=True,
        other="cat/0.png" if check.endswith("duplicate") else "",
        reason=get_check(check).reason(values),
        action=get_check(check).action,
        label="cat",
        suggested="dog" if check == "label-error" else "",
        values=values,
    )
    return Decision(finding=replace(made, **changes))


def outcome(rows: list[Decision], **changes: Any) -> Outcome:
    names = list(dict.fromkeys(row.finding.check for row in rows))
    checks = tuple(
        CheckOutcome(
            check=name,
            flagged=sum(row.finding.check == name for row in rows),
            seconds=1.25,
            histograms=(
                Histogram(
                    measure="brightness", low=0, high=255, counts=(5, 0, 90), flagged=(5, 0, 0), thresholds=(80.0,)
                ),
            ),
        )
        for name in names
        if name != "unreadable"
    )
    made = Outcome(
        source="pets",
        location="/home/someone/my pets",
        folder="/home/someone/out put",
        content_hash="5a" * 32,
        pictures=100_000,
        classes=("cat", "dog", "강아지"),
        checks=checks,
        decisions=tuple(rows),
        seconds=3.5,
        created="2026-11-21T13:00:00+00:00",
    )
    return replace(made, **changes)


def drawn(given: Outcome, folder: Path, *, language: str = "en", picture: bytes | None = None) -> tuple[str, Page]:
    read = None if picture is None else (lambda path: picture)
    path = render_review(given, folder / "review.html", read_picture=read, language=language)
    text = path.read_text(encoding="utf-8")
    return text, Page(text)


def data_of(page: Page) -> dict[str, Any]:
    return dict(json.loads(next(text for text in page.scripts if text.startswith("{"))))


def test_each_finding_has_its_picture_box_action_and_reason(tmp_path: Path) -> None:
    rows = [decision(1), decision(2, "exact-duplicate"), decision(3, "dark")]
    _text, page = drawn(outcome(rows), tmp_path, picture=encode(photo(), "JPEG"))
    assert page.of_class("card") == 3
    assert len(page.attributes("img", "src")) == 4  # the copy with its other picture
    for words in ("It looks like dog.", "It has the same bytes as cat/0.png.", "98.0% certain", "cat/1.png"):
        assert words in page.text
    assert page.attributes("input", "list") == ["classes"] * 3


def test_what_is_accepted_already_is_ticked(tmp_path: Path) -> None:
    rows = [decision(1), replace(decision(2), accept="yes"), replace(decision(3), accept="no")]
    text, _page = drawn(outcome(rows), tmp_path)
    assert text.count(" checked>") == 1


def test_the_learnt_threshold_is_drawn_over_its_measure(tmp_path: Path) -> None:
    _text, page = drawn(outcome([decision(1, "dark")]), tmp_path)
    assert "Brightness learnt threshold 80.0" in page.text
    assert page.attributes("line", "x1") == ["31.37"]


def test_the_page_needs_nothing_else_and_runs_only_its_own_script(tmp_path: Path) -> None:
    text, page = drawn(outcome([decision(1)]), tmp_path, picture=encode(photo(), "JPEG"))
    assert all(source.startswith("data:image/jpeg;base64,") for source in page.attributes("img", "src"))
    assert not re.search(r"(?:src|href)=\"(?!data:|#)", text)
    assert page.runs_its_own_scripts_alone()


def test_names_from_outside_are_shown_and_do_nothing(tmp_path: Path) -> None:
    row = decision(1, path=HOSTILE, label=HOSTILE, suggested=HOSTILE, reason=HOSTILE)
    text, page = drawn(outcome([row], source=HOSTILE, classes=(HOSTILE,)), tmp_path)
    assert "<script>alert(1)" not in text.replace("&lt;", "")
    assert len(page.attributes("script", "type")) == 1
    assert "\u202e" not in page.text
    assert "\x1b" not in text
    assert data_of(page)["rows"][0][0] == HOSTILE  # what is saved is the name itself


def test_the_data_of_the_page_are_the_rows_of_the_file(tmp_path: Path) -> None:
    rows = [decision(1), decision(2, "dark", path="=1+1.png")]
    _text, page = drawn(outcome(rows), tmp_path)
    data = data_of(page)
    assert data["rows"][1][:7] == ["=1+1.png", "dark", "0.020002", "0.979998", "review", "", ""]


def test_the_command_names_the_manifest_and_survives_a_shell(tmp_path: Path) -> None:
    assert review.command(outcome([decision(1)])) == (
        "anmok clean '/home/someone/out put/manifest.parquet' --apply findings.csv "
        "-o '/home/someone/out put/cleaned.parquet'"
    )


def test_what_the_scan_left_out_is_told_but_not_to_be_ticked(tmp_path: Path) -> None:
    left = Decision(finding=Finding("cat/broken.png", "unreadable", 0.0, True, "", "It is cut short.", "remove"))
    _text, page = drawn(outcome([decision(1), left]), tmp_path)
    assert "cat/broken.png It is cut short." in page.text
    assert len(data_of(page)["rows"]) == 1


def test_rows_of_an_earlier_run_are_offered_apart(tmp_path: Path) -> None:
    rows = [decision(1), replace(decision(2), accept="yes", found=False)]
    _text, page = drawn(outcome(rows), tmp_path)
    assert page.of_class("card") == 1
    assert "1 row of an earlier run" in page.text
    assert data_of(page)["found"] == [1, 0]


ABOUT = {
    "method": "embedding",
    "silhouette": 0.416,
    "davies_bouldin": None,
    "dropped": [1],
    "clusters": [
        {"number": 0, "size": 640, "shares": {"cat": 0.75, HOSTILE: 0.25}, "examples": ["cat/0.png", "cat/1.png"]},
        {"number": 1, "size": 198, "shares": {"cat": 0.25, HOSTILE: 0.75}, "examples": ["cat/2.png"]},
    ],
    "uncertain": ["cat/it's.png"],
}


def test_kinds_of_pictures_are_shown_with_what_the_indices_do_not_say(tmp_path: Path) -> None:
    check = CheckOutcome(check="dark", flagged=0, seconds=0.1, about=ABOUT)
    config = {"off_topic": "embedding", "clusters": 2, "off_topic_marks": ["cat/9.png"], "on_topic_marks": []}
    given = outcome([], checks=(check,), config=config)
    _text, page = drawn(given, tmp_path, picture=encode(photo(), "JPEG"))
    assert "Kind 1 198 pictures · off topic" in page.text
    assert len(page.attributes("img", "src")) == 4
    assert "Silhouette 0.416" in page.text
    assert "not whether they are what you want removed" in page.text
    assert "Davies-Bouldin 0" not in page.text
    assert page.attributes("code", "data-command") == [
        "anmok clean '/home/someone/out put/manifest.parquet' -o '/home/someone/out put' --off-topic embedding "
        "--clusters 2 --mark-off cat/9.png"
    ]


def test_nothing_found_is_said(tmp_path: Path) -> None:
    quiet = outcome([], checks=(CheckOutcome(check="dark", flagged=0, seconds=0.1),))
    _text, page = drawn(quiet, tmp_path)
    assert "No check found anything." in page.text
    assert "Found nothing: Dark pictures." in page.text
    assert page.of_class("bar") == 0


def test_the_page_speaks_korean(tmp_path: Path) -> None:
    text, _page = drawn(outcome([decision(1)]), tmp_path, language="ko")
    assert '<html lang="ko">' in text


def test_the_same_outcome_gives_the_same_bytes(tmp_path: Path) -> None:
    given = outcome([decision(1), decision(2, "dark")])
    assert drawn(given, tmp_path)[0] == drawn(given, tmp_path)[0]


def test_five_thousand_findings_can_be_mailed(tmp_path: Path) -> None:
    checks = ("label-error", "exact-duplicate", "near-duplicate", "dark")
    rows = [decision(number, check) for check in checks for number in range(1250)]
    picture = encode(photo(240, 180), "JPEG", quality=95)
    text, page = drawn(outcome(rows), tmp_path, picture=picture)
    assert len(text.encode()) < 20_000_000
    assert len(data_of(page)["rows"]) == 5000
    assert all(f'id="check-{check}"' in text for check in checks)
    assert page.of_class("card") == len(checks) * review.MOST_PICTURED


def test_of_more_rows_than_a_page_holds_the_decided_and_the_surest_are_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(review, "MOST_ROWS", 10)
    rows = [decision(number, check) for check in ("label-error", "dark") for number in range(20)]
    rows[19] = replace(rows[19], accept="yes")
    _text, page = drawn(outcome(rows), tmp_path)
    shown = data_of(page)["rows"]
    assert len(shown) <= 10
    assert ["cat/19.png", "label-error"] in [row[:2] for row in shown]
    assert ["cat/0.png", "dark"] in [row[:2] for row in shown]
    assert "more findings stand only in findings.csv" in page.text
