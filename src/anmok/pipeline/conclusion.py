"""The conclusion of a comparison in the language of the moment: when it is made, and when it is told again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from anmok.evaluation.comparison import conclude, rank
from anmok.evaluation.pair_results import Pair
from anmok.evaluation.paired import compare_pairs
from anmok.evaluation.results import Comparison, DataSummary, ModelResult
from anmok.evaluation.shared_mistakes import find_only, find_shared
from anmok.i18n import ngettext
from anmok.pipeline.checks import retell_checks
from anmok.training.predictions import Predictions


def concluded(comparison: Comparison, answers: Mapping[str, Predictions]) -> Comparison:
    """Return the comparison with every two models compared, their mistakes held together, and the conclusion.

    Args:
        comparison: ``best``, ``reason`` and ``warnings`` are not looked at.
        answers: by model, what its bundle said of the test pictures.
    """
    models = comparison.models
    pairs = compare_pairs([model.name for model in rank(models)], answers, seed=comparison.seed)
    leaks = int(comparison.extra.get("leaks", 0))
    best, reason, warnings = conclude_aloud(models, comparison.data, leaks=leaks, pairs=pairs)
    shared, shared_count = find_shared(models)
    only, only_count = find_only(models)
    return replace(
        comparison,
        best=best,
        reason=reason,
        warnings=warnings,
        pairs=pairs,
        shared_mistakes=shared,
        shared_mistakes_count=shared_count,
        only_mistakes=only,
        only_mistakes_count=only_count,
    )


def conclude_aloud(
    models: Sequence[ModelResult], data: DataSummary, *, leaks: int, pairs: Sequence[Pair] = ()
) -> tuple[str, str, tuple[str, ...]]:
    """Return the name of the recommended model, the reason and the warnings; allowed leaks are warned of first.

    Args:
        pairs: every two models; without any, the stored mistakes tell the models apart.
        leaks: how many pictures to learn from stand among the validation or test pictures.
    """
    best, reason, warnings = conclude(models, data, pairs)
    if leaks:
        text = ngettext(
            "{count} picture to learn from stands among the validation or test pictures too (--allow-leaks): "
            "every figure here looks better than it is.",
            "{count} pictures to learn from stand among the validation or test pictures too (--allow-leaks): "
            "every figure here looks better than it is.",
            leaks,
        )
        warnings = (text.format(count=leaks), *warnings)
    return best, reason, warnings


def retell(comparison: Comparison) -> Comparison:
    """Return the comparison with its sentences in the language of the moment; no figure changes."""
    leaks = int(comparison.extra.get("leaks", 0))
    models, data, pairs = comparison.models, comparison.data, comparison.pairs
    _best, reason, warnings = conclude_aloud(models, data, leaks=leaks, pairs=pairs)
    return replace(comparison, reason=reason, warnings=warnings, checks=retell_checks(comparison.checks))
