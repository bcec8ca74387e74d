"""``anmok clean`` and ``anmok checks`` as they are typed: what is printed, what is written, how they end."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from anmok.cli.app import run
from anmok.data.manifest import Manifest
from tests.clean.made_checks import PICTURES, folder_of_pictures, only_made_checks


@pytest.fixture(autouse=True)
def made_checks() -> Iterator[None]:
    with only_made_checks():
        yield


@pytest.fixture
def pets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return folder_of_pictures(tmp_path / "pets")


def test_findings_are_no_failure_and_the_way_on_is_shown(pets: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["clean", "pets"]) == 0
    text = capsys.readouterr().out
    for words in ("exact-duplicate", "label-error", "98.0", "unreadable", "anmok-clean-pets/review.html"):
        assert words in text
    assert "anmok clean --apply anmok-clean-pets/findings.csv" in text


def test_the_command_that_is_shown_works(pets: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["clean", "pets", "--accept", "exact-duplicate", "--accept", "label-error:0.95"]) == 0
    shown = next(line for line in capsys.readouterr().out.splitlines() if "--apply" in line)
    assert run(shown.split("anmok ", 1)[1].split()) == 0
    cleaned = Manifest.load(Path("anmok-clean-pets/cleaned.parquet"))
    assert len(cleaned) == len(PICTURES) - 1
    assert "1 picture relabelled" in capsys.readouterr().out


def test_a_cleaned_manifest_is_looked_through_in_a_folder_of_its_own(
    pets: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["clean", "pets", "--accept", "exact-duplicate", "--fix"]) == 0
    assert run(["clean", "anmok-clean-pets/cleaned.parquet"]) == 0
    assert Path("anmok-clean-pets-cleaned-parquet/review.html").exists()
    shutil.copy("anmok-clean-pets/cleaned.parquet", "here.parquet")
    assert run(["clean", "here.parquet"]) == 0
    assert Path("anmok-clean-here-parquet/review.html").exists()


def test_fix_applies_at_once(pets: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["clean", "pets", "-o", "out", "--accept", "exact-duplicate", "--fix"]) == 0
    assert "1 picture removed (exact-duplicate)" in capsys.readouterr().out
    assert len(Manifest.load(Path("out/cleaned.parquet"))) == len(PICTURES) - 1


def test_json_prints_findings_one_a_line_and_writes_nothing(pets: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["clean", "pets", "--json"]) == 0
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert len(rows) == 8
    assert all(row["flag"] for row in rows)
    assert {"path", "check", "score", "flag", "with", "reason", "action", "label", "suggested"} == set(rows[0])
    assert rows[0]["with"] == "cat/0.png"
    assert rows[-1] == {**rows[-1], "path": "cat/broken.png", "check": "unreadable", "score": 0.0}
    assert [path.name for path in Path().iterdir()] == ["pets"]


def test_json_and_all_print_every_picture_of_every_check(pets: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["clean", "pets", "--json", "--all", "--check", "dark", "--check", "exact-duplicate"]) == 0
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert len(rows) == 2 * len(PICTURES) + 1
    assert sum(row["flag"] for row in rows) == 4
    assert {row["check"] for row in rows} == {"dark", "exact-duplicate", "unreadable"}


def test_applying_in_json_is_one_object(pets: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["clean", "pets", "-o", "out", "--json"]) == 0
    capsys.readouterr()
    assert run(["clean", "--apply", "out/findings.csv", "--accept", "label-error", "--json"]) == 0
    summary = json.loads(capsys.readouterr().out)
    assert summary["relabelled"] == 3
    assert summary["manifest"] == "out/cleaned.parquet"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["clean"], "anmok clean photos/"),
        (["clean", "nowhere"], "nowhere"),
        (["clean", "pets", "--check", "darkk"], "dark"),
        (["clean", "pets", "--accept", "dark:2"], "between 0 and 1"),
        (["clean", "pets", "--off-topic", "guess"], "autoencoder"),
        (["clean", "pets", "--mark-off", "cat/nothing.png"], "no such picture"),
        (["clean", "pets", "--mark-off", "cat/0.png", "--mark-on", "cat/0.png"], "off topic and as right"),
        (["clean", "--apply", "nothing.csv"], "nothing.csv"),
        (["clean", "pets", "--clusters", "1"], "clusters"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_bad_usage_ends_with_2_and_says_what_to_do(
    pets: Path, capsys: pytest.CaptureFixture[str], words: list[str], said: str
) -> None:
    assert run(words) == 2
    assert said in " ".join(capsys.readouterr().err.split())


def test_marks_may_stand_in_a_file(pets: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Path("marks.txt").write_text("\ufeffcat/0.png\r\n\r\n강아지/까만 개.png\n", encoding="utf-8")
    assert run(["clean", "pets", "-o", "out", "--mark-off", "@marks.txt", "--mark-off", "dog/1.png"]) == 0
    config = json.loads(Path("out/clean.json").read_text(encoding="utf-8"))["outcome"]["config"]
    assert config["off_topic_marks"] == ["cat/0.png", "강아지/까만 개.png", "dog/1.png"]


def test_a_file_of_marks_that_is_none_is_refused(pets: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Path("marks.txt").write_bytes(b"\xff\xfe\x00")
    assert run(["clean", "pets", "--mark-off", "@marks.txt"]) == 2
    assert "marks.txt" in capsys.readouterr().err


def test_names_from_outside_do_not_steer_the_terminal(pets: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (pets / "cat" / "\x1b[31mcopy.png").write_bytes((pets / "cat/0.png").read_bytes())
    assert run(["clean", "pets", "-o", "out", "--accept", "exact-duplicate", "--fix"]) == 0
    assert "\x1b[31mcopy" not in capsys.readouterr().out


def test_checks_are_listed_with_what_they_look_for(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["checks"]) == 0
    assert "Files with the same bytes." in capsys.readouterr().out
    assert run(["checks", "--json"]) == 0
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [row["name"] for row in rows] == ["exact-duplicate", "near-duplicate", "label-error", "dark"]


def test_the_page_of_an_earlier_run_is_drawn_again_by_report(pets: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["clean", "pets", "-o", "out"]) == 0
    assert run(["report", "out", "--lang", "ko"]) == 0
    assert '<html lang="ko">' in Path("out/review.html").read_text(encoding="utf-8")
