from __future__ import annotations

import contextlib
import dataclasses
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from anmok.config import Recipe
from anmok.data.manifest import Manifest
from anmok.data.scan import scan
from anmok.errors import DataError, StorageError, UnknownName, UsageError
from anmok.progress import SilentProgress, Task
from anmok.training import networks
from anmok.training.checkpoint import load_head, load_network
from anmok.training.loop import PictureSet, logits_of
from anmok.training.rows import rows_of
from anmok.training.run import Run
from anmok.training.state import State, load_state, save_state
from anmok.training.train import train
from anmok.training.workers import Workers
from tests.training.made import network_recipe, picture_folder, picture_manifest, small_disk

ROOT = Path(__file__).resolve().parents[2]


class Listener(SilentProgress):
    """Keeps what was said."""

    def __init__(self) -> None:
        self.said: list[str] = []

    def say(self, text: str) -> None:
        self.said.append(text)


def head_recipe(**changes: object) -> Recipe:
    values: dict[str, object] = {"name": "by hand", "model": "handcrafted"}
    return Recipe(**(values | changes))  # type: ignore[arg-type]


def plain(run: Run) -> list[dict[str, float]]:
    return [{name: value for name, value in row.items() if name != "seconds"} for row in run.history()]


@pytest.fixture
def manifest(tmp_path: Path) -> Manifest:
    return picture_manifest(tmp_path / "pictures")


def test_a_network_leaves_a_complete_run(tmp_path: Path, manifest: Manifest) -> None:
    run = train(network_recipe(epochs=3), manifest, tmp_path / "runs", threads=1)
    assert run.folder.parent == tmp_path / "runs"
    assert sorted(path.name for path in run.folder.iterdir()) == [
        "checkpoint",
        "config.json",
        "finished.json",
        "history.csv",
        "predictions.parquet",
    ]
    assert sorted(path.name for path in run.checkpoint_folder.iterdir()) == ["checkpoint.json", "model.safetensors"]
    assert run.classes == manifest.classes
    assert run.data_hash == manifest.content_hash
    assert [row["epoch"] for row in run.history()] == [1, 2, 3]
    assert set(run.seconds) == {"features", "training"}
    assert run.config["environment"]["torch"]


def test_the_predictions_are_those_of_the_kept_weights_in_float32(tmp_path: Path, manifest: Manifest) -> None:
    from anmok.features.extraction import load_pixels

    run = train(network_recipe(epochs=2), manifest, tmp_path / "runs", threads=1)
    predictions, rows = run.predictions(), rows_of(manifest, "valid", "test")
    assert list(predictions.paths) == manifest.table["path"].iloc[rows].tolist()
    assert list(predictions.splits) == manifest.table["split"].iloc[rows].tolist()
    np.testing.assert_array_equal(predictions.labels, manifest.label_indices()[rows])
    pixels = load_pixels(manifest, 32, "squash", threads=1)
    with Workers(1) as workers:
        logits = logits_of(load_network(run), PictureSet(pixels, manifest.label_indices(), rows), workers)
    np.testing.assert_allclose(predictions.probabilities, torch.softmax(logits, dim=1).numpy(), atol=1e-5)


def test_a_head_leaves_a_complete_run_whose_valid_answers_are_out_of_fold(tmp_path: Path, manifest: Manifest) -> None:
    from anmok.features.extraction import extract
    from anmok.models.registry import get_model

    run = train(head_recipe(), manifest, tmp_path / "runs", threads=1)
    assert run.is_finished
    assert run.history() == ()
    vectors = extract(manifest, get_model("handcrafted").extractor(), threads=1)
    head, predictions = load_head(run), run.predictions()
    test = rows_of(manifest, "test")
    np.testing.assert_allclose(predictions.of_split("test").probabilities, head.probabilities(vectors[test]), atol=1e-6)
    assert (predictions.of_split("test").probabilities.argmax(axis=1) == manifest.label_indices()[test]).mean() > 0.8
    seen = head.probabilities(vectors[rows_of(manifest, "valid")])
    assert np.abs(predictions.of_split("valid").probabilities - seen).max() > 1e-3


