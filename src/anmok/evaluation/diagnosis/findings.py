"""What a diagnosis is made from and what it finds, as values."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from anmok.evaluation.results import DataSummary, ModelResult
from anmok.records import TRAIN, VALID

Illness = Literal[
    # of the pictures
    "untested-class",
    "tiny-test-set",
    "small-class",
    "imbalance",
    "quarantine",
    "unreadable",
    "training-pictures",
    # of the answers
    "collapse",
    "unlearnt-class",
    "guessing",
    # of the training
    "diverged",
    "rate-too-high",
    "rate-too-low",
    "nothing-learnt",
    "underfitting",
    "overfitting",
    # of the conclusions
    "difference-too-small",
    "test-differs",
    "test-refused",
    "few-calibrated",
]


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """One illness that was found.

    Attributes:
        illness: which, for programs.
        text: for people: what was seen, and what to do.
        model: name of the model that has it; ``""`` where it is one of the pictures.
    """

    illness: Illness
    text: str
    model: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Training:
    """What the diagnosis of a training looks at.

    Attributes:
        name: of the model.
        history: one mapping an epoch: ``train_loss`` and ``valid_loss`` (mean cross-entropy, nats),
            ``train_accuracy``, ``valid_accuracy`` (0-1). Training figures are of pictures as the network learned
            from them, augmented and with dropout, so they may be worse than those of validation.
        recipe: as JSON values; ``learning_rate`` and ``keep`` are named in sentences.
        classes: pictures to learn from by class; empty where that is not known.
        valid_pictures: how many the validation figures stand on; 0: not known.
    """

    name: str
    history: Sequence[Mapping[str, float]]
    recipe: Mapping[str, Any]
    classes: Mapping[str, int]
    valid_pictures: int

    @property
    def loss_of_guessing(self) -> float:
        """Loss of one who knows nothing but how frequent each class is, nats; ln K where all K are alike."""
        total = sum(self.classes.values())
        shares = [count / total for count in self.classes.values() if count]
        return -sum(share * math.log(share) for share in shares)

    @property
    def accuracy_of_guessing(self) -> float:
        """Accuracy of always answering the largest class, 0-1."""
        return max(self.classes.values()) / sum(self.classes.values())


def training_of(model: ModelResult, data: DataSummary) -> Training:
    """Return how a model of a comparison was trained."""
    return Training(
        name=model.name,
        history=model.history,
        recipe=model.recipe,
        classes=data.counts.get(TRAIN, {}),
        valid_pictures=sum(data.counts.get(VALID, {}).values()),
    )
