"""The rest follows: from kinds that were found and a few pictures that somebody marked, a linear rule for all."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

#: A mark speaks as loudly as so many pictures that merely lie in a cluster: a person has looked.
MARK_WEIGHT = 10.0
#: Dimensions that the rule sees; inverse penalty of its weights, for points whose mean square length is 1.
RULE_DIMENSIONS, RULE_STRENGTH = 100, 1.0
#: Pictures that are put before a person.
ASKED = 5


def follow(
    points: NDArray[np.float64],
    pseudo: NDArray[np.bool_] | None,
    marked: NDArray[np.int64],
    is_off: NDArray[np.bool_],
) -> NDArray[np.float64]:
    """Fit a logistic regression to cluster labels and marks, and return its log-odds for all pictures.

    Args:
        points: float64 ``(N, d)``.
        pseudo: ``(N,)``, True where the clusters say off topic; None where they say nothing, and the marks speak alone.
        marked: rows that somebody marked.
        is_off: for each of them, True for off topic.

    Returns:
        float64 ``(N,)``, above 0 for off topic. Marked pictures are what they were marked as, whatever the rule says.
        Where only one kind of answer was given there is no rule, and the rest is on topic.
    """
    from sklearn.linear_model import LogisticRegression

    wanted = np.zeros(len(points), dtype=bool) if pseudo is None else pseudo.copy()
    weights = np.full(len(points), 0.0 if pseudo is None else 1.0)
    wanted[marked], weights[marked] = is_off, MARK_WEIGHT
    told = weights > 0
    odds = np.where(wanted, 1.0, -1.0)
    if len(np.unique(wanted[told])) > 1:
        scale = float(np.sqrt((points**2).sum(axis=1).mean())) or 1.0
        model = LogisticRegression(C=RULE_STRENGTH, max_iter=3000)
        model.fit(points[told] / scale, wanted[told], sample_weight=weights[told])
        odds = np.asarray(model.decision_function(points / scale), dtype=np.float64)
    # A mark is the truth: at least as sure as odds of e to one.
    odds[marked] = np.where(is_off, np.maximum(odds[marked], 1.0), np.minimum(odds[marked], -1.0))
    return odds


def worth_marking(
    odds: NDArray[np.float64], classes: NDArray[np.int64], answered: Sequence[int], count: int = ASKED
) -> tuple[int, ...]:
    """Return the rows whose marks would tell most: the least certain, one of each class before a second of any.

    Args:
        odds: ``(N,)``, 0 is least certain.
        classes: ``(N,)``.
        answered: rows that are marked already.
    """
    order = [row for row in np.argsort(np.abs(odds), kind="stable").tolist() if row not in set(answered)]
    seen: dict[int, int] = {}
    turns = []
    for place, row in enumerate(order):
        turn = seen.get(int(classes[row]), 0)
        seen[int(classes[row])] = turn + 1
        turns.append((turn, place, row))
    return tuple(row for _turn, _place, row in sorted(turns)[:count])
