"""Which model is the best, why, and how sure is that: the comparison's conclusion in words.

Models are ranked by balanced accuracy (every class counts alike, however many pictures it has), equal ones by log
loss. All were measured on the same pictures, so two models are told apart by those pictures on which only one of them
was right (McNemar's exact test): this sees differences that are too small for separate intervals.
"""

from __future__ import annotations

from collections.abc import Sequence

from anmok.evaluation.diagnosis import diagnose
from anmok.evaluation.matching import name_some
from anmok.evaluation.paired import ALPHA, duel
from anmok.evaluation.results import LESS_IS_BETTER, DataSummary, ModelResult
from anmok.i18n import _, ngettext
from anmok.records import Interval

RANKED_BY, TIES_BY = "balanced_accuracy", "log_loss"
#: Times as many pictures a second; one measurement on a shared machine says no more.
CLEARLY_FASTER = 1.5


def conclude(models: Sequence[ModelResult], data: DataSummary) -> tuple[str, str, tuple[str, ...]]:
    """Return the name of the best model, the reason, and what a careful reader must be warned of, in words.

    Raises:
        ValueError: there is no model.
    """
    if not models:
        raise ValueError("a comparison of no models has no conclusion; at least one is wanted")
    ranked = rank(models)
    return ranked[0].name, _reason(ranked), diagnose(ranked, data)


def rank(models: Sequence[ModelResult]) -> list[ModelResult]:
    """Return the models, best first: by balanced accuracy, then by log loss, then as given."""

    def key(model: ModelResult) -> tuple[float, float]:
        metrics = model.evaluation.metrics
        return -metrics[RANKED_BY].value, metrics[TIES_BY].value

    return sorted(models, key=key)


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


def _told_apart(best: ModelResult, other: ModelResult, alpha: float) -> bool:
    fight = duel(best.evaluation, other.evaluation)
    if fight is None:
        return not best.evaluation.metrics[RANKED_BY].overlaps(other.evaluation.metrics[RANKED_BY])
    return fight.p < alpha and fight.only_first > fight.only_second


def _reason(ranked: Sequence[ModelResult]) -> str:
    best, others = ranked[0], ranked[1:]
    figure = best.evaluation.metrics[RANKED_BY]
    if not others:
        sentences = [_("{name} is the only model.").format(name=best.name), _balanced_accuracy(best, figure)]
        return " ".join(sentences)
    sentences = [_("{name} is the best.").format(name=best.name), _balanced_accuracy(best, figure)]
    alpha = ALPHA / len(others)
    rivals = [other for other in others if not _told_apart(best, other, alpha)]
    if not rivals:
        sentences.append(_ahead(best, others))
    else:
        sentences += _doubts(best, rivals)
    return " ".join(sentences)


def _balanced_accuracy(model: ModelResult, figure: Interval) -> str:
    return _(
        "Over all classes alike it recognises {value:.1%} of the held-out pictures"
        " (95 % interval {low:.1%} to {high:.1%}; {count} pictures measured)."
    ).format(value=figure.value, low=figure.low, high=figure.high, count=model.evaluation.pictures)


def _ahead(best: ModelResult, others: Sequence[ModelResult]) -> str:
    fight = duel(best.evaluation, others[0].evaluation)
    if fight is None:
        return _("Its interval lies above those of all others.")
    return _(
        "This is more than chance: of the {count} pictures that only one of {best} and {other}, the second best,"
        " recognised, {won} went to {best} (exact McNemar test, p {p})."
    ).format(
        count=fight.only_first + fight.only_second,
        best=best.name,
        other=others[0].name,
        won=fight.only_first,
        p=_probability(fight.p),
    )


def _doubts(best: ModelResult, rivals: Sequence[ModelResult]) -> list[str]:
    """Say which models may be as good, on what evidence, and what else could decide."""
    sentences = [
        ngettext(
            "But on these pictures it cannot be told apart from {names}.",
            "But on these pictures it cannot be told apart from {names}, one by one.",
            len(rivals),
        ).format(names=name_some([rival.name for rival in rivals]))
    ]
    rival = rivals[0]
    fight = duel(best.evaluation, rival.evaluation)
    if fight is None:
        sentences.append(_("The intervals overlap."))
    elif fight.only_first + fight.only_second == 0:
        sentences.append(
            _("{best} and {other} are right on exactly the same ones.").format(best=best.name, other=rival.name)
        )
    elif fight.only_second > fight.only_first:
        sentences.append(
            _("{other} even recognises more pictures in all; {best} does better on the small classes.").format(
                other=rival.name, best=best.name
            )
        )
    else:
        sentences.append(
            _(
                "Of the {count} pictures that only one of the two recognised, {won} went to {best} and {lost} to"
                " {other} (exact McNemar test, p {p})."
            ).format(
                count=fight.only_first + fight.only_second,
                best=best.name,
                other=rival.name,
                won=fight.only_first,
                lost=fight.only_second,
                p=_probability(fight.p),
            )
        )
    return [
        *sentences,
        _("More test pictures could decide; until then take speed and size into account."),
        *_fastest(best, rivals),
    ]


def _fastest(best: ModelResult, rivals: Sequence[ModelResult]) -> list[str]:
    """Name the fastest model, where it is so much faster that a busy machine does not explain it."""
    fastest, second = sorted((best, *rivals), key=lambda model: -model.pictures_per_second)[:2]
    if fastest.pictures_per_second < CLEARLY_FASTER * second.pictures_per_second:
        return []
    return [_("{name} is the fastest.").format(name=fastest.name)]


def _probability(p: float) -> str:
    return "< 0.001" if p < 0.001 else f"= {p:.3f}" if p < 0.1 else f"= {p:.2f}"
