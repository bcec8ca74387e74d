"""A bundle measured on pictures with labels: figures, what is strange about the pictures, "none of these"."""

from __future__ import annotations

import datetime
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from anmok.bundle.format import Bundle, read_bundle
from anmok.config import Limits
from anmok.data.manifest import Manifest
from anmok.data.scan import scan
from anmok.errors import UsageError
from anmok.evaluation.diagnosis import diagnose_alone
from anmok.evaluation.diagnosis.conclusions import few_calibrated_text
from anmok.evaluation.diagnosis.training_pictures import diagnose_origin
from anmok.evaluation.matching import name_some
from anmok.evaluation.measure import ALL, evaluate_predictor
from anmok.evaluation.measure_shift import FEWEST
from anmok.evaluation.measure_unknown import SeenAnswers, measure_others
from anmok.evaluation.results import Evaluation
from anmok.evaluation.shift import Shift, Shifted
from anmok.evaluation.trained_on import TrainingTrace
from anmok.evaluation.unknown import OthersResult, UnknownResult
from anmok.i18n import _, ngettext
from anmok.inference.inputs import Inputs
from anmok.inference.predictor import PictureAnswer, Predictor
from anmok.pipeline.shift import ShiftWatch, prepare_shift_folder, write_shift
from anmok.progress import Progress, SilentProgress
from anmok.records import SPLITS, TEST, VALID


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluated:
    """A bundle measured on a source.

    Attributes:
        bundle: the file. model: name of its recipe.
        source: name of the pictures, without a path. location: the full path. content_hash: of their manifest.
        evaluation: the figures.
        pictures_per_second: from files to answers.
        warnings: what a careful reader must know, in the language of the moment.
        unknown: "none of these" on these pictures; None where the bundle cannot answer that.
        others: the same on pictures of other things; None where there were none.
        shift: how the pictures differ from those that the bundle was made from; None where it is too old to know, or
            there are too few pictures.
        page: that shows the shift; None where none was asked for.
    """

    bundle: Path
    model: str
    source: str
    location: str
    content_hash: str
    evaluation: Evaluation
    pictures_per_second: float
    warnings: tuple[str, ...]
    unknown: UnknownResult | None
    others: OthersResult | None
    shift: Shift | None
    page: Path | None


def evaluate(
    bundle: str | Path,
    source: str | Path,
    *,
    split: str = "",
    known_only: bool = False,
    others: str = "",
    out: Path | None = None,
    threads: int = 0,
    progress: Progress | None = None,
) -> Evaluated:
    """Measure a bundle on pictures with labels, with 95% intervals.

    >>> found = evaluate("best.anmok", "out/manifest.parquet")
    >>> found.evaluation.split, found.evaluation.pictures, found.shift.worse
    ('test', 64, False)

    Args:
        bundle: a file ``*.anmok``.
        source: folder, zip, CSV, manifest, or the name of a built-in data set.
        split: ``train``, ``valid``, ``test`` or ``all``; "" takes the test pictures; where there are none, the
            validation pictures; where the source is not divided at all, all of them.
        known_only: leave classes out that the bundle does not know, and count them.
        others: pictures of other things, to see how many of them are named all the same.
        out: folder for a page that shows how the pictures differ from those that the bundle was made from.
        threads: of decoding and inference; 0 takes all cores.

    Raises:
        UsageError: there is no such split, the bundle cannot answer "none of these" and ``others`` are named, or there
            is nothing to draw.
        EmptySource: the split has no picture.
        DataError: the classes do not fit.
        StorageError: ``out`` holds something else.
    """
    progress = progress or SilentProgress()
    _require_split(split)
    if out is not None:
        prepare_shift_folder(out)
    opened = read_bundle(Path(bundle))
    if out is not None and opened.info.origin is None:  # known before anything is measured
        raise _nothing_to_draw()
    predictor = Predictor(opened, threads=threads)
    _require_rule(predictor, opened, others)
    trace = None if opened.reference is None else TrainingTrace(opened.reference.embeddings)
    manifest = scan(source, threads=threads, progress=progress)
    chosen = split or _choose_split(manifest)
    seen, shifted = SeenAnswers(), ShiftWatch(opened)

    def watch(path: str, answer: PictureAnswer) -> None:
        seen.watch(path, answer)
        shifted.watch(path, answer)

    evaluation, _probabilities, rate = evaluate_predictor(
        predictor, manifest, chosen, known_only=known_only, trace=trace, watch=watch, progress=progress
    )
    shift = shifted.tell(manifest, chosen, evaluation)
    words = ["anmok", "evaluate", str(opened.path), str(source), "--split", evaluation.split]
    words += [*(["--known-only"] if known_only else []), *(["--unknown", others] if others else [])]
    page = None if out is None or shift is None else _write_page(out, opened, manifest, evaluation, shift, words=words)
    return Evaluated(
        bundle=opened.path,
        model=predictor.info.name,
        source=manifest.name or manifest.source,
        location=manifest.source,
        content_hash=manifest.content_hash,
        evaluation=evaluation,
        pictures_per_second=rate,
        warnings=(
            *_about_training(predictor, manifest, chosen, trace),
            *_about_pictures(manifest, evaluation, named=bool(split)),
            *_about_figures(predictor.info.name, evaluation),
            *_about_threshold(predictor),
            *(_without_page(evaluation) if out is not None and shift is None else ()),
        ),
        unknown=None if predictor.rule is None else seen.measure(predictor.rule, evaluation),
        others=_measure_place(predictor, others, seen, progress) if others else None,
        shift=shift,
        page=page,
    )


