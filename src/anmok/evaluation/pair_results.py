"""Two models on the same test pictures, as values: how far apart they are, how sure that is, where they go wrong."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

#: Two models count as different where a difference at least as large comes by chance in fewer than one of 20 cases.
ALPHA = 0.05


@dataclass(frozen=True, slots=True)
class Difference:
    """One figure of the first model minus that of the second, on the same pictures.

    Attributes:
        value: above 0: the first has the larger figure; for a loss that is the worse one.
        low, high: 95 % interval of the difference; it holds ``value``.
        p: how probable a difference at least as large would be if both were equally good, 0-1, two-sided: McNemar's
            exact test for ``accuracy``, the paired bootstrap for the rest.
        p_holm: ``p`` after Holm's correction for all pairs of the comparison, 0-1, >= ``p``: the one to judge by.
    """

    value: float
    low: float
    high: float
    p: float
    p_holm: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """Two models of a comparison on the same test pictures.

    Attributes:
        first, second: names; ``first`` is ranked before ``second``.
        pictures: how many both answered for.
        only_first, only_second: pictures on which only that model was right.
        both_wrong: pictures on which neither was. Both were right on the rest.
        differences: by metric, of ``HEADLINE_METRICS``; what cannot be computed is absent. Comparisons that an older
            Anmok stored have ``accuracy`` alone.
        more_pictures: about how many more test pictures it would take to tell the two apart: with them, McNemar's test
            at 5 % (shared by all pairs) would find a difference as large as the one seen four times out of five.
            Rounded up to two digits that count; 0: they are told apart; None: more than can be had.
    """

    first: str
    second: str
    pictures: int
    only_first: int
    only_second: int
    both_wrong: int
    differences: Mapping[str, Difference] = field(default_factory=dict)
    more_pictures: int | None = None

    @property
    def told_apart(self) -> bool:
        """Whether the difference in accuracy is more than chance, by the corrected test."""
        difference = self.differences.get("accuracy")
        return difference is not None and difference.p_holm < ALPHA


@dataclass(frozen=True, slots=True, kw_only=True)
class SharedMistake:
    """A test picture that every model of a comparison gets wrong.

    Attributes:
        path: inside the source.
        true: its class.
        predicted: the answer of each model, by name.
        probability: that the least sure of the models gave its answer, 0-1.
    """

    path: str
    true: str
    predicted: Mapping[str, str]
    probability: float
