from __future__ import annotations

import subprocess
import sys
import webbrowser
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner, Result

from anmok.cli import report
from anmok.errors import SourceNotFound, StorageError, UsageError
from anmok.evaluation.results import Comparison
from anmok.evaluation.stored import comparison_to_json
from anmok.storage import write_json
from report.comparisons import comparison
from report.conftest import jpeg
from report.pages import Page


def run(*words: str | Path) -> Result:
    app = typer.Typer()
    report.register(app)
    return CliRunner().invoke(app, [str(word) for word in words])


def page(path: Path) -> Page:
    return Page(path.read_text(encoding="utf-8"))


def stored(folder: Path, classes: Sequence[str] = ("녹차밭", "b")) -> Comparison:
    """Store a comparison whose pictures lie in ``folder/pictures``."""
    paths = tuple(f"{label}/{number}.jpg" for label in classes for number in range(2))
    for number, path in enumerate(paths):
        (folder / "pictures" / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / "pictures" / path).write_bytes(jpeg(number, 96, 72))
    samples = {label: tuple(path for path in paths if path.startswith(label)) for label in classes}
    given = comparison(classes, models=(("handcrafted", 0.7),), paths=paths, samples=samples)
    given = replace(given, data=replace(given.data, location=str(folder / "pictures")))
    write_json(folder / "out" / "comparison.json", comparison_to_json(given))
    return given


def test_report_is_drawn_again_from_the_stored_values_and_the_pictures(tmp_path: Path) -> None:
    stored(tmp_path)
    result = run(tmp_path / "out")
    assert result.exit_code == 0
    assert result.stdout.strip() == str(tmp_path / "out" / "report.html")
    drawn = page(tmp_path / "out" / "report.html")
    assert len(drawn.attributes("img", "src")) == 4 + 24
    assert drawn.of_class("hole") == 0


def test_report_speaks_the_language_that_was_asked_for(tmp_path: Path) -> None:
    stored(tmp_path)
    assert run(tmp_path / "out", "--lang", "ko", "-o", tmp_path / "ko.html").exit_code == 0
    assert page(tmp_path / "ko.html").attributes("html", "lang") == ["ko"]
    assert not (tmp_path / "out" / "report.html").exists()
    assert run(tmp_path / "out", "--lang", "xx").exit_code == 2


def test_source_that_was_moved_away_costs_the_pictures_only(tmp_path: Path) -> None:
    stored(tmp_path)
    (tmp_path / "pictures").rename(tmp_path / "elsewhere")
    result = run(tmp_path / "out")
    assert result.exit_code == 0
    assert "The report has no pictures" in result.stderr
    drawn = page(tmp_path / "out" / "report.html")
    assert "The pictures were not at hand" in drawn.text
    assert drawn.attributes("img", "src") == []


def test_several_folders_are_drawn_each_into_its_own(tmp_path: Path) -> None:
    for name in ("one", "two"):
        stored(tmp_path / name)
    result = run(tmp_path / "one" / "out", tmp_path / "two" / "out" / "comparison.json")
    assert result.exit_code == 0
    assert all((tmp_path / name / "out" / "report.html").exists() for name in ("one", "two"))


def test_one_file_for_several_reports_is_refused(tmp_path: Path) -> None:
    result = run(tmp_path, tmp_path, "-o", tmp_path / "all.html")
    assert isinstance(result.exception, UsageError)
    assert "2 folders" in result.exception.message


def test_folder_without_a_comparison_is_an_error_that_names_it(tmp_path: Path) -> None:
    result = run(tmp_path)
    assert isinstance(result.exception, SourceNotFound)
    assert str(tmp_path) in result.exception.message
    (tmp_path / "comparison.json").write_text("{", encoding="utf-8")
    assert isinstance(run(tmp_path).exception, StorageError)


def test_a_folder_that_is_not_there_is_named_with_what_may_be(tmp_path: Path) -> None:
    error = run(tmp_path / "nowhere").exception
    assert isinstance(error, SourceNotFound)
    assert "There is no folder" in error.message
    assert "runs/" in error.hint


def test_report_is_opened_in_the_browser_only_on_demand(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[str] = []
    monkeypatch.setattr(webbrowser, "open", lambda address: bool(opened.append(address)))
    stored(tmp_path)
    run(tmp_path / "out")
    assert opened == []
    result = run(tmp_path / "out", "--open")
    assert opened == [(tmp_path / "out" / "report.html").as_uri()]
    assert f"open {tmp_path / 'out' / 'report.html'} yourself".replace("\n", "") in result.stderr.replace("\n", "")


def test_help_of_the_command_loads_no_drawing_library() -> None:
    script = "import sys, anmok.cli.report\nassert not {'matplotlib', 'jinja2', 'pandas'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", script], check=True)
