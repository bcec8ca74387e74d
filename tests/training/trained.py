"""Small real trainings, ill and healthy, for what reads their histories and answers."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from anmok.config import Recipe, to_json
from anmok.evaluation.diagnosis import Training
from anmok.evaluation.measure import measure
from anmok.evaluation.results import Evaluation
from anmok.models.networks import Network
from anmok.progress import SilentProgress
from anmok.training.loop import Loop, PictureSet, logits_of
from anmok.training.workers import Workers
from training.made import CLASSES, network_recipe, picture_array


class Tiny(Network):
    """Two convolutions and a linear layer: 2,000 parameters."""

    default_size: ClassVar[int] = 32
    smallest_size: ClassVar[int] = 16

    def __init__(self, classes: int, *, image_size: int = 0) -> None:
        super().__init__(classes, image_size=image_size)
        self.stages = nn.Sequential(
            nn.Conv2d(3, 12, 5, 2, 2), nn.ReLU(), nn.Conv2d(12, 16, 3, 2, 1), nn.BatchNorm2d(16), nn.ReLU()
        )
        self.head = nn.Linear(16, classes)

    def forward(self, pictures: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        feature_map = self.stages(pictures.permute(0, 3, 1, 2).float() / 128 - 1)
        embedding = feature_map.mean(dim=(2, 3))
        return self.head(embedding), embedding, feature_map


class Rote(Tiny):
    """A wide layer on all pixels: learns by heart what it is shown."""

    def __init__(self, classes: int, *, image_size: int = 0) -> None:
        super().__init__(classes, image_size=image_size)
        self.stages = nn.Sequential(nn.AvgPool2d(2), nn.Flatten(), nn.Linear(3 * 16 * 16, 128), nn.ReLU())
        self.head = nn.Linear(128, classes)

    def forward(self, pictures: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        embedding = self.stages(pictures.permute(0, 3, 1, 2).float() / 128 - 1)
        return self.head(embedding), embedding, embedding[:, :, None, None]


class ColourBlindToStripes(Tiny):
    """Sees the mean colour of a picture alone, which says nothing about stripes."""

    def __init__(self, classes: int, *, image_size: int = 0) -> None:
        super().__init__(classes, image_size=image_size)
        self.stages = nn.Sequential(nn.AvgPool2d(32), nn.Conv2d(3, 16, 1), nn.ReLU())


@dataclass(frozen=True)
class Trained:
    """A training and what came of it."""

    training: Training
    evaluation: Evaluation
    network: Network = field(repr=False)


def plain_recipe(**changes: object) -> Recipe:
    """Return a recipe without anything that hides an illness: no augmentation, smoothing or weight decay."""
    plain: dict[str, object] = {
        "augmentation": "none",
        "label_smoothing": 0.0,
        "weight_decay": 0.0,
        "optimizer": "adam",
        "learning_rate": 0.01,
        "epochs": 12,
        "batch_size": 16,
        "schedule": "constant",
        "warmup": 0.0,
    }
    return network_recipe(**(plain | changes))


def train_small(
    recipe: Recipe,
    kind: type[Network] = Tiny,
    *,
    each: int = 30,
    wrong_labels: float = 0.0,
    kept: tuple[int, ...] = (),
    strange_test: bool = False,
) -> Trained:
    """Train on made pictures of three classes.

    Args:
        each: training pictures of every class; there are 20 validation and 40 test pictures of each besides.
        wrong_labels: share of the training pictures whose label is drawn by lot, 0-1.
        kept: training pictures of each class, where that is not ``each``.
        strange_test: test pictures are dark and noisy.
    """
    pixels, labels = picture_array(each + 60)
    place = np.tile(np.arange(each + 60), 3)
    counts = np.array(kept or (each,) * 3)[labels]
    train, test = np.flatnonzero(place < counts), np.flatnonzero(place >= each + 20)
    valid = np.flatnonzero((place >= each) & (place < each + 20))
    random = np.random.default_rng(1)
    taught = labels.copy()
    lot = train[random.random(len(train)) < wrong_labels]
    taught[lot] = random.integers(3, size=len(lot))
    if strange_test:
        pixels = pixels.copy()
        pixels[test] = (pixels[test] // 4 + random.integers(0, 120, pixels[test].shape)).astype(np.uint8)
    with Workers(1) as workers:
        torch.manual_seed(recipe.seed)
        loop = Loop(
            kind(3, image_size=32),
            recipe,
            PictureSet(pixels, taught, train),
            PictureSet(pixels, labels, valid),
            workers=workers,
            epochs=recipe.epochs,
        )
        loop.run(SilentProgress().task(""), lambda: None)
        logits = logits_of(loop.network, PictureSet(pixels, labels, test), workers)
    names = dict(zip(CLASSES, np.bincount(taught[train], minlength=3).tolist(), strict=True))
    training = Training(
        name=recipe.name, history=loop.history, recipe=to_json(recipe), classes=names, valid_pictures=len(valid)
    )
    return Trained(training, _measured(labels[test], torch.softmax(logits, dim=1).numpy()), loop.network)


def renamed(trained: Trained, name: str) -> Trained:
    """Return the same under another name."""
    return replace(trained, training=replace(trained.training, name=name))


def _measured(labels: NDArray[np.int64], probabilities: NDArray[np.float32]) -> Evaluation:
    return measure(CLASSES, labels, probabilities, [f"{n}.png" for n in range(len(labels))], "test", resamples=200)
