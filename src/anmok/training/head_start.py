"""Where fine-tuning begins: the new last layer is that of logistic regression on the backbone's vectors.

A last layer by lot would teach the backbone nonsense in its first steps, and spoil what it knows (Kumar, Raghunathan,
Jones, Ma, Liang: Fine-tuning can distort pretrained features and underperform out-of-distribution, 2022).
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import nn

from anmok.config import Recipe
from anmok.models.networks import Network
from anmok.progress import Task
from anmok.training.heads import fit_logistic
from anmok.training.measuring import PictureSet, logits_of
from anmok.training.workers import Workers


def begin_with_logistic(
    network: Network,
    pictures: PictureSet,
    recipe: Recipe,
    *,
    groups: Sequence[str],
    workers: Workers,
    threads: int,
    task: Task,
) -> None:
    """Give the last layer of a backbone with a head ``linear`` the weights of logistic regression; no chance is drawn.

    Args:
        network: a ``BackboneNetwork`` whose head is one linear layer on its embedding.
        pictures: to learn from, as they are. groups: of each of them, as ``fit_logistic`` takes them.
        task: counts pictures.

    Raises:
        TooFewPictures: they all show one class.
    """
    head = network.head
    assert isinstance(head, nn.Sequential)
    last = head[-1]
    assert isinstance(last, nn.Linear)
    network.head = nn.Identity()
    try:
        vectors = logits_of(network, pictures, workers, advance=task.advance).numpy()
    finally:
        network.head = head
    fit = fit_logistic(
        vectors,
        pictures.labels[pictures.rows],
        recipe.seed,
        classes=network.classes,
        groups=groups,
        balanced=recipe.class_weights == "balanced",
        threads=threads,
    )
    with torch.no_grad():
        last.weight.copy_(torch.from_numpy(fit.head.weight))
        last.bias.copy_(torch.from_numpy(fit.head.bias))
