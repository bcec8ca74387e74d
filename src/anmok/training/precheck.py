"""A minute's check before a training: can this network learn 32 pictures by heart?

A network that cannot overfit a handful of pictures will not learn a thousand. (Source: A. Karpathy, A recipe for
training neural networks, 2019: "overfit one batch"; "verify loss at init"; also I. Goodfellow, Y. Bengio, A. Courville,
Deep learning, 2016, section 11.5: "fit a tiny dataset".) What is tried is a copy of the network, without augmentation,
dropout, smoothing or weight decay; the training itself is the same to the last bit with and without the check.
"""

from __future__ import annotations

import math
import time
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from anmok.config import Recipe
from anmok.i18n import _
from anmok.models.networks import Network
from anmok.progress import Progress
from anmok.training.device import own_random_numbers
from anmok.training.precheck_result import ALIKE, Finding, Precheck
from anmok.training.precheck_steps import Attempt, Learner
from anmok.training.run import Run
from anmok.training.workers import Workers

#: Few enough to be learnt by heart in seconds, enough for several of most classes.
PICTURES = 32
#: Steps at most, and the fewest after which a network may be told that it could not learn them. cnn-small takes 10-40,
#: the reference networks 15-80.
STEPS, ENOUGH_STEPS = 150, 60
#: Of a training of few steps the check takes no more of them, but so many.
FEWEST_STEPS = 20
#: In the folder of a run.
PRECHECK = "precheck.json"
#: Seconds for the recipe's own rate, and again for the other one: together less than a minute.
SECONDS = 22.0
#: Where the recipe's own rate fails, this one of Adam, the standard one, tells whether the rate is at fault.
USUAL_RATE = 1e-3
#: A higher rate is usual for SGD alone.
TOO_HIGH = 1e-2
#: A loss that fell by half would go on falling: too few steps are no illness.
ON_ITS_WAY = 0.5
#: With so small a fall of the loss the rate is too low for any training of usual length.
HARDLY = 0.1
#: A first loss beyond so many times guessing, and so many nats more, comes from wrong scales; healthy networks begin at
#: 0.9 to 1.6 times ln K.
START, START_NATS = 2.0, 1.0
#: A loss that jumps to so many times what it began with is thrown about by the rate.
JUMPED = 4.0
#: Pixels that differ by no more than this, of 255, are alike.
SAME_PIXELS = 2


def precheck(
    network: Network,
    pixels: NDArray[np.uint8],
    labels: NDArray[np.int64],
    recipe: Recipe,
    *,
    workers: Workers,
    steps: int = STEPS,
    seconds: float = SECONDS,
) -> Precheck:
    """Let a copy of ``network`` learn a few pictures by heart, and tell what is wrong where it cannot.

    Neither the network nor any random number generator is changed.

    Args:
        network: with its first weights, on its device.
        pixels: uint8 ``(N, S, S, 3)``, the pictures to learn from; labels: int64 ``(N,)``, from 0 to K-1.
        recipe: its optimiser and learning rate are tried.
        workers: compute the parts of a batch.
        steps: of the optimiser at most; with fewer than 60 the check says what it saw and judges less.
        seconds: for each of at most two attempts.
    """
    begin = time.perf_counter()
    rows = choose_pictures(labels, PICTURES, seed=recipe.seed)
    some, its = np.ascontiguousarray(pixels[rows]), labels[rows]
    learner = Learner(network, some, its, recipe, workers)
    with own_random_numbers():
        spread = learner.spread() if recipe.strategy in ("partial", "full") else -1.0
        first = learner.attempt(recipe.learning_rate, optimizer=recipe.optimizer, steps=steps, seconds=seconds)
        found = Precheck(
            pictures=first.pictures,
            classes=len(np.unique(its[: first.pictures])),
            right=first.right,
            steps=first.steps,
            limit=first.limit,
            loss_of_guessing=math.log(network.classes),
            loss_at_start=_finite(first.losses[0]),
            loss_at_end=_finite(first.losses[-1]),
            loss_peak=max(map(_finite, first.losses)),
            learning_rate=recipe.learning_rate,
            answers=first.answers,
            spread=spread,
            unreached=first.unreached,
        )
        findings = [*_of_pictures(some, its), *_of_start(found, first)]
        second = None
        if first.limit != "by-heart" and (first.steps >= ENOUGH_STEPS or first.limit == "broken"):
            second = learner.attempt(USUAL_RATE, optimizer="adam", steps=STEPS, seconds=seconds)
            found = replace(found, other_rate=USUAL_RATE, other_right=second.right)
        findings += _of_course(found, first, second, recipe.optimizer)
    return replace(found, findings=tuple(findings), seconds=time.perf_counter() - begin)


