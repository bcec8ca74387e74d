"""Pictures that every model gets wrong (hard, or mislabelled), and those that only one of them gets wrong."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from anmok.evaluation.pair_results import SharedMistake
from anmok.evaluation.results import Mistake, ModelResult

#: Pictures that are kept of those that all get wrong, and for each model of those that it alone gets wrong. The count
#: of all stands beside them; the mistakes themselves are all in each ``Evaluation``.
SHARED, ALONE = 48, 24


def find_shared(models: Sequence[ModelResult]) -> tuple[tuple[SharedMistake, ...], int]:
    """Return the pictures that all models get wrong, the surest first, at most ``SHARED``; and how many there are.

    How sure all of them are is how sure the least sure one is. A single model shares nothing.
    """
    if len(models) < 2:
        return (), 0
    wrong = [{mistake.path: mistake for mistake in model.evaluation.mistakes} for model in models]
    paths = set.intersection(*map(set, wrong))
    shared = sorted(
        (
            SharedMistake(
                path=path,
                true=wrong[0][path].true,
                predicted={model.name: mine[path].predicted for model, mine in zip(models, wrong, strict=True)},
                probability=min(mine[path].probability for mine in wrong),
            )
            for path in paths
        ),
        key=lambda mistake: (-mistake.probability, mistake.path),
    )
    return tuple(shared[:SHARED]), len(shared)


def find_only(models: Sequence[ModelResult]) -> tuple[Mapping[str, tuple[Mistake, ...]], Mapping[str, int]]:
    """Return by model the pictures that it alone gets wrong, the surest first, at most ``ALONE``; and how many."""
    if len(models) < 2:
        return {}, {}
    times: dict[str, int] = {}
    for model in models:
        for mistake in model.evaluation.mistakes:
            times[mistake.path] = times.get(mistake.path, 0) + 1
    # The mistakes of an evaluation stand in order already.
    only = {
        model.name: tuple(mistake for mistake in model.evaluation.mistakes if times[mistake.path] == 1)
        for model in models
    }
    return {name: own[:ALONE] for name, own in only.items()}, {name: len(own) for name, own in only.items()}
