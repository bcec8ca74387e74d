"""The check before training: healthy networks pass it, ill ones are told why, and the training does not notice."""

from __future__ import annotations

import json
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from anmok.config import Recipe, from_mapping
from anmok.models.dropout import SeededDropout
from anmok.models.networks import Network, get_network
from anmok.progress import SilentProgress
from anmok.training.precheck import PICTURES, check_first, choose_pictures, precheck
from anmok.training.precheck_result import Precheck, tell_alike, vectors_spread
from anmok.training.run import Run
from anmok.training.train import train
from anmok.training.workers import Workers
from training.made import network_recipe, picture_array, picture_manifest
from training.trained import ColourBlindToStripes, Rote, Tiny, plain_recipe


def checked(network: Network, recipe: Recipe | None = None, *, each: int = 16, **options: object) -> Precheck:
    pixels, labels = picture_array(each, 3, network.image_size)
    with Workers(1) as workers:
        return precheck(network, pixels, labels, recipe or plain_recipe(), workers=workers, **options)  # type: ignore[arg-type]


def made(kind: type[Network], seed: int = 0, size: int = 32) -> Network:
    torch.manual_seed(seed)
    return kind(3, image_size=size)


class Dropping(Rote):
    """Drops nine of ten values while it learns."""

    def __init__(self, classes: int, *, image_size: int = 0) -> None:
        super().__init__(classes, image_size=image_size)
        self.head = nn.Sequential(SeededDropout(0.9), nn.Linear(128, classes))  # type: ignore[assignment]


class Dead(Tiny):
    """Its ReLUs are dead from the start: no gradient passes them."""

    def __init__(self, classes: int, *, image_size: int = 0) -> None:
        super().__init__(classes, image_size=image_size)
        self.stages = nn.Sequential(nn.Conv2d(3, 16, 3, 2, 1), nn.ReLU())
        nn.init.constant_(self.stages[0].bias, -100.0)


