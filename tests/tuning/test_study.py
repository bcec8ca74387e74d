"""What a search tries depends on the seed and the trials before, however often it was interrupted."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest

from anmok.config import Recipe, SearchRange
from anmok.errors import StorageError
from anmok.tuning.study import BY_CHANCE, Space, Study

SPACE: Space = {
    "learning_rate": SearchRange(low=1e-5, high=1e-1, log=True),
    "batch_size": SearchRange(low=8, high=64),
    "head_layers": (("average-pool",), ("average-pool", "dense 8")),
}


def recipe() -> Recipe:
    return Recipe(name="r", model="m", head="layers", head_layers=("average-pool",), learning_rate=1e-3, batch_size=16)


def study(folder: Path, **changes: Any) -> Study:
    values: dict[str, Any] = {"recipe": recipe(), "space": SPACE, "data_hash": "d", "epochs": 9, "seed": 4}
    return Study(folder / "tune.journal", **(values | changes))


def loss_of(settings: dict[str, Any]) -> float:
    return abs(math.log10(settings["learning_rate"]) + 2) + settings["batch_size"] / 100


def play(folder: Path, count: int, *, open_each_time: bool) -> list[dict[str, Any]]:
    search, tried = study(folder), []
    for number in range(count):
        if open_each_time:
            search.ask()  # and killed: nobody tells how it ended
            search = study(folder)
            if number % 3 == 0:
                with (folder / "tune.journal").open("ab") as journal:
                    journal.write(b'{"op_code": 4, "worker')
                search = study(folder)
        trial, settings = search.ask()
        tried.append(settings)
        search.study.tell(trial, loss_of(settings))
    return tried


def test_a_search_that_is_killed_at_every_trial_tries_the_same_settings(tmp_path: Path) -> None:
    whole = play(tmp_path / "whole", BY_CHANCE + 6, open_each_time=False)
    assert play(tmp_path / "killed", BY_CHANCE + 6, open_each_time=True) == whole
    assert len(study(tmp_path / "killed").counted()) == BY_CHANCE + 6
    assert len({str(settings) for settings in whole}) > BY_CHANCE


def test_the_recipes_own_settings_come_first_and_values_keep_their_kind(tmp_path: Path) -> None:
    tried = play(tmp_path, 4, open_each_time=False)
    assert tried[0] == {"learning_rate": 1e-3, "batch_size": 16, "head_layers": ("average-pool",)}
    for settings in tried:
        assert isinstance(settings["batch_size"], int)
        assert settings["head_layers"] in SPACE["head_layers"]  # type: ignore[operator]


def test_the_estimator_finds_the_region_that_is_better(tmp_path: Path) -> None:
    tried = play(tmp_path, 30, open_each_time=False)
    by_chance = sorted(map(loss_of, tried[:BY_CHANCE]))[BY_CHANCE // 2]
    proposed = sorted(map(loss_of, tried[-BY_CHANCE:]))[BY_CHANCE // 2]
    assert proposed < 0.7 * by_chance


def test_another_recipe_seed_or_data_is_another_search_in_the_same_journal(tmp_path: Path) -> None:
    play(tmp_path, 2, open_each_time=False)
    assert len(study(tmp_path).counted()) == 2
    for changes in ({"seed": 5}, {"data_hash": "e"}, {"space": {"batch_size": (8, 16)}}):
        assert study(tmp_path, **changes).counted() == []


def test_of_nine_epochs_the_worse_trainings_are_stopped_after_one_and_after_three(tmp_path: Path) -> None:
    search = study(tmp_path)
    for _trial in range(3):
        good, _settings = search.ask()
        for epoch in range(1, 10):
            good.report(1 / epoch, epoch)
            assert not good.should_prune()
        search.study.tell(good, 1 / 9)
    bad, _settings = search.ask()
    bad.report(2.0, 1)
    assert bad.should_prune()
    late, _settings = search.ask()
    for epoch, loss in ((1, 0.9), (2, 0.9)):
        late.report(loss, epoch)
        assert not late.should_prune()
    late.report(0.9, 3)
    assert late.should_prune()


def test_a_journal_of_something_else_is_named(tmp_path: Path) -> None:
    (tmp_path / "tune.journal").write_text("no journal\nat all\n", encoding="utf-8")
    with pytest.raises(StorageError, match=r"tune\.journal is damaged"):
        study(tmp_path)


@pytest.mark.parametrize("name", ["../../pictures", "/home", "", ".", "a/b", "a\0b"])
def test_a_strangers_journal_cannot_name_a_folder_that_would_be_deleted(tmp_path: Path, name: str) -> None:
    search = study(tmp_path)
    trial, _settings = search.ask()
    trial.set_user_attr("run", name)
    search.study.tell(trial, 1.0)
    with pytest.raises(StorageError, match=r"tune\.journal is damaged"):
        study(tmp_path)


@pytest.mark.parametrize("line", ["[1, 2]", "null", '{"op_code": 99}'])
def test_a_journal_of_something_else_is_refused_by_name(tmp_path: Path, line: str) -> None:
    study(tmp_path)
    with (tmp_path / "tune.journal").open("a", encoding="utf-8") as journal:
        journal.write(line + "\n")
    with pytest.raises(StorageError, match=r"tune\.journal is damaged"):
        study(tmp_path)
