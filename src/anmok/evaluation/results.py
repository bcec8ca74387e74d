"""What was measured, as values: what ``evaluate`` gives, ``summary.json`` keeps and the report draws."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from anmok.evaluation.calibration import Calibration
from anmok.evaluation.data_size import DataSizeCurve
from anmok.evaluation.pair_results import Pair, SharedMistake
from anmok.evaluation.thresholds import Thresholds
from anmok.evaluation.unknown import UnknownResult
from anmok.notebook import ShownInNotebooks
from anmok.records import Finding, Interval, Quarantined

#: The metrics of ``summary.json`` and of the table, best known first; for ``log_loss`` alone less is better.
HEADLINE_METRICS = ("accuracy", "balanced_accuracy", "macro_f1", "roc_auc", "log_loss")
LESS_IS_BETTER = frozenset({"log_loss"})


@dataclass(frozen=True, slots=True)
class ClassScore:
    """One class in the classification report; ``support`` counts its measured pictures."""

    label: str
    precision: Interval
    recall: Interval
    f1: Interval
    support: int


@dataclass(frozen=True, slots=True)
class Mistake:
    """A measured picture whose most probable class is not its label.

    Attributes:
        path: inside the source.
        true, predicted: class names.
        probability: of the predicted class, 0-1. ``probability_true``: of the picture's own class.
    """

    path: str
    true: str
    predicted: str
    probability: float
    probability_true: float


@dataclass(frozen=True, slots=True)
class StoredHeatMap:
    """Where a picture speaks for the class that was answered; ``heat_maps.opened`` makes a ``HeatMap`` of it.

    Attributes:
        label: the class. method: as ``HeatMap.method``.
        rows: one text a row of the map, from the top: two hexadecimal digits a place, 00 (nothing) to ff (strongest).
        box, seen: as those of ``HeatMap``: x0, y0, x1, y1.
    """

    label: str
    method: str
    rows: tuple[str, ...]
    box: tuple[float, ...]
    seen: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Evaluation(ShownInNotebooks):
    """A predictor measured on one split.

    Attributes:
        split: ``"test"`` in a comparison.
        classes: class names in the order of all matrices.
        pictures: how many were measured.
        metrics: by name: ``HEADLINE_METRICS`` and ``macro_precision``, ``macro_recall``, ``weighted_precision``,
            ``weighted_recall``, ``weighted_f1``, ``brier_score``. Macro averages and ROC-AUC are over the classes that
            have pictures; a metric that cannot be computed at all (ROC-AUC of a single class) is absent.
        per_class: in the order of ``classes``.
        confusion: pictures, rows are true classes, columns predicted ones.
        mistakes: all of them, the most confident first.
        unreadable: pictures that the predictor could not read; they count as wrong in no metric and are named here.
        without_auc: classes that are no part of the ROC-AUC, because none or all of the pictures are theirs.
        unknown: pictures by class, for classes that the predictor does not know; they are part of no metric.
    """

    split: str
    classes: tuple[str, ...]
    pictures: int
    metrics: Mapping[str, Interval]
    per_class: tuple[ClassScore, ...]
    confusion: tuple[tuple[int, ...], ...]
    mistakes: tuple[Mistake, ...]
    unreadable: tuple[str, ...] = ()
    without_auc: tuple[str, ...] = ()
    unknown: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Validation:
    """How a model did on validation pictures: accuracy, 0-1, and how many pictures there were; 0: none."""

    accuracy: float = 0.0
    pictures: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelResult:
    """One trained model with its measures.

    Attributes:
        name: of the recipe; title: for people.
        recipe: as JSON values.
        history: one mapping an epoch (``epoch``, ``train_loss``, ``valid_loss``, ``train_accuracy``,
            ``valid_accuracy``, ``learning_rate``, ``seconds``); empty for heads on vectors.
        seconds: by stage (``features``, ``training``, ``export``, ``evaluation``), as it would take anew: vectors that
            were at hand count with what they took when they were made.
        seconds_spared: of ``features``, what was not spent again for that.
        pictures_per_second: of the bundle on this machine, files to answers.
        parity: ``same_class`` (share, 0-1), ``max_difference`` (of probabilities), ``pictures`` (count).
        run, bundle: paths relative to the comparison's folder. bundle_bytes: its size.
        validation: of the trained model, as it answered before it was exported.
        heat_maps: of the most confident mistakes, by path; empty where none were made.
        latency_ms: milliseconds from one file to its answer, one picture at a time on this machine, the median; None
            where an older Anmok measured.
        unknown: "none of these" on the test pictures; None where the bundle has no threshold for it, or an older Anmok
            measured.
        calibration: its probabilities against the truth, before and after the temperature; None where an older Anmok
            measured.
        thresholds: from which probability on its answers are right often enough; None where an older Anmok measured,
            or no picture is left to choose them on.
    """

    name: str
    title: str
    recipe: Mapping[str, Any]
    evaluation: Evaluation
    history: tuple[Mapping[str, float], ...]
    seconds: Mapping[str, float]
    pictures_per_second: float
    parity: Mapping[str, float]
    run: str
    bundle: str
    bundle_bytes: int
    validation: Validation = Validation()
    latency_ms: float | None = None
    unknown: UnknownResult | None = None
    calibration: Calibration | None = None
    thresholds: Thresholds | None = None
    heat_maps: Mapping[str, StoredHeatMap] = field(default_factory=dict)
    seconds_spared: float = 0.0

    @property
    def seconds_to_train(self) -> float:
        """Seconds from pictures to a trained model, anew: making vectors counts as much as learning from them."""
        return sum(self.seconds.get(stage, 0.0) for stage in ("features", "training"))


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A model that was asked for and could not be made, with the reason and the way out."""

    name: str
    reason: str
    hint: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckSummary:
    """What one check of the pictures found before anything was trained.

    Attributes:
        check: its registered name.
        flagged: how many pictures it flagged.
        shown: some of the findings, the surest first.
        thresholds: by name, what was learnt from this set.
    """

    check: str
    flagged: int
    shown: tuple[Finding, ...] = ()
    thresholds: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class DataSummary:
    """The pictures that a comparison stands on.

    Attributes:
        source: name of the folder, zip or data set, without its path. location: the full path.
        content_hash: of the manifest, 64 hexadecimal digits.
        counts: ``counts[split][class]`` pictures.
        notes: sentences on how the splits came to be.
        quarantined: what was left out and why.
        ignored: files that are no pictures by their ending.
        widths, heights, brightness, contrast: five-number summaries (min, q1, median, q3, max), pixels and 0-255.
        samples: a few paths per class for the sample grid.
    """

    source: str
    location: str
    content_hash: str
    classes: tuple[str, ...]
    counts: Mapping[str, Mapping[str, int]]
    notes: tuple[str, ...]
    quarantined: tuple[Quarantined, ...]
    ignored: int
    widths: tuple[float, ...]
    heights: tuple[float, ...]
    brightness: tuple[float, ...]
    contrast: tuple[float, ...]
    samples: Mapping[str, tuple[str, ...]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison(ShownInNotebooks):
    """Several models on the same test pictures: all that the report draws.

    Attributes:
        best: name of the recommended model. reason: why, in a sentence or two.
        warnings: what a careful reader must know (tiny test set, overlapping intervals, collapse, ...).
        seconds: by stage, and ``total``.
        environment: versions and machine, for the "how to reproduce" part.
        command: the command line that makes the same again.
        created: ISO 8601, UTC.
        checks: what looked over the pictures, in the order of registration; empty where that was not wanted.
        pairs: every two models, the better ranked first; empty for one model and where they saw different pictures.
        shared_mistakes: pictures that all models get wrong (of two models or more), the surest first; the first few of
            ``shared_mistakes_count``.
        only_mistakes: by model, the pictures that it alone gets wrong, the surest first; the first few of
            ``only_mistakes_count``.
        learning_curve: accuracy against the number of training pictures; None where that was not asked for.
    """

    data: DataSummary
    models: tuple[ModelResult, ...]
    left_out: tuple[LeftOut, ...]
    best: str
    reason: str
    warnings: tuple[str, ...]
    seconds: Mapping[str, float]
    environment: Mapping[str, str]
    command: str
    created: str
    seed: int = 0
    extra: Mapping[str, Any] = field(default_factory=dict)
    checks: tuple[CheckSummary, ...] = ()
    pairs: tuple[Pair, ...] = ()
    shared_mistakes: tuple[SharedMistake, ...] = ()
    shared_mistakes_count: int = 0
    only_mistakes: Mapping[str, tuple[Mistake, ...]] = field(default_factory=dict)
    only_mistakes_count: Mapping[str, int] = field(default_factory=dict)
    learning_curve: DataSizeCurve | None = None
