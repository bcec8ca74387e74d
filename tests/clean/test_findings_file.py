"""findings.csv: written so that spreadsheets leave it as it is, read as people and spreadsheets send it back."""

from __future__ import annotations

import codecs
import contextlib
import csv
import io
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anmok.clean import findings_file
from anmok.clean.decisions import Decision
from anmok.clean.findings_file import COLUMNS, read_findings, write_findings
from anmok.data.cells import guard, unguard
from anmok.data.names import escape
from anmok.errors import SourceNotFound, StorageError, UsageError
from anmok.records import Finding
from tests.clean.made_checks import only_made_checks


@pytest.fixture(autouse=True)
def made_checks() -> Iterator[None]:
    with only_made_checks():
        yield


def finding(path: str, **changes: object) -> Finding:
    made = Finding(path, "exact-duplicate", 0.125, True, "cat/a.png", "It is a copy.", action="remove", label="cat")
    return replace(made, **changes)  # type: ignore[arg-type]


ODD = (
    "cat/plain.png",
    "cat/with, comma.png",
    'cat/with "quotes".png',
    "=HYPERLINK(A1).png",
    "+1.png",
    "-rf.png",
    "@sum.png",
    "＝full width.png",
    "'apostrophe.png",
    "''=two.png",
    "001",
    "3-4",
    "1e5",
    "TRUE",
    " leading and trailing ",
    "강아지/까만 개.png",
    "강아지/까만 개.png",
    escape("line\nbreak.png"),
    escape(os.fsdecode(b"caf\xe9.png")),
    "emoji 🐶.png",
    "semicolon; tab.png",
)


def as_text(rows: list[Decision], folder: Path) -> str:
    write_findings(folder / "findings.csv", rows)
    return (folder / "findings.csv").read_text(encoding="utf-8-sig")


def read_text(text: str, folder: Path, encoding: str = "utf-8") -> tuple[Decision, ...]:
    (folder / "edited.csv").write_bytes(text.encode(encoding))
    return read_findings(folder / "edited.csv")


def header(*columns: str) -> str:
    return ",".join(columns or COLUMNS) + "\n"


ROW = "cat/a.png,exact-duplicate,0.125,0.875,remove,{accept},cat/b.png,cat,,It is a copy.\n"


def test_every_odd_name_comes_back_as_it_was(tmp_path: Path) -> None:
    rows = [
        Decision(finding=finding(name, other=other, label=other, suggested=name, reason=name), accept="yes")
        for name, other in zip(ODD, reversed(ODD), strict=True)
    ]
    write_findings(tmp_path / "findings.csv", rows)
    again = read_findings(tmp_path / "findings.csv")
    assert [replace(row, line=0) for row in again] == rows


@given(st.lists(st.tuples(st.text(min_size=1), st.text(), st.text()), min_size=1, max_size=5))
def test_any_text_that_a_manifest_can_hold_comes_back(names: list[tuple[str, str, str]]) -> None:
    rows = [Decision(finding=finding(escape(a), other=escape(b), reason=escape(c))) for a, b, c in names]
    stream = io.StringIO(newline="")
    csv.writer(stream, lineterminator="\n").writerows([COLUMNS, *map(findings_file.cells, rows)])
    read = findings_file._Reader(Path("x.csv")).read(stream.getvalue())
    # A row of nothing but white space in its path is a row all the same; a path is never empty.
    assert [replace(row, line=0) for row in read] == rows


@given(st.text())
def test_what_a_guard_adds_is_taken_away_again(text: str) -> None:
    assert unguard(guard(text)) == text


@given(st.sampled_from("=+-@＝＋－＠\t\r"), st.text())
def test_no_cell_begins_like_a_formula(first: str, rest: str) -> None:
    assert guard(first + rest)[0] == "'"


@pytest.mark.parametrize("name", ["001", "3-4", "1/2", "1e5", "10:30", "50%", "true", "FALSE"])
def test_a_class_that_a_spreadsheet_would_turn_into_something_else_is_guarded(name: str) -> None:
    assert guard(name) == f"'{name}"


def test_excel_is_told_that_the_file_is_utf_8(tmp_path: Path) -> None:
    write_findings(tmp_path / "findings.csv", [Decision(finding=finding("강아지/1.png"))])
    assert (tmp_path / "findings.csv").read_bytes().startswith(codecs.BOM_UTF8)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "cp949"])
@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_it_is_read_as_spreadsheets_save_it(tmp_path: Path, encoding: str, separator: str, end: str) -> None:
    stream = io.StringIO(newline="")
    write = csv.writer(stream, delimiter=separator, lineterminator=end)
    write.writerow(COLUMNS)
    write.writerow(findings_file.cells(Decision(finding=finding("강아지/까만, 개; 하나.png"), accept="yes")))
    text = stream.getvalue()
    data = text.encode(encoding)
    if encoding == "utf-16-le":
        data = codecs.BOM_UTF16_LE + data
    (tmp_path / "saved.csv").write_bytes(data)
    (row,) = read_findings(tmp_path / "saved.csv")
    assert row.finding.path == "강아지/까만, 개; 하나.png"
    assert row.accept == "yes"


def test_the_line_by_which_excel_is_told_the_separator_is_passed_over(tmp_path: Path) -> None:
    text = "sep=;\r\n" + ";".join(COLUMNS) + "\r\n" + ROW.format(accept="yes").replace(",", ";")
    assert read_text(text, tmp_path)[0].accept == "yes"


def test_columns_may_be_moved_added_and_left_out(tmp_path: Path) -> None:
    text = "my notes, ACCEPT ,Path,action,check,\nsure?,예,cat/a.png,remove,exact-duplicate,\n"
    (row,) = read_text(text, tmp_path)
    assert (row.finding.path, row.accept, row.finding.other, row.finding.score) == ("cat/a.png", "yes", "", 0.0)


