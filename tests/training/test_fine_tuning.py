"""The strategies partial and full: tiny networks with chance weights, the whole way to a bundle."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from anmok.bundle.export import export_run
from anmok.bundle.format import read_bundle
from anmok.config import Recipe
from anmok.data.manifest import Manifest
from anmok.errors import StorageError, UsageError
from anmok.features.extraction import load_pixels
from anmok.models import registry
from anmok.models.fine_tuned import BackboneNetwork
from anmok.models.registry import get_model
from anmok.progress import SilentProgress, Task
from anmok.training.checkpoint import load_network
from anmok.training.heads import fit_logistic
from anmok.training.rows import groups_of, rows_of
from anmok.training.train import train
from tests.models.packs import make_pack
from tests.training.made import picture_manifest

SIZE = 64


@pytest.fixture
def manifest(tmp_path: Path) -> Manifest:
    return picture_manifest(tmp_path / "pictures")


@pytest.fixture
def tiny_models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Register a network of convolutions and one of tokens beside the models that come with Anmok."""
    home = tmp_path / "weights"
    monkeypatch.setenv("ANMOK_WEIGHTS", str(home))
    get_model("mobilenetv2")  # loads the others
    for name in ("test_efficientnet", "test_vit"):
        make_pack(home, name)
        spec = dataclasses.replace(get_model("mobilenetv2"), name=name.replace("_", "-"), weights=f"{name}.random")
        monkeypatch.setitem(registry._models, spec.name, spec)
    return home


def recipe(**changes: Any) -> Recipe:
    values: dict[str, Any] = {"name": "r", "model": "test-efficientnet", "strategy": "full", "head": "linear"}
    values |= {"image_size": SIZE, "epochs": 2, "batch_size": 8, "learning_rate": 1e-3, "seed": 1}
    return Recipe(**(values | changes))


@pytest.mark.parametrize(
    "made",
    [
        recipe(strategy="partial", freeze="all but 2 blocks"),
        recipe(
            model="test-vit",
            head="layers",
            head_layers=("average-pool", "dense 8", "dropout 0.1"),
            augmentation="flip-shift",
            copies=1,
            layer_decay=0.5,
        ),
    ],
    ids=["partial", "full"],
)
def test_a_fine_tuned_network_is_kept_and_served_without_its_weight_pack(
    tiny_models: Path, manifest: Manifest, tmp_path: Path, made: Recipe, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = train(made, manifest, tmp_path / "runs", threads=1)
    assert [row["epoch"] for row in run.history()] == [1, 2]
    assert run.config["pack"]["name"] == get_model(made.model).weights
    monkeypatch.setenv("ANMOK_WEIGHTS", str(tmp_path / "nowhere"))
    network = load_network(run)
    assert isinstance(network, BackboneNetwork)
    pixels = load_pixels(manifest, SIZE, "squash", threads=1)
    predictions = run.predictions()
    rows = [list(manifest.table["path"]).index(path) for path in predictions.paths]
    with torch.inference_mode():
        logits = network(torch.from_numpy(np.array(pixels[rows])))[0]
    np.testing.assert_allclose(logits.softmax(dim=1).numpy(), predictions.probabilities, atol=1e-5)
    info = read_bundle(export_run(run, manifest, threads=1)).info
    assert info.parity is not None
    assert info.parity.same_class == 1.0
    assert info.weights_licence == "none"


def test_fine_tuning_begins_with_the_head_of_logistic_regression(
    tiny_models: Path, manifest: Manifest, tmp_path: Path
) -> None:
    # Where nothing of the backbone learns, and the head hardly, the answers are those of that regression.
    made = recipe(strategy="partial", freeze="all but 0 blocks", learning_rate=1e-12, epochs=1)
    run = train(made, manifest, tmp_path / "runs", threads=1)
    pixels = np.array(load_pixels(manifest, SIZE, "squash", threads=1))
    with torch.inference_mode():
        vectors = load_network(run)(torch.from_numpy(pixels))[1].numpy()
    rows, groups = rows_of(manifest, "train"), groups_of(manifest)
    labels = manifest.label_indices()[rows]
    fit = fit_logistic(vectors[rows], labels, 1, classes=3, groups=[groups[row] for row in rows], threads=1)
    test = rows_of(manifest, "test")
    found = run.predictions().of_split("test").probabilities
    np.testing.assert_allclose(found, fit.head.probabilities(vectors[test]), atol=1e-4)


def test_a_network_that_was_stopped_goes_on_to_the_same_answers(
    tiny_models: Path, manifest: Manifest, tmp_path: Path
) -> None:
    class Stop:
        def begins(self, run: Any, history: Any) -> None:
            pass

        def epoch_ended(self, run: Any, row: Any) -> None:
            # Observers hear of an epoch before it is kept, so after the second one the first is gone on from.
            if row["epoch"] == 2:
                raise KeyboardInterrupt

        def finished(self, run: Any) -> None:
            pass

    class Titles(SilentProgress):
        def __init__(self) -> None:
            self.titles: list[str] = []

        def task(self, title: str, total: int | None = None, *, unit: str = "") -> Task:
            self.titles.append(title)
            return super().task(title, total, unit=unit)

    made = recipe(strategy="partial", freeze="first 10 layers", ema=0.9)
    whole = train(made, manifest, tmp_path / "whole", threads=1)
    first, second = Titles(), Titles()
    with pytest.raises(KeyboardInterrupt):
        train(made, manifest, tmp_path / "runs", threads=1, observers=[Stop()], progress=first)
    again = train(made, manifest, tmp_path / "runs", threads=2, progress=second)
    # The head that training begins with costs a pass over all pictures, and one that goes on needs none.
    assert "r: fitting the head" in first.titles
    assert "r: fitting the head" not in second.titles
    np.testing.assert_array_equal(again.predictions().probabilities, whole.predictions().probabilities)


def test_a_checkpoint_that_asks_for_the_absurd_is_refused(
    tiny_models: Path, manifest: Manifest, tmp_path: Path
) -> None:
    run = train(recipe(epochs=1), manifest, tmp_path / "runs", threads=1)
    path = run.checkpoint_folder / "checkpoint.json"
    facts = json.loads(path.read_text())
    for changes in ({"image_size": 10**6}, {"classes": -1}, {"backbone": {"pack": {}}}, {"classes": "many"}):
        path.write_text(json.dumps(facts | changes))
        with pytest.raises(StorageError, match="is damaged"):
            load_network(run)


@pytest.mark.parametrize(
    ("made", "words"),
    [
        (recipe(strategy="partial", freeze="all but two blocks"), "first N layers"),
        (recipe(strategy="partial", freeze="all but 99 blocks"), "99 blocks, and test_efficientnet has 6"),
        (recipe(head="layers", head_layers=("dense 8",)), "Entry 1 of head_layers is 'dense 8'"),
        (recipe(head="logistic"), "Heads of this strategy: linear, layers"),
        (recipe(image_size=16), "cannot look at pictures of 16 pixels"),
        (recipe(strategy="scratch"), "Strategies of test-efficientnet: frozen, partial, full"),
    ],
    ids=["words", "too many", "head", "logistic", "size", "scratch"],
)
def test_what_cannot_be_fine_tuned_says_why(
    tiny_models: Path, manifest: Manifest, tmp_path: Path, made: Recipe, words: str
) -> None:
    with pytest.raises(UsageError, match=words):
        train(made, manifest, tmp_path / "runs", threads=1)
    assert not list((tmp_path / "runs").rglob("finished.json"))
