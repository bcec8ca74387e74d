"""One finished run, measured through its bundle: what is measured is what is served."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from anmok.bundle.format import read_bundle, update_bundle_info
from anmok.bundle.info import Measured
from anmok.data.manifest import Manifest
from anmok.errors import StorageError
from anmok.evaluation.heat_maps import heat_maps_of
from anmok.evaluation.latency import measure_latency
from anmok.evaluation.measure import evaluate_predictor
from anmok.evaluation.measure_unknown import SeenAnswers
from anmok.evaluation.results import Evaluation, ModelResult, StoredHeatMap, Validation
from anmok.evaluation.stored import check_evaluation, from_json, to_json
from anmok.evaluation.unknown import UnknownResult
from anmok.inference.heat_mapper import HeatMapper
from anmok.inference.predictor import Predictor
from anmok.models.registry import get_model
from anmok.pipeline.calibration import calibration_of
from anmok.progress import Progress
from anmok.records import TEST, VALID
from anmok.storage import read_json, write_json
from anmok.training.predictions import Predictions
from anmok.training.run import Run


@dataclass(frozen=True, slots=True)
class _Figures:
    """What ``metrics.json`` holds."""

    evaluation: Evaluation
    facts: Mapping[str, float]
    unknown: UnknownResult | None
    heat_maps: Mapping[str, StoredHeatMap] = field(default_factory=dict)


def measure_run(
    run: Run, manifest: Manifest, out: Path, *, export_seconds: float, seed: int, threads: int, progress: Progress
) -> ModelResult:
    """Measure the bundle of ``run`` on the test pictures; what was measured before is read and not measured again.

    Args:
        out: the comparison's folder; paths in the result are relative to it.
        export_seconds: how long the export took, for the table.
        seed: of the bootstrap intervals.
    """
    info = read_bundle(run.bundle_path, reference=False).info
    figures = _stored(run) if info.measured is not None else None
    if figures is None:
        figures = _measure(run, manifest, export_seconds, seed=seed, threads=threads, progress=progress)
    facts = figures.facts
    seconds = {**run.seconds, "export": facts["export"], "evaluation": facts["evaluation"]}
    parity = info.parity
    calibration, thresholds = calibration_of(run, seed=seed)
    return ModelResult(
        name=run.recipe.name,
        title=get_model(run.recipe.model).title,
        recipe=run.config["recipe"],
        evaluation=figures.evaluation,
        history=run.history(),
        seconds=seconds,
        seconds_spared=run.seconds_spared,
        pictures_per_second=facts["pictures_per_second"],
        parity={}
        if parity is None
        else {
            "same_class": parity.same_class,
            "max_difference": parity.max_difference,
            "pictures": float(parity.pictures),
        },
        run=run.folder.relative_to(out).as_posix(),
        bundle=run.bundle_path.relative_to(out).as_posix(),
        bundle_bytes=run.bundle_path.stat().st_size,
        validation=_validation(run),
        latency_ms=facts.get("latency_ms"),
        calibration=calibration,
        thresholds=thresholds,
        unknown=figures.unknown,
        heat_maps=figures.heat_maps,
    )


def _measure(
    run: Run, manifest: Manifest, export_seconds: float, *, seed: int, threads: int, progress: Progress
) -> _Figures:
    """Let the bundle answer for the test pictures, measure the answers and store the figures in the run and bundle."""
    begin = time.perf_counter()
    predictor = Predictor.open(run.bundle_path, threads=threads)
    seen = SeenAnswers()
    evaluation, probabilities, rate = evaluate_predictor(
        predictor, manifest, TEST, seed=seed, watch=seen.watch, progress=progress
    )
    facts = {
        "pictures_per_second": rate,
        "export": export_seconds,
        "evaluation": time.perf_counter() - begin,
    }
    latency = measure_latency(predictor, manifest, TEST)
    if latency is not None:
        facts["latency_ms"] = latency
    unknown = None if predictor.rule is None else seen.measure(predictor.rule, evaluation)
    run.write_answers(_answers(manifest, probabilities))
    heat_maps = _heat_maps(run, manifest, evaluation, threads=threads, progress=progress)
    values = {
        "evaluation": to_json(evaluation),
        "facts": facts,
        "unknown": unknown and to_json(unknown),
        "heat_maps": {path: to_json(one) for path, one in heat_maps.items()},
    }
    write_json(run.metrics_path, values)
    update_bundle_info(run.bundle_path, measured=_measured(evaluation))
    return _Figures(evaluation, facts, unknown, heat_maps)


def _heat_maps(
    run: Run, manifest: Manifest, evaluation: Evaluation, *, threads: int, progress: Progress
) -> dict[str, StoredHeatMap]:
    mapper = HeatMapper.open(run.bundle_path, threads=threads)
    with manifest.open_source() as source:
        return heat_maps_of(mapper, evaluation.mistakes, source.read, progress=progress)


def _answers(manifest: Manifest, probabilities: NDArray[np.float32]) -> Predictions:
    """Return the bundle's answers for the test pictures that it could read, in the manifest's order."""
    test = manifest.of_split(TEST)
    read = np.isfinite(probabilities).all(axis=1)
    table = test.table[read]
    return Predictions(
        tuple(map(str, table["path"])),
        tuple(map(str, table["id"])),
        (TEST,) * len(table),
        test.label_indices()[read],
        probabilities[read],
    )


def _validation(run: Run) -> Validation:
    """Return how the trained model did on validation pictures; a head on vectors was asked out-of-fold."""
    valid = run.predictions().of_split(VALID)
    if not len(valid.labels):
        return Validation()
    return Validation(float((valid.probabilities.argmax(axis=1) == valid.labels).mean()), len(valid.labels))


def _stored(run: Run) -> _Figures | None:
    """Return what ``metrics.json`` holds; None where it or the answers are missing or damaged, to be measured anew."""
    try:
        run.answers()
        values = read_json(run.metrics_path)
        evaluation = from_json(Evaluation, values["evaluation"], where=str(run.metrics_path))
        check_evaluation(evaluation, str(run.metrics_path))
        facts = {name: float(value) for name, value in values["facts"].items()}
        if not {"pictures_per_second", "export", "evaluation"} <= set(facts):
            raise KeyError("facts")
        unknown = values.get("unknown")
        measured = None if unknown is None else from_json(UnknownResult, unknown, where=str(run.metrics_path))
        heat_maps = {
            path: from_json(StoredHeatMap, one, where=str(run.metrics_path))
            for path, one in values.get("heat_maps", {}).items()
        }
        return _Figures(evaluation, facts, measured, heat_maps)
    except (StorageError, AttributeError, KeyError, TypeError, ValueError):
        return None


def _measured(evaluation: Evaluation) -> Measured:
    """Return what the bundle is told of its own figures."""
    return Measured(
        TEST,
        evaluation.pictures,
        dict(evaluation.metrics),
        recognised=tuple(row[number] for number, row in enumerate(evaluation.confusion)),
        of_class=tuple(sum(row) for row in evaluation.confusion),
    )
