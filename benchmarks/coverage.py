"""How often the 95 % intervals hold the truth: by simulation, and for rates also by enumeration.

    python benchmarks/coverage.py [--repeats 1000] [--figures rate,class,average,roc_auc,loss,calibration]

No pictures are needed. Wanted: 93 to 97.5 % for n = 50, 200, 1000 pictures and a truth of p = 0.5, 0.9, 0.99. In 1,000
repeats an interval that holds the truth 95 % of the time is counted between 93.6 and 96.3 % in 19 cases of 20.

What is simulated
    rate        accuracy, and a class's recall: hits of n pictures, each right with probability p
    class       precision and F1 of one of three equally frequent classes of about n pictures each
    average     balanced accuracy, macro F1, weighted F1 of three equally frequent classes, n pictures in all
    roc_auc     two classes of n/2 pictures whose scores are normal, as far apart as an area of p asks for
    loss        log loss and Brier score of three classes; the confidence q is drawn from Beta(10 p, 10 (1 - p)), and an
                answer is right with probability q; the truth is the mean over two million draws
    calibration ECE of such answers, as they are and with too sure ones, 0.15 * 4 q (1 - q) below what is stated; the
                truth is the error of two million answers

What cannot be reached. Hits are whole numbers, so an interval that follows from the hits alone holds p for some set of
hits, and its coverage is the sum of their binomial probabilities. For n = 50 and p = 0.99 these are 0.605 (50 hits),
0.306 (49), 0.076 (48), 0.012 (47), and 0.0016 for all others together. With 50, 49 and 48 the sum is at least 0.986;
without 48 it is at most 0.924, without 49 at most 0.694, without 50 at most 0.395. So no interval at all, however it is
made, covers that truth in 93 to 97.5 of 100 samples, unless it throws dice. ``reachable`` enumerates this for every
row of a rate; where it says no, the row is marked as missed and "impossible". Ours is on the safe side there (0.986;
Wilson's: 0.911).
"""

from __future__ import annotations

import argparse
import functools
import sys
from collections.abc import Callable, Iterator

import numpy as np
from scipy.stats import binom, norm

from anmok import metrics

SIZES, TRUTHS = (50, 200, 1000), (0.5, 0.9, 0.99)
LEAST, MOST = 0.93, 0.975
#: The package draws 2,000 where it can; fewer only make each limit a little less steady.
RESAMPLES = 500
LOSSES = ("log_loss", "brier_score")
CLASSES, LARGE, TOO_SURE = 3, 2_000_000, 0.15

Held = dict[str, bool]
Draw = Callable[[np.random.Generator, int, float, int], Held]


def covered(interval: object, truth: float) -> bool:
    low, high = (interval.low, interval.high) if hasattr(interval, "low") else interval  # type: ignore[misc, attr-defined]
    return bool(low - 1e-12 <= truth <= high + 1e-12)


def rate(random: np.random.Generator, n: int, p: float, seed: int) -> Held:
    return {"accuracy, recall": covered(metrics.rate_interval(random.binomial(n, p), n), p)}


def answered(random: np.random.Generator, n: int, p: float) -> tuple[np.ndarray, np.ndarray]:
    """Return labels and answers of three equally frequent classes; precision, recall and F1 of each are p."""
    y_true = random.integers(CLASSES, size=n)
    wrong = (y_true + random.integers(1, CLASSES, size=n)) % CLASSES
    return y_true, np.where(random.random(n) < p, y_true, wrong)


def of_class(random: np.random.Generator, n: int, p: float, seed: int) -> Held:
    counts = metrics.count_classes(metrics.confusion_matrix(*answered(random, CLASSES * n, p), CLASSES))
    hits, true, predicted = counts.hits[0], counts.true[0], counts.predicted[0]
    return {
        "precision": covered(metrics.rate_interval(hits, predicted), p),
        "F1 of a class": covered(metrics.f1_interval(hits, true, predicted), p),
    }


def averages(random: np.random.Generator, n: int, p: float, seed: int) -> Held:
    y_true, y_pred = answered(random, n, p)
    names = {"balanced_accuracy": "balanced accuracy", "macro_f1": "macro F1", "weighted_f1": "weighted F1"}
    intervals = metrics.average_intervals(y_true, np.eye(CLASSES)[y_pred], names=names, seed=seed, resamples=RESAMPLES)
    return {shown: covered(intervals[name], p) for name, shown in names.items()}


def area(random: np.random.Generator, n: int, p: float, seed: int) -> Held:
    y_true = np.arange(n) % 2
    scores = norm.cdf(random.normal(size=n) + y_true * np.sqrt(2) * norm.ppf(p))
    probabilities = np.stack([1 - scores, scores], axis=1)
    return {"ROC-AUC": covered(metrics.mean_auc_interval(y_true, probabilities), p)}


