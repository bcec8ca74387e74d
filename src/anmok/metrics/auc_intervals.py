"""The 95 % interval of the mean ROC-AUC of several classes, from the pictures themselves."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from anmok.metrics.counts import Floats, Ints
from anmok.metrics.intervals import Z, auc_interval
from anmok.metrics.ranking import ranked_classes
from anmok.records import Interval

#: With fewer pictures of a class (or of the rest) the variance that is seen among them says too little.
ENOUGH = 10


def mean_auc_interval(y_true: Ints, probabilities: NDArray[np.floating[Any]]) -> Interval | None:
    """Return the macro mean of ``roc_auc`` with its 95 % interval, 0-1; None where there is none.

    The variance is that of E. R. DeLong, D. M. DeLong and D. L. Clarke-Pearson, Biometrics 44 (1988) 837, picture by
    picture over all classes, since the same pictures are ranked for each; the limits are taken on the logit scale,
    where they cannot leave 0 to 1 (G. Qin and L. Hotilovac, Statistical Methods in Medical Research 17, 2008, 207).
    Where it sees no spread (every picture told apart), ``auc_interval`` takes its place, and where a class has fewer
    than ``ENOUGH`` pictures, the hull of both.

    Args:
        y_true: ``(N,)``. probabilities: ``(N, C)``, C >= 2.
    """
    labels = np.asarray(y_true)
    influence, areas, positives = np.zeros(len(labels)), [], []
    for number in ranked_classes(probabilities.shape[1]):
        mine = labels == number
        count, rest = int(mine.sum()), int((~mine).sum())
        if count == 0 or rest == 0:
            continue
        scores = probabilities[:, number]
        above, below = _share_below(scores[~mine], scores[mine]), 1 - _share_below(scores[mine], scores[~mine])
        area = float(above.mean())
        # So scaled their squares add up to the variances of both means.
        influence[mine] += (above - area) / np.sqrt(count * max(count - 1, 1))
        influence[~mine] += (below - area) / np.sqrt(rest * max(rest - 1, 1))
        areas.append(area)
        positives.append(count)
    if not areas:
        return None
    mean, variance = float(np.mean(areas)), float((influence**2).sum()) / len(areas) ** 2
    wide = auc_interval(mean, positives, len(labels))
    if variance == 0 or not 0 < mean < 1:
        return Interval(mean, *wide)
    half = Z * np.sqrt(variance) / (mean * (1 - mean))
    odds = np.log(mean / (1 - mean))
    low, high = (float(1 / (1 + np.exp(-limit))) for limit in (odds - half, odds + half))
    if min(*positives, len(labels) - max(positives)) < ENOUGH:
        low, high = min(low, wide[0]), max(high, wide[1])
    return Interval(mean, min(low, mean), max(high, mean))


def _share_below(known: NDArray[np.floating[Any]], asked: NDArray[np.floating[Any]]) -> Floats:
    """Return for each score asked for the share of the known ones below it; ties count half."""
    ranked = np.sort(known)
    sides = np.searchsorted(ranked, asked, side="left") + np.searchsorted(ranked, asked, side="right")
    result: Floats = sides / (2 * len(ranked))
    return result
