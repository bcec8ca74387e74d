"""`anmok report` with several runs: one comparison, if they were measured on the same test pictures."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from anmok.cli.app import run
from anmok.evaluation.stored import read_comparison
from anmok.storage import read_json
from anmok.training.run import Run
from tests.training.made import picture_folder

QUICK = ["--no-precheck", "--threads", "1", "--valid", "0.3"]


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return picture_folder(tmp_path_factory.mktemp("runs") / "stripes")


@pytest.fixture(scope="module")
def trained(pictures: Path, module_cache: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three trainings at different times: two on the same division, one on another."""
    folder = tmp_path_factory.mktemp("trained")
    for name, recipe, more in (
        ("first", "handcrafted", []),
        ("second", "features-2d", []),
        ("other", "handcrafted", ["--split-seed", "1"]),
    ):
        assert run(["train", str(pictures), "--recipe", recipe, *QUICK, *more, "--out", str(folder / name)]) == 0
    return folder


def only_run(folder: Path) -> Path:
    (found,) = (folder / "runs").iterdir()
    return found


def test_runs_of_the_same_test_pictures_become_one_comparison(
    trained: Path, shared_cache: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folders = [str(only_run(trained / "first")), str(trained / "second")]
    assert run(["report", *folders, "--out", str(tmp_path / "joint")]) == 0
    assert str(tmp_path / "joint" / "report.html") in capsys.readouterr().out.replace("\n", "")
    comparison = read_comparison(tmp_path / "joint")
    assert [model.name for model in comparison.models] == ["handcrafted", "features-2d"]
    before = [read_comparison(trained / name).models[0] for name in ("first", "second")]
    assert [model.evaluation for model in comparison.models] == [model.evaluation for model in before]
    (pair,) = comparison.pairs
    assert pair.pictures == before[0].evaluation.pictures
    assert set(comparison.only_mistakes_count) == {"handcrafted", "features-2d"}
    summary = read_json(tmp_path / "joint" / "summary.json")
    assert summary["best"] == comparison.best
    assert summary["pairs"][0]["differences"]["accuracy"]["p_holm"] == pair.differences["accuracy"].p_holm
    assert summary["models"]["handcrafted"]["latency_ms"] > 0
    for model in comparison.models:
        assert Run(tmp_path / "joint" / model.run).is_finished
        assert (tmp_path / "joint" / model.bundle).is_file()
    best = next(model for model in comparison.models if model.name == comparison.best)
    assert (tmp_path / "joint" / "best.anmok").read_bytes() == (tmp_path / "joint" / best.bundle).read_bytes()
    assert (tmp_path / "joint" / "report.html").stat().st_size > 10_000
    # A joint comparison can take part in the next one, and each run comes once.
    assert run(["report", str(tmp_path / "joint"), str(trained / "second"), "-o", str(tmp_path / "again")]) == 0
    assert len(read_comparison(tmp_path / "again").models) == 2


def test_runs_of_other_test_pictures_are_refused_with_the_pictures_that_differ(
    trained: Path, shared_cache: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folders = [str(trained / "first"), str(trained / "other")]
    assert run(["report", *folders, "--out", str(tmp_path / "joint")]) == 1
    told = " ".join(capsys.readouterr().err.split())
    first, other = (set(Run(only_run(trained / name)).answers().paths) for name in ("first", "other"))
    ids = [only_run(trained / name).name for name in ("first", "other")]
    assert (
        f"{ids[0]} and {ids[1]} were not measured on the same test pictures: {len(first - other)} of {ids[0]}" in told
    )
    assert min(first - other) in told
    assert min(other - first) in told
    assert "anmok split SOURCE" in told
    assert not (tmp_path / "joint").exists()


def test_a_picture_whose_label_or_content_changed_is_another_picture(
    trained: Path, shared_cache: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    changed = shutil.copytree(trained / "second", tmp_path / "changed")
    finished = Run(only_run(changed))
    answers = finished.answers()
    ids = ("0" * 64, *answers.ids[1:])
    finished.write_answers(type(answers)(answers.paths, ids, answers.splits, answers.labels, answers.probabilities))
    assert run(["report", str(trained / "first"), str(changed), "--out", str(tmp_path / "joint")]) == 1
    told = " ".join(capsys.readouterr().err.split())
    assert f"1 with another label or other content ({answers.paths[0]})" in told


def test_without_out_runs_go_to_a_folder_of_their_own_and_comparisons_stay_where_they_are(
    trained: Path, shared_cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    place = os.path.relpath(trained)
    pages = [trained / name / "report.html" for name in ("first", "other")]
    before = [page.stat().st_mtime_ns for page in pages]
    assert run(["report", f"{place}/first", f"{place}/other"]) == 0
    assert all(page.stat().st_mtime_ns > old for page, old in zip(pages, before, strict=True))
    assert not (tmp_path / "anmok-report").exists()
    assert run(["report", f"{place}/first", str(only_run(Path(place) / "second"))]) == 0
    assert (tmp_path / "anmok-report" / "report.html").is_file()


def test_runs_of_one_recipe_are_named_by_the_settings_in_which_they_differ(
    trained: Path, pictures: Path, shared_cache: Path, tmp_path: Path
) -> None:
    more = ["--recipe", "features-2d", "--seed", "3", *QUICK]
    assert run(["train", str(pictures), *more, "--out", str(tmp_path / "third")]) == 0
    folders = [str(trained / "second"), str(tmp_path / "third"), str(trained / "first")]
    assert run(["report", *folders, "--out", str(tmp_path / "joint")]) == 0
    names = [model.name for model in read_comparison(tmp_path / "joint").models]
    assert names == ["features-2d, seed 0", "features-2d, seed 3", "handcrafted"]
    assert {pair.first for pair in read_comparison(tmp_path / "joint").pairs} <= set(names)


def test_one_run_is_drawn_alone_into_its_folder(trained: Path, shared_cache: Path) -> None:
    folder = only_run(trained / "first")
    assert run(["report", str(folder)]) == 0
    assert "handcrafted" in (folder / "report.html").read_text(encoding="utf-8")
    (folder / "report.html").unlink()


def test_a_folder_with_runs_of_its_own_is_not_written_over(
    trained: Path, shared_cache: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = (trained / "first" / "comparison.json").read_bytes()
    assert run(["report", str(trained / "first"), str(trained / "second"), "--out", str(trained / "first")]) != 0
    assert "holds something else" in " ".join(capsys.readouterr().err.split())
    assert (trained / "first" / "comparison.json").read_bytes() == before


def test_what_holds_no_run_is_named(
    trained: Path, shared_cache: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "empty").mkdir()
    assert run(["report", str(trained / "first"), str(tmp_path / "empty"), "--out", str(tmp_path / "joint")]) != 0
    assert "There is no run in" in capsys.readouterr().err
