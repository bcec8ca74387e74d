"""When a bundle answers "none of these": the part of ``bundle.json`` that says so."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from anmok.bundle.fields import Fields, as_integer, as_number, as_text, check
from anmok.bundle.reference import Reference
from anmok.bundle.unknown.registry import Score, all_scores, get_score
from anmok.i18n import _
from anmok.records import TRAIN, VALID

#: Pictures that a threshold may be set on: test pictures measure it, so they are none of them.
HELD_OUT = (VALID, TRAIN)
#: A share of 0.95 of fewer pictures has a standard deviation of 3.4 points and more.
FEW = 40


@dataclass(frozen=True, slots=True, kw_only=True)
class UnknownRule:
    """A picture shows none of the classes if its score is above the threshold.

    Attributes:
        score: registered name.
        settings: of the score, by name; all of them.
        threshold: in the unit of the score, finite.
        accepts: share of the known pictures that the threshold was set on that lie at or below it, 0-1.
        pictures: how many those were by split: ``valid``; and ``train``, scored by what was remembered of the others.
            Empty: nobody knows, as in bundles of format 1; ``accepts`` is 1 then.
    """

    score: str
    settings: Mapping[str, float] = field(default_factory=dict)
    threshold: float
    accepts: float
    pictures: Mapping[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        names = [spec.name for spec in all_scores()]
        check(self.score in names, "unknown.score", self.score, ", ".join(names))
        ranges = get_score(self.score).settings
        for name in sorted({*ranges, *self.settings}):
            where = f"unknown.settings.{name}"
            check(name in ranges, where, self.settings.get(name), _("nothing of that name"))
            check(name in self.settings, where, None, _("a number"))
            limits, value = ranges[name], self.settings[name]
            check(limits.holds(value), where, value, f"{limits.low:g}-{limits.high:g}")
        check(abs(self.threshold) < 2**53, "unknown.threshold", self.threshold, _("a finite number"))
        check(0 <= self.accepts <= 1, "unknown.accepts", self.accepts, _("a share from 0 to 1"))
        for split, count in self.pictures.items():
            check(split in HELD_OUT, "unknown.pictures", split, ", ".join(HELD_OUT))
            check(count >= 0, f"unknown.pictures.{split}", count, _("a count"))

    @property
    def is_rough(self) -> bool:
        """Tell whether chance alone may move the share that is really accepted by 7 points or more (95 % interval)."""
        return 0 < self.set_on < FEW

    @property
    def set_on(self) -> int:
        """How many known pictures the threshold was set on."""
        return sum(self.pictures.values())

    def make_score(self, reference: Reference) -> Score:
        """Return the score as it was when the threshold was set.

        Raises:
            ValueError: it cannot be made of what the bundle remembers.
        """
        return get_score(self.score).make(reference, self.settings)

    def refuses(self, scores: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Return bool ``(N,)``: which scores say "none of these"; a score that is no number does."""
        return ~(scores <= self.threshold)


def rule_to_json(rule: UnknownRule) -> dict[str, Any]:
    """Return plain JSON values; ``rule_from_json`` reads them back."""
    return {
        "score": rule.score,
        "settings": dict(rule.settings),
        "threshold": rule.threshold,
        "accepts": rule.accepts,
        "pictures": dict(rule.pictures),
    }


def rule_from_json(values: Mapping[str, Any]) -> UnknownRule:
    """Read what ``rule_to_json`` wrote; ``ValueError`` with a part of a sentence for people where it is wrong."""
    fields = Fields(values, "unknown.")
    settings = fields.mapping("settings").items()
    pictures = fields.mapping("pictures").items()
    rule = UnknownRule(
        score=fields.text("score"),
        settings={as_text(name, "unknown.settings"): as_number(v, f"unknown.settings.{name}") for name, v in settings},
        threshold=fields.number("threshold"),
        accepts=fields.number("accepts"),
        pictures={as_text(name, "unknown.pictures"): as_integer(n, f"unknown.pictures.{name}") for name, n in pictures},
    )
    fields.end()
    return rule


def rule_of_first_format(threshold: float, temperature: float) -> UnknownRule:
    """Return the rule of a bundle of format 1, which answered "none of these" below a probability."""
    check(0 <= threshold <= 1, "unknown_threshold", threshold, "0-1")
    return UnknownRule(score="probability", settings={"temperature": temperature}, threshold=1 - threshold, accepts=1.0)
