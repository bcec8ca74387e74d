"""A finished run becomes one file: graph, temperature, reference embeddings, card; only if it answers as trained."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from anmok import __version__
from anmok.bundle.append import append_head
from anmok.bundle.format import read_bundle, write_bundle
from anmok.bundle.graph import OUTPUTS, check_graph
from anmok.bundle.info import BundleInfo, Parity
from anmok.bundle.origin import Origin, spreads_of
from anmok.bundle.origin_measures import distances_of, origin_of
from anmok.bundle.parity import compare_answers
from anmok.bundle.reference import Reference
from anmok.bundle.serving import GraphAnswer, ServedGraph
from anmok.bundle.unknown.rule import UnknownRule
from anmok.bundle.unknown.threshold import set_rule
from anmok.config import Limits, to_json
from anmok.data.manifest import Manifest
from anmok.errors import BundleError, ParityError, PictureError, StorageError, UsageError
from anmok.features.extraction import extract
from anmok.features.extractor import Extractor
from anmok.i18n import _
from anmok.models.packs import find_pack
from anmok.models.registry import get_model
from anmok.probabilities import fit_temperature, softmax
from anmok.progress import Progress, SilentProgress
from anmok.records import TEST, TRAIN, VALID
from anmok.storage import explained
from anmok.training.checkpoint import checkpoint_kind, load_head, load_network
from anmok.training.frozen import extractor_of
from anmok.training.predictions import Predictions
from anmok.training.run import Run

if TYPE_CHECKING:
    import onnx

#: Reference embeddings: so many training pictures of a class, more of few classes, up to so many in all (the more are
#: remembered, the better are strangers told); and at most so many bytes.
REFERENCE_PER_CLASS, REFERENCE_OF_FEW_CLASSES = 50, 600
REFERENCE_BYTES = 16 * 2**20


def export_run(run: Run, manifest: Manifest, *, threads: int = 0, progress: Progress | None = None) -> Path:
    """Write ``model.anmok`` into the folder of a finished run, and return its path.

    The bundle is written to a temporary place first, read back, and run from the picture files (decode, resize, graph)
    of valid and test. Only if it gives the trained model's probabilities does it get its name. A bundle that this
    version of Anmok made of the run before is returned as it is.

    Args:
        manifest: what the run was trained on; its source must still be there.
        threads: of decoding and inference; 0 takes all cores.

    Raises:
        UsageError: the run is not finished, or the manifest is not the one it was trained on.
        ParityError: the exported model answers differently from the trained one; no bundle is left.
        WeightsMissing, MissingExtra: the backbone or PyTorch is not to be had any more.
        StorageError: the checkpoint is damaged, or the bundle cannot be written.
    """
    progress = progress or SilentProgress()
    _check(run, manifest)
    if _is_exported(run):
        return run.bundle_path
    kind = checkpoint_kind(run)
    if (kind == "head") != (run.recipe.strategy == "frozen"):
        raise StorageError(
            _("The checkpoint of {folder} holds a {found}, and its recipe has the strategy {strategy}.").format(
                folder=run.folder, found=kind, strategy=run.recipe.strategy
            ),
            hint=_("Delete the folder {folder} and train again.").format(folder=run.folder),
        )
    extractor = _extractor(run, progress) if kind == "head" else None
    model = _graph(run, extractor).SerializeToString(deterministic=True)
    predictions = run.predictions()
    info = _info(run, manifest)
    try:
        with tempfile.TemporaryDirectory(prefix="anmok-export-") as folder:
            graph = _served(Path(folder) / run.bundle_path.name, info, model, threads)
        expected = _expected(run, predictions, manifest, extractor, threads)
        answers = _stream(graph, expected.paths, manifest, progress, _("Checking the bundle"))
        parity = _parity(answers, expected, manifest)
        reference = _reference(graph, manifest, extractor, threads, progress)
        unknown = _unknown_rule(answers, expected, reference, embeddings_learned=extractor is None)
        origin = _origin(answers, expected, manifest, reference)
        info = replace(info, parity=parity, unknown=unknown, origin=origin)
        write_bundle(run.bundle_path, info=info, model=model, reference=reference)
    except ParityError:
        # An older bundle of the same run would be taken for the one that was just refused.
        run.bundle_path.unlink(missing_ok=True)
        raise
    return run.bundle_path


def _served(path: Path, info: BundleInfo, model: bytes, threads: int) -> ServedGraph:
    """Write the bundle that shall be, still without what needs its answers, read it back and make it ready."""
    nothing = Reference(np.zeros((0, check_graph(model).dim), np.float16), np.zeros(0, np.int32))
    write_bundle(path, info=info, model=model, reference=nothing)
    return ServedGraph(read_bundle(path), threads=threads)


def _check(run: Run, manifest: Manifest) -> None:
    if not run.is_finished:
        raise UsageError(
            _("The run {folder} is not finished, so there is no model to export.").format(folder=run.folder),
            hint=_("Train it to the end first: the same command goes on where it stopped."),
        )
    if (run.data_hash, run.classes) != (manifest.content_hash, manifest.classes):
        raise UsageError(
            _("The run {folder} was trained on other pictures than the ones given.").format(folder=run.folder),
            hint=_("Give the manifest that it was trained on: the export is checked on its pictures."),
        )


def _is_exported(run: Run) -> bool:
    if not run.bundle_path.exists():
        return False
    try:
        info = read_bundle(run.bundle_path).info
    except BundleError:
        return False
    same = info.data_hash == run.data_hash and dict(info.recipe) == to_json(run.recipe)
    return same and info.parity is not None and info.anmok_version == __version__


def _extractor(run: Run, progress: Progress) -> Extractor:
    return extractor_of(run.recipe, image_size=run.image_size, progress=progress)


def _graph(run: Run, extractor: Extractor | None) -> onnx.ModelProto:
    """Return the whole model as one graph, which the ``onnx`` checker has found sound."""
    import onnx

    if extractor is None:
        from anmok.models.onnx_export import export_graph

        graph = export_graph(load_network(run), image_size=run.image_size, outputs=OUTPUTS)
    else:
        head = load_head(run)
        with explained(extractor.onnx):
            graph = append_head(onnx.load_model_from_string(extractor.onnx.read_bytes()), head.steps, head.output)
    try:
        onnx.checker.check_model(graph, full_check=True)
    except (onnx.checker.ValidationError, onnx.shape_inference.InferenceError) as error:
        reason = " ".join(str(error).split())[:300]
        raise BundleError(
            _("The model of {folder} could not be exported to ONNX: {reason}.").format(
                folder=run.folder, reason=reason
            ),
            hint=_("Please report this, with the versions that `pip list` shows for torch and onnx."),
        ) from error
    return graph


def _info(run: Run, manifest: Manifest) -> BundleInfo:
    calibration = run.calibration_predictions()
    licence, source = _weights_from(run)
    labels, splits = manifest.label_indices(), manifest.table["split"].to_numpy(dtype=str)
    return BundleInfo(
        labels=run.classes,
        image_size=run.image_size,
        resize=run.recipe.resize,
        temperature=fit_temperature(calibration.probabilities, calibration.labels),
        name=run.recipe.name,
        model=run.recipe.model,
        recipe=to_json(run.recipe),
        data_hash=run.data_hash,
        pictures={
            split: tuple(np.bincount(labels[splits == split], minlength=len(run.classes)).tolist())
            for split in (TRAIN, VALID, TEST)
            if (splits == split).any()
        },
        weights_licence=licence,
        weights_source=source,
        anmok_version=__version__,
    )


def _weights_from(run: Run) -> tuple[str, str]:
    """Return licence and source of the pretrained weights; a fine-tuned run knows them without its pack."""
    pack = run.config.get("pack")
    if isinstance(pack, dict):
        return str(pack.get("licence", "")), str(pack.get("source", ""))
    weights = get_model(run.recipe.model).weights
    if not weights:
        return "", ""
    found = find_pack(weights, download=False)
    return found.licence, found.source


def _expected(
    run: Run, predictions: Predictions, manifest: Manifest, extractor: Extractor | None, threads: int
) -> Predictions:
    """Return what the trained model itself says of valid and test pictures.

    For a logistic head, ``predictions`` holds the answers of the folds' heads for valid pictures; the head that is
    exported is asked instead, on the cached vectors.
    """
    if extractor is None or run.recipe.head != "logistic":
        return predictions
    valid = manifest.of_split(VALID)
    answers = load_head(run).probabilities(extract(valid, extractor, threads=threads, progress=SilentProgress()))
    row_of = {path: row for row, path in enumerate(valid.table["path"])}
    rows = np.flatnonzero([split == VALID for split in predictions.splits])
    probabilities = predictions.probabilities.copy()
    probabilities[rows] = answers[[row_of[predictions.paths[row]] for row in rows]]
    return replace(predictions, probabilities=probabilities)


def _parity(answers: Sequence[GraphAnswer], expected: Predictions, manifest: Manifest) -> Parity:
    logits = np.stack([answer.logits for answer in answers]) if answers else np.zeros((0, len(manifest.classes)))
    return compare_answers(expected.probabilities, softmax(logits), labels=manifest.classes, paths=expected.paths)


def _origin(answers: Sequence[GraphAnswer], expected: Predictions, manifest: Manifest, reference: Reference) -> Origin:
    """Return statistics of the training pictures; how far validation and test pictures lie from the remembered ones."""
    origin = origin_of(manifest)
    if not answers or not len(reference.labels):
        return origin
    distances = distances_of(np.stack([answer.embedding for answer in answers]), reference)
    return replace(origin, distances=spreads_of(distances, expected.labels, len(manifest.classes)))


def _unknown_rule(
    answers: Sequence[GraphAnswer], expected: Predictions, reference: Reference, *, embeddings_learned: bool
) -> UnknownRule | None:
    """Return when the bundle answers "none of these": set on validation pictures, none of which is remembered.

    Their logits are of no use for it where a logistic head has learned from them, too; the default score looks at
    embeddings alone.
    """
    valid = [answer for answer, split in zip(answers, expected.splits, strict=True) if split == VALID]
    embeddings = np.array([answer.embedding for answer in valid]).reshape(len(valid), reference.embeddings.shape[1])
    logits = np.array([answer.logits for answer in valid]).reshape(len(valid), expected.probabilities.shape[1])
    return set_rule(reference, embeddings, logits, embeddings_learned=embeddings_learned)


def _stream(
    graph: ServedGraph, paths: Sequence[str], manifest: Manifest, progress: Progress, title: str
) -> list[GraphAnswer]:
    """Return the bundle's answers for pictures of the manifest, run from their files."""
    answers = []
    with manifest.open_source() as source, progress.task(title, len(paths), unit=_("pictures")) as task:
        items = ((path, partial(source.read, path)) for path in paths)
        for path, answer in graph.stream(items, limits=Limits()):
            if isinstance(answer, PictureError):
                raise ParityError(
                    _("The export cannot be checked, because {path} cannot be read any more: {reason}").format(
                        path=path, reason=answer
                    ),
                    hint=_("Put the pictures back, or scan and train again."),
                )
            answers.append(answer)
            task.advance()
    return answers