def _require_split(split: str) -> None:
    if split not in ("", *SPLITS, ALL):
        raise UsageError(
            _("There is no split {split}; choose one of {choices}.").format(
                split=repr(split), choices=", ".join((*SPLITS, ALL))
            )
        )


def _require_rule(predictor: Predictor, bundle: Bundle, others: str) -> None:
    if others and predictor.rule is None:
        raise UsageError(
            _('The bundle {bundle} cannot answer "none of these", so --unknown has nothing to measure.').format(
                bundle=bundle.path
            ),
            hint=_("Train it again with this Anmok; its threshold is set when it is exported."),
        )


def _choose_split(manifest: Manifest) -> str:
    there = set(manifest.table["split"])
    return next((split for split in (TEST, VALID) if split in there), ALL)


def _measure_place(predictor: Predictor, place: str, seen: SeenAnswers, progress: Progress) -> OthersResult:
    """Measure a bundle on all pictures of a place, which show other things than its classes."""
    with (
        Inputs([place], limits=Limits()) as inputs,
        progress.task(_("Measuring other pictures"), len(inputs.items), unit=_("pictures")) as task,
    ):
        return measure_others(predictor, inputs.items, place, known=seen.scores, advance=task.advance)


def _about_training(predictor: Predictor, manifest: Manifest, split: str, trace: TrainingTrace | None) -> Sequence[str]:
    """Say whether the bundle has learned from these pictures."""
    share = None if trace is None else trace.share()
    same_data = manifest.content_hash == predictor.info.data_hash
    return [one.text for one in diagnose_origin(split, share, same_data=same_data)]


def _about_pictures(manifest: Manifest, evaluation: Evaluation, *, named: bool) -> list[str]:
    """Say which pictures are and are not measured, as far as that was not asked for."""
    sentences = []
    if not named and evaluation.split == VALID:
        sentences.append(_("The source has no test pictures; its validation pictures are measured."))
    if not named and evaluation.split == ALL:
        sentences.append(_("The source has no test or validation pictures set apart; all its pictures are measured."))
    if evaluation.unknown:
        names = [f"{label} ({count})" for label, count in evaluation.unknown.items()]
        sentences.append(
            _("Not measured, because the model does not know their class: {names}.").format(names=name_some(names))
        )
    if manifest.quarantined:
        sentences.append(
            ngettext(
                "{count} file of the source could not be used: {paths}.",
                "{count} files of the source could not be used: {paths}.",
                len(manifest.quarantined),
            ).format(count=len(manifest.quarantined), paths=name_some([entry.path for entry in manifest.quarantined]))
        )
    if evaluation.unreadable:
        sentences.append(
            _("Not measured, because they could not be read: {paths}.").format(paths=name_some(evaluation.unreadable))
        )
    return sentences


def _about_figures(name: str, evaluation: Evaluation) -> Sequence[str]:
    sentences = list(diagnose_alone(name, evaluation))
    if evaluation.without_auc:
        sentences.append(
            _("ROC-AUC leaves these classes out, because none or all of the pictures are theirs: {names}.").format(
                names=name_some(evaluation.without_auc)
            )
        )
    return sentences


def _about_threshold(predictor: Predictor) -> Sequence[str]:
    rule = predictor.rule
    return [few_calibrated_text(predictor.info.name, rule.set_on)] if rule is not None and rule.is_rough else []


def _without_page(evaluation: Evaluation) -> Sequence[str]:
    text = _("No page was drawn: to tell how pictures differ, {fewest} or more are wanted; {count} were measured.")
    return [text.format(fewest=FEWEST, count=evaluation.pictures)]


def _nothing_to_draw() -> UsageError:
    """Return the error for a bundle that is too old to know what it was made from."""
    return UsageError(
        _("There is nothing to draw: the bundle does not know what it was made from."),
        hint=_("Train or export the model again with this Anmok, and every bundle does."),
    )


def _write_page(
    out: Path, bundle: Bundle, manifest: Manifest, evaluation: Evaluation, shift: Shift, *, words: Sequence[str]
) -> Path:
    """Leave the page of the shift in ``out``.

    Args:
        words: of the command line that makes it again, without ``--out``.
    """
    found = Shifted(
        model=bundle.info.name,
        split=evaluation.split,
        source=manifest.name,
        location=manifest.source,
        accuracy=evaluation.metrics["accuracy"],
        shift=shift,
        command=shlex.join([*words, "--out", str(out)]),
        created=datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
    )
    return write_shift(found, out)
