"""What is measured is what is served: the exported bundle must give the trained model's answers, or is refused."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from anmok.bundle.info import Parity
from anmok.errors import ParityError
from anmok.i18n import _

#: Share of the pictures that must get the same class, and the largest difference of any probability.
SAME_CLASS, MAX_DIFFERENCE = 0.999, 1e-3
#: Classes that the trained model holds this nearly equal may change places: rounding alone can do that.
TIE = 1e-5
SHOWN = 3


def compare_answers(
    expected: NDArray[Any], got: NDArray[Any], *, labels: Sequence[str], paths: Sequence[str]
) -> Parity:
    """Return how near the bundle's probabilities are to the trained model's.

    Args:
        expected: ``(N, K)`` of the framework that trained the model, before temperature.
        got: ``(N, K)`` of the bundle, run from the picture files, before temperature.
        labels: ``K`` class names. paths: ``N`` pictures, named in errors.

    Raises:
        ParityError: there is nothing to compare, or they differ by more than rounding.
    """
    if expected.shape != got.shape or len(expected) == 0:
        raise _refusal(
            _("Of the trained model there are answers of the shape {expected}, of the bundle {got}.").format(
                expected=expected.shape, got=got.shape
            )
        )
    chosen = got.argmax(axis=1)
    same = expected[np.arange(len(got)), chosen] >= expected.max(axis=1) - TIE
    differences = np.abs(expected.astype(np.float64) - got.astype(np.float64)).max(axis=1)
    # Written so that NaN, which compares as false, is refused.
    if not (same.mean() >= SAME_CLASS and differences.max() <= MAX_DIFFERENCE):
        raise _refusal(
            _(
                "The exported model does not answer as the trained one: it gave the same class on {same:.1%} of "
                "{count} pictures (wanted: {wanted:.1%}), and a probability differed by {difference:.4f} "
                "(allowed: {allowed}). First: {first}."
            ).format(
                same=same.mean(),
                count=len(got),
                wanted=SAME_CLASS,
                difference=differences.max(),
                allowed=MAX_DIFFERENCE,
                first="; ".join(_first_different(expected, got, ~same | (differences > MAX_DIFFERENCE), labels, paths)),
            )
        )
    return Parity(same_class=float(same.mean()), max_difference=float(differences.max()), pictures=len(got))


def _first_different(
    expected: NDArray[Any], got: NDArray[Any], different: NDArray[np.bool_], labels: Sequence[str], paths: Sequence[str]
) -> list[str]:
    lines = []
    for row in np.flatnonzero(different)[:SHOWN]:
        trained, exported = int(expected[row].argmax()), int(got[row].argmax())
        lines.append(
            _("{path}: {trained} {p:.3f} became {exported} {q:.3f}").format(
                path=paths[row],
                trained=labels[trained],
                p=expected[row, trained],
                exported=labels[exported],
                q=got[row, exported],
            )
        )
    return lines


def _refusal(message: str) -> ParityError:
    return ParityError(
        message,
        hint=_("No bundle was written. If the pictures did not change since training, please report this as a defect."),
    )
