"""Two hand-made features of each picture: scatter, three boundaries, and what they are worth on test pictures."""

from __future__ import annotations

import datetime
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from anmok.clean.evidence import Evidence
from anmok.clean.near_groups import grouped
from anmok.config import CleanConfig, LeakPolicy, Limits, SplitConfig
from anmok.data.manifest import Manifest
from anmok.data.names import escape
from anmok.data.scan import scan
from anmok.data.split import assign_splits, check
from anmok.errors import DataError, UsageError
from anmok.evaluation.stored import read_result, write_result
from anmok.features.plane import all_measure_names, axis_of, draw_boundaries, judge_pairs, plane_measures, values_of
from anmok.i18n import _, current_language, ngettext
from anmok.models.registry import suggest
from anmok.pipeline.folder import holds_results, prepare_folder
from anmok.progress import Progress, SilentProgress
from anmok.records import TEST
from anmok.report.features2d import Features2d, Point, render_features2d

PAGE, RESULT = "features2d.html", "features2d.json"
#: Rises when an old reader could misread a new ``features2d.json``.
FORMAT_VERSION = 1
#: In place of a measure's name: the one that tells the classes apart best.
AUTO = "auto"
#: More classes cannot be told apart by eye, nor by two numbers.
MOST_CLASSES = 6
#: Points that are drawn; more cover each other.
DRAWN = 900
#: Pairs that are told.
PAIRS = 5


@dataclass(frozen=True, kw_only=True)
class Features2dConfig:
    """What ``anmok features2d`` does.

    Attributes:
        x, y: measures, or ``auto``.
        classes: that are told apart; empty: all, or of more than six those with the most pictures.
        split: how pictures are divided where the source does not say.
        leaks: what happens where test pictures stand in train.
        drop_small_classes: leave classes out that are too small to be split.
        threads: of decoding; 0 takes all cores.
    """

    x: str = AUTO
    y: str = AUTO
    classes: tuple[str, ...] = ()
    split: SplitConfig = field(default_factory=SplitConfig)
    limits: Limits = field(default_factory=Limits)
    leaks: LeakPolicy = "refuse"
    drop_small_classes: bool = False
    threads: int = 0

    def __post_init__(self) -> None:
        names = all_measure_names()
        for option, name in (("--x", self.x), ("--y", self.y)):
            if name != AUTO and name not in names:
                raise UsageError(
                    _("{option} {name} is no measure of a picture.").format(option=option, name=repr(name)),
                    hint=suggest(name, list(names), otherwise=_("Known measures: {names}; or auto.")),
                )
        if self.x == self.y != AUTO:
            raise UsageError(
                _("--x and --y both are {name}; two different measures are wanted.").format(name=repr(self.x)),
                hint=_("For example: --x brightness --y aspect, or --x auto."),
            )


def features_2d(
    source: str | Path,
    out: Path,
    config: Features2dConfig | None = None,
    *,
    progress: Progress | None = None,
    command: str = "",
) -> Features2d:
    """Draw the pictures of ``source`` by two numbers, with a straight, a moderate and a wiggly boundary.

    The boundaries are learnt from training (and validation) pictures and measured on test pictures, divided as
    ``compare`` divides them. Leaves ``features2d.html`` and ``features2d.json`` in ``out``.

    Args:
        source: folder, zip, CSV, manifest, or the name of a built-in data set.
        command: the command line to print under "how to reproduce".

    Raises:
        UsageError: a class that is not there.
        DataError: the pictures do not allow it (one class, leaks, measures that are not known).
        StorageError: ``out`` holds something else, or cannot be written.
    """
    config, progress = config or Features2dConfig(), progress or SilentProgress()
    prepare_folder(out, is_ours=lambda folder: holds_results(folder, RESULT, PAGE))
    whole = scan(source, limits=config.limits, threads=config.threads, progress=progress)
    chosen, notes = _of_classes(whole, config.classes)
    evidence = Evidence(
        chosen, CleanConfig(seed=config.split.seed), limits=config.limits, threads=config.threads, progress=progress
    )
    manifest = assign_splits(check(grouped(evidence), config.leaks, config.drop_small_classes), config.split)
    with progress.task(_("Drawing boundaries")):
        found = _drawn(manifest, config, notes, command)
    render_features2d(found, out / PAGE, language=current_language())
    write_result(out / RESULT, "features2d", found, version=FORMAT_VERSION)
    return found


