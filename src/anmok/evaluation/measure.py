"""Measures answers against the truth: arrays in, an ``Evaluation`` out; or a predictor and a manifest in."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from anmok import metrics
from anmok.errors import DataError, EmptySource, PictureError
from anmok.evaluation.matching import match_classes
from anmok.evaluation.results import ClassScore, Evaluation, Mistake
from anmok.evaluation.trained_on import TrainingTrace
from anmok.i18n import _
from anmok.progress import Progress, SilentProgress
from anmok.records import Interval

if TYPE_CHECKING:
    from anmok.data.manifest import Manifest
    from anmok.inference.predictor import PictureAnswer, Predictor

RESAMPLES = 2000
#: In place of a split's name: all pictures, whatever their split.
ALL = "all"


def measure(
    classes: Sequence[str],
    y_true: NDArray[np.integer[Any]],
    probabilities: NDArray[np.floating[Any]],
    paths: Sequence[str],
    split: str,
    *,
    seed: int = 0,
    resamples: int = RESAMPLES,
    unreadable: Sequence[str] = (),
    unknown: Mapping[str, int] | None = None,
) -> Evaluation:
    """Measure a classifier's probabilities.

    Args:
        classes: C names, in the order of the columns.
        y_true: ``(N,)`` integers from 0 to C-1.
        probabilities: ``(N, C)`` float32 or float64, rows sum to 1.
        paths: N pictures.
        split: name of the split that they are.
        seed, resamples: of the bootstrap intervals; see ``metrics.average_intervals``.
        unreadable, unknown: pictures that could not be measured, handed on to the ``Evaluation``.

    Raises:
        EmptySource: there is no picture.
        DataError: the model gave no numbers (NaN), as one does whose training failed.
        ValueError: the arrays do not fit each other.
    """
    if len(y_true) == 0:
        raise EmptySource(_("There is no picture to measure on in the split {split}.").format(split=repr(split)))
    if len(paths) != len(y_true):
        raise ValueError(f"y_true holds {len(y_true)} labels, paths {len(paths)}; as many are wanted")
    _refuse_nan(probabilities)
    y_pred = probabilities.argmax(axis=1)
    confusion = metrics.confusion_matrix(y_true, y_pred, len(classes))
    counts = metrics.count_classes(confusion)
    low, high = metrics.rate_interval(counts.hits.sum(), len(y_true))
    figures = {"accuracy": Interval(float(metrics.accuracy(counts)), float(low), float(high))}
    figures |= metrics.average_intervals(y_true, probabilities, seed=seed, resamples=resamples)
    # The weighted recall is the accuracy, so it has the accuracy's interval.
    figures["weighted_recall"] = figures["accuracy"]
    return Evaluation(
        split=split,
        classes=tuple(classes),
        pictures=len(y_true),
        metrics=figures,
        per_class=_class_scores(classes, counts),
        confusion=tuple(tuple(int(n) for n in row) for row in confusion),
        mistakes=_mistakes(classes, y_true, probabilities, paths),
        unreadable=tuple(unreadable),
        without_auc=tuple(classes[number] for number in metrics.roc_auc(y_true, probabilities).left_out),
        unknown=dict(unknown or {}),
    )


def evaluate_predictor(
    predictor: Predictor,
    manifest: Manifest,
    split: str,
    *,
    known_only: bool = False,
    seed: int = 0,
    trace: TrainingTrace | None = None,
    watch: Callable[[str, PictureAnswer], None] | None = None,
    progress: Progress | None = None,
) -> tuple[Evaluation, NDArray[np.float32], float]:
    """Let a bundle answer for the pictures of a split, and measure the answers.

    Classes are matched by name, whatever their order. The source may lack classes of the bundle; then averages are
    over those that it has.

    Args:
        split: ``"train"``, ``"valid"``, ``"test"``, or ``ALL``.
        known_only: leave pictures of classes that the bundle does not know out, and count them in
            ``Evaluation.unknown``. Otherwise they are refused: a bundle can only be wrong on them, and
            leaving them out in silence would make a misspelt folder look like a good result.
        seed: of the intervals.
        trace: is shown every picture's embedding, and tells afterwards whether the bundle was trained on them.
        watch: is called with the path of every picture that could be read, and all that the bundle says of it.

    Returns:
        The evaluation; float32 ``(N, C)`` probabilities in the order of the bundle's labels, one row for each picture
        of the split (of a known class) in the manifest's order, NaN where it could not be read; and pictures
        per second from files to answers.

    Raises:
        EmptySource: the split has no picture, or none could be read.
        DataError: the classes do not fit; says which and what to do.
    """
    part = manifest if split == ALL else manifest.of_split(split)
    labels = [str(label) for label in part.table["label"]]
    if not labels:
        raise EmptySource(_("There is no picture to measure on in the split {split}.").format(split=repr(split)))
    matched = match_classes(predictor.labels, labels, known_only=known_only)
    paths = [str(path) for path, known in zip(part.table["path"], matched.known, strict=True) if known]
    begin = time.perf_counter()
    probabilities, unreadable = _answer(
        predictor, part, paths, trace=trace, watch=watch, progress=progress or SilentProgress()
    )
    rate = len(paths) / max(time.perf_counter() - begin, 1e-9)
    read = ~np.isin(np.arange(len(paths)), unreadable)
    if not read.any():
        raise EmptySource(
            _("None of the {count} pictures of the split {split} could be read.").format(
                count=len(paths), split=repr(split)
            ),
            hint=_("Run `anmok scan` on the source: its quarantine file says why, picture by picture."),
        )
    evaluation = measure(
        predictor.labels,
        matched.y_true[read],
        probabilities[read],
        [path for path, there in zip(paths, read, strict=True) if there],
        split,
        seed=seed,
        unreadable=[paths[number] for number in unreadable],
        unknown=matched.unknown,
    )
    return evaluation, probabilities, rate


def _answer(
    predictor: Predictor,
    manifest: Manifest,
    paths: Sequence[str],
    *,
    trace: TrainingTrace | None,
    watch: Callable[[str, PictureAnswer], None] | None,
    progress: Progress,
) -> tuple[NDArray[np.float32], list[int]]:
    """Return probabilities ``(N, C)`` for the paths, in order, and the numbers of those that could not be read."""
    probabilities = np.full((len(paths), len(predictor.labels)), np.nan, dtype=np.float32)
    unreadable = []
    with manifest.open_source() as source, progress.task(_("Measuring"), len(paths), unit=_("pictures")) as task:
        # `path=path` binds each path to its own reader.
        items = ((path, lambda path=path: source.read(path)) for path in paths)
        for number, (path, answer) in enumerate(predictor.answers(items)):
            if isinstance(answer, PictureError):
                unreadable.append(number)
            else:
                probabilities[number] = answer.probabilities
                if trace is not None:
                    trace.see(answer.embedding)
                if watch is not None:
                    watch(path, answer)
            task.advance()
    return probabilities, unreadable


def _refuse_nan(probabilities: NDArray[np.floating[Any]]) -> None:
    broken = int((~np.isfinite(probabilities).all(axis=1)).sum())
    if broken:
        raise DataError(
            _("The model gave no numbers (NaN) for {count} of {total} pictures: its training failed.").format(
                count=broken, total=len(probabilities)
            ),
            hint=_("Train it again with a smaller learning rate."),
        )


def _class_scores(classes: Sequence[str], counts: metrics.ClassCounts) -> tuple[ClassScore, ...]:
    rates = {
        "precision": (metrics.precision(counts), metrics.rate_interval(counts.hits, counts.predicted)),
        "recall": (metrics.recall(counts), metrics.rate_interval(counts.hits, counts.true)),
        "f1": (metrics.f1(counts), metrics.f1_interval(counts.hits, counts.true, counts.predicted)),
    }

    def interval(name: str, number: int) -> Interval:
        values, (lows, highs) = rates[name]
        return Interval(float(values[number]), float(lows[number]), float(highs[number]))

    return tuple(
        ClassScore(
            label,
            interval("precision", number),
            interval("recall", number),
            interval("f1", number),
            int(counts.true[number]),
        )
        for number, label in enumerate(classes)
    )


def _mistakes(
    classes: Sequence[str],
    y_true: NDArray[np.integer[Any]],
    probabilities: NDArray[np.floating[Any]],
    paths: Sequence[str],
) -> tuple[Mistake, ...]:
    """Return all wrong answers, the most confident first; equally confident ones by path."""
    y_pred = probabilities.argmax(axis=1)
    rows = np.flatnonzero(y_pred != y_true).tolist()
    wrong = (
        Mistake(
            path=paths[row],
            true=classes[int(y_true[row])],
            predicted=classes[int(y_pred[row])],
            probability=float(probabilities[row, y_pred[row]]),
            probability_true=float(probabilities[row, y_true[row]]),
        )
        for row in rows
    )
    return tuple(sorted(wrong, key=lambda mistake: (-mistake.probability, mistake.path)))
