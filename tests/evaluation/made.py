"""Results for tests, measured by the real code from answers that a test describes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from anmok.evaluation.measure import measure
from anmok.evaluation.results import Comparison, DataSummary, Evaluation, LeftOut, ModelResult
from anmok.records import Quarantined


def answered(
    classes: Sequence[str], table: Sequence[Sequence[int]], *, sure: float = 0.9, unreadable: Sequence[str] = ()
) -> Evaluation:
    """Measure answers that make this confusion table; the pictures of each class are named in the table's order."""
    y_true, y_pred = [], []
    for row, counts in enumerate(table):
        for column, count in enumerate(counts):
            y_true += [row] * count
            y_pred += [column] * count
    return answers(classes, y_true, y_pred, sure=sure, unreadable=unreadable)


def answers(
    classes: Sequence[str],
    y_true: Sequence[int],
    y_pred: Sequence[int],
    *,
    sure: float = 0.9,
    unreadable: Sequence[str] = (),
) -> Evaluation:
    """Measure these answers, each given with the probability ``sure``."""
    size = len(classes)
    probabilities = np.full((len(y_true), size), (1 - sure) / (size - 1))
    probabilities[np.arange(len(y_true)), y_pred] = sure
    paths = [f"test/{classes[c]}/{n:04d}.jpg" for n, c in enumerate(y_true)]
    return measure(classes, np.array(y_true), probabilities, paths, "test", resamples=200, unreadable=unreadable)


def model(name: str, evaluation: Evaluation, **changes: Any) -> ModelResult:
    values: dict[str, Any] = {
        "name": name,
        "title": name.title(),
        "recipe": {"name": name, "epochs": 3, "resize": "squash"},
        "evaluation": evaluation,
        "history": (),
        "seconds": {"features": 1.5, "training": 2.0},
        "pictures_per_second": 100.0,
        "parity": {"same_class": 1.0, "max_difference": 1e-6, "pictures": 10.0},
        "run": f"runs/{name}",
        "bundle": f"runs/{name}/bundle.anmok",
        "bundle_bytes": 1000,
    }
    return ModelResult(**(values | changes))


def data(
    classes: Sequence[str],
    *,
    train: Mapping[str, int] | None = None,
    valid: Mapping[str, int] | None = None,
    quarantined: int = 0,
) -> DataSummary:
    return DataSummary(
        source="places",
        location="/home/me/places",
        content_hash="5a" * 32,
        classes=tuple(classes),
        counts={
            "train": dict(train or dict.fromkeys(classes, 100)),
            "valid": dict(valid or dict.fromkeys(classes, 50)),
            "test": dict.fromkeys(classes, 60),
        },
        notes=("20% were set apart.",),
        quarantined=tuple(Quarantined(f"bad/{n}.jpg", "damaged", "It ends too early.") for n in range(quarantined)),
        ignored=1,
        widths=(10.0, 20.0, 30.0, 40.0, 50.0),
        heights=(10.0, 20.0, 30.0, 40.0, 50.0),
        brightness=(0.0, 1.0, 2.0, 3.0, 4.0),
        contrast=(0.0, 1.0, 2.0, 3.0, 4.0),
        samples={name: (f"train/{name}/0.jpg",) for name in classes},
    )


def comparison(models: Sequence[ModelResult], **changes: Any) -> Comparison:
    values: dict[str, Any] = {
        "data": data(models[0].evaluation.classes),
        "models": tuple(models),
        "left_out": (LeftOut("big", "Its weights are not here.", "Fetch them."),),
        "best": models[0].name,
        "reason": "It is the best.",
        "warnings": ("The test set is small.",),
        "seconds": {"scan": 0.5, "total": 9.25},
        "environment": {"python": "3.11"},
        "command": "anmok compare places",
        "created": "2026-01-02T03:04:05+00:00",
        "seed": 7,
    }
    return Comparison(**(values | changes))