def redraw(folder: Path, out: Path | None, *, language: str) -> Path:
    """Draw the page again from the stored values, into ``out`` or where it was; return the file written.

    Raises:
        StorageError: they are damaged, or the page could not be written.
    """
    found = read_result(Features2d, folder / RESULT, "features2d", version=FORMAT_VERSION)
    return render_features2d(found, out or folder / PAGE, language=language)


def _of_classes(manifest: Manifest, wanted: Sequence[str]) -> tuple[Manifest, tuple[str, ...]]:
    """Return the pictures of the classes that are told apart, and a note where that are not all."""
    # Labels are in NFC; what is typed on a Mac may not be.
    wanted = [unicodedata.normalize("NFC", name) for name in wanted]
    for name in wanted:
        if name not in manifest.classes:
            raise UsageError(
                _("The source has no class {name}.").format(name=repr(escape(name))),
                hint=suggest(name, list(manifest.classes), otherwise=_("Its classes are: {names}.")),
            )
    counts = manifest.table["label"].value_counts()
    names = tuple(wanted) or tuple(sorted(manifest.classes, key=lambda name: (-int(counts[name]), name))[:MOST_CLASSES])
    if len(set(names)) < 2 or len(names) > MOST_CLASSES:
        raise UsageError(
            _("{count} classes are to be told apart; 2 to {most} are wanted.").format(
                count=len(set(names)), most=MOST_CLASSES
            ),
            hint=_("Name them, for example: --classes {names}").format(
                names=",".join(escape(name) for name in manifest.classes[:2])
            ),
        )
    if set(names) == set(manifest.classes):
        return manifest, ()
    note = ngettext(
        "The source has {all} class; these {count} are shown (--classes chooses others).",
        "The source has {all} classes; these {count} are shown (--classes chooses others).",
        len(manifest.classes),
    ).format(all=len(manifest.classes), count=len(names))
    kept = manifest.table[manifest.table["label"].isin(names)]
    return manifest.with_table(kept.reset_index(drop=True)), (note,)


def _drawn(manifest: Manifest, config: Features2dConfig, notes: tuple[str, ...], command: str) -> Features2d:
    table, labels = manifest.table, manifest.label_indices()
    is_test = (table["split"] == TEST).to_numpy()
    x, y = (name if name != AUTO else "" for name in (config.x, config.y))
    seed = config.split.seed
    pairs = judge_pairs(table[~is_test], labels[~is_test], x=x, y=y, seed=seed)
    if not (x and y):
        if not pairs:
            raise DataError(
                _("No two measures of these pictures differ, so there is nothing to draw."),
                hint=_("Were the pictures read from the right folder? `anmok explore` shows them."),
            )
        x, y = pairs[0].x, pairs[0].y
    measures = plane_measures(table)
    if missing := [name for name in (x, y) if name not in measures]:
        raise DataError(
            _("The manifest does not hold the measure {name}.").format(name=missing[0]),
            hint=_("Scan the pictures again with this Anmok; it measures them."),
        )
    points = np.stack([values_of(measures[name], table) for name in (x, y)], axis=1)
    known = np.isfinite(points).all(axis=1)
    points, labels, is_test = points[known], labels[known], is_test[known]
    learn = ~is_test
    axes = (axis_of(measures[x], points[:, 0]), axis_of(measures[y], points[:, 1]))
    boundaries = draw_boundaries(points[learn], labels[learn], points[is_test], labels[is_test], axes, seed=seed)
    tested = np.bincount(labels[is_test], minlength=len(manifest.classes))
    return Features2d(
        source=manifest.name,
        location=manifest.source,
        content_hash=manifest.content_hash,
        x=axes[0],
        y=axes[1],
        classes=manifest.classes,
        train=tuple(np.bincount(labels[learn], minlength=len(manifest.classes)).tolist()),
        test=tuple(tested.tolist()),
        points=_sample(points, labels, is_test, seed=seed),
        boundaries=boundaries,
        guessing=float(tested.max() / tested.sum()),
        pairs=pairs[:PAIRS],
        chosen=AUTO in (config.x, config.y),
        notes=(
            *notes,
            *manifest.notes,
            _("Nothing is chosen by validation pictures here: they are learned from, too."),
        ),
        seed=seed,
        command=command,
        created=datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
    )


def _sample(
    points: NDArray[np.float64], labels: NDArray[np.int64], is_test: NDArray[np.bool_], *, seed: int
) -> tuple[Point, ...]:
    rows = np.sort(np.random.default_rng(seed).permutation(len(points))[:DRAWN])
    return tuple(
        Point(round(float(x), 4), round(float(y), 4), int(label), bool(test))
        for (x, y), label, test in zip(points[rows], labels[rows], is_test[rows], strict=True)
    )
