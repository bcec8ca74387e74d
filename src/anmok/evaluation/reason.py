"""The reason for a recommendation, in sentences: the figure, the evidence, the cost."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from anmok.evaluation.costs import cost_words
from anmok.evaluation.matching import name_some
from anmok.evaluation.pair_results import Pair
from anmok.evaluation.paired import find_pair, most_lost
from anmok.evaluation.results import ModelResult
from anmok.i18n import _, ngettext

RANKED_BY = "balanced_accuracy"
#: Times as many pictures a second; one measurement on a shared machine says no more.
CLEARLY_FASTER = 1.5


@dataclass(frozen=True, slots=True)
class Conclusion:
    """What was found about several models, before it is put into words.

    Attributes:
        best: with the best figure. recommended: the same, or a cheaper one of the rivals.
        others: all but the best, the better ones first.
        rivals: those of them that cannot be told apart from the best.
        pairs: all that were compared.
    """

    best: ModelResult
    recommended: ModelResult
    others: tuple[ModelResult, ...]
    rivals: tuple[ModelResult, ...]
    pairs: tuple[Pair, ...]


def reason_in_words(found: Conclusion) -> str:
    """Return why the recommended model is recommended, how sure that is, and what it costs."""
    best, chosen = found.best, found.recommended
    if not found.others:
        sentences = [_("{name} is the only model.").format(name=best.name), _figure(best)]
    elif chosen is not best:
        sentences = [_("{name} is recommended.").format(name=chosen.name), _figure(chosen), *_bargain(found)]
    elif not found.rivals:
        sentences = [_("{name} is the best.").format(name=best.name), _figure(best), _ahead(found), _cost(best)]
    else:
        sentences = [_("{name} has the best balanced accuracy.").format(name=best.name), _figure(best), *_doubts(found)]
    return " ".join(sentences)


def _figure(model: ModelResult) -> str:
    figure = model.evaluation.metrics[RANKED_BY]
    return _(
        "Over all classes alike it recognises {value:.1%} of the test pictures"
        " (95% interval {low:.1%} to {high:.1%}; {count} pictures measured)."
    ).format(value=figure.value, low=figure.low, high=figure.high, count=model.evaluation.pictures)


def _cost(model: ModelResult) -> str:
    return _("Its cost on this machine: {cost}.").format(cost=cost_words(model))


def _ahead(found: Conclusion) -> str:
    pair = find_pair(found.pairs, found.best.name, found.others[0].name)
    if pair is None:
        return _("Its interval lies above those of all others.")
    return _(
        "This is more than chance: of the {count} pictures that only one of {best} and {other}, the second best,"
        " recognised, {won} went to {best} ({test})."
    ).format(
        count=pair.only_first + pair.only_second,
        best=pair.first,
        other=pair.second,
        won=pair.only_first,
        test=_test(pair, len(found.pairs)),
    )


def _bargain(found: Conclusion) -> list[str]:
    """Say why a cheaper model is recommended instead of the best."""
    best, chosen = found.best, found.recommended
    pair = find_pair(found.pairs, best.name, chosen.name)
    if pair is None:
        return []
    return [
        _(
            "{best} has the best balanced accuracy ({value:.1%}), but {chosen} is clearly cheaper on this machine"
            " ({cost}; {best}: {more})."
        ).format(
            best=best.name,
            value=best.evaluation.metrics[RANKED_BY].value,
            chosen=chosen.name,
            cost=cost_words(chosen),
            more=cost_words(best),
        ),
        *_not_apart(pair, len(found.pairs)),
        _("With {chosen}, at most {lost:.1f} pictures of 100 more are missed (95% interval of the difference).").format(
            chosen=chosen.name, lost=100 * most_lost(pair)
        ),
        *_nor(chosen, found.rivals),
    ]


def _doubts(found: Conclusion) -> list[str]:
    """Say which models may be as good, on what evidence, and what else could decide."""
    best, rival = found.best, found.rivals[0]
    pair = find_pair(found.pairs, best.name, rival.name)
    if pair is None:
        sentences = [
            _("But on these pictures it cannot be told apart from {name}.").format(name=rival.name),
            _("The intervals overlap."),
        ]
    else:
        sentences = _not_apart(pair, len(found.pairs))
    costs = "; ".join(f"{model.name}: {cost_words(model)}" for model in (best, *found.rivals))
    return [
        *sentences,
        *_nor(rival, found.rivals),
        _("The cost on this machine may decide: {costs}.").format(costs=costs),
        *_fastest(best, found.rivals),
    ]


def _not_apart(pair: Pair, pairs: int) -> list[str]:
    """Say why the first is not better beyond doubt, on what evidence, and how many pictures are missing."""
    names = {"best": pair.first, "other": pair.second, "count": f"{pair.pictures:,}"}
    if pair.only_second > pair.only_first:
        text = _(
            "It depends on what counts: {other} even recognises more pictures in all; {best} does better on the small"
            " classes."
        )
        return [text.format(**names)]
    if pair.only_first + pair.only_second == 0:
        text = _(
            "{best} and {other} cannot be told apart on {count} pictures: they are right on exactly the same ones."
        )
        return [text.format(**names)]
    if pair.more_pictures is None:
        text = _("{best} and {other} cannot be told apart on {count} pictures; more would be needed than can be had.")
    else:
        text = _("{best} and {other} cannot be told apart on {count} pictures; about {more} more would be needed.")
        names["more"] = f"{pair.more_pictures:,}"
    split = _(
        "Of the {count} pictures that only one of the two recognised, {won} went to {best} and {lost} to"
        " {other} ({test})."
    ).format(
        count=pair.only_first + pair.only_second,
        best=pair.first,
        other=pair.second,
        won=pair.only_first,
        lost=pair.only_second,
        test=_test(pair, pairs),
    )
    return [text.format(**names), split]


def _nor(said: ModelResult, rivals: Sequence[ModelResult]) -> list[str]:
    """Name the rivals that nothing was said of yet."""
    names = [rival.name for rival in rivals if rival.name != said.name]
    if not names:
        return []
    return [
        ngettext(
            "Nor can the best be told apart from {names}.",
            "Nor can the best be told apart from {names}, one by one.",
            len(names),
        ).format(names=name_some(names))
    ]


def _fastest(best: ModelResult, rivals: Sequence[ModelResult]) -> list[str]:
    """Name the fastest model, where it is so much faster that a busy machine does not explain it.

    Where the wait for one picture was measured, it stands among the costs and says more.
    """
    if all(model.latency_ms is not None for model in (best, *rivals)):
        return []
    fastest, second = sorted((best, *rivals), key=lambda model: -model.pictures_per_second)[:2]
    if fastest.pictures_per_second < CLEARLY_FASTER * second.pictures_per_second:
        return []
    return [_("{name} is the fastest.").format(name=fastest.name)]


def _test(pair: Pair, pairs: int) -> str:
    p = _probability(pair.differences["accuracy"].p_holm)
    if pairs < 2:
        return _("exact McNemar test, p {p}").format(p=p)
    return _("exact McNemar test, corrected for {pairs} pairs of models, p {p}").format(pairs=pairs, p=p)


def _probability(p: float) -> str:
    return "< 0.001" if p < 0.001 else f"= {p:.3f}" if p < 0.1 else f"= {p:.2f}"
