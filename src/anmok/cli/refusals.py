"""What ``anmok evaluate`` says of "none of these": of the measured pictures, and of pictures of other things."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from anmok.i18n import _, ngettext

if TYPE_CHECKING:
    from anmok.evaluation.unknown import OthersResult, UnknownResult
    from anmok.records import Interval

#: Classes that other things were taken for, named in the text.
NAMED = 3


def refusals_json(known: UnknownResult | None, others: OthersResult | None) -> dict[str, Any] | None:
    """Return what JSON says under ``none_of_these``; None where the bundle cannot answer that."""
    from anmok.evaluation.stored import to_json

    if known is None:
        return None
    return {**to_json(known), "others": None if others is None else to_json(others)}


def refusal_lines(known: UnknownResult | None, others: OthersResult | None) -> Iterator[str]:
    """Yield what people are told, a line each."""
    if known is None:
        return
    yield _(
        "None of these: {share} of the pictures are answered with a class, and {accuracy} of those rightly; the others "
        'get "none of these".'
    ).format(share=_percent(known.accepted), accuracy=_percent(known.accuracy_accepted))
    if others is None:
        return
    yield ngettext(
        "Of {count} picture of other things in {source}, {share} are named as a class all the same.",
        "Of {count} pictures of other things in {source}, {share} are named as a class all the same.",
        others.pictures,
    ).format(count=others.pictures, source=_safe(others.source), share=_percent(others.false_acceptance))
    if others.auroc is not None and others.false_acceptance_at_95 is not None:
        yield _(
            "The score tells them apart with an AUROC of {auroc}; if exactly 95% of the known pictures were answered, "
            "{share} of the others would be."
        ).format(auroc=_figure(others.auroc), share=_percent(others.false_acceptance_at_95))
    if others.taken_for:
        names = ", ".join(f"{_safe(name)} ({count})" for name, count in others.taken_for[:NAMED])
        yield _("Most often they are taken for: {names}.").format(names=names)
    if others.unreadable:
        yield ngettext(
            "{count} picture of other things could not be read.",
            "{count} pictures of other things could not be read.",
            len(others.unreadable),
        ).format(count=len(others.unreadable))


def _percent(share: Interval) -> str:
    """Return ``95.2 % (92.1-97.3)``; what is not all is never written as all."""
    from math import isnan

    value, low, high = (f"{min(100 * x, 99.9) if x < 1 else 100:.1f}" for x in (share.value, share.low, share.high))
    return "–" if isnan(share.value) else f"{value}% ({low}-{high})"


def _figure(value: Interval) -> str:
    return f"{value.value:.3f} ({value.low:.3f}-{value.high:.3f})"


def _safe(name: str) -> str:
    from anmok.data.names import escape

    return escape(name)
