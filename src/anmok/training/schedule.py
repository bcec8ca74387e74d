"""How long training lasts and how fast it learns at each step: pure functions."""

from __future__ import annotations

import math

from anmok.config.recipe import Schedule

#: Epochs for one picture, before the square root; chosen so that cats-dogs (1,700 pictures) is seen 35 times.
EPOCHS_OF_ONE = 1450
FEWEST_EPOCHS, MOST_EPOCHS = 5, 70


def epochs_for(pictures: int) -> int:
    """Return how often a network from scratch sees each of so many training pictures.

    Small sets are seen more often, and yet take less time: epochs fall with the square root of the number of
    pictures, so time grows with it. 500 pictures: 65 epochs; 2,000: 32; 10,000: 14.
    """
    return min(MOST_EPOCHS, max(FEWEST_EPOCHS, round(EPOCHS_OF_ONE / math.sqrt(max(pictures, 1)))))


def batches_for(pictures: int, batch_size: int) -> int:
    """Return into how many batches of nearly equal size an epoch is divided, at least one.

    No picture is left out, and no last batch is so small that batch normalisation would be at its mercy.
    """
    return max(1, round(pictures / batch_size))


def rate_factor(step: int, steps: int, warmup: float, *, schedule: Schedule = "cosine", decay: float = 0.0) -> float:
    """Return what the learning rate is multiplied by at ``step`` (from 0) of ``steps``: 0-1.

    It rises evenly for the share ``warmup`` of all steps. Then a ``cosine`` falls along half a cosine to nearly 0
    (Loshchilov, Hutter: SGDR, 2017; Smith: super-convergence, 2018, for one cycle); ``constant`` stays;
    ``inverse-time`` is divided by 1 + ``decay`` x step, counted from the first, as Keras did before 2.11.
    """
    rising = warmup * steps
    risen = min(1.0, (step + 1) / (rising + 1))
    match schedule:
        case "constant":
            return risen
        case "inverse-time":
            return risen / (1 + decay * step)
        case "cosine":
            if step < rising:
                return risen
            return (1 + math.cos(math.pi * (step - rising) / max(steps - rising, 1))) / 2
