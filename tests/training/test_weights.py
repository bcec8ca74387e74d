"""A recipe may ask that all classes cost the same: heads and networks then do not pass a rare class over."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from sklearn.utils.class_weight import compute_class_weight
from torch.nn.functional import cross_entropy

from anmok.config import Recipe, SplitConfig
from anmok.data.balance import class_weights, undersample
from anmok.data.manifest import Manifest
from anmok.data.scan import scan
from anmok.data.split import assign_splits, check
from anmok.models.recipes import get_recipe
from anmok.progress import SilentProgress
from anmok.records import TEST
from anmok.training.batches import Batch
from anmok.training.device import own_random_numbers
from anmok.training.loop import logits_of
from anmok.training.train import train
from anmok.training.workers import Workers
from tests.training.made import made_loop, network_recipe, picture_manifest


@pytest.fixture
def workers() -> Iterator[Workers]:
    with Workers(2) as pool, own_random_numbers():
        torch.manual_seed(7)
        yield pool


@given(st.lists(st.integers(0, 6), min_size=1, max_size=80))
def test_the_weights_are_those_of_scikit_learn(labels: list[int]) -> None:
    there = np.unique(labels)
    weights = class_weights(np.array(labels), classes=8)
    np.testing.assert_allclose(weights[there], compute_class_weight("balanced", classes=there, y=labels), rtol=1e-6)
    assert (np.delete(weights, there) == 1).all()
    assert weights[labels].mean() == pytest.approx(1, rel=1e-5)


def test_smoothing_does_not_let_every_picture_pull_towards_a_dear_class(workers: Workers) -> None:
    # Pictures of one class only: whatever the absent class weighs, nothing may change but the scale.
    gradients = []
    for weights in (torch.tensor([1.0, 1.0]), torch.tensor([1.0, 50.0])):
        torch.manual_seed(7)
        loop = made_loop(network_recipe(label_smoothing=0.3), workers, class_weights=weights)
        pictures = torch.from_numpy(loop.train_set.pixels[:4].copy())
        targets = torch.tensor([[1.0, 0.0]] * 4)
        loop.network.train()
        gradients.append(loop._learner._learn_from_parts(Batch(pictures, targets, seed=0), len(pictures))[0][1])
    for one, other in zip(*gradients, strict=True):
        assert one is not None
        assert other is not None
        assert torch.equal(one, other)


def test_the_kept_epoch_is_chosen_by_all_classes_alike(workers: Workers) -> None:
    loop = made_loop(network_recipe(epochs=5, class_weights="balanced", learning_rate=0.02), workers, each=9)
    loop.valid_set.labels[loop.valid_set.rows[2:]] = 1  # now a rare class in valid
    judged: list[float] = []

    def keep() -> None:
        labels = torch.from_numpy(loop.valid_set.labels[loop.valid_set.rows])
        losses = cross_entropy(logits_of(loop.network, loop.valid_set, workers), labels, reduction="none")
        judged.append(float((losses[labels == 0].mean() + losses[labels == 1].mean()) / 2))

    loop.run(SilentProgress().task(""), keep)
    assert loop.best_epoch == 1 + int(np.argmin(judged))


def test_both_choices_of_a_recipe_reach_the_training(tmp_path: Path) -> None:
    manifest = picture_manifest(tmp_path / "pictures")
    uneven = manifest.with_table(
        manifest.table.drop(manifest.table.query("label == '점' and split == 'train'").index[2:])
    )
    answers = {}
    for name, changes in {
        "plain": {},
        "weights": {"class_weights": "balanced"},
        "even": {"sampler": "balanced"},
    }.items():
        run = train(network_recipe(name=name, epochs=2, **changes), uneven, tmp_path / "runs", threads=1)
        answers[name] = run.predictions().probabilities
    assert not np.allclose(answers["plain"], answers["weights"], atol=1e-4)
    assert not np.allclose(answers["plain"], answers["even"], atol=1e-4)


@pytest.fixture(scope="module")
def uneven_scenes(data_dir: Path, module_cache: Path) -> Manifest:
    """scenes6 with one class cut to 12 training pictures."""
    manifest = assign_splits(check(scan(data_dir / "scenes6.zip"), "repair"), SplitConfig())
    return undersample(manifest, [manifest.classes[0]], to=12)


@pytest.mark.real
@pytest.mark.usefixtures("shared_cache")
def test_a_weighted_head_finds_more_of_a_rare_class_among_real_scenes(uneven_scenes: Manifest, tmp_path: Path) -> None:
    recall = {}
    for rule in ("none", "balanced"):
        recipe = Recipe(name=rule, model="handcrafted", class_weights=rule)  # type: ignore[arg-type]
        test = train(recipe, uneven_scenes, tmp_path).predictions().of_split(TEST)
        recall[rule] = (test.probabilities.argmax(axis=1) == 0)[test.labels == 0].mean()
    assert recall["balanced"] >= recall["none"] + 0.1


def test_recipes_in_toml_accept_both(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text('name = "a"\nmodel = "handcrafted"\nclass_weights = "balanced"\n', encoding="utf-8")
    assert get_recipe(path).class_weights == "balanced"
    path.write_text('name = "a"\nmodel = "b"\nstrategy = "scratch"\nsampler = "balanced"\n', encoding="utf-8")
    assert get_recipe(path).sampler == "balanced"
