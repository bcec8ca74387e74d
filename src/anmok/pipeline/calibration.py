"""What a measured run's files say of its probabilities: their calibration, and thresholds for a wanted precision."""

from __future__ import annotations

import numpy as np

from anmok.bundle.format import read_bundle
from anmok.errors import StorageError
from anmok.evaluation.calibration import Calibration, measure_calibration
from anmok.evaluation.stored import from_json, to_json
from anmok.evaluation.thresholds import PRECISION, Answers, Thresholds, choose_thresholds
from anmok.probabilities import SMALLEST, softmax
from anmok.storage import read_json, write_json
from anmok.training.run import Run


def calibration_of(run: Run, *, seed: int) -> tuple[Calibration, Thresholds | None]:
    """Return the calibration of a measured run, and its thresholds for the usual precision.

    Both are read from ``metrics.json``, or measured and stored there. There are no thresholds where no picture is left
    to choose them on.

    Args:
        seed: of the intervals.

    Raises:
        StorageError: files of the run are missing or damaged.
    """
    values = read_json(run.require(run.metrics_path))
    stored = _stored(values, where=str(run.metrics_path))
    if stored is not None:
        return stored
    chosen_on = run.calibration_predictions()
    calibration = measure_calibration(
        run.predictions(),
        run.answers(),
        temperature=read_bundle(run.bundle_path, reference=False).info.temperature,
        fitted_on=len(chosen_on.labels),
        seed=seed,
    )
    thresholds = thresholds_of(run) if len(chosen_on.labels) else None
    parts = {"calibration": to_json(calibration), "thresholds": None if thresholds is None else to_json(thresholds)}
    write_json(run.metrics_path, {**values, **parts})
    return calibration, thresholds


def thresholds_of(run: Run, *, precision: float = PRECISION, lower_limit: bool = True) -> Thresholds:
    """Choose thresholds on the calibration pictures of a run, and measure them on its test pictures.

    Args:
        precision, lower_limit: as ``choose_thresholds`` has them.

    Raises:
        StorageError: files of the run are missing or damaged.
    """
    chosen_on, answers = run.calibration_predictions(), run.answers()
    temperature = read_bundle(run.bundle_path, reference=False).info.temperature
    tempered = softmax(np.log(np.clip(chosen_on.probabilities, SMALLEST, 1)), temperature)
    return choose_thresholds(
        run.classes,
        Answers(chosen_on.labels, tempered),
        Answers(answers.labels, answers.probabilities),
        precision=precision,
        lower_limit=lower_limit,
    )


def _stored(values: object, *, where: str) -> tuple[Calibration, Thresholds | None] | None:
    """Return what ``metrics.json`` holds; None where it holds nothing of it, or nothing that this Anmok reads."""
    if not isinstance(values, dict) or not {"calibration", "thresholds"} <= set(values):
        return None
    try:
        thresholds = values["thresholds"]
        return (
            from_json(Calibration, values["calibration"], where=where),
            None if thresholds is None else from_json(Thresholds, thresholds, where=where),
        )
    except StorageError:
        return None