@pytest.mark.parametrize("recipe", [head_recipe(), network_recipe(epochs=1)], ids=["head", "network"])
def test_a_finished_run_is_returned_as_it_is(tmp_path: Path, manifest: Manifest, recipe: Recipe) -> None:
    first = train(recipe, manifest, tmp_path / "runs", threads=1)
    before = {path: path.stat().st_mtime_ns for path in first.folder.rglob("*")}

    class Refusing(SilentProgress):
        def task(self, title: str, total: int | None = None, *, unit: str = "") -> object:  # type: ignore[override]
            raise AssertionError(f"{title} was begun again")

    again = train(recipe, manifest, tmp_path / "runs", threads=1, progress=Refusing())
    assert again == first
    assert {path: path.stat().st_mtime_ns for path in again.folder.rglob("*")} == before


@pytest.mark.parametrize("recipe", [head_recipe(), network_recipe(epochs=1)], ids=["head", "network"])
def test_the_order_of_the_rows_does_not_matter(tmp_path: Path, manifest: Manifest, recipe: Recipe) -> None:
    shuffled = manifest.with_table(manifest.table.sample(frac=1, random_state=0).reset_index(drop=True))
    assert shuffled.content_hash == manifest.content_hash
    one, other = (train(recipe, m, tmp_path / name, threads=1) for name, m in (("a", manifest), ("b", shuffled)))
    assert one.predictions().paths == other.predictions().paths
    np.testing.assert_array_equal(one.predictions().probabilities, other.predictions().probabilities)


def test_a_network_from_scratch_cannot_be_fine_tuned(tmp_path: Path, manifest: Manifest) -> None:
    for settings in ({"strategy": "partial", "freeze": "all but 1 blocks"}, {"strategy": "full"}):
        with pytest.raises(UsageError, match=r"does not fit|fine-tuning"):
            train(network_recipe(**settings), manifest, tmp_path / "runs")
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize(
    ("recipe", "kind", "words"),
    [
        (network_recipe(strategy="frozen", head="logistic"), UsageError, "does not fit"),
        (head_recipe(strategy="scratch", head="linear"), UsageError, "does not fit"),
        (head_recipe(strategy="full", head="linear"), UsageError, "Strategies of handcrafted: frozen"),
        (network_recipe(head="logistic"), UsageError, "Heads of this strategy: linear"),
        (network_recipe(image_size=40), UsageError, "40 pixels.*steps of 16"),
        (network_recipe(image_size=16), UsageError, "32 pixels or more"),
        (network_recipe(augmentation="flop"), UnknownName, "flip-shift"),
        (network_recipe(model="cnn-smal"), UnknownName, "cnn-small"),
    ],
    ids=["network frozen", "vectors scratch", "vectors full", "logistic", "odd size", "tiny", "policy", "model"],
)
def test_recipes_that_cannot_work_say_why(
    tmp_path: Path, manifest: Manifest, recipe: Recipe, kind: type[Exception], words: str
) -> None:
    with pytest.raises(kind, match=words):
        train(recipe, manifest, tmp_path / "runs", threads=1)
    assert not list((tmp_path / "runs").rglob("finished.json"))


def test_pictures_without_a_split_are_refused(tmp_path: Path) -> None:
    unsplit = scan(picture_folder(tmp_path / "pictures", each=4), threads=1)
    with pytest.raises(DataError, match="12 pictures stand in no split"):
        train(head_recipe(), unsplit, tmp_path / "runs", threads=1)
    table = unsplit.table.assign(split="train")
    with pytest.raises(DataError, match="No picture stands in the split valid"):
        train(head_recipe(), unsplit.with_table(table), tmp_path / "runs", threads=1)


def test_a_damaged_checkpoint_is_said_and_training_begins_anew(tmp_path: Path, manifest: Manifest) -> None:
    wanted = train(network_recipe(epochs=2), manifest, tmp_path / "whole", threads=1)
    run = train(network_recipe(epochs=2), manifest, tmp_path / "runs", threads=1)
    (run.folder / "finished.json").unlink()
    (run.checkpoint_folder / "last.safetensors").write_bytes(b"\x00" * 50)
    listener = Listener()
    train(network_recipe(epochs=2), manifest, tmp_path / "runs", threads=1, progress=listener)
    assert any("training begins anew" in text and "last.safetensors" in text for text in listener.said)
    assert run.is_finished
    assert plain(run) == plain(wanted)


