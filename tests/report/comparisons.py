"""Comparison values for tests, drawn by code: 2, 6 and 100 classes, Korean and hostile names, all perfect."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace
from math import sqrt

from anmok.evaluation.paired import pairs_of_mistakes
from anmok.evaluation.results import ClassScore, Comparison, DataSummary, Evaluation, LeftOut, Mistake, ModelResult
from anmok.evaluation.shared_mistakes import find_only, find_shared
from anmok.records import Interval, Quarantined

JEJU = ("녹차밭", "만장굴", "주상절리", "천지연 폭포", "카페", "해변")
SCENES = ("buildings", "forest", "glacier", "mountain", "sea", "street")
HOSTILE = (
    "<script>alert('a')</script>",
    '"><img src=x onerror=alert(1)>',
    "right\u202eot-left\u202c",
    "{{ 7 * 7 }}{% raw %}",
    "</style><b>&amp;",
    "javascript:alert(`1`)//'\"\u2029\x07",
)
MODELS = (("handcrafted", 0.62), ("cnn-small", 0.74), ("mobilenetv2", 0.93))


def wilson(hits: int, total: int) -> Interval:
    """Return a share with its Wilson interval."""
    if total == 0:
        return Interval(0.0, 0.0, 1.0)
    z, share = 1.96, hits / total
    middle = (share + z * z / (2 * total)) / (1 + z * z / total)
    half = z * sqrt(share * (1 - share) / total + z * z / (4 * total * total)) / (1 + z * z / total)
    return Interval(share, max(0.0, middle - half), min(1.0, middle + half))


def around(value: float, half: float, *, top: float = 1.0) -> Interval:
    """Return a figure with an interval of plus and minus ``half``, inside 0 and ``top``."""
    return Interval(value, max(0.0, value - half), min(top, value + half))


def evaluation(
    classes: Sequence[str], skill: float, *, per_class: int = 60, seed: int = 0, paths: Sequence[str] = ()
) -> Evaluation:
    """Return what a model of that skill would give; errors go to neighbouring classes more often."""
    dice = random.Random(seed)
    size = len(classes)
    confusion = [[0] * size for _ in classes]
    mistakes = []
    for row in range(size):
        level = 1.0 if skill >= 1 else min(0.995, max(0.3, dice.gauss(skill, 0.06)))
        for number in range(per_class):
            column = row
            if dice.random() >= level:
                step = dice.choice((1, 1, 1, 2, 2, -1)) if dice.random() < 0.8 else dice.randrange(1, max(2, size))
                column = (row + step) % size
            confusion[row][column] += 1
            if column != row:
                path = paths[len(mistakes) % len(paths)] if paths else f"test/{classes[row]}/{number:04d}.jpg"
                sure = dice.uniform(0.35, 0.999)
                mistakes.append(Mistake(path, classes[row], classes[column], sure, (1 - sure) * dice.random()))
    mistakes.sort(key=lambda mistake: -mistake.probability)
    scores = []
    for index, label in enumerate(classes):
        hits, predicted = confusion[index][index], sum(row[index] for row in confusion)
        precision, recall = wilson(hits, predicted), wilson(hits, per_class)
        f1 = 2 * hits / max(1, predicted + per_class)
        scores.append(ClassScore(label, precision, recall, around(f1, 0.05), per_class))
    total = per_class * size
    accuracy = wilson(sum(confusion[i][i] for i in range(size)), total)
    half = (accuracy.high - accuracy.low) / 2
    metrics = {"accuracy": accuracy, "log_loss": around(2.1 * (1.02 - accuracy.value), 0.4 * half + 0.02, top=99)}
    for number, name in enumerate(
        ("balanced_accuracy", "macro_f1", "macro_precision", "macro_recall", "weighted_precision", "weighted_recall")
    ):
        metrics[name] = around(max(0.0, accuracy.value - 0.0013 * (number % 4)), half)
    metrics["weighted_f1"] = around(max(0.0, accuracy.value - 0.0021), half)
    metrics["roc_auc"] = around(1 - (1 - accuracy.value) / 6, half / 5)
    return Evaluation(
        split="test",
        classes=tuple(classes),
        pictures=total,
        metrics=metrics,
        per_class=tuple(scores),
        confusion=tuple(tuple(row) for row in confusion),
        mistakes=tuple(mistakes),
    )


def history(epochs: int, skill: float) -> tuple[dict[str, float], ...]:
    """Return learning curves that fall, and then overfit a little."""
    dice = random.Random(epochs)
    rows = []
    for epoch in range(1, epochs + 1):
        done = 1 - 0.86**epoch
        rows.append(
            {
                "epoch": float(epoch),
                "train_loss": 1.8 * (1 - done) + 0.12,
                "valid_loss": 1.75 * (1 - done * skill) + 0.012 * epoch + dice.uniform(0, 0.06),
                "train_accuracy": 0.17 + 0.82 * done,
                "valid_accuracy": 0.17 + (skill - 0.15) * done + dice.uniform(-0.02, 0.02),
                "learning_rate": 0.001 * (1 - epoch / (epochs + 1)),
                "seconds": 4.2 + dice.uniform(0, 0.5),
            }
        )
    return tuple(rows)


def model(name: str, result: Evaluation, *, epochs: int = 0, skill: float = 0.8) -> ModelResult:
    """Return one trained model around its measures."""
    titles = {
        "handcrafted": "Hand-made features, logistic regression",
        "cnn-small": "Small convolutional network, from scratch",
        "mobilenetv2": "MobileNetV2, frozen, logistic regression",
    }
    return ModelResult(
        name=name,
        title=titles.get(name, name),
        recipe={"name": name, "model": name, "strategy": "frozen", "image_size": 224, "seed": 7, "epochs": epochs},
        evaluation=result,
        history=history(epochs, skill),
        seconds={"features": 11.25, "training": 83.7 if epochs else 2.31, "export": 1.62, "evaluation": 3.07},
        pictures_per_second=241.3 if name == "mobilenetv2" else 512.9,
        parity={"same_class": 1.0, "max_difference": 3.1e-06, "pictures": float(result.pictures)},
        run=f"runs/{name}",
        bundle=f"runs/{name}/bundle.anmok",
        bundle_bytes=9_214_330 if name == "mobilenetv2" else 1_204_113,
    )


def data_summary(
    classes: Sequence[str], *, per_class: int = 60, samples: dict[str, tuple[str, ...]] | None = None, bad: int = 3
) -> DataSummary:
    """Return a description of pictures with a few in quarantine."""
    dice = random.Random(1)
    reasons = (
        ("damaged", "The file ends in the middle of the picture."),
        ("unknown-format", "The bytes are no picture of a known kind; they begin with %PDF."),
        ("duplicate-of-test", "The same picture stands in test."),
    )
    return DataSummary(
        source="scenes6.zip",
        location="/home/someone/pictures/scenes6.zip",
        content_hash="3f7a" * 16,
        classes=tuple(classes),
        counts={
            "train": {name: dice.randrange(80, 200) for name in classes},
            "valid": {name: dice.randrange(11, 30) for name in classes},
            "test": dict.fromkeys(classes, per_class),
        },
        notes=(
            "The source has folders named train and test; test was kept as it is.",
            "15% of train (seed 0, in proportion to the classes) became valid.",
        ),
        quarantined=tuple(
            Quarantined(f"train/{classes[n % len(classes)]}/bad-{n:03d}.jpg", *reasons[n % 3]) for n in range(bad)
        ),
        ignored=4,
        widths=(131.0, 150.0, 150.0, 150.0, 4032.0),
        heights=(102.0, 150.0, 150.0, 150.0, 3024.0),
        brightness=(12.4, 96.3, 118.9, 143.2, 238.6),
        contrast=(8.2, 48.7, 59.4, 69.3, 101.9),
        samples=samples or {name: tuple(f"train/{name}/{n:04d}.jpg" for n in range(8)) for name in classes},
    )


def comparison(
    classes: Sequence[str] = SCENES,
    *,
    models: Sequence[tuple[str, float]] = MODELS,
    per_class: int = 60,
    paths: Sequence[str] = (),
    samples: dict[str, tuple[str, ...]] | None = None,
    bad: int = 3,
) -> Comparison:
    """Return a whole comparison; the last model is the recommended one."""
    results = []
    for number, (name, skill) in enumerate(models):
        measured = evaluation(classes, skill, per_class=per_class, seed=number, paths=paths)
        results.append(model(name, measured, epochs=24 if name.startswith("cnn") else 0, skill=skill))
    shared, shared_count = find_shared(results)
    only, only_count = find_only(results)
    return Comparison(
        pairs=pairs_of_mistakes(list(reversed(results))),
        shared_mistakes=shared,
        shared_mistakes_count=shared_count,
        only_mistakes=only,
        only_mistakes_count=only_count,
        data=data_summary(classes, per_class=per_class, samples=samples, bad=bad),
        models=tuple(results),
        left_out=(),
        best=models[-1][0],
        reason=f"{models[-1][0]} is right most often, and its interval lies above those of all other models.",
        warnings=(),
        seconds={"scan": 1.31, "split": 0.07, "features": 33.75, "training": 88.32, "report": 2.2, "total": 131.4},
        environment={
            "python": "3.11.9",
            "system": "Linux x86_64",
            "processor": "AMD EPYC 7B13 (2 cores)",
            "cores": "2",
            "anmok": "0.1.0",
            "numpy": "2.3.4",
            "onnxruntime": "1.23.0",
        },
        command="anmok compare scenes6.zip --models handcrafted,cnn-small,mobilenetv2 --out demo",
        created="2026-11-20T09:41:07+00:00",
        seed=7,
    )


def with_troubles(given: Comparison) -> Comparison:
    """Return the comparison with a model left out and two warnings."""
    return replace(
        given,
        left_out=(
            LeftOut(
                "efficientnet-b0",
                "The weights of efficientnet_b0 are not on this machine and the network is off.",
                "Copy the pack into a folder and set ANMOK_WEIGHTS to it, or run `anmok weights get` while online.",
            ),
        ),
        warnings=(
            "The test set holds only 12 pictures of the smallest class: its figures say little.",
            "The intervals of cnn-small and mobilenetv2 overlap: on these pictures neither is proven better.",
        ),
    )


def hundred() -> Comparison:
    """Return 100 classes with more than a thousand mistakes in each of four models."""
    names = tuple(
        f"{word} {number}" for number in range(20) for word in ("archery", "봅슬레이", "curling", "양궁", "polo")
    )
    models = (("handcrafted", 0.35), ("cnn-tiny", 0.4), ("cnn-small", 0.45), ("mobilenetv2", 0.5))
    return comparison(names, models=models, per_class=25, bad=120)