def check_first(
    network: Network,
    pixels: NDArray[np.uint8],
    labels: NDArray[np.int64],
    run: Run,
    *,
    rows: NDArray[np.int64] | None = None,
    workers: Workers,
    epochs: int,
    progress: Progress,
) -> Precheck:
    """Check the network of a run that begins, tell the result, and leave it in the run as ``precheck.json``.

    Args:
        pixels, labels: of the pictures to learn from, or of more.
        rows: int64 ``(N,)``, those to learn from; None: all. Only what is tried is read.
        epochs: of the training; the check of a small one is short.
    """
    recipe = run.recipe
    rows = np.arange(len(labels)) if rows is None else rows
    steps = min(STEPS, max(FEWEST_STEPS, epochs * math.ceil(len(rows) / recipe.batch_size)))
    chosen = rows[choose_pictures(labels[rows], PICTURES, seed=recipe.seed)]
    pixels, labels = pixels[chosen], labels[chosen]
    with progress.task(_("{name}: checking before training").format(name=recipe.name)):
        found = precheck(network, pixels, labels, recipe, workers=workers, steps=steps)
    found.save(run.folder / PRECHECK)
    for sentence in found.sentences(recipe.name):
        progress.say(sentence)
    return found


def choose_pictures(labels: NDArray[np.int64], count: int, *, seed: int) -> NDArray[np.int64]:
    """Return rows int64 ``(count,)`` or fewer, as many of each class as can be, drawn by the seed; classes take turns.

    So every beginning of them is balanced, too.
    """
    random = np.random.default_rng(seed)
    queues = [random.permutation(np.flatnonzero(labels == label)) for label in random.permutation(np.unique(labels))]
    longest = min(count, max(map(len, queues)))
    turns = [int(queue[turn]) for turn in range(longest) for queue in queues if turn < len(queue)]
    return np.array(turns[:count], dtype=np.int64)


def _of_pictures(pixels: NDArray[np.uint8], labels: NDArray[np.int64]) -> list[Finding]:
    if int((pixels.max(axis=0).astype(np.int16) - pixels.min(axis=0)).max()) <= SAME_PIXELS and len(pixels) > 1:
        return ["alike-pictures"]
    labels_of: dict[bytes, set[int]] = {}
    for picture, label in zip(pixels, labels, strict=True):
        labels_of.setdefault(picture.tobytes(), set()).add(int(label))
    return ["contradiction"] if any(len(several) > 1 for several in labels_of.values()) else []


def _of_start(found: Precheck, first: Attempt) -> list[Finding]:
    findings: list[Finding] = []
    if 0 <= found.spread < ALIKE:
        findings.append("alike-features")
    guessing = found.loss_of_guessing
    if not math.isfinite(first.losses[0]) or first.losses[0] > START * guessing + START_NATS:
        findings.append("start-loss")
    if first.unreached:
        findings.append("unreached-layers")
    return findings


def _of_course(found: Precheck, first: Attempt, second: Attempt | None, optimizer: str) -> list[Finding]:
    findings: list[Finding] = []
    if first.limit == "broken":
        findings.append("no-number")
    elif second is not None:
        findings += _of_rates(found, first, second, optimizer)
    if not findings and found.loss_peak > JUMPED * max(found.loss_at_start, found.loss_of_guessing):
        findings.append("loss-jumped")
    judged = first.limit == "by-heart" or "not-by-heart" in findings
    if judged and found.answers == 1 < found.classes:
        findings.append("constant")
    return findings


def _of_rates(found: Precheck, first: Attempt, second: Attempt, optimizer: str) -> list[Finding]:
    """Tell a wrong rate from a network that learns with no rate, where the recipe's own was not enough."""
    fall = (first.losses[0] - first.losses[-1]) / first.losses[0]
    learnt = second.limit == "by-heart"
    if learnt and found.learning_rate > TOO_HIGH and optimizer != "sgd":
        return ["rate-too-high"]
    if fall >= ON_ITS_WAY:
        return []
    if not learnt:
        stuck = second.steps >= ENOUGH_STEPS and second.losses[-1] > ON_ITS_WAY * second.losses[0]
        return ["not-by-heart"] if stuck else []
    if found.learning_rate > USUAL_RATE:
        return ["rate-too-high"]
    return ["rate-too-low"] if fall < HARDLY and found.learning_rate < USUAL_RATE else []


def _finite(loss: float) -> float:
    return loss if math.isfinite(loss) else -1.0