def test_what_lies_in_the_runs_folder_but_is_no_run_makes_room(tmp_path: Path, manifest: Manifest) -> None:
    run = train(head_recipe(), manifest, tmp_path / "runs", threads=1)
    (run.folder / "config.json").write_text("{", encoding="utf-8")
    (run.folder / "rubbish").write_text("x", encoding="utf-8")
    train(head_recipe(), manifest, tmp_path / "runs", threads=1)
    assert run.is_finished
    assert not (run.folder / "rubbish").exists()


PROGRAM = """
import sys
from pathlib import Path
from anmok.data.manifest import Manifest
from anmok.training.train import train
from anmok.training.workers import Workers
from tests.training.made import network_recipe

folder = Path(sys.argv[1])
train(network_recipe(epochs=12), Manifest.load(folder / "manifest.parquet"), folder / "runs", threads=1)
"""


def test_a_training_that_was_killed_goes_on_to_the_same_result_to_the_last_bit(
    tmp_path: Path, manifest: Manifest
) -> None:
    run = killed(tmp_path, manifest)
    assert not run.is_finished
    assert 2 <= len(run.history()) < 12
    listener = Listener()
    recipe = network_recipe(epochs=12)
    assert train(recipe, manifest, tmp_path / "runs", threads=1, progress=listener) == run
    assert any("goes on after epoch" in text for text in listener.said)
    whole = train(recipe, manifest, tmp_path / "whole", threads=1)
    assert [row["epoch"] for row in run.history()] == list(range(1, 13))
    assert_alike(run, whole)
    assert not list(run.folder.rglob("*.part"))


def killed(folder: Path, manifest: Manifest) -> Run:
    """Train in a process of its own, kill it without warning after two epochs, and return its run."""
    manifest.save(folder / "manifest.parquet")
    process = subprocess.Popen([sys.executable, "-c", PROGRAM, str(folder)], cwd=ROOT)
    until = time.monotonic() + 120
    history: list[Path] = []
    while process.poll() is None and time.monotonic() < until:
        history = list((folder / "runs").glob("*/history.csv"))
        if history and len(history[0].read_text(encoding="utf-8").splitlines()) >= 3:
            break
        time.sleep(0.002)
    process.kill()
    assert process.wait(timeout=60) == -signal.SIGKILL
    return Run(history[0].parent)


def assert_alike(run: Run, whole: Run) -> None:
    assert plain(run) == plain(whole)
    weights, wanted = (load_file(one.checkpoint_folder / "model.safetensors") for one in (run, whole))
    assert all(torch.equal(tensor, wanted[name]) for name, tensor in weights.items())
    np.testing.assert_array_equal(run.predictions().probabilities, whole.predictions().probabilities)


class Interrupting(Listener):
    """Sends this process Ctrl-C in the middle of the third epoch."""

    def task(self, title: str, total: int | None = None, *, unit: str = "") -> Task:
        if "training" not in title:
            return super().task(title, total, unit=unit)
        return _InterruptingTask(super().task(title))


class _InterruptingTask:
    def __init__(self, silent: Task) -> None:
        self._silent, self._epochs = silent, 0

    def advance(self, steps: int = 1, /) -> None:
        if self._epochs == 2:
            signal.raise_signal(signal.SIGINT)

    def note(self, text: str, /) -> None:
        self._epochs += 1

    def __enter__(self) -> _InterruptingTask:
        return self

    def __exit__(self, *error: object) -> None:
        pass