def confident(
    random: np.random.Generator, n: int, p: float, too_sure: float = 0.0
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return labels, probabilities and confidences of answers that are right as often as stated, or less often."""
    q = np.clip(random.beta(10 * p, 10 * (1 - p), size=n), 1 / CLASSES, 1 - 1e-9)
    y_pred = random.integers(CLASSES, size=n)
    right = random.random(n) < q - too_sure * 4 * q * (1 - q)
    y_true = np.where(right, y_pred, (y_pred + random.integers(1, CLASSES, size=n)) % CLASSES)
    probabilities = np.repeat(((1 - q) / (CLASSES - 1))[:, np.newaxis], CLASSES, axis=1)
    probabilities[np.arange(n), y_pred] = q
    return y_true, probabilities, q


@functools.cache
def true_losses(p: float) -> tuple[float, float]:
    y_true, probabilities, _q = confident(np.random.default_rng(10**6), LARGE, p)
    return metrics.log_loss(y_true, probabilities), metrics.brier_score(y_true, probabilities)


def losses(random: np.random.Generator, n: int, p: float, seed: int) -> Held:
    y_true, probabilities, _q = confident(random, n, p)
    log_loss, brier = true_losses(p)
    intervals = metrics.average_intervals(y_true, probabilities, names=LOSSES, seed=seed, resamples=RESAMPLES)
    return {
        "log loss": covered(intervals["log_loss"], log_loss),
        "Brier score": covered(intervals["brier_score"], brier),
    }


@functools.cache
def true_error(p: float, too_sure: float) -> float:
    q = confident(np.random.default_rng(10**6), LARGE, p)[2]
    seen = metrics.reliability(q, q - too_sure * 4 * q * (1 - q))
    return float((seen.gaps * seen.pictures).sum() / LARGE)


def calibration(random: np.random.Generator, n: int, p: float, seed: int) -> Held:
    held = {}
    for name, too_sure in (("ECE, calibrated", 0.0), ("ECE, too sure", TOO_SURE)):
        y_true, probabilities, q = confident(random, n, p, too_sure)
        right = probabilities.argmax(axis=1) == y_true
        error = metrics.calibration_error(q, right, seed=seed, resamples=RESAMPLES)
        held[name] = covered(error.interval, true_error(p, too_sure))
    return held


FIGURES: dict[str, Draw] = {
    "rate": rate,
    "class": of_class,
    "average": averages,
    "roc_auc": area,
    "loss": losses,
    "calibration": calibration,
}


def enumerated(n: int, p: float) -> float:
    """Return the exact coverage of the interval of a rate."""
    hits = np.arange(n + 1)
    low, high = metrics.rate_interval(hits, n)
    return float(binom.pmf(hits, n, p)[(low <= p) & (p <= high)].sum())


def reachable(n: int, p: float, low: float = LEAST, high: float = MOST) -> bool:
    """Tell whether any set of hits has a probability between ``low`` and ``high``: whether any interval can."""
    masses = np.sort(binom.pmf(np.arange(n + 1), n, p))[::-1]
    rests = np.append(np.cumsum(masses[::-1])[::-1], 0.0)

    def search(number: int, total: float) -> bool:
        if low <= total <= high:
            return True
        if number == len(masses) or total > high or total + rests[number] < low:
            return False
        return search(number + 1, total + masses[number]) or search(number + 1, total)

    return search(0, 0.0)


def simulated(figures: list[str], repeats: int) -> Iterator[tuple[str, str, int, float, float]]:
    """Yield the kind, the figure, n, p and the share of intervals that held the truth."""
    for kind in figures:
        for n in SIZES:
            for p in TRUTHS:
                random = np.random.default_rng([n, round(1000 * p)])
                rounds = [FIGURES[kind](random, n, p, seed) for seed in range(repeats)]
                for name in rounds[0]:
                    yield kind, name, n, p, float(np.mean([held[name] for held in rounds]))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=1000)
    parser.add_argument("--figures", default=",".join(FIGURES))
    chosen = parser.parse_args()
    print("| figure | n | p | coverage | exact | 93-97.5 % |\n|---|---|---|---|---|---|")
    missed = 0
    for kind, name, n, p, share in simulated(chosen.figures.split(","), chosen.repeats):
        exact, mark = "", "yes" if LEAST <= share <= MOST else "**no**"
        if kind == "rate":
            exact = f"{enumerated(n, p):.4f}"
            if not reachable(n, p):
                mark = "**no**, impossible"
        missed += mark != "yes"
        print(f"| {name} | {n} | {p} | {share:.3f} | {exact} | {mark} |", flush=True)
    print(f"\n{missed} rows missed")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
