"""The conclusion of a comparison in the language of the moment: when it is made, and when it is told again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from anmok.evaluation.comparison import conclude
from anmok.evaluation.results import Comparison, DataSummary, ModelResult
from anmok.i18n import ngettext
from anmok.pipeline.checks import retell_checks


def conclude_aloud(models: Sequence[ModelResult], data: DataSummary, *, leaks: int) -> tuple[str, str, tuple[str, ...]]:
    """Return the name of the best model, the reason and the warnings; leaks that were allowed are warned of first.

    Args:
        leaks: how many pictures to learn from stand among the held-out ones.
    """
    best, reason, warnings = conclude(models, data)
    if leaks:
        text = ngettext(
            "{count} picture to learn from stands among the held-out ones too (--allow-leaks): "
            "every figure here looks better than it is.",
            "{count} pictures to learn from stand among the held-out ones too (--allow-leaks): "
            "every figure here looks better than it is.",
            leaks,
        )
        warnings = (text.format(count=leaks), *warnings)
    return best, reason, warnings


def retell(comparison: Comparison) -> Comparison:
    """Return the comparison with its sentences in the language of the moment; no figure changes."""
    leaks = int(comparison.extra.get("leaks", 0))
    _best, reason, warnings = conclude_aloud(comparison.models, comparison.data, leaks=leaks)
    return replace(comparison, reason=reason, warnings=warnings, checks=retell_checks(comparison.checks))
