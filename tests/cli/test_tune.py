"""`anmok tune`: a search that goes on where it was killed, keeps to what may vary, and leaves a recipe that runs."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from anmok.cli.app import run
from anmok.config import SplitConfig, TuneConfig, load_recipe
from anmok.data.manifest import Manifest
from anmok.errors import UsageError
from anmok.models.recipes import get_recipe
from anmok.pipeline.recipe_choice import changed, read_ranges
from anmok.pipeline.tune import tune
from anmok.pipeline.tune_result import TuneFolder
from anmok.progress import SilentProgress, Task
from anmok.storage import read_json
from anmok.training.run import Run, find_run
from tests.training.made import picture_folder

WORDS = ["--recipe", "cnn-small", "--set", "image_size=32", "--set", "epochs=3", "--set", "batch_size=8"]
WORDS += ["--vary", "learning_rate={low=1e-4, high=1e-2, log=true}", "--vary", "label_smoothing=[0.0, 0.2]"]
WORDS += ["--threads", "1", "--valid", "0.3"]


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return picture_folder(tmp_path_factory.mktemp("tune") / "stripes")


@pytest.fixture(scope="module")
def searched(pictures: Path, module_cache: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("searched") / "out"
    assert run(["tune", str(pictures), *WORDS, "--trials", "5", "--out", str(out)]) == 0
    return out


def tried(out: Path) -> list[tuple[object, ...]]:
    return [(trial.settings, trial.state, trial.loss, trial.losses) for trial in TuneFolder(out).read().trials]


def test_the_best_trial_is_a_recipe_that_trains_and_whose_run_is_at_hand(
    searched: Path,
) -> None:
    tuning = TuneFolder(searched).read()
    assert len(tuning.trials) == 5
    winner = tuning.winner
    assert winner is not None
    assert winner.loss == min(trial.loss for trial in tuning.trials if trial.state == "complete")
    best = load_recipe(searched / "best.toml")
    assert best.learning_rate == winner.settings["learning_rate"]
    assert (best.epochs, best.image_size, best.batch_size) == (3, 32, 8)
    runs = [Run(folder) for folder in (searched / "runs").iterdir()]
    assert [kept.recipe for kept in runs] == [best]
    # Test pictures were divided off, and nobody measured them.
    assert not runs[0].metrics_path.exists()
    assert (Manifest.load(searched / "manifest.parquet").table["split"] == "test").any()
    # So `anmok train --recipe best.toml --out …`, which the search prints, trains nothing anew.
    run_at_hand, begun = find_run(searched / "runs", best, Manifest.load(searched / "manifest.parquet").content_hash)
    assert begun
    assert run_at_hand.is_finished


def test_a_search_that_has_all_its_trials_says_so_and_does_not_say_that_it_goes_on(
    searched: Path, pictures: Path, shared_cache: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = tried(searched)
    assert run(["tune", str(pictures), *WORDS, "--trials", "5", "--out", str(searched)]) == 0
    told = " ".join(capsys.readouterr().err.split())
    assert "5 trials were made before, as many as are asked for" in told
    assert "the search goes on" not in told
    assert tried(searched) == before


def test_the_recipes_own_settings_are_the_first_trial(searched: Path) -> None:
    first = TuneFolder(searched).read().trials[0]
    assert first.settings["learning_rate"] == get_recipe("cnn-small").learning_rate
    assert first.state == "complete"
    assert len(first.losses) == 3


def test_only_what_may_vary_varies_and_inside_its_range(searched: Path) -> None:
    for trial in TuneFolder(searched).read().trials:
        assert set(trial.settings) == {"learning_rate", "label_smoothing"}
        assert 1e-4 <= trial.settings["learning_rate"] <= 1e-2
        assert trial.settings["label_smoothing"] in (0.0, 0.2)


def test_the_page_names_every_trial_and_needs_no_network(searched: Path) -> None:
    page = (searched / "tune.html").read_text(encoding="utf-8")
    assert page.count("<circle") == 3 * 5
    assert "learning_rate" in page
    assert "http" not in page.replace("http-equiv", "")


class _Impatient(SilentProgress):
    """Somebody who presses Ctrl-C in the middle of the second trial."""

    def task(self, title: str, total: int | None = None, *, unit: str = "") -> Task:
        class Pressing(type(super().task(title))):  # type: ignore[misc]
            def note(self, text: str, /) -> None:
                if text.startswith("trial 2: epoch 1"):
                    raise KeyboardInterrupt

        return Pressing()  # type: ignore[no-any-return]


def test_a_search_that_was_interrupted_goes_on_in_the_middle_of_a_trial_and_finds_the_same(
    searched: Path, pictures: Path, shared_cache: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "interrupted"
    recipe = changed(get_recipe("cnn-small"), {"image_size": 32, "epochs": 3, "batch_size": 8})
    space = read_ranges(recipe, [WORDS[place + 1] for place, word in enumerate(WORDS) if word == "--vary"])
    config = TuneConfig(trials=5, split=SplitConfig(valid=0.3), threads=1)
    with pytest.raises(KeyboardInterrupt):
        tune(pictures, out, recipe, space, config, progress=_Impatient())
    assert tried(out) == tried(searched)[:1]
    assert (out / "tune.html").is_file()
    begun = [Run(folder) for folder in (out / "runs").iterdir()]
    assert [len(each.history()) for each in begun if not each.is_finished] == [1]
    assert run(["tune", str(pictures), *WORDS, "--trials", "3", "--out", str(out), "--json"]) == 0
    assert tried(out) == tried(searched)[:3]
    assert json.loads(capsys.readouterr().out) == read_json(out / "tune.json")


def test_choices_of_a_head_on_vectors_are_tried_once_each_and_judged_out_of_fold(
    pictures: Path, shared_cache: Path, tmp_path: Path
) -> None:
    recipe = get_recipe("handcrafted")
    space = {"class_weights": ("none", "balanced"), "resize": ("squash", "crop")}
    tuning = tune(pictures, tmp_path / "out", recipe, space, TuneConfig(trials=7, threads=1))
    assert len(tuning.trials) == 7
    losses = {tuple(trial.settings.values()): trial.loss for trial in tuning.trials}
    for trial in tuning.trials:
        assert trial.loss == losses[tuple(trial.settings.values())]
        assert trial.losses == ()
    run_of_best = Run(next((tmp_path / "out" / "runs").iterdir()))
    valid = run_of_best.predictions().of_split("valid")
    assert tuning.winner is not None
    assert tuning.winner.accuracy == pytest.approx((valid.probabilities.argmax(1) == valid.labels).mean())


def test_time_that_is_over_ends_the_search_after_a_first_trial(
    pictures: Path, shared_cache: Path, tmp_path: Path
) -> None:
    space = {"class_weights": ("none", "balanced")}
    config = TuneConfig(trials=9, minutes=1e-6, threads=1)
    assert len(tune(pictures, tmp_path / "out", get_recipe("handcrafted"), space, config).trials) == 1


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--recipe", "handcrafted"], "does not say what a search may vary"),
        (["--recipe", "cnn-small", "--vary", "learning_rate=0.1"], "a list of choices"),
        (["--recipe", "cnn-small", "--vary", "seed=[1, 2]", "--set", "seed=3"], "cannot both be fixed"),
    ],
)
def test_what_cannot_be_searched_is_said_first(
    pictures: Path, tmp_path: Path, words: list[str], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    assert run(["tune", str(pictures), *words, "--out", str(out)]) == 2
    assert told in " ".join(capsys.readouterr().err.split())
    assert not out.exists()


def test_a_recipe_that_cannot_be_trained_ends_the_search_at_once(
    pictures: Path, shared_cache: Path, tmp_path: Path
) -> None:
    space = {"image_size": (33, 34)}
    with pytest.raises(UsageError, match="pictures of"):
        tune(pictures, tmp_path / "out", get_recipe("cnn-small"), space, TuneConfig(trials=2, threads=1))
