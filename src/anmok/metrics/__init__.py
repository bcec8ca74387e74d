"""Measures of a classifier, as pure functions of NumPy arrays. Nothing here reads, draws or prints.

Throughout: ``y_true`` and ``y_pred`` are ``(N,)`` integers from 0 to C-1, ``probabilities`` is ``(N, C)`` floating
point, every row summing to 1. All figures equal scikit-learn's (``zero_division=0``); where a class has no picture, the
macro averages leave it out, as scikit-learn does with ``labels=numpy.unique(y_true)``.

    counts      confusion matrix; accuracy, balanced accuracy, precision, recall, F1; macro and weighted averages
    scores      log loss, Brier score
    ranking     ROC-AUC, one class against the rest
    intervals   analytic 95 % intervals: Wilson for rates and F1, a score interval for ROC-AUC
    bootstrap   95 % intervals of everything that is an average, by resampling the pictures
"""

from anmok.metrics.bootstrap import AVERAGES, average_intervals, draw_weights, resamples_for
from anmok.metrics.counts import (
    ClassCounts,
    accuracy,
    balanced_accuracy,
    confusion_matrix,
    count_classes,
    f1,
    macro,
    precision,
    recall,
    weighted,
)
from anmok.metrics.intervals import auc_interval, f1_interval, wilson
from anmok.metrics.ranking import RocAuc, roc_auc
from anmok.metrics.scores import brier_score, log_loss

__all__ = [
    "AVERAGES",
    "ClassCounts",
    "RocAuc",
    "accuracy",
    "auc_interval",
    "average_intervals",
    "balanced_accuracy",
    "brier_score",
    "confusion_matrix",
    "count_classes",
    "draw_weights",
    "f1",
    "f1_interval",
    "log_loss",
    "macro",
    "precision",
    "recall",
    "resamples_for",
    "roc_auc",
    "weighted",
    "wilson",
]