def _reference(
    graph: ServedGraph, manifest: Manifest, extractor: Extractor | None, threads: int, progress: Progress
) -> Reference:
    """Return embeddings of training pictures, spread evenly over each class's pictures as the manifest lists them."""
    train = manifest.of_split(TRAIN)
    labels = train.label_indices()
    classes, dim = len(manifest.classes), graph.dim
    wanted = max(REFERENCE_PER_CLASS, REFERENCE_OF_FEW_CLASSES // classes)
    per_class = min(wanted, max(1, REFERENCE_BYTES // (2 * dim * classes)))
    rows = np.sort(np.concatenate([_spread(np.flatnonzero(labels == number), per_class) for number in range(classes)]))
    chosen = train.with_table(train.table.iloc[rows])
    if extractor is None or extractor.output != "embedding":
        paths = list(chosen.table["path"])
        answers = _stream(graph, paths, manifest, progress, _("Keeping reference pictures"))
        vectors = np.stack([answer.embedding for answer in answers])
    else:
        vectors = extract(chosen, extractor, threads=threads, progress=SilentProgress())
    fits = np.abs(vectors).max(initial=0) < np.finfo(np.float16).max
    return Reference(vectors.astype(np.float16 if fits else np.float32), labels[rows].astype(np.int32))


def _spread(rows: NDArray[np.int64], most: int) -> NDArray[np.int64]:
    """Return at most ``most`` of the rows, evenly spaced."""
    if len(rows) <= most:
        return rows
    return rows[np.linspace(0, len(rows) - 1, most).round().astype(np.int64)]
