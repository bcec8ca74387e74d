"""Labels that are probably wrong: confident learning on probabilities of heads that never saw the picture they judge.

After Northcutt, Jiang and Chuang, Confident learning: estimating uncertainty in dataset labels (JAIR 2021), in
cleanlab's implementation. Probabilities come from logistic heads on cached vectors, by cross-validation that keeps
groups whole. Training, validation and test pictures are judged alike, each by heads that were fitted on the others:
a wrong label in the test set bends every figure, so it is looked for, too. The heads are thrown away, so nothing
that is measured later has learned from a test picture.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from anmok.clean.evidence import Evidence
from anmok.clean.registry import CheckResult, register_check
from anmok.i18n import gettext
from anmok.i18n import marked as _
from anmok.probabilities import SMALLEST, fit_temperature, softmax
from anmok.records import Action
from anmok.training.heads import STRENGTHS, fit_logistic
from anmok.training.rows import groups_of

#: A label is doubted only where its calibrated probability is below this, odds of nine to one against it: confident
#: learning alone also takes labels that a weak model merely finds less likely than others.
DOUBTED = 0.1
#: Below this (four to one) and doubted by confident learning, a picture is not learned from in the second round. Higher
#: than ``DOUBTED``, because heads that have learned from wrong labels are timid.
LEFT_OUT = 0.2
#: From this probability on the other class is proposed; below, a person is asked to look.
PROPOSED = 0.5
#: The strength of the heads is chosen on at most so many pictures. It is the spread that weights are expected to
#: have, which does not depend on how many pictures are learned from.
CHOOSING = 10_000
RELABEL: Action = "relabel"
REVIEW: Action = "review"


@dataclass(frozen=True, slots=True, eq=False)
class Judged:
    """What heads that never saw them say about N pictures.

    Attributes:
        probabilities: float64 ``(N, K)``, calibrated; rows sum to 1. K counts the classes that have pictures.
        known: bool ``(N,)``; False where no head could be asked, because the picture's class has no other group.
        doubted: bool ``(N,)``: the label is probably wrong.
        strength: inverse penalty of the heads.
        learned_again: pictures that the second round's heads learned from.
    """

    probabilities: NDArray[np.float64]
    known: NDArray[np.bool_]
    doubted: NDArray[np.bool_]
    strength: float
    learned_again: int


def judge(
    vectors: NDArray[np.float32], labels: NDArray[np.int64], groups: Sequence[str], *, seed: int = 0, threads: int = 0
) -> Judged | None:
    """Judge labels in two rounds, the second with heads that have not learned from what the first one doubted.

    Wrong labels make the heads timid, and timid heads miss wrong labels; so what is plainly wrong is left out, with
    its whole group, when the heads are fitted again. A picture that was left out is judged by the head of all that
    stayed, the others out of fold: nobody's label ever speaks for itself. (Learning with what was found pruned is the
    paper's own proposal, section 5.)

    Args:
        vectors: float32 ``(N, D)``. Their order decides the folds: give them in an order that does not depend on the
            order of a table.
        labels: ``(N,)`` from 0, each number up to the greatest at least once.
        groups: ``(N,)``; pictures of one group are never judged by each other.

    Returns:
        None where there is nothing to compare with: fewer than two classes, or no class of two groups.
    """
    if len(np.unique(labels)) < 2:
        return None
    count = int(labels.max()) + 1
    names = np.unique(np.asarray(groups, dtype=str), return_inverse=True)[1]
    strengths = _strength(vectors, labels, groups, seed=seed, threads=threads)
    fit = fit_logistic(vectors, labels, seed, classes=count, groups=groups, strengths=strengths, threads=threads)
    raw = fit.out_of_fold.astype(np.float64)
    known = _asked(fit.out_of_fold, labels)
    if not known.any():
        return None
    probabilities = _calibrated(raw, labels, known)
    first = _doubted(probabilities, labels, known, LEFT_OUT)
    doubted = first & (probabilities[np.arange(len(labels)), labels] < DOUBTED)
    unlikely = probabilities.argmax(axis=1) != labels
    kept = _kept(first, labels, names)
    if not kept.all():
        again = fit_logistic(
            vectors[kept],
            labels[kept],
            seed,
            classes=count,
            groups=[group for group, stays in zip(groups, kept, strict=True) if stays],
            strengths=(fit.strength,),
            threads=threads,
        )
        answered = _asked(again.out_of_fold, labels[kept])
        raw[np.flatnonzero(kept)[answered]] = again.out_of_fold[answered]
        raw[~kept] = again.head.probabilities(vectors[~kept])
        probabilities = _calibrated(raw, labels, known & kept)
        # The first heads must have found another class likelier, too: the second know only what agrees with itself.
        doubted = _doubted(probabilities, labels, known, DOUBTED) & unlikely
    return Judged(probabilities, known, doubted, fit.strength, int(kept.sum()))


def _strength(
    vectors: NDArray[np.float32], labels: NDArray[np.int64], groups: Sequence[str], *, seed: int, threads: int
) -> tuple[float, ...]:
    """Return the strengths to try on all pictures: all, or the one that suits a part of a large set."""
    part = slice(0, CHOOSING)
    if len(labels) <= CHOOSING or len(np.unique(labels[part])) < 2:
        return STRENGTHS
    fit = fit_logistic(vectors[part], labels[part], seed, groups=groups[part], threads=threads)
    return (fit.strength,)


def _asked(out_of_fold: NDArray[np.float32], labels: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Return which rows a head could be asked about: the others hold the shares of the classes (see ``HeadFit``)."""
    shares = np.bincount(labels, minlength=out_of_fold.shape[1]) / len(labels)
    asked: NDArray[np.bool_] = (out_of_fold != shares.astype(np.float32)).any(axis=1)
    return asked