def test_after_ctrl_c_it_says_how_to_go_on_and_does(tmp_path: Path, manifest: Manifest) -> None:
    listener, recipe = Interrupting(), network_recipe(epochs=4)
    with pytest.raises(KeyboardInterrupt):
        train(recipe, manifest, tmp_path / "runs", threads=1, progress=listener)
    assert listener.said == ["small: stopped after 2 of 4 epochs and 33% of the next."]
    run = train(recipe, manifest, tmp_path / "runs", threads=1, progress=(later := Listener()))
    assert later.said == ["small: training goes on after epoch 2 of 4 and 33% of the next."]
    assert_alike(run, train(recipe, manifest, tmp_path / "whole", threads=1))


def test_a_checkpoint_without_numbers_is_not_blamed_on_the_learning_rate(tmp_path: Path, manifest: Manifest) -> None:
    recipe = network_recipe(epochs=4)
    with pytest.raises(KeyboardInterrupt):
        train(recipe, manifest, tmp_path / "runs", threads=1, progress=Interrupting())
    (run,) = (Run(folder) for folder in (tmp_path / "runs").iterdir())
    state = load_state(run)
    assert state is not None
    broken = {k: t * float("nan") if t.is_floating_point() else t for k, t in state.tensors.items()}
    save_state(run, State(broken, state.facts))
    assert train(recipe, manifest, tmp_path / "runs", threads=1, progress=(listener := Listener())).is_finished
    assert "the checkpoint cannot be used, so training begins anew" in listener.said[0]
    assert "NaN" in listener.said[0]


def test_views_of_a_network_that_learns_are_refused_and_not_passed_over(tmp_path: Path, manifest: Manifest) -> None:
    with pytest.raises(UsageError, match="views, which are for frozen networks; its strategy is 'scratch'"):
        train(network_recipe(views=2, augmentation="flip-shift"), manifest, tmp_path / "runs", threads=1)


def test_a_full_disk_is_said_and_what_is_done_is_kept(
    tmp_path: Path, manifest: Manifest, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(networks, "save_state", save_once)
        with pytest.raises(StorageError, match=r"last\.safetensors"):
            train(network_recipe(epochs=3), manifest, tmp_path / "runs", threads=1)
    (folder,) = (tmp_path / "runs").iterdir()
    assert len(Run(folder).history()) == 1
    assert not list(folder.rglob("*.part"))
    listener = Listener()
    run = train(network_recipe(epochs=3), manifest, tmp_path / "runs", threads=1, progress=listener)
    assert any("goes on after epoch 1" in text for text in listener.said)
    assert [row["epoch"] for row in run.history()] == [1, 2, 3]


def save_once(run: Run, state: State) -> None:
    """Save the state of the first epoch; for the second the disk is full."""
    with small_disk(10**6) if len(state.facts["history"]) == 2 else contextlib.nullcontext():
        save_state(run, state)


def test_a_folder_that_may_not_be_made_is_said(tmp_path: Path, manifest: Manifest) -> None:
    (tmp_path / "runs").write_text("a file where a folder is wanted", encoding="utf-8")
    with pytest.raises(StorageError, match="runs"):
        train(head_recipe(), manifest, tmp_path / "runs", threads=1)


def test_a_head_on_handcrafted_vectors_needs_no_torch(tmp_path: Path, manifest: Manifest) -> None:
    manifest.save(tmp_path / "manifest.parquet")
    program = """
import sys
from pathlib import Path

class NoTorch:
    def find_spec(self, name, path=None, target=None):
        assert name.split(".")[0] not in ("torch", "torchvision", "timm"), name

sys.meta_path.insert(0, NoTorch())
from anmok.config import Recipe
from anmok.data.manifest import Manifest
from anmok.training.train import train
folder = Path(sys.argv[1])
recipe = Recipe(name="by hand", model="handcrafted")
assert train(recipe, Manifest.load(folder / "manifest.parquet"), folder / "runs", threads=1).is_finished
"""
    done = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path)], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_another_seed_is_another_run(tmp_path: Path, manifest: Manifest) -> None:
    recipe = network_recipe(epochs=1)
    one = train(recipe, manifest, tmp_path / "runs", threads=1)
    other = train(dataclasses.replace(recipe, seed=8), manifest, tmp_path / "runs", threads=1)
    assert one != other
    assert plain(one) != plain(other)
