"""Figures as words: percentages that never round up to certainty, durations, sizes, and the names of things."""

from __future__ import annotations

import datetime
import math
from decimal import ROUND_DOWN, ROUND_HALF_EVEN, ROUND_UP, Decimal

from anmok.evaluation.results import LESS_IS_BETTER
from anmok.i18n import _
from anmok.records import Interval

MISSING = "–"
# Metrics that people are used to read between 0 and 1 (or without bound), not as percentages.
_UNITLESS = frozenset({"roc_auc", "brier_score", *LESS_IS_BETTER})


def is_share(metric: str) -> bool:
    """Tell whether a metric is written as a percentage."""
    return metric not in _UNITLESS


def percent(share: float) -> str:
    """Return ``"95.0"`` for 0.95. What is not exactly 0 or 1 is never written as 0 or 100.

    Args:
        share: 0-1; infinite or NaN gives a dash.
    """
    if not math.isfinite(share):
        return MISSING
    # Computed bounds of exactly 0 or 1 carry noise of the last binary digits.
    certain = min(abs(share), abs(share - 1)) < 1e-9
    exact = Decimal(repr(float(share))) * 100
    text = f"{exact.quantize(Decimal('0.1'), ROUND_HALF_EVEN)}"
    if certain or Decimal(text) not in (0, 100):
        return text.replace("-0.0", "0.0")
    return f"{exact.quantize(Decimal('0.01'), ROUND_DOWN if share > 0.5 else ROUND_UP)}"


def figure(metric: str, value: float) -> str:
    """Return a metric's value as the tables write it: per cent, or three decimals where that is usual."""
    if is_share(metric):
        return percent(value)
    return f"{value:.3f}" if math.isfinite(value) else MISSING


def span(metric: str, interval: Interval) -> str:
    """Return the ends of an interval, ``"91.4 – 96.9"``."""
    return f"{figure(metric, interval.low)} – {figure(metric, interval.high)}"


def count(number: float) -> str:
    """Return a whole number with thousands set apart."""
    return f"{round(number):,}" if math.isfinite(number) else MISSING


def decimal(number: float) -> str:
    """Return a number with as many digits as one wants to read: 1,204 or 83.7 or 0.0312 or 3.1e-06."""
    if not math.isfinite(number):
        return MISSING
    if number == 0:
        return "0"
    if abs(number) < 0.001:
        return f"{number:.1e}"
    digits = max(0, 2 - math.floor(math.log10(abs(number))))
    return f"{number:,.{min(digits, 4)}f}"


def duration(seconds: float) -> str:
    """Return a stretch of time: ``0.07 s``, ``83.7 s``, ``12 min 5 s``, ``3 h 20 min``."""
    if not math.isfinite(seconds):
        return MISSING
    if seconds < 99.95:
        return _("{seconds} s").format(seconds=f"{seconds:.2f}" if seconds < 9.995 else f"{seconds:.1f}")
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return _("{minutes} min {seconds} s").format(minutes=minutes, seconds=rest)
    return _("{hours} h {minutes} min").format(hours=minutes // 60, minutes=minutes % 60)


def size(number: float) -> str:
    """Return a file size in decimal units, ``9.2 MB``."""
    if number < 1000:
        return _("{number} bytes").format(number=round(number))
    for unit in ("kB", "MB", "GB"):
        number /= 1000
        if number < 999.5 or unit == "GB":
            break
    return f"{number:.1f} {unit}" if number < 99.95 else f"{number:.0f} {unit}"


def moment(created: str) -> str:
    """Return an ISO 8601 time as people write it; unchanged where it is none."""
    try:
        time = datetime.datetime.fromisoformat(created)
    except ValueError:
        return created
    if time.tzinfo is None:
        return time.strftime("%Y-%m-%d %H:%M")
    return time.astimezone(datetime.UTC).strftime("%Y-%m-%d %H:%M UTC")


def metric_title(metric: str) -> str:
    """Return what a metric is called in tables."""
    titles = {
        "accuracy": _("Accuracy"),
        "balanced_accuracy": _("Balanced accuracy"),
        "macro_f1": _("Macro F1"),
        "roc_auc": _("ROC-AUC"),
        "log_loss": _("Log loss"),
        "macro_precision": _("Macro precision"),
        "macro_recall": _("Macro recall"),
        "weighted_precision": _("Weighted precision"),
        "weighted_recall": _("Weighted recall"),
        "weighted_f1": _("Weighted F1"),
        "brier_score": _("Brier score"),
    }
    return titles.get(metric, metric)


def metric_meaning(metric: str) -> str:
    """Return in a sentence what a headline metric says; empty where we have no words."""
    meanings = {
        "accuracy": _("Share of the test pictures whose most probable class is the right one."),
        "balanced_accuracy": _("The share recognised in each class, averaged, so that small classes count as much."),
        "macro_f1": _("Balance of precision and recall in each class, averaged over the classes."),
        "roc_auc": _(
            "How well the probabilities put pictures of a class before all others: 1 is perfect, 0.5 is chance."
        ),
        "log_loss": _("How far the probabilities are from the truth; confident mistakes cost most. Less is better."),
    }
    return meanings.get(metric, "")


def stage_title(stage: str) -> str:
    """Return what a stage of the work is called."""
    titles = {
        "scan": _("Reading the pictures"),
        "checks": _("Looking the pictures over"),
        "split": _("Checking and splitting"),
        "features": _("Computing features"),
        "training": _("Training"),
        "export": _("Export and parity check"),
        "evaluation": _("Measuring"),
        "report": _("Drawing the report"),
        "total": _("Total"),
    }
    return titles.get(stage, stage)


def split_title(split: str) -> str:
    """Return what a split is called."""
    titles = {"train": _("Training"), "valid": _("Validation"), "test": _("Test"), "": _("No split")}
    return titles.get(split, split)
