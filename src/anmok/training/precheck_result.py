"""What the check before a training found, as values and in words."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from anmok.i18n import _, ngettext
from anmok.progress import Progress
from anmok.storage import write_json

Finding = Literal[
    "alike-pictures",
    "contradiction",
    "alike-features",
    "start-loss",
    "no-number",
    "unreached-layers",
    "rate-too-high",
    "rate-too-low",
    "loss-jumped",
    "not-by-heart",
    "constant",
]
#: Layers that are named in a sentence.
NAMED = 3
#: Vectors of MobileNetV2 differ by 0.25 (stripes) to 0.73 (photographs) of their length; with pixels divided by 255
#: twice, by 0.03 to 0.04.
ALIKE = 0.08


@dataclass(frozen=True, slots=True, kw_only=True)
class Precheck:
    """What was seen while a copy of the network tried to learn a few pictures by heart.

    Attributes:
        findings: what is wrong, the likeliest cause first; empty where all is well.
        pictures, classes: learned from; pictures are fewer than 32 where there are no more, or steps are slow.
        right: how many of them the network got right in the end.
        steps: of the optimiser, with the recipe's rate; seconds: of the whole check.
        limit: why it ended: ``by-heart``; ``steps`` (all that are allowed); ``time``; ``broken`` (no number).
        loss_of_guessing: ln K, nats; loss_at_start, loss_at_end, loss_peak: mean cross-entropy of the pictures,
            nats, before the first step, after the last, and the highest; -1: no number.
        learning_rate: of the recipe. other_rate: with which it was tried again; 0: it was not. other_right: how
            many were right then.
        answers: different classes that the network answers with, in evaluation mode.
        spread: how much the vectors of a pretrained network differ, as a share of their length; -1: not looked at.
        unreached: layers that no gradient reaches.
    """

    findings: tuple[Finding, ...] = ()
    pictures: int = 0
    classes: int = 0
    right: int = 0
    steps: int = 0
    seconds: float = 0.0
    limit: str = ""
    loss_of_guessing: float = 0.0
    loss_at_start: float = 0.0
    loss_at_end: float = 0.0
    loss_peak: float = 0.0
    learning_rate: float = 0.0
    other_rate: float = 0.0
    other_right: int = 0
    answers: int = 0
    spread: float = -1.0
    unreached: tuple[str, ...] = ()

    def sentences(self, name: str) -> tuple[str, ...]:
        """Return what was found about the model ``name``, in the language of the moment; first what was seen."""
        told = {finding: text for finding, text in _texts().items() if finding in self.findings}
        values = {
            "name": name,
            "count": self.pictures,
            "right": self.right,
            "steps": self.steps,
            "start": self.loss_at_start,
            "end": self.loss_at_end,
            "peak": self.loss_peak,
            "guessing": self.loss_of_guessing,
            "rate": f"{self.learning_rate:g}",
            "other": f"{self.other_rate:g}",
            "layers": ", ".join(self.unreached[:NAMED]) + (", …" if len(self.unreached) > NAMED else ""),
        }
        return (self._summary(name), *(told[finding].format(**values) for finding in self.findings))

    def _summary(self, name: str) -> str:
        values = {"name": name, "right": self.right, "count": self.pictures, "steps": self.steps}
        seconds = _("{seconds:.0f} s").format(seconds=max(1.0, self.seconds))
        if self.limit == "by-heart":
            text = ngettext(
                "{name}: checked before training: it learns {count} picture by heart ({steps} steps, {seconds}).",
                "{name}: checked before training: it learns {count} pictures by heart ({steps} steps, {seconds}).",
                self.pictures,
            )
        elif self.findings:
            text = _("{name}: checked before training, and something is wrong ({steps} steps, {seconds}).")
        else:
            text = _(
                "{name}: checked before training: nothing is wrong so far. The check ended after {steps} steps"
                " ({seconds}), with {right} of {count} pictures learnt."
            )
        return text.format(**values, seconds=seconds)

    def save(self, path: Path) -> None:
        """Write the values as JSON; raises ``StorageError``."""
        write_json(path, {field: getattr(self, field) for field in self.__dataclass_fields__})


def _texts() -> dict[Finding, str]:
    return {
        "alike-pictures": _(
            "The pictures to learn from are all alike, pixel by pixel. Look at them with `anmok explore`: were they"
            " read from the right folder?"
        ),
        "contradiction": _(
            "The same picture stands in several classes, so nobody can learn them all. `anmok clean` finds such copies."
        ),
        "alike-features": _(
            "The pretrained network sees hardly any difference between the pictures. Its pixels are probably scaled"
            " otherwise than in its own training; write preprocessing = 'own' in the recipe."
        ),
        "start-loss": _(
            "The loss is {start:.2f} before the first step, and whoever merely guesses has {guessing:.2f}. The first"
            " weights are too large, or the pixels are not scaled."
        ),
        "no-number": _(
            "The loss is no number any more after {steps} steps. The learning rate ({rate}) is too high, or the"
            " pixels are not scaled; try a tenth of it."
        ),
        "unreached-layers": _(
            "No gradient reaches some layers ({layers}), so they cannot learn. They are cut off, or every ReLU after"
            " them is dead: smaller first weights, a smaller rate or batch normalisation help."
        ),
        "rate-too-high": _(
            "With the recipe's learning rate ({rate}) the network learnt {right} of {count} pictures by heart, with"
            " {other} all of them: the rate is too high."
        ),
        "rate-too-low": _(
            "With the recipe's learning rate ({rate}) the loss of {count} pictures only went from {start:.2f} to"
            " {end:.2f} in {steps} steps, with {other} they are learnt by heart: the rate is too low."
        ),
        "loss-jumped": _(
            "With the recipe's learning rate ({rate}) the loss jumped from {start:.2f} to {peak:.2f} in the first"
            " steps: the rate is too high. Try a tenth of it."
        ),
        "not-by-heart": _(
            "The network could not learn {count} pictures by heart: after {steps} steps it is right on {right} of them"
            " (loss {start:.2f}, then {end:.2f}). Likely causes: labels that do not belong to the pictures, pixels"
            " scaled otherwise than the weights expect, layers that do not learn, or too small a network."
        ),
        "constant": _(
            "After learning, the network answers with one and the same class for every picture. Likely causes: pixels"
            " scaled otherwise than the weights expect, or dead ReLUs."
        ),
    }


def vectors_spread(vectors: NDArray[np.floating[Any]]) -> float:
    """Return how far vectors ``(N, D)`` lie from their mean, as a share of their length: 0: all the same."""
    length = float(np.sqrt((vectors**2).sum(axis=1).mean()))
    distance = float(np.sqrt(((vectors - vectors.mean(axis=0)) ** 2).sum(axis=1).mean()))
    return distance / length if length else 0.0


def tell_alike(vectors: NDArray[np.floating[Any]], name: str, progress: Progress) -> None:
    """Say so where a frozen network's vectors ``(N, D)`` hardly differ: nothing can be learnt from them."""
    if len(vectors) > 1 and vectors_spread(vectors) < ALIKE:
        progress.say(_("{name}: {text}").format(name=name, text=_texts()["alike-features"]))
