"""Writes what a comparison found for programs: ``summary.json`` in a fixed form, ``comparison.json`` in full."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import anmok
from anmok.evaluation.calibration import Calibration
from anmok.evaluation.pair_results import Pair
from anmok.evaluation.results import HEADLINE_METRICS, Comparison, Evaluation, ModelResult
from anmok.evaluation.stored import comparison_to_json, to_json
from anmok.evaluation.unknown import UnknownResult
from anmok.records import Interval
from anmok.storage import write_json


def write_summary(comparison: Comparison, folder: Path) -> None:
    """Write ``summary.json`` and ``comparison.json``, each atomically.

    ``metrics.json`` in each run's folder is written when the run is measured, so that it is not measured again.

    Raises:
        StorageError: disk full, no permission.
    """
    write_json(folder / "comparison.json", comparison_to_json(comparison))
    # Last: whoever waits for the summary finds the rest.
    write_json(folder / "summary.json", summary_json(comparison))


def summary_json(comparison: Comparison) -> dict[str, Any]:
    """Return what ``summary.json`` holds.

    Fixed for scripts: ``best``; ``models.NAME.METRIC.value|low|high`` with METRIC of ``HEADLINE_METRICS`` (METRIC is
    null where it cannot be computed); ``seconds`` by stage; ``warnings``. Beside them more keys may be added: ``pairs``
    has the fields of ``Pair`` for every two models, the better ranked first, and ``told_apart``.
    """
    return {
        "best": comparison.best,
        "reason": comparison.reason,
        "models": {model.name: _model_json(model) for model in comparison.models},
        "pairs": [_pair_json(pair) for pair in comparison.pairs],
        "shared_mistakes": comparison.shared_mistakes_count,
        "seconds": {stage: _finite(seconds) for stage, seconds in comparison.seconds.items()},
        "warnings": list(comparison.warnings),
        "left_out": [{"name": left.name, "reason": left.reason, "hint": left.hint} for left in comparison.left_out],
        "data": {
            "source": comparison.data.source,
            "content_hash": comparison.data.content_hash,
            "classes": list(comparison.data.classes),
            "pictures": {split: sum(counts.values()) for split, counts in comparison.data.counts.items()},
            "quarantined": len(comparison.data.quarantined),
        },
        "checks": {done.check: done.flagged for done in comparison.checks},
        "command": comparison.command,
        "created": comparison.created,
        "seed": comparison.seed,
        "anmok": anmok.__version__,
    }


def metrics_json(evaluation: Evaluation) -> dict[str, Any]:
    """Return the metrics of one evaluation in the fixed form, and beside them what they were measured on."""
    fixed = {name: _interval_json(evaluation.metrics.get(name)) for name in HEADLINE_METRICS}
    more = {name: _interval_json(figure) for name, figure in evaluation.metrics.items() if name not in fixed}
    return {
        **fixed,
        **more,
        "split": evaluation.split,
        "pictures": evaluation.pictures,
        "unreadable": list(evaluation.unreadable),
        "without_auc": list(evaluation.without_auc),
        "unknown": dict(evaluation.unknown),
    }


def _model_json(model: ModelResult) -> dict[str, Any]:
    return {
        **metrics_json(model.evaluation),
        "pictures_per_second": _finite(model.pictures_per_second),
        "latency_ms": None if model.latency_ms is None else _finite(model.latency_ms),
        "seconds": {stage: _finite(seconds) for stage, seconds in model.seconds.items()},
        "seconds_spared": _finite(model.seconds_spared),
        "run": model.run,
        "bundle": model.bundle,
        "bundle_bytes": model.bundle_bytes,
        "none_of_these": None if model.unknown is None else _refusals_json(model.unknown),
        "calibration": None if model.calibration is None else _calibration_json(model.calibration),
    }


def _calibration_json(calibration: Calibration) -> dict[str, Any]:
    """Return the errors of the probabilities; the bins and thresholds stand in ``comparison.json``."""
    return {
        "temperature": calibration.temperature,
        "ece_before": _interval_json(calibration.before.ece),
        "ece_after": _interval_json(calibration.after.ece),
        "ece_chance": calibration.after.ece_chance,
    }


def _refusals_json(unknown: UnknownResult) -> dict[str, Any]:
    """Return what is left when the strangest test pictures are refused; the curves stand in ``comparison.json``."""
    return {
        "score": unknown.score,
        "accepted": _interval_json(unknown.accepted),
        "accuracy_accepted": _interval_json(unknown.accuracy_accepted),
    }


def _pair_json(pair: Pair) -> dict[str, Any]:
    return {**to_json(pair), "told_apart": pair.told_apart}


def _interval_json(interval: Interval | None) -> Mapping[str, float] | None:
    if interval is None or not all(map(math.isfinite, (interval.low, interval.value, interval.high))):
        return None
    return interval.to_json()


def _finite(number: float) -> float | None:
    return float(number) if math.isfinite(number) else None
