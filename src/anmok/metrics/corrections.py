"""Several tests at once: the more one looks for a difference, the more often chance shows one."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from anmok.metrics.counts import Floats


def holm(p_values: Sequence[float] | Floats) -> Floats:
    """Return ``(K,)`` p-values corrected for being K, in the order given; 0-1, none smaller than it was.

    To call those different whose corrected value is below 0.05 finds a difference where there is none in at most 5 % of
    all comparisons, whatever the tests have to do with each other.

    Source: S. Holm, A Simple Sequentially Rejective Multiple Test Procedure, Scandinavian Journal of Statistics 6
    (1979) 65-70.

    Raises:
        ValueError: a value is not from 0 to 1.
    """
    values = np.asarray(p_values, dtype=np.float64)
    if values.ndim != 1 or not np.all((values >= 0) & (values <= 1)):
        raise ValueError("p-values came that are not from 0 to 1 in one row")
    order = np.argsort(values, kind="stable")
    stepped = np.maximum.accumulate(values[order] * np.arange(len(values), 0, -1))
    corrected = np.empty_like(values)
    corrected[order] = np.minimum(stepped, 1.0)
    return corrected