def _kept(doubted: NDArray[np.bool_], labels: NDArray[np.int64], names: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Return which pictures are learned from again: no group of a doubted one, but two groups at least of each class.

    A class that would be left with less keeps all it has.
    """
    kept = ~np.isin(names, names[doubted])
    for label in np.unique(labels[~kept]):
        rows = labels == label
        if len(np.unique(names[rows & kept])) < 2:
            kept |= np.isin(names, names[rows])
    return kept


def _doubted(
    probabilities: NDArray[np.float64], labels: NDArray[np.int64], known: NDArray[np.bool_], below: float
) -> NDArray[np.bool_]:
    """Return which labels confident learning doubts and whose probability is less than ``below``."""
    from cleanlab.filter import find_label_issues

    doubted = np.zeros(len(labels), dtype=np.bool_)
    # cleanlab fails on classes without pictures, so it sees only those that are judged, numbered anew.
    classes, numbers = np.unique(labels[known], return_inverse=True)
    if len(classes) < 2:
        return doubted
    chances = probabilities[np.ix_(known, classes)]
    chances = chances / chances.sum(axis=1, keepdims=True)
    # Two ways of pruning as many as the noise is estimated to be; either finds what rounding keeps from the other.
    ways = ("prune_by_class", "prune_by_noise_rate")
    found = [find_label_issues(numbers, chances, filter_by=way, n_jobs=1, verbose=False) for way in ways]
    own = probabilities[np.arange(len(labels)), labels]
    doubted[known] = np.any(found, axis=0)
    return doubted & (own < below)


def _calibrated(
    probabilities: NDArray[np.float64], labels: NDArray[np.int64], learned: NDArray[np.bool_]
) -> NDArray[np.float64]:
    """Return the probabilities at the temperature that makes them fit the labels of ``learned`` best."""
    temperature = fit_temperature(probabilities[learned], labels[learned])
    return softmax(np.log(np.clip(probabilities, SMALLEST, 1)), temperature).astype(np.float64)


def _reason(values: Mapping[str, Any]) -> str:
    return gettext(
        "The label is {label}, but judged by all other pictures it is rather {suggested}: {likely} against {unlikely}."
    ).format(
        label=values["label"],
        suggested=values["suggested"],
        likely=f"{values['probability_suggested']:.0%}",
        unlikely=f"{values['probability_label']:.1%}",
    )


@register_check(
    name="label-error",
    title=_("Wrong labels"),
    about=_("Pictures whose class is most unlikely by what can be learned from all other pictures."),
    needs="vectors",
    action="relabel",
    reason=_reason,
)
def find_label_errors(evidence: Evidence) -> CheckResult:
    """Give each picture the chance that its label is right as the score; see ``judge`` and ``_chance_right``.

    ``values``: ``label``, ``suggested``, ``probability_label``, ``probability_suggested``. ``about``: ``pictures`` and
    how many of them were ``judged``, ``strength`` and ``learned_again`` of the heads, ``agreement``: the share of
    judged pictures whose label is the most probable class (a low one says that these vectors hardly tell the classes
    apart, and that the flags deserve less trust).
    """
    manifest = evidence.manifest
    # By content, so that neither the order of rows nor names of files change a verdict.
    rows = manifest.table[["id", "label", "path"]].sort_values(["id", "label", "path"]).index.to_numpy(dtype=np.int64)
    classes, numbers = np.unique(manifest.label_indices()[rows], return_inverse=True)
    names = [manifest.classes[number] for number in classes]
    judged = None
    if len(classes) > 1:
        groups = groups_of(manifest)
        judged = judge(
            evidence.vectors[rows],
            numbers.astype(np.int64),
            [groups[row] for row in rows],
            seed=evidence.config.seed,
            threads=evidence.threads,
        )
    return _result(rows, numbers.astype(np.int64), names, judged)


def _chance_right(own: NDArray[np.float64], judged: Judged, classes: int) -> NDArray[np.float64]:
    """Return (N,): the chance that each label is right, by Bayes' rule.

    An unlikely label is either wrong or an odd picture of its class, and which of the two depends on how many labels
    are wrong: among 100 classes a model often finds the right one unlikely. Taken are the share that was doubted as
    the share of wrong labels, and that a wrong label is any of the other classes alike.

    Args:
        own: (N,), the probability that the heads give to the label.
    """
    share = judged.doubted.sum() / max(1, judged.known.sum())
    wrong = share * (1 - own) / max(1, classes - 1)
    right: NDArray[np.float64] = (1 - share) * own / np.maximum(wrong + (1 - share) * own, SMALLEST)
    return np.clip(right, 0, 1)


def _result(
    rows: NDArray[np.int64], numbers: NDArray[np.int64], names: Sequence[str], judged: Judged | None
) -> CheckResult:
    """Put what was judged in the order of ``rows`` into the order of the manifest."""
    total = len(rows)
    scores, flags = np.ones(total), np.zeros(total, dtype=np.bool_)
    suggested, actions = [""] * total, [RELABEL] * total
    values: dict[int, dict[str, Any]] = {}
    about: dict[str, Any] = {"pictures": total, "judged": 0}
    if judged is not None:
        places = np.arange(total)
        own = judged.probabilities[places, numbers]
        others = judged.probabilities.copy()
        others[places, numbers] = -1
        best = others.argmax(axis=1)
        right = _chance_right(own, judged, len(names))
        # What is not flagged stays above what is, however unlikely a weak model finds it; who was not judged is right.
        least = right[judged.doubted].max(initial=0)
        scores[rows] = np.where(judged.known, np.where(judged.doubted, right, np.maximum(right, least)), 1)
        flags[rows] = judged.doubted
        for place in np.flatnonzero(judged.doubted).tolist():
            row, chance = int(rows[place]), float(others[place, best[place]])
            suggested[row] = names[best[place]]
            actions[row] = RELABEL if chance >= PROPOSED else REVIEW
            values[row] = {
                "label": names[numbers[place]],
                "suggested": suggested[row],
                "probability_label": float(own[place]),
                "probability_suggested": chance,
            }
        about |= {
            "judged": int(judged.known.sum()),
            "strength": judged.strength,
            "learned_again": judged.learned_again,
            "agreement": float((own > others.max(axis=1))[judged.known].mean()),
        }
    return CheckResult(
        scores=np.clip(scores, 0, 1),
        flags=flags,
        others=np.full(total, -1, dtype=np.int64),
        suggested=tuple(suggested),
        actions=tuple(actions),
        values=values,
        thresholds={"probability_label": DOUBTED},
        about=about,
    )
