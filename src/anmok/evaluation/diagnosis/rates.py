"""A learning rate that is too high or too low, and a training that has learnt nothing with any."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise

from anmok.evaluation.diagnosis.findings import Diagnosis, Training
from anmok.i18n import _

#: A model that at the end is right on less than half of what guessing leaves wrong has learnt too little.
UNDERFIT = 0.5
#: A training whose loss never came below this share of the loss of guessing has learnt nothing.
NOTHING = 0.97
#: A rate is too high if after the first epoch the training loss is so many times that of guessing (healthy networks:
#: 1.05 at most)...
WORSE_THAN_GUESSING = 1.25
#: ... or so many times, whatever was learnt later...
FAR_WORSE = 3.0
#: ... or the validation loss at any time, with so little learnt in the end: wrong weights multiply from layer to layer.
EXPLODED = 10.0
#: ... or if the loss jumps to so many times the least one so far.
JUMP = 1.5
#: A rate is too low if the loss falls, evenly, by less than this share of where it began.
HARDLY = 0.15
#: Evenly: in so large a share of the epochs.
EVENLY = 0.8
#: ... at a rate below what is usual (ten times that for SGD): labels that do not fit look the same otherwise...
USUAL_RATE = 1e-3
#: ... or if the loss stays as it was, and the rate is below all that is usual for learning from nothing.
LOW_RATE = 1e-4
#: Two epochs do not show a course.
FEWEST_EPOCHS = 3
#: Of a validation loss, which follows late, five do not either.
ENOUGH_EPOCHS = 6


def skill(training: Training, row: Mapping[str, float]) -> float:
    """Return how much of what guessing leaves wrong is right, 1: all; the better of training and validation."""
    guessing = training.accuracy_of_guessing
    return (max(row["train_accuracy"], row["valid_accuracy"]) - guessing) / max(1 - guessing, 1e-9)


def _rate(training: Training) -> str:
    rate = training.recipe.get("learning_rate")
    return f"{rate:g}" if isinstance(rate, int | float) else "?"


def rate_too_high(training: Training, rows: Sequence[Mapping[str, float]]) -> Iterator[Diagnosis]:
    """Say that the loss jumped, or was far above that of guessing."""
    guessing = training.loss_of_guessing
    first, worst = rows[0]["train_loss"], max(row["valid_loss"] for row in rows)
    values = {"model": training.name, "rate": _rate(training), "guessing": guessing}
    little = skill(training, rows[-1]) < UNDERFIT
    bad_start = first > (WORSE_THAN_GUESSING if little else FAR_WORSE) * guessing
    if bad_start or (little and worst > EXPLODED * guessing):
        if bad_start:
            text = _(
                "{model}: the learning rate ({rate}) is too high: after the first epoch the training loss was"
                " {loss:.2f}, and whoever merely guesses has {guessing:.2f}. Try a tenth of it, or a longer warm-up."
            ).format(loss=first, **values)
        else:
            text = _(
                "{model}: the learning rate ({rate}) is too high: the validation loss rose to {loss:.0f}, and whoever"
                " merely guesses has {guessing:.2f}. Try a tenth of it, or a longer warm-up."
            ).format(loss=worst, **values)
        yield Diagnosis("rate-too-high", text, training.name)
        return
    least = first
    for row in rows[1:]:
        loss = row["train_loss"]
        if loss > JUMP * least and loss - least > guessing / 4:
            text = _(
                "{model}: the learning rate ({rate}) is too high: in epoch {epoch} the training loss jumped from"
                " {least:.2f} to {loss:.2f}. Try a third of it, or a longer warm-up."
            ).format(model=training.name, rate=_rate(training), epoch=int(row["epoch"]), least=least, loss=loss)
            yield Diagnosis("rate-too-high", text, training.name)
            return
        least = min(least, loss)


def rate_too_low(training: Training, rows: Sequence[Mapping[str, float]]) -> Iterator[Diagnosis]:
    """Say that the loss fell evenly but hardly, or not at all at a tiny rate."""
    losses = [row["train_loss"] for row in rows]
    if len(losses) < FEWEST_EPOCHS or skill(training, rows[-1]) >= UNDERFIT:
        return
    falls = [before - after for before, after in pairwise(losses)]
    fallen = losses[0] - losses[-1]
    evenly = sum(fall > 0 for fall in falls) >= EVENLY * len(falls) and fallen > 0
    rate = training.recipe.get("learning_rate")
    tiny = isinstance(rate, int | float) and rate < LOW_RATE
    # What is only learnt by heart falls slowly too, but not on validation pictures.
    evenly = evenly and rows[-1]["valid_loss"] < rows[0]["valid_loss"]
    usual = USUAL_RATE * (10 if training.recipe.get("optimizer") == "sgd" else 1)
    evenly = evenly and isinstance(rate, int | float) and rate < usual
    if (evenly or tiny) and fallen < HARDLY * losses[0]:
        text = _(
            "{model}: the learning rate ({rate}) is too low: in {epochs} epochs the training loss only went from"
            " {first:.3f} to {last:.3f}. Try ten times the rate."
        ).format(model=training.name, rate=_rate(training), epochs=len(rows), first=losses[0], last=losses[-1])
        yield Diagnosis("rate-too-low", text, training.name)


def nothing_learnt(training: Training, rows: Sequence[Mapping[str, float]]) -> Iterator[Diagnosis]:
    """Say that the loss stayed that of guessing: of training pictures, or of all others."""
    guessing = training.loss_of_guessing
    least, valid = (min(row[name] for row in rows) for name in ("train_loss", "valid_loss"))
    values = {"model": training.name, "least": least, "valid": valid, "guessing": guessing}
    if len(rows) >= FEWEST_EPOCHS and least > NOTHING * guessing and skill(training, rows[-1]) < UNDERFIT / 4:
        text = _(
            "{model} has learnt nothing: its training loss never came below {least:.2f}, and whoever merely guesses has"
            " {guessing:.2f}. Look whether labels and pictures belong together, whether the pixels are scaled as the"
            " network expects, and try a tenth of the learning rate ({rate})."
        ).format(rate=_rate(training), **values)
        yield Diagnosis("nothing-learnt", text, training.name)
    elif len(rows) >= ENOUGH_EPOCHS and valid > NOTHING * guessing and not beats_guessing(training, rows):
        text = _(
            "{model} has learnt nothing that holds for other pictures: its training loss fell to {least:.2f}, its"
            " validation loss never came below {valid:.2f}, and whoever merely guesses has {guessing:.2f}. Look whether"
            " labels and pictures belong together; if they do, it needs more pictures or a pretrained backbone."
        ).format(**values)
        yield Diagnosis("nothing-learnt", text, training.name)


def beats_guessing(training: Training, rows: Sequence[Mapping[str, float]]) -> bool:
    """Tell whether any epoch is right on more validation pictures than guessing is, by more than chance."""
    share = training.accuracy_of_guessing
    chance = 2 * math.sqrt(share * (1 - share) / training.valid_pictures) if training.valid_pictures else 0.0
    return max(row["valid_accuracy"] for row in rows) > share + chance
