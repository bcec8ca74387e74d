"""The whole way of a detector: boxes read and checked, trained, exported, measured by its bundle, and reported."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

import anmok
from anmok.data.sources import open_source
from anmok.detection.bundle import DetectorInfo, read_detector, with_measures, write_detector
from anmok.detection.decoding import LEAST_SCORE
from anmok.detection.fitting import on_canvas
from anmok.detection.matching import Answered, match_classes
from anmok.detection.measures import Figures, best_threshold, measure
from anmok.detection.mistakes import find_mistakes
from anmok.detection.predictor import DetectionPredictor
from anmok.detection.reading import read_boxes
from anmok.detection.results import DetectResult
from anmok.detection.settings import DetectConfig
from anmok.detection.splitting import split_boxes
from anmok.detection.statistics import describe
from anmok.errors import DataError, ParityError
from anmok.i18n import _
from anmok.pipeline.alone import alone_in
from anmok.pipeline.clock import Clock
from anmok.pipeline.folder import prepare_folder
from anmok.progress import Progress, SilentProgress
from anmok.records import TEST, TRAIN, VALID
from anmok.report.detection import render_detection
from anmok.storage import write_json

if TYPE_CHECKING:
    from anmok.detection.boxset import BoxSet
    from anmok.detection.examples import Example
    from anmok.detection.network import Detector

#: How far scores (0-1) and distances (pixels) of the bundle may be from the trained network's.
SCORE_DIFFERENCE, DISTANCE_DIFFERENCE = 1e-3, 0.25
#: Pictures on which the two are compared.
COMPARED = 24
BUNDLE, REPORT, METRICS, RESULT, RUN = "best.anmok", "report.html", "metrics.json", "detect.json", "run"


def train_detector_from(
    source: str | Path,
    out: Path,
    config: DetectConfig = DetectConfig(),  # noqa: B008
    *,
    threads: int = 0,
    progress: Progress | None = None,
    language: str = "en",
    command: str = "",
) -> DetectResult:
    """Train a detector and leave ``best.anmok``, ``metrics.json``, ``detect.json`` and ``report.html`` in ``out``.

    Called again after it was stopped, it goes on where it was.

    Args:
        source: a folder or zip with pictures and boxes in Pascal VOC, COCO or YOLO.

    Raises:
        DataError, UsageError: the boxes do not allow it. WeightsMissing: there is no such backbone.
        ParityError: the bundle does not answer as the trained network.
        StorageError: ``out`` holds something else, another command works there, or a file cannot be written.
    """
    prepare_folder(out, is_ours=lambda folder: any((folder / name).exists() for name in (RUN, RESULT)))
    with alone_in(out, command):
        return _made(
            source,
            out,
            config,
            threads=threads,
            progress=progress or SilentProgress(),
            language=language,
            command=command,
        )


def _made(
    source: str | Path,
    out: Path,
    config: DetectConfig,
    *,
    threads: int,
    progress: Progress,
    language: str,
    command: str,
) -> DetectResult:
    """Do what ``train_detector_from`` does, in a folder that is held."""
    from anmok.detection.examples import load_examples
    from anmok.detection.train import train_detector

    clock = Clock()
    with clock.stage("scan"):
        boxes = split_boxes(read_boxes(source, threads=threads, progress=progress), config)
        train, valid, test = (
            load_examples(boxes, boxes.of_split(split), side=config.side, threads=threads, progress=progress)
            for split in (TRAIN, VALID, TEST)
        )
    with clock.stage("training"):
        trained = train_detector(out / RUN, boxes, train, valid, config, threads=threads, progress=progress)
    with clock.stage("export"):
        info = _export(out / BUNDLE, _info(boxes, trained.network, config), trained.network, valid, threads=threads)
    with clock.stage("evaluation"):
        predictor = DetectionPredictor.open(out / BUNDLE, threads=threads)
        answers = _answers(predictor, test, progress)
        paths, shapes = [example.picture.path for example in test], [example.shape for example in test]
        figures = _measured(answers, boxes.classes, threshold=info.threshold, shapes=shapes, seed=config.seed)
        with_measures(out / BUNDLE, figures.figures, len(test))
    result = DetectResult(
        source=boxes.name,
        command=command,
        created=info.created,
        backbone=info.backbone,
        side=config.side,
        test=figures,
        threshold=info.threshold,
        train_pictures=len(train),
        valid_pictures=len(valid),
        history=trained.history,
        best_epoch=trained.best_epoch,
        mistakes=find_mistakes(answers, paths, shapes, boxes.classes, threshold=info.threshold),
        statistics=describe(boxes),
        problems=boxes.problems,
        notes=boxes.notes,
        seconds=clock.total(),
        score_difference=info.score_difference,
    )
    write_json(out / METRICS, result.metrics())
    write_json(out / RESULT, result.to_json())
    with open_source(boxes.source) as pictures:
        render_detection(result, out / REPORT, read_picture=pictures.read, language=language)
    return result


def evaluate_detector(bundle: Path, source: str | Path, *, threads: int, progress: Progress) -> Figures:
    """Measure a bundle on pictures with boxes: those of the test where the source names one, else all.

    Raises:
        DataError: the source holds a class that the bundle does not know, or no box.
    """
    from anmok.detection.examples import load_examples

    predictor = DetectionPredictor.open(bundle, threads=threads)
    boxes = read_boxes(source, threads=threads, progress=progress)
    strange = {box.label for picture in boxes.pictures for box in picture.boxes} - set(predictor.info.labels)
    if strange:
        raise DataError(
            _("The detector does not know {names}.").format(names=", ".join(sorted(map(repr, strange)))),
            hint=_("It knows {names}.").format(names=", ".join(predictor.info.labels)),
        )
    boxes = replace(boxes, classes=predictor.info.labels)
    pictures = boxes.of_split(TEST) or boxes.pictures
    examples = load_examples(boxes, pictures, side=predictor.info.side, threads=threads, progress=progress)
    answers = _answers(predictor, examples, progress)
    shapes = [example.shape for example in examples]
    return _measured(answers, boxes.classes, threshold=predictor.threshold, shapes=shapes, seed=0)


def _info(boxes: BoxSet, network: Detector, config: DetectConfig) -> DetectorInfo:
    """Return what the bundle says of itself before its threshold is picked and it is compared with the network."""
    return DetectorInfo(
        name=boxes.name,
        labels=boxes.classes,
        side=config.side,
        threshold=0.0,
        created=datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        anmok=anmok.__version__,
        backbone=network.pack.name,
        licence=network.pack.licence,
        data_hash=boxes.content_hash,
    )


def _measured(
    answers: Sequence[Answered],
    labels: Sequence[str],
    *,
    threshold: float,
    shapes: Sequence[tuple[int, int]],
    seed: int,
) -> Figures:
    try:
        return measure(answers, labels, threshold=threshold, shapes=shapes, seed=seed)
    except ValueError as error:
        raise DataError(_("There is no box in the test pictures, so nothing can be measured.")) from error


def _answers(predictor: DetectionPredictor, examples: Sequence[Example], progress: Progress) -> list[Answered]:
    answers = []
    with progress.task(_("Detecting"), len(examples), unit=_("pictures")) as task:
        for example in examples:
            found = predictor.find(example.pixels, example.shape, least_score=LEAST_SCORE)
            answers.append(Answered(example.boxes, example.labels, found.boxes, found.labels, found.scores))
            task.advance()
    return answers


def _export(
    path: Path, info: DetectorInfo, network: Detector, valid: Sequence[Example], *, threads: int
) -> DetectorInfo:
    """Write the bundle if it answers as the trained network, its threshold picked on validation pictures."""
    import torch

    from anmok.detection.export import detector_graph

    model = detector_graph(network)
    predictor = DetectionPredictor(info, model, threads=threads)
    worst = 0.0
    for example in valid[:COMPARED]:
        canvas = on_canvas(example.pixels)
        scores, distances = predictor.raw(canvas)
        with torch.inference_mode():
            wanted_scores, wanted_distances = (values[0].numpy() for values in network(torch.from_numpy(canvas)[None]))
        difference = float(np.abs(scores - wanted_scores).max())
        worst = max(worst, difference)
        # Where no class is likely, distances mean nothing.
        said = wanted_scores.max(axis=1) >= LEAST_SCORE
        farthest = float(np.abs(distances - wanted_distances)[said].max()) if said.any() else 0.0
        if not (difference <= SCORE_DIFFERENCE and farthest <= DISTANCE_DIFFERENCE):
            raise ParityError(
                _(
                    "The exported detector does not answer as the trained one: for {path} a score differs by "
                    "{score:.4f} (allowed: {allowed}) and an edge by {edge:.2f} pixels."
                ).format(path=example.picture.path, score=difference, allowed=SCORE_DIFFERENCE, edge=farthest),
                hint=_("No bundle was written. Please report this as a defect."),
            )
    matches = match_classes(_answers(predictor, valid, SilentProgress()), len(info.labels))
    made = replace(info, threshold=best_threshold(matches), score_difference=worst)
    write_detector(path, made, model)
    return read_detector(path).info
