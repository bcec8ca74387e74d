"""`anmok recipes`: the list, a recipe with its comments, and what was mended."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path

import pytest

from anmok.cli.app import run
from anmok.models.recipes import FOLDER, recipe_names

MINE = '# [red]Mine.\nname = "m[b]ine"\nmodel = "cnn-small"\nstrategy = "scratch"\nhead = "linear"\nepochs = 3\n'


def test_the_list_names_every_recipe_and_whose_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["recipes", "list"]) == 0
    text = capsys.readouterr().out
    assert all(name in text for name in recipe_names())
    assert "a study of 100 sports" in text
    assert run(["recipes", "list", "--json"]) == 0
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [row["name"] for row in rows] == list(recipe_names())
    (sports,) = [row for row in rows if row["name"] == "sports-cnn-1"]
    assert sports["mended"] == ["keep", "patience"]
    assert "learning_rate" in sports["search"]
    assert (sports["model"], sports["strategy"], sports["source"]) == (
        *("sports-cnn-1", "scratch", "a study of 100 sports"),
    )


def test_what_is_shown_is_the_file_so_that_it_can_be_kept_and_changed(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["recipes", "show", "horse-human-resnet50"]) == 0
    shown = capsys.readouterr().out
    assert shown == (FOLDER / "horse-human-resnet50.toml").read_text(encoding="utf-8")
    assert tomllib.loads(shown)["as_published"]["preprocessing"] == "mistake-0-1"


def test_a_recipe_as_json_tells_settings_mistakes_and_ranges(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["recipes", "show", "sports-mobilenetv2", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["recipe"]["epochs"] == 30
    assert told["as_published"]["keep"] == "last"
    assert told["search"]["learning_rate"] == {"low": 1e-4, "high": 1e-2, "log": True}
    assert told["search"]["head_layers"][0] == ["average-pool", "dropout 0.1"]


def test_the_difference_to_what_was_published_is_shown_with_the_reason(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["recipes", "diff", "sports-cnn-1", "--as-published"]) == 0
    text = capsys.readouterr().out
    assert "sports-cnn-1-as-published" in text
    assert [line.split() for line in text.splitlines() if line.startswith(("patience", "keep"))] == [
        ["patience", "5", "0"],
        ["keep", "best-loss", "last"],
    ]
    assert "epochs " not in text.partition("All 20 epochs")[0]
    assert "learn by heart" in text
    assert run(["recipes", "diff", "sports-cnn-1", "--as-published", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["settings"] == {
        "patience": {"first": 5, "second": 0},
        "keep": {"first": "best-loss", "second": "last"},
    }


def test_a_recipe_of_one_s_own_is_compared_and_cannot_steer_the_terminal(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(MINE, encoding="utf-8")
    assert run(["recipes", "diff", str(path), "cnn-small"]) == 0
    text = capsys.readouterr().out
    assert "m[b]ine" in text
    assert any(line.split() == ["epochs", "3", "0"] for line in text.splitlines())
    assert run(["recipes", "diff", str(path), str(path)]) == 0
    assert "nothing but their names" in capsys.readouterr().out
    path.write_text('name = "mine"\nmodel = "a\\u001b[31mb"\n', encoding="utf-8")
    assert run(["recipes", "diff", str(path), "cnn-small"]) == 0
    assert "\x1b" not in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["diff", "sports-cnn-1"], "Two recipes are wanted"),
        (["diff", "sports-cnn-1", "sports-cnn-2", "--as-published"], "Two recipes are wanted"),
        (["diff", "cnn-small", "--as-published"], "names no mistake"),
        (["diff", "sport-cnn-1", "sports-cnn-2"], "Did you mean sports-cnn-1"),
        (["show", "sprots-cnn-2"], "Did you mean sports-cnn-2"),
        (["show", "away.toml"], "no recipe file"),
    ],
)
def test_what_cannot_be_meant_is_refused_with_what_can(
    arguments: list[str], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["recipes", *arguments]) == 2
    assert told in " ".join(capsys.readouterr().err.split())
