"""Illnesses of a training, read from its history: a learning rate that does not fit, too little learnt, too much.

Validation loss may jump in a healthy training (the statistics of batch normalisation follow late), so whether a rate is
too high is read from the training loss. Training figures are those of augmented pictures with dropout, so they are
compared with one another and with chance; with validation figures only where that can but hide an illness.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from statistics import median

from anmok.evaluation.diagnosis.findings import Diagnosis, Training
from anmok.evaluation.diagnosis.rates import (
    ENOUGH_EPOCHS,
    FEWEST_EPOCHS,
    UNDERFIT,
    beats_guessing,
    nothing_learnt,
    rate_too_high,
    rate_too_low,
    skill,
)
from anmok.i18n import _, ngettext

#: How far training accuracy may lie above validation accuracy.
OVERFIT = 0.10
#: Who is wrong on a quarter of its training pictures has not learnt them by heart.
BY_HEART = 0.75
#: Epochs after the best one before a rise of the validation loss is more than a bad epoch.
TURNED_EPOCHS = 2
#: How much validation loss must rise, and training loss fall, after the best epoch, as shares of what they were there.
TURNED = 0.10
#: ... and by so much at least, nats: small losses double by a single picture.
TURNED_NATS = 0.05
#: Spread of one picture's change of loss between two epochs, nats; on n validation pictures the mean changes by
#: 1 / sqrt(n) by chance. Measured on small networks it is 0.3 to 1.
SPREAD = 1.0
#: In the last third of its epochs a training that could go on makes this share of its whole way (evenly: 0.33).
STILL_FALLING = 0.10

_NEEDED = ("train_loss", "train_accuracy", "valid_loss", "valid_accuracy")


def diagnose_training(training: Training) -> tuple[Diagnosis, ...]:
    """Return what is wrong with the course of a training; nothing for heads on vectors, which have none."""
    diverged = tuple(_diverged(training))
    rows = [row for row in training.history if all(math.isfinite(row.get(name, math.nan)) for name in _NEEDED)]
    if diverged or not rows or not training.classes:
        return diverged
    # The rate first: where it is wrong, that too little was learnt only follows from it.
    for look in (rate_too_high, rate_too_low, nothing_learnt, _underfitting):
        found = tuple(look(training, rows))
        if found:
            return found
    return tuple(_overfitting(training, rows))


def _diverged(training: Training) -> Iterator[Diagnosis]:
    losses = [row[name] for row in training.history for name in ("train_loss", "valid_loss") if name in row]
    if not all(map(math.isfinite, losses)):
        text = _(
            "{model}: the training went astray (its loss is no number any more). A smaller learning rate helps."
        ).format(model=training.name)
        yield Diagnosis("diverged", text, training.name)


def _underfitting(training: Training, rows: Sequence[Mapping[str, float]]) -> Iterator[Diagnosis]:
    last = rows[-1]
    if skill(training, last) >= UNDERFIT:
        return
    losses = [row["train_loss"] for row in rows]
    third = max(1, len(rows) // 3)
    way, lately = losses[0] - losses[-1], losses[-1 - third] - losses[-1] if len(rows) > third else math.inf
    values = {"model": training.name, "train": last["train_accuracy"], "epochs": len(rows)}
    if len(rows) < FEWEST_EPOCHS or lately > STILL_FALLING * way > 0:
        text = ngettext(
            "{model} has learnt too little (underfitting): after {epochs} epoch it is right on {train:.0%} even of its"
            " training pictures. Train it for more epochs.",
            "{model} has learnt too little (underfitting): after {epochs} epochs it is right on {train:.0%} even of its"
            " training pictures, and there was more to learn. Train it for more epochs.",
            len(rows),
        ).format(**values)
    else:
        text = _(
            "{model} has learnt too little (underfitting): it is right on {train:.0%} even of its training pictures,"
            " and its loss no longer falls, so more epochs will not help. Try a larger network or larger pictures, less"
            " augmentation, a pretrained backbone or another learning rate; and look whether the labels are right."
        ).format(**values)
    yield Diagnosis("underfitting", text, training.name)


def _overfitting(training: Training, rows: Sequence[Mapping[str, float]]) -> Iterator[Diagnosis]:
    """Say from which epoch on it was learning by heart, and whether the weights that are kept have the illness."""
    best = min(range(len(rows)), key=lambda number: rows[number]["valid_loss"])
    kept = len(rows) - 1 if training.recipe.get("keep") == "last" else best
    turned = _turned(training, rows, best)
    train, valid = rows[kept]["train_accuracy"], rows[kept]["valid_accuracy"]
    # Two standard errors: the gap must not be the chance of a small validation set.
    pictures = training.valid_pictures
    chance = 2 * math.sqrt(valid * (1 - valid) / pictures) if pictures else 0.0
    # With batch normalisation the first epochs know nothing of other pictures yet: that is no learning by heart.
    gap = train - valid > max(OVERFIT, chance) and train > BY_HEART
    gap = gap and (len(rows) >= ENOUGH_EPOCHS or beats_guessing(training, rows))
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
    yield Diagnosis("overfitting", " ".join(sentences), training.name)


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
