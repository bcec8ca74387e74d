"""Pictures made by code that a small network can learn: the class is the direction of the stripes."""

from __future__ import annotations

import contextlib
import resource
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from anmok.config import Recipe, SplitConfig
from anmok.data.manifest import Manifest
from anmok.data.scan import scan
from anmok.data.split import assign_splits
from anmok.models.networks import Network, get_network
from anmok.training.loop import Loop, PictureSet
from anmok.training.workers import Workers

CLASSES = ("가로", "세로", "점")


def striped(label: int, number: int, size: int = 32) -> NDArray[np.uint8]:
    """Return uint8 ``(size, size, 3)``: stripes across (0), upright (1) or both (2), of chance colour and phase."""
    chance = np.random.default_rng([label, number])
    wave = np.sin(np.arange(size) * chance.uniform(0.7, 1.1) + chance.uniform(0, 6))
    across, upright = np.repeat(wave[:, None], size, axis=1), np.repeat(wave[None, :], size, axis=0)
    pattern = (across, upright, (across + upright) / 2)[label]
    pixels = 128 + 50 * pattern[..., None] * chance.uniform(0.4, 1, 3) + chance.normal(0, 12, (size, size, 3))
    return pixels.clip(0, 255).astype(np.uint8)


def picture_array(each: int, classes: int = 3, size: int = 32) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Return pixels uint8 ``(N, size, size, 3)`` and labels int64 ``(N,)``, ``each`` pictures of every class."""
    labels = np.repeat(np.arange(classes), each)
    return np.stack([striped(int(label), row, size) for row, label in enumerate(labels)]), labels


def picture_folder(folder: Path, each: int = 12) -> Path:
    """Write class folders of PNG files and return ``folder``."""
    for label, name in enumerate(CLASSES):
        (folder / name).mkdir(parents=True)
        for number in range(each):
            Image.fromarray(striped(label, number, 40)).save(folder / name / f"{number:02}.png")
    return folder


def picture_manifest(folder: Path, each: int = 12) -> Manifest:
    """Write class folders and return their manifest, split."""
    return assign_splits(scan(picture_folder(folder, each), threads=1), SplitConfig(test=0.25, valid=0.25))


def network_recipe(**changes: object) -> Recipe:
    """Return a recipe of the small network that takes seconds."""
    values: dict[str, object] = {
        "name": "small",
        "model": "cnn-small",
        "strategy": "scratch",
        "head": "linear",
        "image_size": 32,
        "augmentation": "flip-shift",
        "epochs": 4,
        "batch_size": 8,
        "learning_rate": 2e-3,
        "weight_decay": 0.01,
        "warmup": 0.2,
        "label_smoothing": 0.1,
        "seed": 3,
    }
    return Recipe(**(values | changes))  # type: ignore[arg-type]


def made_loop(
    recipe: Recipe,
    workers: Workers,
    each: int = 8,
    classes: int = 2,
    network: Network | None = None,
    **options: object,
) -> Loop:
    """Return a loop on made pictures, two thirds of them to learn from; seed torch before."""
    pixels, labels = picture_array(each, classes)
    rows = np.arange(len(labels))
    train = PictureSet(pixels, labels, rows[rows % 3 > 0])
    valid = PictureSet(pixels, labels, rows[rows % 3 == 0])
    network = network or get_network(recipe.model)(classes, image_size=recipe.image_size)
    return Loop(network, recipe, train, valid, workers=workers, epochs=recipe.epochs, **options)  # type: ignore[arg-type]


@contextlib.contextmanager
def small_disk(largest: int) -> Iterator[None]:
    """Let no file grow beyond so many bytes inside the block: the kernel refuses the write, as on a full disk."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (largest, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
