"""Illnesses of a training, read from its history: a learning rate that does not fit, too little learnt, too much.

Validation loss may jump in a healthy training (the statistics of batch normalisation follow late), so whether a rate is
too high is read from the training loss. Training figures are those of augmented pictures with dropout, so they are
compared with one another and with chance; with validation figures only where that can but hide an illness.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from statistics import median

from anmok.evaluation.diagnosis.findings import Diagnosis, Illness, Training
from anmok.i18n import _

#: How far training accuracy may lie above validation accuracy.
OVERFIT = 0.10
#: Epochs after the best one before a rise of the validation loss is more than a bad epoch.
TURNED_EPOCHS = 2
#: How much validation loss must rise, and training loss fall, after the best epoch, as shares of what they were there.
TURNED = 0.10
#: ... and by so much at least, nats: small losses double by a single picture.
TURNED_NATS = 0.05
#: Spread of one picture's change of loss between two epochs, nats; on n validation pictures the mean changes by
#: 1 / sqrt(n) by chance. Measured on small networks it is 0.3 to 1.
SPREAD = 1.0
#: A model that at the end is right on less than half of what guessing leaves wrong has learnt too little.
UNDERFIT = 0.5
#: A training whose loss never came below this share of the loss of guessing has learnt nothing.
NOTHING = 0.97
#: In the last third of its epochs a training that could go on makes this share of its whole way (evenly: 0.33).
STILL_FALLING = 0.10
#: A rate is too high if after the first epoch the training loss is so many times that of guessing (healthy networks:
#: 1.05 at most)...
WORSE_THAN_GUESSING = 1.25
#: ... or the validation loss at any time, with so little learnt in the end: wrong weights multiply from layer to layer.
EXPLODED = 10.0
#: ... or if the loss jumps to so many times the least one so far.
JUMP = 1.5
#: A rate is too low if the loss falls, evenly, by less than this share of where it began.
HARDLY = 0.15
#: Evenly: in so large a share of the epochs.
EVENLY = 0.8
#: ... or if the loss stays as it was, and the rate is below all that is usual for learning from nothing.
LOW_RATE = 1e-4
#: Two epochs do not show a course.
FEWEST_EPOCHS = 3

_NEEDED = ("train_loss", "train_accuracy", "valid_loss", "valid_accuracy")


def diagnose_training(training: Training) -> tuple[Diagnosis, ...]:
    """Return what is wrong with the course of a training; nothing for heads on vectors, which have none."""
    diverged = tuple(_diverged(training))
    rows = [row for row in training.history if all(math.isfinite(row.get(name, math.nan)) for name in _NEEDED)]
    if diverged or not rows or not training.classes:
        return diverged
    # The rate first: where it is wrong, that too little was learnt only follows from it.
    for look in (_rate_too_high, _rate_too_low, _nothing_learnt, _underfitting):
        found = tuple(look(training, rows))
        if found:
            return found
    return tuple(_overfitting(training, rows))


def _found(illness: Illness, text: str, training: Training) -> Iterator[Diagnosis]:
    yield Diagnosis(illness, text, training.name)


def _diverged(training: Training) -> Iterator[Diagnosis]:
    losses = [row[name] for row in training.history for name in ("train_loss", "valid_loss") if name in row]
    if not all(map(math.isfinite, losses)):
        text = _(
            "{model}: the training went astray (its loss is no number any more). A smaller learning rate helps."
        ).format(model=training.name)
        yield from _found("diverged", text, training)


def _rate(training: Training) -> str:
    rate = training.recipe.get("learning_rate")
    return f"{rate:g}" if isinstance(rate, int | float) else "?"


def _rate_too_high(training: Training, rows: Sequence[Mapping[str, float]]) -> Iterator[Diagnosis]:
    guessing = training.loss_of_guessing
    first, worst = rows[0]["train_loss"], max(row["valid_loss"] for row in rows)
    values = {"model": training.name, "rate": _rate(training), "guessing": guessing}
    if _skill(training, rows[-1]) < UNDERFIT and (
        first > WORSE_THAN_GUESSING * guessing or worst > EXPLODED * guessing
    ):
        if first > WORSE_THAN_GUESSING * guessing:
            text = _(
                "{model}: the learning rate ({rate}) is too high: after the first epoch the training loss was"
                " {loss:.2f}, and whoever merely guesses has {guessing:.2f}. Try a tenth of it, or a longer warm-up."
            ).format(loss=first, **values)
        else:
            text = _(
                "{model}: the learning rate ({rate}) is too high: the validation loss rose to {loss:.0f}, and whoever"
                " merely guesses has {guessing:.2f}. Try a tenth of it, or a longer warm-up."
            ).format(loss=worst, **values)
        yield from _found("rate-too-high", text, training)
        return
    least = first
    for row in rows[1:]:
        loss = row["train_loss"]
        if loss > JUMP * least and loss - least > guessing / 4:
            text = _(
                "{model}: the learning rate ({rate}) is too high: in epoch {epoch} the training loss jumped from"
                " {least:.2f} to {loss:.2f}. Try a third of it, or a longer warm-up."
            ).format(model=training.name, rate=_rate(training), epoch=int(row["epoch"]), least=least, loss=loss)
            yield from _found("rate-too-high", text, training)
            return
        least = min(least, loss)


def _rate_too_low(training: Training, rows: Sequence[Mapping[str, float]]) -> Iterator[Diagnosis]:
    losses = [row["train_loss"] for row in rows]
    if len(losses) < FEWEST_EPOCHS or _skill(training, rows[-1]) >= UNDERFIT:
        return
    falls = [before - after for before, after in pairwise(losses)]
    fallen = losses[0] - losses[-1]
    evenly = sum(fall > 0 for fall in falls) >= EVENLY * len(falls) and fallen > 0
    rate = training.recipe.get("learning_rate")
    tiny = isinstance(rate, int | float) and rate < LOW_RATE
    if (evenly or tiny) and fallen < HARDLY * losses[0]:
        text = _(
            "{model}: the learning rate ({rate}) is too low: in {epochs} epochs the training loss only went from"
            " {first:.3f} to {last:.3f}. Try ten times the rate."
        ).format(model=training.name, rate=_rate(training), epochs=len(rows), first=losses[0], last=losses[-1])
        yield from _found("rate-too-low", text, training)


def _nothing_learnt(training: Training, rows: Sequence[Mapping[str, float]]) -> Iterator[Diagnosis]:
    guessing = training.loss_of_guessing
    least = min(row["train_loss"] for row in rows)
    if len(rows) >= FEWEST_EPOCHS and least > NOTHING * guessing and _skill(training, rows[-1]) < UNDERFIT / 4:
        text = _(
            "{model} has learnt nothing: its training loss never came below {least:.2f}, and whoever merely guesses has"
            " {guessing:.2f}. Look whether labels and pictures belong together, whether the pixels are scaled as the"
            " network expects, and try a tenth of the learning rate ({rate})."
        ).format(model=training.name, least=least, guessing=guessing, rate=_rate(training))
        yield from _found("nothing-learnt", text, training)


def _skill(training: Training, row: Mapping[str, float]) -> float:
    """Return how much of what guessing leaves wrong is right, 1: all; the better of training and validation."""
    guessing = training.accuracy_of_guessing
    return (max(row["train_accuracy"], row["valid_accuracy"]) - guessing) / max(1 - guessing, 1e-9)


def _underfitting(training: Training, rows: Sequence[Mapping[str, float]]) -> Iterator[Diagnosis]:
    last = rows[-1]
    if _skill(training, last) >= UNDERFIT:
        return
    losses = [row["train_loss"] for row in rows]
    third = max(1, len(rows) // 3)
    way, lately = losses[0] - losses[-1], losses[-1 - third] - losses[-1] if len(rows) > third else math.inf
    values = {"model": training.name, "train": last["train_accuracy"], "epochs": len(rows)}
    if len(rows) < FEWEST_EPOCHS or lately > STILL_FALLING * way > 0:
        text = _(
            "{model} has learnt too little (underfitting): after {epochs} epochs it is right on {train:.0%} even of its"
            " training pictures, and its loss was still falling. Train it for more epochs."
        ).format(**values)
    else:
        text = _(
            "{model} has learnt too little (underfitting): it is right on {train:.0%} even of its training pictures,"
            " and its loss no longer falls, so more epochs will not help. Try a larger network or larger pictures, less"
            " augmentation, a pretrained backbone or another learning rate; and look whether the labels are right."
        ).format(**values)
    yield from _found("underfitting", text, training)


def _overfitting(training: Training, rows: Sequence[Mapping[str, float]]) -> Iterator[Diagnosis]:
    """Say from which epoch on it was learning by heart, and whether the weights that are kept have the illness."""
    best = min(range(len(rows)), key=lambda number: rows[number]["valid_loss"])
    kept = len(rows) - 1 if training.recipe.get("keep") == "last" else best
    turned = _turned(training, rows, best)
    train, valid = rows[kept]["train_accuracy"], rows[kept]["valid_accuracy"]
    # Two standard errors: the gap must not be the chance of a small validation set.
    pictures = training.valid_pictures
    chance = 2 * math.sqrt(valid * (1 - valid) / pictures) if pictures else 0.0
    gap = train - valid > max(OVERFIT, chance)
    if not (turned or gap):
        return
    sentences = []
    if gap:
        sentences.append(
            _(
                "{model} has learnt its training pictures by heart: {train:.0%} right there, {valid:.0%} on validation"
                " pictures."
            ).format(model=training.name, train=train, valid=valid)
        )
    if turned:
        sentences.append(
            _(
                "{model} was overfitting after epoch {epoch}: its training loss went on falling ({before:.2f} to"
                " {train:.2f}), its validation loss rose ({least:.2f} to {valid:.2f})."
            ).format(
                model=training.name,
                epoch=int(rows[best]["epoch"]),
                before=rows[best]["train_loss"],
                train=rows[-1]["train_loss"],
                least=rows[best]["valid_loss"],
                valid=rows[-1]["valid_loss"],
            )
        )
        sentences.append(
            _("The weights of that epoch are kept, so the later ones did no harm.")
            if kept == best
            else _("But the weights of the last epoch are kept: write keep = {value} in the recipe.").format(
                value=repr("best-loss")
            )
        )
    sentences.append(_("More pictures, augmentation or a frozen backbone would help."))
    yield from _found("overfitting", " ".join(sentences), training)


def _turned(training: Training, rows: Sequence[Mapping[str, float]], best: int) -> bool:
    after = rows[best + 1 :]
    if len(after) < TURNED_EPOCHS:
        return False
    # The later half: right after the turn it is only beginning.
    late = after[len(after) // 2 :] if len(after) > TURNED_EPOCHS else after
    least, before = rows[best]["valid_loss"], rows[best]["train_loss"]
    chance = SPREAD / math.sqrt(training.valid_pictures) if training.valid_pictures else 0.0
    rise = median(row["valid_loss"] for row in late) - least
    fall = before - median(row["train_loss"] for row in late)
    return rise > max(TURNED * least, TURNED_NATS, chance) and fall > TURNED * before