class Unscaled(Rote):
    """Sees pixels of 0-255 and begins with weights that are far too large for them."""

    def forward(self, pictures: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        embedding = self.stages(pictures.permute(0, 3, 1, 2).float() * 10)
        return self.head(embedding), embedding, embedding[:, :, None, None]


class Pretrained(Tiny):
    """A frozen convolution that expects pixels of 0-255, as Keras' ResNet50 does, and a head that learns."""

    divided_by: ClassVar[float] = 1.0

    def __init__(self, classes: int, *, image_size: int = 0) -> None:
        super().__init__(classes, image_size=image_size)
        self.stages = nn.Sequential(nn.Conv2d(3, 16, 7, 4), nn.ReLU())
        nn.init.uniform_(self.stages[0].bias, 5, 10)
        self.stages.requires_grad_(requires_grad=False)

    def forward(self, pictures: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        feature_map = self.stages(pictures.permute(0, 3, 1, 2).float() / self.divided_by)
        embedding = feature_map.amax(dim=(2, 3))
        return self.head(embedding), embedding, feature_map


class PretrainedWronglyScaled(Pretrained):
    divided_by: ClassVar[float] = 255.0


@pytest.mark.parametrize("kind", [Tiny, Rote, Dropping, get_network("cnn-small"), get_network("cifar10-cnn")])
@pytest.mark.parametrize("seed", [0, 1])
def test_a_healthy_network_learns_the_pictures_by_heart_and_nothing_is_wrong(kind: type[Network], seed: int) -> None:
    found = checked(made(kind, seed), plain_recipe(learning_rate=1e-3 if kind not in (Tiny, Rote) else 0.01))
    assert (found.findings, found.limit) == ((), "by-heart")
    assert found.right >= 0.95 * found.pictures
    assert found.loss_at_start == pytest.approx(np.log(3), rel=0.6)
    assert found.answers == found.classes == 3


def test_a_network_that_cannot_see_the_difference_could_not_learn_by_heart() -> None:
    found = checked(made(ColourBlindToStripes), plain_recipe(learning_rate=1e-3))
    # Whoever sees the mean colour alone tells some pictures apart by it, but never all.
    assert "not-by-heart" in found.findings
    assert found.right < found.pictures
    assert any(
        "could not learn 32 pictures by heart" in text and "Likely causes" in text for text in found.sentences("net")
    )


def test_layers_that_no_gradient_reaches_are_named() -> None:
    found = checked(made(Dead), plain_recipe(learning_rate=1e-3))
    assert "unreached-layers" in found.findings
    assert found.unreached == ("stages.0", "head")
    assert "not-by-heart" in found.findings
    assert any("(stages.0, head)" in text for text in found.sentences("net"))


def test_pixels_that_are_not_scaled_are_seen_in_the_first_loss() -> None:
    found = checked(made(Unscaled), plain_recipe(learning_rate=1e-4), steps=20)
    assert found.findings[0] == "start-loss"
    assert found.loss_at_start > 3 * np.log(3)
    assert found.loss_of_guessing == pytest.approx(np.log(3))


def test_a_pretrained_network_that_gets_wrongly_scaled_pixels_sees_all_pictures_alike() -> None:
    recipe = plain_recipe(strategy="partial", freeze="first 1 layers", learning_rate=1e-3)
    ill = checked(made(PretrainedWronglyScaled), recipe, steps=20)
    assert "alike-features" in ill.findings
    assert any("preprocessing = 'own'" in text for text in ill.sentences("net"))
    assert "alike-features" not in checked(made(Pretrained), recipe, steps=20).findings


def test_a_rate_that_is_too_low_is_told_from_a_network_that_cannot_learn() -> None:
    found = checked(made(Rote), plain_recipe(learning_rate=1e-7))
    assert found.findings == ("rate-too-low",)
    assert found.other_right >= 0.95 * found.pictures
    assert "1e-07" in found.sentences("net")[1]


def test_a_rate_that_is_too_high_is_seen_even_where_the_pictures_are_learnt_at_last() -> None:
    found = checked(made(Rote), plain_recipe(learning_rate=30.0))
    assert found.findings == ("loss-jumped",)
    assert found.loss_peak > 100
    assert "(30)" in found.sentences("net")[1]


def test_pictures_that_are_all_alike_or_contradict_each_other_are_named() -> None:
    pixels, labels = picture_array(4, 3)
    same = np.broadcast_to(pixels[:1], pixels.shape)
    with Workers(1) as workers:
        alike = precheck(made(Tiny), same, labels, plain_recipe(), workers=workers, steps=20)
        pixels[1] = pixels[-1]
        twice = precheck(made(Tiny), pixels, labels, plain_recipe(), workers=workers, steps=20)
    assert "alike-pictures" in alike.findings
    assert "contradiction" in twice.findings
    assert "contradiction" not in alike.findings


def test_every_beginning_of_the_pictures_is_balanced() -> None:
    labels = np.repeat([0, 1, 2], [50, 30, 2])
    rows = choose_pictures(labels, PICTURES, seed=1)
    assert len(set(rows.tolist())) == PICTURES
    assert np.bincount(labels[rows]).tolist() == [15, 15, 2]
    assert sorted(labels[rows[:3]].tolist()) == [0, 1, 2]
    assert len(choose_pictures(np.arange(100), PICTURES, seed=1)) == PICTURES


def test_the_spread_of_vectors_is_a_share_of_their_length() -> None:
    assert vectors_spread(np.ones((5, 3))) == 0
    assert vectors_spread(np.array([[1.0, 0.0], [-1.0, 0.0]])) == pytest.approx(1)


@pytest.mark.parametrize("kind", [Tiny, Dropping])
def test_neither_the_network_nor_chance_is_changed(kind: type[Network]) -> None:
    network = made(kind)
    before = {name: value.clone() for name, value in network.state_dict().items()}
    states = torch.get_rng_state(), np.random.get_state()[1].copy()
    checked(network, steps=20)
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())
    assert torch.equal(torch.get_rng_state(), states[0])
    assert np.array_equal(np.random.get_state()[1], states[1])
    assert network.training
    assert all(value.grad is None for value in network.parameters())


def test_a_training_is_the_same_to_the_last_bit_with_and_without_the_check(tmp_path: Path) -> None:
    manifest = picture_manifest(tmp_path / "pictures", 8)
    recipe = network_recipe(epochs=2, model="cifar10-cnn", batch_size=6)
    runs = [
        train(recipe, manifest, tmp_path / name, precheck=name == "with", threads=1) for name in ("with", "without")
    ]
    assert [(run.folder / "precheck.json").is_file() for run in runs] == [True, False]
    first, second = (run.predictions().probabilities for run in runs)
    assert np.array_equal(first, second)
    weights = [(run.checkpoint_folder / "model.safetensors").read_bytes() for run in runs]
    assert weights[0] == weights[1]
    values = json.loads((runs[0].folder / "precheck.json").read_text(encoding="utf-8"))
    assert values["steps"] <= 20
    assert from_mapping(Precheck, values, where="precheck.json").sentences("net")


def test_a_check_that_was_too_short_to_judge_says_how_far_it_came(tmp_path: Path) -> None:
    run = Run(tmp_path)
    run.write_config(
        {"recipe": {"name": "net", "model": "cnn-small", "strategy": "scratch", "head": "linear"}}
        | {"data_hash": "", "classes": ["a", "b", "c"], "image_size": 32}
    )

    said: list[str] = []

    class Listening(SilentProgress):
        def say(self, text: str) -> None:
            said.append(text)

    pixels, labels = picture_array(8, 3)
    with Workers(1) as workers:
        found = check_first(
            made(ColourBlindToStripes), pixels, labels, run, workers=workers, epochs=1, progress=Listening()
        )
    assert (found.findings, found.limit, found.steps) == ((), "steps", 20)
    (sentence,) = said
    assert "nothing is wrong so far. The check ended after 20 steps" in sentence
    assert f"{found.right} of 24 pictures" in sentence


def test_vectors_of_a_frozen_network_that_are_all_alike_are_told_of() -> None:
    said: list[str] = []

    class Listening(SilentProgress):
        def say(self, text: str) -> None:
            said.append(text)

    noise = np.random.default_rng(0).normal(size=(20, 8))
    tell_alike(1 + 0.5 * noise, "net", Listening())
    assert said == []
    tell_alike(1 + 0.01 * noise, "net", Listening())
    assert said[0].startswith("net: The pretrained network sees hardly any difference")
