"""Looks at results for the illnesses that a table of figures hides, and names each in a sentence.

One function per illness; each yields what it has to say, nothing where all is well. A limit that decides is a constant
beside it, with its reason; ``docs/diagnosis.md`` tells of all of them.

    pictures           too few to measure on, classes too unequal, files that could not be used
    training_pictures  figures of pictures that the model learned from
    answers            collapsed, classes that were not learnt, no better than guessing
    rates, learning    the course of a training: rates, nothing learnt, underfitting, overfitting
    conclusions        a difference too small for the test set, validation unlike test, test pictures refused,
                       a threshold of "none of these" that few pictures set
"""

from __future__ import annotations

from collections.abc import Sequence

from anmok.evaluation.diagnosis.answers import diagnose_answers
from anmok.evaluation.diagnosis.conclusions import (
    diagnose_difference,
    diagnose_few_calibrated,
    diagnose_refusals,
    diagnose_shift,
)
from anmok.evaluation.diagnosis.findings import Diagnosis, Illness, Training, training_of
from anmok.evaluation.diagnosis.learning import diagnose_training
from anmok.evaluation.diagnosis.pictures import diagnose_pictures, diagnose_test_set, diagnose_unreadable
from anmok.evaluation.pair_results import Pair
from anmok.evaluation.paired import find_pair, pairs_of_mistakes
from anmok.evaluation.results import DataSummary, Evaluation, ModelResult

__all__ = [
    "Diagnosis",
    "Illness",
    "Training",
    "diagnose",
    "diagnose_alone",
    "diagnose_training",
    "find_illnesses",
]


def find_illnesses(
    ranked: Sequence[ModelResult], data: DataSummary, pairs: Sequence[Pair] = ()
) -> tuple[Diagnosis, ...]:
    """Return what a careful reader must know about the pictures, then of the conclusion, then about each model.

    Args:
        ranked: the models, best first.
        pairs: every two of them; without any, the stored mistakes tell the models apart.
    """
    best, others = ranked[0], ranked[1:]
    found = [*diagnose_test_set(best.evaluation), *diagnose_pictures(data), *diagnose_unreadable(ranked)]
    if others:
        pair = find_pair(pairs or pairs_of_mistakes(ranked), best.name, others[0].name)
        found += diagnose_difference(best, others[0], pair)
    found += [*diagnose_shift(ranked), *diagnose_refusals(ranked), *diagnose_few_calibrated(ranked)]
    for model in ranked:
        found += [*diagnose_answers(model.name, model.evaluation), *diagnose_training(training_of(model, data))]
    return tuple(found)


def diagnose(ranked: Sequence[ModelResult], data: DataSummary, pairs: Sequence[Pair] = ()) -> tuple[str, ...]:
    """Return the sentences of ``find_illnesses``."""
    return tuple(one.text for one in find_illnesses(ranked, data, pairs))


def diagnose_alone(name: str, evaluation: Evaluation) -> tuple[str, ...]:
    """Return what must be known about one measured model, of whose training nothing is at hand."""
    return tuple(one.text for one in (*diagnose_test_set(evaluation), *diagnose_answers(name, evaluation)))
