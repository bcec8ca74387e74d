"""The strategy frozen: every kind of head learns on vectors, leaves a complete run, and is served as it was trained."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest

from anmok.bundle.export import export_run
from anmok.bundle.format import read_bundle
from anmok.config import Recipe
from anmok.data.manifest import Manifest
from anmok.errors import UsageError
from anmok.progress import SilentProgress
from anmok.training import frozen, precheck_result
from anmok.training.checkpoint import load_head
from anmok.training.observer import Observer
from anmok.training.run import Run
from anmok.training.train import train
from tests.training.made import picture_manifest

ROOT = Path(__file__).resolve().parents[2]
LAYERS = ("average-pool", "dense 16", "dropout 0.2")


def layers_recipe(**changes: object) -> Recipe:
    values: dict[str, object] = {
        "name": "layers",
        "model": "handcrafted",
        "head": "layers",
        "head_layers": LAYERS,
        "optimizer": "adam",
        "schedule": "constant",
        "epochs": 6,
        "batch_size": 8,
        "seed": 2,
    }
    return Recipe(**(values | changes))  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def manifest(tmp_path_factory: pytest.TempPathFactory) -> Manifest:
    return picture_manifest(tmp_path_factory.mktemp("frozen") / "pictures", each=20)


@pytest.fixture(autouse=True)
def _cache(module_cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANMOK_CACHE", str(module_cache))


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"head": "linear", "head_layers": ()},
        {"head_layers": ("max-pool", "batch-norm", "dense 8")},
        {"copies": 1, "views": 1, "augmentation": "flip-shift"},
    ],
    ids=["layers", "linear", "batch norm", "copies and views"],
)
def test_a_head_of_layers_leaves_a_complete_run_that_is_served_as_trained(
    tmp_path: Path, manifest: Manifest, settings: dict[str, object]
) -> None:
    run = train(layers_recipe(**settings), manifest, tmp_path, threads=2)
    assert run.is_finished
    assert [row["epoch"] for row in run.history()] == [1, 2, 3, 4, 5, 6]
    assert run.history()[-1]["train_loss"] < run.history()[0]["train_loss"]
    info = read_bundle(export_run(run, manifest)).info
    assert info.parity is not None
    assert info.parity.same_class == 1.0
    assert info.parity.max_difference < 1e-4


def test_vectors_that_hardly_differ_are_told_of_before_layers_learn_from_them(tmp_path: Path) -> None:
    manifest = picture_manifest(tmp_path / "pictures", each=6)
    said: list[str] = []

    class Listener(SilentProgress):
        def say(self, text: str) -> None:
            said.append(text)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(precheck_result, "ALIKE", 10.0)  # as if a network saw no difference between them
        train(layers_recipe(epochs=1), manifest, tmp_path / "alike", threads=1, progress=Listener())
    assert any("sees hardly any difference between the pictures" in text for text in said)
    said.clear()
    train(layers_recipe(epochs=1), manifest, tmp_path / "fine", threads=1, progress=Listener())
    assert not any("hardly any difference" in text for text in said)


def test_maps_in_files_train_the_head_that_maps_in_memory_do(
    tmp_path: Path, manifest: Manifest, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe = layers_recipe(head_layers=("flatten", "dense 4"), epochs=2)
    inside = train(recipe, manifest, tmp_path / "inside", threads=1)
    monkeypatch.setattr(frozen, "LONGEST_IN_MEMORY", 10)
    outside = train(recipe, manifest, tmp_path / "outside", threads=1)
    given, wanted = (run.predictions().probabilities for run in (outside, inside))
    np.testing.assert_allclose(given, wanted, atol=5e-3)
    assert read_bundle(export_run(outside, manifest)).info.parity is not None


def test_the_same_recipe_gives_the_same_head_to_the_last_bit_with_any_number_of_threads(
    tmp_path: Path, manifest: Manifest
) -> None:
    one, two = (train(layers_recipe(), manifest, tmp_path / str(n), threads=n) for n in (1, 3))
    np.testing.assert_array_equal(one.predictions().probabilities, two.predictions().probabilities)
    other = train(layers_recipe(seed=3), manifest, tmp_path / "1", threads=1)
    assert not np.array_equal(one.predictions().probabilities, other.predictions().probabilities)


def test_the_kept_epoch_is_the_one_that_the_recipe_names(tmp_path: Path, manifest: Manifest) -> None:
    # A rate so high that the best epochs come before the last.
    settings = {"learning_rate": 0.3, "epochs": 10, "head_layers": ("average-pool", "dense 4")}
    for keep in ("best-loss", "best-accuracy", "last"):
        run = train(layers_recipe(keep=keep, **settings), manifest, tmp_path, threads=1)
        rows = run.history()
        valid = run.predictions().of_split("valid")
        accuracy = (valid.probabilities.argmax(axis=1) == valid.labels).mean()
        wanted = {
            "best-loss": min(rows, key=lambda row: row["valid_loss"]),
            "best-accuracy": max(rows, key=lambda row: row["valid_accuracy"]),
            "last": rows[-1],
        }[keep]
        assert accuracy == pytest.approx(wanted["valid_accuracy"])


def test_training_stops_when_validation_loss_has_not_fallen_for_so_long(tmp_path: Path, manifest: Manifest) -> None:
    run = train(layers_recipe(learning_rate=0.5, epochs=60, patience=2), manifest, tmp_path, threads=1)
    losses = [row["valid_loss"] for row in run.history()]
    assert len(losses) < 60
    assert len(losses) == losses.index(min(losses)) + 3


class Listening(Observer):
    def __init__(self) -> None:
        self.heard: list[float] = []

    def epoch_ended(self, run: Run, row: Mapping[str, float]) -> None:
        self.heard.append(row["valid_loss"])


def test_a_power_is_learned_with_and_served(tmp_path: Path, manifest: Manifest) -> None:
    recipe = Recipe(name="root", model="handcrafted", power=0.5)
    run = train(recipe, manifest, tmp_path)
    plain = train(Recipe(name="plain", model="handcrafted"), manifest, tmp_path)
    assert not np.allclose(run.predictions().probabilities, plain.predictions().probabilities)
    # The export compares the graph's answers with the head's, picture by picture, and is refused if they differ.
    parity = read_bundle(export_run(run, manifest)).info.parity
    assert parity is not None
    assert parity.same_class == 1


def test_observers_hear_of_every_epoch(tmp_path: Path, manifest: Manifest) -> None:
    listening = Listening()
    run = train(layers_recipe(), manifest, tmp_path, threads=1, observers=[listening])
    assert listening.heard == [row["valid_loss"] for row in run.history()]


def test_a_head_of_layers_does_not_learn_from_valid(tmp_path: Path, manifest: Manifest) -> None:
    table = manifest.table.copy()
    valid = table["split"] == "valid"
    table.loc[valid, "label"] = table.loc[valid, "label"].to_numpy()[::-1].copy()
    recipe = layers_recipe(keep="last")
    one, other = (train(recipe, m, tmp_path, threads=1) for m in (manifest, manifest.with_table(table)))
    assert one.folder != other.folder
    first, second = (load_head(run) for run in (one, other))
    vectors = np.random.default_rng(0).normal(size=(3, first.steps[0].weight.shape[1])).astype(np.float32)  # type: ignore[union-attr]
    np.testing.assert_array_equal(first.logits(vectors), second.logits(vectors))


@pytest.mark.parametrize("setting", [{"mixup": 0.2}, {"ema": 0.9}, {"accumulate": 2}], ids=lambda s: next(iter(s)))
def test_settings_that_vectors_have_no_use_for_are_refused(
    tmp_path: Path, manifest: Manifest, setting: dict[str, float]
) -> None:
    with pytest.raises(UsageError, match=next(iter(setting))):
        train(layers_recipe(**setting), manifest, tmp_path)


WITHOUT_TORCH = """
import sys
from pathlib import Path

class NoTorch:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in ("torch", "torchvision", "timm"):
            raise ModuleNotFoundError(name)

sys.meta_path.insert(0, NoTorch())
from anmok.bundle.export import export_run
from anmok.config import Recipe
from anmok.data.manifest import Manifest
from anmok.models.recipes import get_recipe
from anmok.training.train import train
folder = Path(sys.argv[1])
manifest = Manifest.load(folder / "manifest.parquet")
run = train(get_recipe("mobilenetv2"), manifest, folder / "runs", threads=1)
print(export_run(run, manifest).name)
"""


@pytest.mark.real
@pytest.mark.usefixtures("real_weights")
def test_once_a_backbone_is_prepared_its_logistic_head_needs_no_torch(tmp_path: Path) -> None:
    from anmok.models.recipes import get_recipe
    from anmok.models.registry import get_model

    recipe = get_recipe("mobilenetv2")
    get_model("mobilenetv2").extractor(recipe.image_size, recipe.resize)
    picture_manifest(tmp_path / "pictures", each=6).save(tmp_path / "manifest.parquet")
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT_TORCH, str(tmp_path)], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "model.anmok"
