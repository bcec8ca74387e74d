"""Which model is the best, which one to take, why, and how sure that is: the comparison's conclusion.

Models are ranked by balanced accuracy (every class counts alike, however many pictures it has), equal ones by log
loss. All were measured on the same pictures, so two models are told apart by those pictures on which only one of them
was right (McNemar's exact test, with Holm's correction for all pairs): this sees differences that are too small for
separate intervals. Where the best cannot be told apart from a clearly cheaper one, the cheaper one is recommended, as
long as little can be lost by it.
"""

from __future__ import annotations

from collections.abc import Sequence

from anmok.evaluation.costs import clearly_cheaper
from anmok.evaluation.diagnosis import diagnose
from anmok.evaluation.pair_results import Pair
from anmok.evaluation.paired import find_pair, most_lost, pairs_of_mistakes
from anmok.evaluation.reason import RANKED_BY, Conclusion, reason_in_words
from anmok.evaluation.results import LESS_IS_BETTER, DataSummary, ModelResult

TIES_BY = "log_loss"
#: How much of accuracy the cheaper model may lack at the worst (the end of the 95 % interval) to be recommended: that a
#: small test set cannot tell two models apart is no proof that they are alike.
MOST_LOST = 0.05


def conclude(
    models: Sequence[ModelResult], data: DataSummary, pairs: Sequence[Pair] = ()
) -> tuple[str, str, tuple[str, ...]]:
    """Return the name of the recommended model, the reason, and what a careful reader must be warned of, in words.

    Args:
        pairs: as ``compare_pairs`` gives them; without any, the stored mistakes tell the models apart.

    Raises:
        ValueError: there is no model.
    """
    if not models:
        raise ValueError("a comparison of no models has no conclusion; at least one is wanted")
    ranked = rank(models)
    pairs = pairs or pairs_of_mistakes(ranked)
    best, others = ranked[0], ranked[1:]
    rivals = [other for other in others if not _told_apart(best, other, pairs)]
    conclusion = Conclusion(best, recommend(best, rivals, pairs), tuple(others), tuple(rivals), tuple(pairs))
    return conclusion.recommended.name, reason_in_words(conclusion), diagnose(ranked, data, pairs)


def rank(models: Sequence[ModelResult]) -> list[ModelResult]:
    """Return the models, best first: by balanced accuracy, then by log loss, then as given."""

    def key(model: ModelResult) -> tuple[float, float]:
        metrics = model.evaluation.metrics
        return -metrics[RANKED_BY].value, metrics[TIES_BY].value

    return sorted(models, key=key)


def recommend(best: ModelResult, rivals: Sequence[ModelResult], pairs: Sequence[Pair]) -> ModelResult:
    """Return the model to take: the best, or a clearly cheaper one with which little can be lost.

    Args:
        rivals: models that cannot be told apart from the best, the better ones first.
    """
    chosen = best
    for rival in rivals:
        pair = find_pair(pairs, best.name, rival.name)
        if pair is not None and most_lost(pair) <= MOST_LOST and clearly_cheaper(rival, chosen):
            chosen = rival
    return chosen


def best_marks(models: Sequence[ModelResult], metric: str) -> set[str]:
    """Return the name of the model to highlight for a metric, or nothing.

    Highlighted is the best value only where its interval lies apart from those of all others: a plain and strict rule
    that a reader can check in the table. (The reason in words uses the sharper test on the same pictures.)
    A single model, or one that alone has the metric, is compared with nothing and not highlighted.
    """
    figures = [(m.name, m.evaluation.metrics[metric]) for m in models if metric in m.evaluation.metrics]
    if len(figures) < 2:
        return set()
    choose = min if metric in LESS_IS_BETTER else max
    name, best = choose(figures, key=lambda pair: pair[1].value)
    others = [interval for other, interval in figures if other != name]
    return set() if any(best.overlaps(interval) for interval in others) else {name}


def _told_apart(best: ModelResult, other: ModelResult, pairs: Sequence[Pair]) -> bool:
    pair = find_pair(pairs, best.name, other.name)
    if pair is None:
        return not best.evaluation.metrics[RANKED_BY].overlaps(other.evaluation.metrics[RANKED_BY])
    return pair.told_apart and pair.only_first > pair.only_second
