"""Measures of a classifier, as pure functions of NumPy arrays. Nothing here reads, draws or prints.

Throughout: ``y_true`` and ``y_pred`` are ``(N,)`` integers from 0 to C-1, ``probabilities`` is ``(N, C)`` floating
point, every row summing to 1. All figures equal scikit-learn's (``zero_division=0``); where a class has no picture, the
macro averages leave it out, as scikit-learn does with ``labels=numpy.unique(y_true)``.

    counts                  confusion matrix; accuracy, balanced accuracy, precision, recall, F1; their averages
    scores                  log loss, Brier score
    ranking                 ROC-AUC, one class against the rest
    intervals               analytic 95 % intervals: Wilson's, modified, for rates and F1, a score interval for ROC-AUC
    auc_intervals           the interval of the mean ROC-AUC (DeLong)
    loss_limits             how large mean losses may be where mistakes are rare
    bootstrap               95 % intervals of everything that is an average, by resampling the pictures
    calibration             expected calibration error and its kin; reliability by bins
    calibration_intervals   their intervals, and what chance alone would show
    mcnemar                 two classifiers on the same pictures: exact test, difference of accuracies, pictures needed
    paired                  differences of averages between classifiers, by resampling pictures for all at once
    corrections             p-values of several tests at once
"""

from anmok.metrics.auc_intervals import mean_auc_interval
from anmok.metrics.bootstrap import AVERAGES, average_intervals, draw_weights, resamples_for
from anmok.metrics.calibration import (
    Reliability,
    answered,
    classwise_calibration_error,
    expected_calibration_error,
    maximum_calibration_error,
    reliability,
)
from anmok.metrics.calibration_intervals import CalibrationError, calibration_error
from anmok.metrics.corrections import holm
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
from anmok.metrics.intervals import auc_interval, f1_interval, rate_interval
from anmok.metrics.mcnemar import accuracy_difference, mcnemar, pictures_needed
from anmok.metrics.paired import PAIRED, PairedDifference, paired_differences
from anmok.metrics.ranking import RocAuc, roc_auc
from anmok.metrics.scores import brier_score, log_loss, picture_brier_score, picture_log_loss

__all__ = [
    "AVERAGES",
    "PAIRED",
    "CalibrationError",
    "ClassCounts",
    "PairedDifference",
    "Reliability",
    "RocAuc",
    "accuracy",
    "accuracy_difference",
    "answered",
    "auc_interval",
    "average_intervals",
    "balanced_accuracy",
    "brier_score",
    "calibration_error",
    "classwise_calibration_error",
    "confusion_matrix",
    "count_classes",
    "draw_weights",
    "expected_calibration_error",
    "f1",
    "f1_interval",
    "holm",
    "log_loss",
    "macro",
    "maximum_calibration_error",
    "mcnemar",
    "mean_auc_interval",
    "paired_differences",
    "picture_brier_score",
    "picture_log_loss",
    "pictures_needed",
    "precision",
    "rate_interval",
    "recall",
    "reliability",
    "resamples_for",
    "roc_auc",
    "weighted",
]
