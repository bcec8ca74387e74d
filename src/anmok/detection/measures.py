"""How well boxes were found: average precision as COCO defines it, precision and recall, each with its interval.

Intervals are those of resampled pictures (``metrics.bootstrap``), widened to what a rate of so many boxes would have:
of a perfect result resampling alone would say that nothing is uncertain.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from anmok.detection.matching import Answered, ClassMatches, match_classes
from anmok.metrics.bootstrap import draw_weights
from anmok.metrics.intervals import rate_interval
from anmok.records import Interval

Floats = NDArray[np.float64]

#: Recalls at which precision is averaged: 0, 0.01, ... 1.
RECALLS: Floats = np.linspace(0.0, 1.0, 101)
#: The headline figures, as ``metrics.json`` names them.
FIGURES = ("map50", "map", "precision", "recall")
RESAMPLES = 400
#: Sizes of boxes: square root of the share of the picture that they cover, from each on.
SIZES = (0.0, 0.1, 0.25, 0.5)


@dataclass(frozen=True, slots=True)
class ClassFigures:
    """How well one class was found.

    Attributes:
        label: its name. true: boxes there are. found: boxes that were reported at the threshold, hits among them.
        map50, map: average precision at an overlap of 0.5, and the mean of ten overlaps; None without true boxes.
        precision, recall: at the threshold, an overlap of 0.5 being a hit.
        curve: precision ``(101,)`` at the recalls 0, 0.01, ... 1.
    """

    label: str
    true: int
    found: int
    hits: int
    map50: Interval | None
    map: Interval | None
    precision: Interval
    recall: Interval
    curve: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class SizeRecall:
    """How many of the boxes of about one size were found, at the threshold.

    Attributes:
        least, most: the square root of the share of the picture that they cover, 0-1.
    """

    least: float
    most: float
    true: int
    hits: int
    recall: Interval


@dataclass(frozen=True, slots=True)
class Figures:
    """How well boxes were found on some pictures.

    Attributes:
        figures: ``FIGURES`` with intervals. precision and recall are means of the classes' own, at the threshold.
        threshold: of the score, 0-1.
    """

    pictures: int
    threshold: float
    figures: Mapping[str, Interval]
    classes: tuple[ClassFigures, ...]
    sizes: tuple[SizeRecall, ...] = ()


def average_precision(matches: ClassMatches, weights: Floats, level: slice = slice(None)) -> Floats:
    """Return ``(R, T)`` average precision at ``OVERLAPS[level]``; NaN where no picture that counts has a true box.

    Args:
        weights: ``(R, P)``, how often each picture counts.
    """
    hits = matches.hits[level]
    total = weights @ matches.true
    counted = weights[:, matches.pictures]
    result = np.full((len(weights), len(hits)), np.nan)
    for row in range(len(hits)):
        right = np.cumsum(counted * hits[row], axis=1)
        wrong = np.cumsum(counted * ~hits[row], axis=1)
        precision = right / (right + wrong + np.spacing(1))
        # The best precision at this recall or a higher one.
        best = np.maximum.accumulate(precision[:, ::-1], axis=1)[:, ::-1]
        for draw in np.flatnonzero(total > 0):
            result[draw, row] = _at_recalls(right[draw] / total[draw], best[draw]).mean()
    return result


def precision_curve(matches: ClassMatches) -> Floats:
    """Return precision ``(101,)`` at ``RECALLS``, an overlap of 0.5 being a hit; 0 where the recall is not reached."""
    total = int(matches.true.sum())
    if not total:
        return np.zeros(len(RECALLS))
    right, wrong = np.cumsum(matches.hits[0]), np.cumsum(~matches.hits[0])
    precision = right / (right + wrong + np.spacing(1))
    return _at_recalls(right / total, np.maximum.accumulate(precision[::-1])[::-1])


def _at_recalls(recall: Floats, precision: Floats) -> Floats:
    places = np.searchsorted(recall, RECALLS, side="left")
    reached = places < len(recall)
    result: Floats = np.where(reached, precision[np.minimum(places, len(recall) - 1)] if len(recall) else 0.0, 0.0)
    return result


def mean_average_precision(matches: Sequence[ClassMatches]) -> tuple[float, float]:
    """Return mAP at an overlap of 0.5, and the mean over ten overlaps; NaN where there is no true box at all."""
    ones = [np.ones((1, len(one.true))) for one in matches]
    values = np.array([average_precision(one, weights)[0] for one, weights in zip(matches, ones, strict=True)])
    there = ~np.isnan(values[:, 0]) if len(values) else np.zeros(0, dtype=bool)
    if not there.any():
        return float("nan"), float("nan")
    return float(values[there, 0].mean()), float(values[there].mean())


def best_threshold(matches: Sequence[ClassMatches], *, fallback: float = 0.3) -> float:
    """Return the score from which boxes are reported: where the mean F1 of the classes is largest.

    Of several that are as good, the middle. ``fallback`` where nothing was found.
    """
    candidates = np.unique(np.concatenate([one.scores[one.hits[0]] for one in matches] or [np.zeros(0)]))
    if not len(candidates):
        return fallback
    if len(candidates) > 500:
        candidates = np.quantile(candidates, np.linspace(0, 1, 500))
    f1 = np.zeros(len(candidates))
    known = [one for one in matches if one.true.sum()]
    for one in known:
        # Scores fall; how many are at least as sure as each candidate.
        count = np.searchsorted(-one.scores, -candidates, side="right")
        right = np.concatenate([[0], np.cumsum(one.hits[0])])[count]
        f1 += 2 * right / (count + one.true.sum())
    best = np.flatnonzero(f1 >= f1.max() - 1e-12)
    return float(candidates[best[len(best) // 2]])


def precision_and_recall(matches: Sequence[ClassMatches]) -> tuple[float, float]:
    """Return mean precision and recall of the classes that are there, at ``best_threshold``; 0 where there are none."""
    threshold = best_threshold(matches)
    precisions, recalls = [], []
    for one in matches:
        true = int(one.true.sum())
        if not true:
            continue
        sure = one.scores >= threshold
        hits = int(one.hits[0][sure].sum())
        precisions.append(hits / max(int(sure.sum()), 1))
        recalls.append(hits / true)
    return (float(np.mean(precisions)), float(np.mean(recalls))) if recalls else (0.0, 0.0)


def measure(
    pictures: Sequence[Answered],
    labels: Sequence[str],
    *,
    threshold: float,
    shapes: Sequence[tuple[int, int]] = (),
    seed: int = 0,
    resamples: int = RESAMPLES,
) -> Figures:
    """Measure what was found.

    Args:
        pictures: at least one, with a true box.
        labels: names of the classes.
        threshold: of the score, for precision and recall.
        shapes: width and height of each picture, for the recall by size; empty leaves that out.

    Raises:
        ValueError: there is no picture or no true box.
    """
    matches = match_classes(pictures, len(labels))
    if not pictures or not any(one.true.sum() for one in matches):
        raise ValueError("there is no true box to find")
    weights = np.concatenate([np.ones((1, len(pictures))), *draw_weights(len(pictures), resamples, seed=seed)])
    precisions = np.stack([average_precision(one, weights) for one in matches])  # (K, R, T)
    counts = [_counts(one, weights, threshold) for one in matches]
    hits, found, true = (np.stack(rows) for rows in zip(*counts, strict=True))
    with np.errstate(invalid="ignore", divide="ignore"):
        precision = np.where(true > 0, np.where(found > 0, hits / found, 0.0), np.nan)
        recall = np.where(true > 0, hits / true, np.nan)
    n_true, n_found = true[:, 0], found[:, 0]
    present = n_true > 0
    figures = {
        "map50": _interval(_mean(precisions[..., 0]), _effective(n_true[present])),
        "map": _interval(_mean(precisions.mean(axis=2)), _effective(n_true[present])),
        "precision": _interval(_mean(precision), _effective(n_found[present])),
        "recall": _interval(_mean(recall), _effective(n_true[present])),
    }
    classes = tuple(
        ClassFigures(
            label=label,
            true=int(n_true[number]),
            found=int(n_found[number]),
            hits=int(hits[number, 0]),
            map50=_interval(precisions[number, :, 0], n_true[number]) if present[number] else None,
            map=_interval(precisions[number].mean(axis=1), n_true[number]) if present[number] else None,
            precision=_rate(hits[number], found[number]),
            recall=_rate(hits[number], true[number]),
            curve=tuple(map(float, precision_curve(matches[number]))),
        )
        for number, label in enumerate(labels)
    )
    return Figures(len(pictures), threshold, figures, classes, _sizes(pictures, matches, shapes, threshold))


def _counts(one: ClassMatches, weights: Floats, threshold: float) -> tuple[Floats, Floats, Floats]:
    sure = one.scores >= threshold
    counted = weights[:, one.pictures[sure]]
    return counted @ one.hits[0][sure], counted.sum(axis=1), weights @ one.true


def _mean(values: Floats) -> Floats:
    """Return the mean ``(R,)`` over the classes ``(K, R)`` that are there in each draw."""
    there = ~np.isnan(values)
    count = there.sum(axis=0)
    result: Floats = np.where(count > 0, np.where(there, values, 0.0).sum(axis=0) / np.maximum(count, 1), np.nan)
    return result


def _effective(counts: Floats) -> float:
    counts = counts[counts > 0]
    return float(len(counts) ** 2 / (1 / counts).sum()) if len(counts) else 0.0


def _interval(drawn: Floats, count: float) -> Interval:
    """Return the interval of the first of ``drawn``, the others being resamples; ``count`` boxes carry it."""
    value = float(drawn[0])
    others = drawn[1:][~np.isnan(drawn[1:])]
    low, high = np.quantile(others, (0.025, 0.975)) if len(others) else (0.0, 1.0)
    least, most = rate_interval(value * count, count)
    return Interval(value, float(min(low, least, value)), float(max(high, most, value)))


def _rate(hits: Floats, total: Floats) -> Interval:
    with np.errstate(invalid="ignore", divide="ignore"):
        drawn = np.where(total > 0, hits / total, np.nan)
    if not total[0]:
        return Interval(0.0, 0.0, 1.0)
    return _interval(drawn, float(total[0]))


def _sizes(
    pictures: Sequence[Answered], matches: Sequence[ClassMatches], shapes: Sequence[tuple[int, int]], threshold: float
) -> tuple[SizeRecall, ...]:
    if not shapes:
        return ()
    sides: list[Floats] = []
    for number in range(len(matches)):
        for picture, (width, height) in zip(pictures, shapes, strict=True):
            boxes = picture.true_boxes[picture.true_labels == number]
            sides.append(np.sqrt((boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1]) / (width * height)))
    all_sides = np.concatenate(sides)
    found = np.concatenate([one.found for one in matches]) >= threshold
    rows = []
    for least, most in zip(SIZES, (*SIZES[1:], 1.0), strict=True):
        chosen = (all_sides >= least) & ((all_sides < most) | (most == 1.0))
        true, hits = int(chosen.sum()), int((found & chosen).sum())
        if true:
            low, high = rate_interval(hits, true)
            rows.append(SizeRecall(least, most, true, hits, Interval(hits / true, float(low), float(high))))
    return tuple(rows)
