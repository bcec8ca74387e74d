"""Accuracy against the number of training pictures: one model trained on nested subsets of growing size."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from anmok.config import Recipe
from anmok.data.cut import Cuttable, picture_groups
from anmok.data.manifest import Manifest
from anmok.data.nested import nested_subsets
from anmok.errors import DataError, TooFewPictures
from anmok.evaluation.comparison import rank
from anmok.evaluation.data_size import DataSizeCurve
from anmok.evaluation.data_size_fit import SizeAnswers, data_size_curve
from anmok.evaluation.results import ModelResult
from anmok.i18n import _, ngettext
from anmok.pipeline.bench import Bench
from anmok.progress import Progress, SilentProgress
from anmok.records import TEST, TRAIN, VALID
from anmok.training.rows import rows_of
from anmok.training.subset_heads import answers_by_subset
from anmok.training.train import train

#: Sizes of the training set, and subsets of each, where nobody says.
SIZES, SEEDS = 5, 3
#: The smallest size: this share of all pictures, but no fewer than so many of a class (in the median).
SMALLEST_SHARE, SMALLEST_CLASS = 1 / 16, 5
#: A class has at least so many pictures (in the median), or there is no curve to see.
FEWEST = 6


def is_cheap(recipe: Recipe) -> bool:
    """Tell whether a curve of this recipe takes seconds: only a logistic head is fitted, on vectors that are there."""
    return recipe.strategy == "frozen" and recipe.head == "logistic"


def measure_curve(
    manifest: Manifest,
    recipe: Recipe,
    *,
    sizes: int,
    seeds: int,
    seed: int,
    runs: Path,
    threads: int = 0,
    progress: Progress | None = None,
) -> DataSizeCurve:
    """Train ``recipe`` on nested subsets of growing size and measure each on the test pictures.

    The test pictures, because the curve then ends at the figure of the comparison, and nothing is chosen by it. A
    logistic head learns from train and valid pictures, as always; a network from train, and its epoch is chosen by
    all valid pictures.

    Args:
        manifest: with splits.
        sizes, seeds: how many sizes, and how many subsets of each but the largest.
        seed: of the subsets.
        runs: where trainings lie, for a recipe that is not ``is_cheap``.

    Raises:
        TooFewPictures: the classes are too small to be divided by size.
    """
    begin = time.perf_counter()
    answers = answers_by_size(
        manifest, recipe, sizes=sizes, seeds=seeds, seed=seed, runs=runs, threads=threads, progress=progress
    )
    return data_size_curve(answers, model=recipe.name, split=TEST, seed=seed, seconds=time.perf_counter() - begin)


def answers_by_size(
    manifest: Manifest,
    recipe: Recipe,
    *,
    sizes: int,
    seeds: int,
    seed: int,
    runs: Path,
    threads: int = 0,
    progress: Progress | None = None,
) -> SizeAnswers:
    """Train on the subsets and return which test pictures each training gets right; see ``measure_curve``."""
    progress = progress or SilentProgress()
    pool, asked = rows_of(manifest, TRAIN, *((VALID,) if is_cheap(recipe) else ())), rows_of(manifest, TEST)
    if not len(asked):
        raise DataError(
            _("No picture stands in the split {split}, so there is nothing to measure on.").format(split=TEST),
            hint=_("Split the pictures first: anmok split."),
        )
    labels = manifest.label_indices()
    shares = choose_shares(np.bincount(labels[pool], minlength=len(manifest.classes)), sizes)
    subsets = draw_subsets(manifest, pool, shares, seeds=seeds, seed=seed)
    trainings = sum(len(draws) for draws in subsets)
    if is_cheap(recipe):
        with progress.task(_("{name}: heads of growing size").format(name=recipe.name), trainings) as task:
            hits = answers_by_subset(
                recipe, manifest, subsets, asked, threads=threads, progress=progress, advance=task.advance
            )
    else:
        text = ngettext(
            "{name} has no vectors that are kept: its curve takes {count} training.",
            "{name} has no vectors that are kept: its curve takes {count} trainings.",
            trainings,
        )
        progress.say(text.format(name=recipe.name, count=trainings))
        hits = _trained(manifest, recipe, subsets, asked, runs=runs, threads=threads, progress=progress)
    return SizeAnswers(
        sizes=tuple(round(float(np.mean([len(rows) for rows in draws]))) for draws in subsets),
        hits=tuple(hits),
        y_true=labels[asked],
        classes=manifest.classes,
        learned=tuple(np.bincount(labels[pool], minlength=len(manifest.classes)).tolist()),
    )


def curve_of_best(bench: Bench, recipes: Sequence[Recipe], models: Sequence[ModelResult]) -> DataSizeCurve | None:
    """Return the curve of the best compared model for which it is cheap; None, with the reason said, where none is.

    Args:
        models: as they were measured.
    """
    by_name = {recipe.name: recipe for recipe in recipes if is_cheap(recipe)}
    cheap = [model.name for model in rank(models) if model.name in by_name]
    if not cheap:
        text = _(
            "There is no learning curve: none of the models is a logistic head on a frozen network. {command} makes"
            " one."
        )
        bench.progress.say(text.format(command=f"anmok learning-curve --model {models[0].name}"))
        return None
    try:
        return measure_curve(
            bench.manifest,
            by_name[cheap[0]],
            sizes=SIZES,
            seeds=SEEDS,
            seed=bench.config.split.seed,
            runs=bench.out / "runs",
            threads=bench.config.threads,
            progress=bench.progress,
        )
    except TooFewPictures as error:
        bench.progress.say(_("There is no learning curve: {reason}").format(reason=error.message))
        return None


def choose_shares(counts: NDArray[np.int64], sizes: int) -> list[float]:
    """Return shares of the pictures, evenly on a logarithmic axis, the last one 1.

    Args:
        counts: pictures of each class.

    Raises:
        TooFewPictures: the median class is too small.
    """
    median = float(np.median(counts))
    if median < FEWEST:
        raise TooFewPictures(
            _(
                "A class has {count:.0f} pictures to learn from (in the median), too few to see how accuracy grows."
            ).format(count=median),
            hint=_("Six pictures of each class are the least; with thirty or more the curve means something."),
        )
    smallest = max(SMALLEST_SHARE, min(SMALLEST_CLASS / median, 1 / 3))
    return [float(share) for share in np.geomspace(smallest, 1, sizes)[:-1]] + [1.0]


def draw_subsets(
    manifest: Manifest, pool: NDArray[np.int64], shares: list[float], *, seeds: int, seed: int
) -> list[list[NDArray[np.int64]]]:
    """Return for each share the rows of each seed's subset of ``pool``; of the last share one, which is all."""
    table = manifest.table
    whole = Cuttable(manifest.label_indices(), picture_groups(table), table["id"].to_numpy(dtype=object))
    pictures = whole.take(pool)
    # Seeds far from those that divide pictures: the first pictures of a split's lots are its test.
    by_seed = [nested_subsets(pictures, shares, seed=1_000_003 * (seed + 1) + number) for number in range(seeds)]
    subsets = [[pool[rows[place]] for rows in by_seed] for place in range(len(shares) - 1)]
    return [*subsets, [pool]]


def _trained(
    manifest: Manifest,
    recipe: Recipe,
    subsets: list[list[NDArray[np.int64]]],
    asked: NDArray[np.int64],
    *,
    runs: Path,
    threads: int,
    progress: Progress,
) -> list[NDArray[np.bool_]]:
    """Train the recipe on each subset, with all valid and test pictures beside it."""
    splits = manifest.table["split"].to_numpy()
    kept = np.flatnonzero((splits == VALID) | (splits == TEST))
    place_of = {path: place for place, path in enumerate(manifest.table["path"].iloc[asked])}
    answers = []
    for draws in subsets:
        hits = np.zeros((len(draws), len(asked)), dtype=bool)
        for number, rows in enumerate(draws):
            part = manifest.with_table(manifest.table.iloc[np.sort(np.concatenate([rows, kept]))])
            said = train(recipe, part, runs, threads=threads, progress=progress).predictions().of_split(TEST)
            right = said.probabilities.argmax(axis=1) == said.labels
            for path, hit in zip(said.paths, right, strict=True):
                hits[number, place_of[path]] = hit
        answers.append(hits)
    return answers
