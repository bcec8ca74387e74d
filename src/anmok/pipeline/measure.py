"""One finished run, measured through its bundle: what is measured is what is served."""

from __future__ import annotations

import time
from pathlib import Path

from anmok.bundle.format import read_bundle, update_bundle_info
from anmok.bundle.info import Measured
from anmok.data.manifest import Manifest
from anmok.errors import StorageError
from anmok.evaluation.measure import evaluate_predictor
from anmok.evaluation.results import Evaluation, ModelResult, Validation
from anmok.evaluation.stored import from_json, to_json
from anmok.inference.predictor import Predictor
from anmok.models.registry import get_model
from anmok.progress import Progress
from anmok.records import TEST, VALID
from anmok.storage import read_json, write_json
from anmok.training.run import Run


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
    stored = _stored(run) if info.measured is not None else None
    if stored is None:
        begin = time.perf_counter()
        predictor = Predictor.open(run.bundle_path, threads=threads)
        evaluation, _probabilities, rate = evaluate_predictor(predictor, manifest, TEST, seed=seed, progress=progress)
        facts = {
            "pictures_per_second": rate,
            "export": export_seconds,
            "evaluation": time.perf_counter() - begin,
        }
        write_json(run.metrics_path, {"evaluation": to_json(evaluation), "facts": facts})
        update_bundle_info(run.bundle_path, measured=Measured(TEST, evaluation.pictures, dict(evaluation.metrics)))
    else:
        evaluation, facts = stored
    seconds = {**run.seconds, "export": facts["export"], "evaluation": facts["evaluation"]}
    parity = info.parity
    return ModelResult(
        name=run.recipe.name,
        title=get_model(run.recipe.model).title,
        recipe=run.config["recipe"],
        evaluation=evaluation,
        history=run.history(),
        seconds=seconds,
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
    )


def _validation(run: Run) -> Validation:
    """Return how the trained model did on validation pictures; a head on vectors was asked out-of-fold."""
    valid = run.predictions().of_split(VALID)
    if not len(valid.labels):
        return Validation()
    return Validation(float((valid.probabilities.argmax(axis=1) == valid.labels).mean()), len(valid.labels))


def _stored(run: Run) -> tuple[Evaluation, dict[str, float]] | None:
    """Return what ``metrics.json`` holds; None where it is missing or damaged, so that it is measured anew."""
    try:
        values = read_json(run.metrics_path)
        evaluation = from_json(Evaluation, values["evaluation"], where=str(run.metrics_path))
        facts = values["facts"]
        return evaluation, {name: float(facts[name]) for name in ("pictures_per_second", "export", "evaluation")}
    except (StorageError, AttributeError, KeyError, TypeError, ValueError):
        return None