@pytest.mark.parametrize("word", ["yes", "Y", "1", "true", "TRUE", "x", " X ", "예", "네", "\u110b\u1168"])
def test_many_words_mean_yes(tmp_path: Path, word: str) -> None:
    assert read_text(header() + ROW.format(accept=word), tmp_path)[0].accept == "yes"


@pytest.mark.parametrize("word", ["no", "N", "0", "false", "아니오", "아니요"])
def test_many_words_mean_no(tmp_path: Path, word: str) -> None:
    assert read_text(header() + ROW.format(accept=word), tmp_path)[0].accept == "no"


def test_numbers_may_have_a_comma_and_the_certainty_alone_is_enough(tmp_path: Path) -> None:
    text = "path;check;action;accept;certainty\ncat/a.png;dark;review;;0,9\n"
    assert read_text(text, tmp_path)[0].finding.score == pytest.approx(0.1)


def test_empty_lines_are_passed_over_and_lines_are_counted_as_an_editor_does(tmp_path: Path) -> None:
    text = header() + "\n,,,,,,,,,\n" + ROW.format(accept="")
    assert read_text(text, tmp_path)[0].line == 4


BAD = {
    "an unknown check": (header() + ROW.format(accept="").replace("exact-dup", "exakt-dup"), 2, "check", "exact-dup"),
    "an unknown action": (header() + ROW.format(accept="").replace("remove", "delete"), 2, "action", "remove"),
    "an unclear answer": (header() + ROW.format(accept="maybe"), 2, "accept", "yes, no or nothing"),
    "no path": (header() + ROW.format(accept="").replace("cat/a.png", ""), 2, "path", "path of a picture"),
    "a score that is none": (header() + ROW.format(accept="").replace("0.125", "high"), 2, "score", "between 0 and 1"),
    "a score beyond": (header() + ROW.format(accept="").replace("0.125", "12"), 2, "score", "between 0 and 1"),
    "NaN": (header() + ROW.format(accept="").replace("0.125", "nan"), 2, "score", "between 0 and 1"),
    "no class to relabel": (
        header() + "\n" + ROW.format(accept="yes").replace("remove", "relabel"),
        3,
        "suggested",
        "new class",
    ),
    "a missing column": (header("path", "check", "action"), 1, "accept", "wanted are path"),
    "a column twice": (header("path", "check", "action", "accept", "path"), 1, "path", "twice"),
    "an unquoted comma": (header() + ROW.format(accept="").replace("a.png", "a,b.png"), 2, "", "quotation marks"),
    "an open quotation": (header() + '"cat/a.png,exact-duplicate', 2, "", "no CSV"),
    "nothing": ("", 1, "path", "missing"),
}


@pytest.mark.parametrize("name", BAD)
def test_what_is_wrong_is_said_with_its_line_column_and_what_was_wanted(tmp_path: Path, name: str) -> None:
    text, line, column, wanted = BAD[name]
    with pytest.raises(UsageError) as caught:
        read_text(text, tmp_path)
    assert "edited.csv" in caught.value.message
    assert f"line {line}" in caught.value.message
    assert f"column {column}" in caught.value.message or not column
    assert wanted in str(caught.value)


@pytest.mark.parametrize(
    "data", [b"\x80\x04\x95\x00\x00 a pickle \xff", b"PK\x03\x04\x00\x00 a workbook", b"\xff\xfeodd"], ids=repr
)
def test_what_is_no_text_is_refused(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "findings.csv").write_bytes(data)
    with pytest.raises(UsageError):
        read_findings(tmp_path / "findings.csv")


def test_an_endless_file_is_not_read_to_its_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(findings_file, "MAX_BYTES", 1000)
    (tmp_path / "findings.csv").write_text(header() + ROW.format(accept="") * 100)
    with pytest.raises(UsageError, match="larger"):
        read_findings(tmp_path / "findings.csv")


def test_one_endless_cell_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="line 2"):
        read_text(header() + ROW.format(accept="").replace("copy", "o" * 200_000), tmp_path)


def test_a_file_that_is_not_there_says_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(SourceNotFound, match="anmok clean"):
        read_findings(tmp_path / "findings.csv")


@given(st.binary(max_size=300))
def test_no_bytes_at_all_bring_the_reader_down(tmp_path_factory: pytest.TempPathFactory, data: bytes) -> None:
    path = tmp_path_factory.getbasetemp() / "fuzzed.csv"
    path.write_bytes(header().encode() + data)
    with contextlib.suppress(UsageError):  # the one error that it may end with
        read_findings(path)


def test_a_full_disk_leaves_the_earlier_file_as_it_was(tmp_path: Path) -> None:
    write_findings(tmp_path / "findings.csv", [Decision(finding=finding("cat/a.png"), accept="yes")])
    before = (tmp_path / "findings.csv").read_bytes()
    code = (
        "import resource, sys; from pathlib import Path\n"
        "from anmok.clean.findings_file import write_findings\n"
        "from anmok.clean.decisions import Decision\n"
        "from anmok.records import Finding\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (20000, 20000))\n"
        "import signal; signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "row = Decision(finding=Finding('a', 'dark', 0.1, True, '', 'r' * 100))\n"
        "write_findings(Path(sys.argv[1]), [row] * 1000)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "findings.csv")], capture_output=True, text=True, check=False
    )
    assert done.returncode != 0
    assert StorageError.__name__ in done.stderr
    assert (tmp_path / "findings.csv").read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == ["findings.csv"]
