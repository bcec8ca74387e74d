"""How one model is made: the settings of training."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from anmok.errors import UsageError
from anmok.i18n import _

ResizeRule = Literal["squash", "crop", "pad"]
#: Vectors once, then a head; all from nothing; some layers of a pretrained network; all of them.
Strategy = Literal["frozen", "scratch", "partial", "full"]
#: scikit-learn on vectors; the network's own last layer; layers that the recipe lists.
Head = Literal["logistic", "linear", "layers"]
Optimizer = Literal["adamw", "adam", "sgd", "rmsprop"]
#: One cycle with half a cosine; always the same; divided by 1 + decay x step (what Keras before 2.11 calls decay).
Schedule = Literal["cosine", "constant", "inverse-time"]
#: The epoch whose weights are kept: the one with the least validation loss, the best validation accuracy, or the last.
Keep = Literal["best-loss", "best-accuracy", "last"]
#: What pixels a backbone gets: its own preprocessing; or one of two published mistakes, to be shown and not to be used.
Preprocessing = Literal["own", "mistake-0-1", "mistake-twice"]
#: What an error costs: the same for each picture, or the same for each class, however many pictures it has.
ClassWeights = Literal["none", "balanced"]
#: What an epoch shows: each picture once, or each class equally often.
SamplerName = Literal["shuffle", "balanced"]
#: More of any of these is a slip of the keyboard, or a file from somebody who means harm: no machine has the memory or
#: the time for it, and NumPy takes no larger seed.
MOST = {
    "image_size": 4096,
    "copies": 1000,
    "views": 1000,
    "epochs": 10**6,
    "batch_size": 10**6,
    "accumulate": 10**6,
    "patience": 10**6,
    "seed": 2**32 - 1,
    "learning_rate": 1e12,
    "weight_decay": 1e6,
    "decay": 1e6,
    "mixup": 1000,
    "cutmix": 1000,
}
#: The least alpha of the Beta distribution, beside 0, for which it can be drawn from in float32.
LEAST_ALPHA = 1e-3
#: Letters of a name: it is in tables, in the report and in the bundle.
LONGEST_NAME = 200


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """How one model is made.

    Attributes:
        name: what tables and folders call it.
        model: a registered model (``anmok models``).
        strategy: ``frozen`` (vectors once, then a head), ``scratch``, ``partial`` or ``full``.
        head: ``logistic`` (scikit-learn on vectors), ``linear`` (one last layer in the network) or ``layers``.
        head_layers: of the head ``layers``, what lies between the backbone's feature map and the last layer, in
            order: ``average-pool``, ``max-pool`` or ``flatten`` first, then any of ``dense N`` (with ReLU),
            ``dropout P``, ``batch-norm``. The last, linear layer with an output for each class is not listed.
        power: of the head ``logistic``, more than 0 to 1: it learns from ``sign(v) * |v| ** power`` of each number of a
            vector, not from v. 0.5 lets a few large numbers rule less (power normalisation: Perronnin, Sánchez,
            Mensink, Improving the Fisher kernel, 2010).
        image_size: side of the square the model sees, pixels; 0 takes the model's own.
        resize: how a picture becomes that square.
        preprocessing: ``own``: what the weights were trained with. The others are mistakes of published projects, kept
            for teaching: pixels of 0-1 for whatever weights, and pixels divided by 255 twice.
        augmentation: a registered policy; ``none`` leaves pictures as they are.
        copies: augmented copies of each training picture, drawn once by the seed and learned from beside it; an
            epoch shows originals and copies, and changes none of them further.
        views: for ``frozen``, how many augmented views of each training picture are turned into vectors, beside
            the picture itself; 0: the pictures alone.
        epochs, batch_size, learning_rate, weight_decay: of the training loop (unused by ``logistic``); ``epochs`` 0
            takes as many as the number of pictures asks for.
        accumulate: a step of the optimiser takes the gradients of so many batches.
        optimizer: AdamW, Adam (weight decay as L2), SGD with ``momentum``, or RMSprop.
        momentum: of SGD (Nesterov's) and RMSprop, 0-1.
        schedule: how the learning rate changes; ``decay`` is what ``inverse-time`` divides by, a step.
        warmup: share of all steps in which the learning rate rises, 0-1.
        freeze: for ``partial``, which part of the backbone stays as it is: ``first N layers``, ``all but N layers``
            (counted as Keras counts), ``first N blocks`` or ``all but N blocks`` (stages of the network), ``N`` >= 0.
        backbone_rate: the backbone's learning rate as a share of the head's, 0-1.
        layer_decay: each stage of the backbone learns so much slower than the one above it, 0-1; 1: alike.
        label_smoothing: 0-1.
        mixup, cutmix: alpha of the Beta distribution; 0: not at all. Where both are given, each batch takes one by
            chance.
        ema: decay of the exponential moving average of weights a step, 0-1, which then is measured and kept; 0: none.
        patience: epochs without a better validation loss after which training stops; 0 never stops.
        keep: which epoch's weights are the result.
        class_weights: ``balanced`` makes all classes cost the same, so that rare ones are not passed over. The
            probabilities then are those of pictures of which each class has as many: of a rare class too high for
            pictures as they came, and a temperature, one number for all classes, cannot mend that.
        sampler: ``balanced`` shows each class equally often an epoch (networks only), with the same consequence.
        seed: of weights, order and augmentation.

    Raises:
        UsageError: settings that contradict each other, a number outside its range (see ``MOST``), or no name.
    """

    name: str
    model: str
    strategy: Strategy = "frozen"
    head: Head = "logistic"
    head_layers: tuple[str, ...] = ()
    power: float = 1.0
    image_size: int = 0
    resize: ResizeRule = "squash"
    preprocessing: Preprocessing = "own"
    augmentation: str = "none"
    copies: int = 0
    views: int = 0
    epochs: int = 0
    batch_size: int = 32
    accumulate: int = 1
    optimizer: Optimizer = "adamw"
    learning_rate: float = 1e-3
    momentum: float = 0.9
    weight_decay: float = 0.0
    schedule: Schedule = "cosine"
    decay: float = 0.0
    warmup: float = 0.0
    freeze: str = ""
    backbone_rate: float = 1.0
    layer_decay: float = 1.0
    label_smoothing: float = 0.0
    mixup: float = 0.0
    cutmix: float = 0.0
    ema: float = 0.0
    patience: int = 0
    keep: Keep = "best-loss"
    class_weights: ClassWeights = "none"
    sampler: SamplerName = "shuffle"
    seed: int = 0

    def __post_init__(self) -> None:
        self._check_name()
        self._check_size()
        self._check_ranges()
        self._check_balance()
        if (self.head == "layers") != bool(self.head_layers):
            raise UsageError(
                _("The recipe {name} has head = {head} and {count} head_layers.").format(
                    name=self.name, head=repr(self.head), count=len(self.head_layers)
                ),
                hint=_('Write head = "layers" with head_layers = ["average-pool", "dense 128"], or neither.'),
            )
        if self.power != 1 and (self.strategy, self.head) != ("frozen", "logistic"):
            raise UsageError(
                _("The recipe {name} has power = {power}, which only the head {head} on vectors knows.").format(
                    name=self.name, power=self.power, head=repr("logistic")
                ),
                hint=_("Leave it out."),
            )
        if bool(self.freeze) != (self.strategy == "partial"):
            raise UsageError(
                _("The recipe {name} has strategy = {strategy} and freeze = {freeze}.").format(
                    name=self.name, strategy=repr(self.strategy), freeze=repr(self.freeze)
                ),
                hint=_('The strategy "partial", and no other, needs freeze, for example freeze = "all but 2 blocks".'),
            )

    def _check_ranges(self) -> None:
        at_least = {"image_size": 0, "copies": 0, "views": 0, "epochs": 0, "batch_size": 1, "accumulate": 1}
        at_least |= {"patience": 0, "seed": 0}
        for name, least in at_least.items():
            if getattr(self, name) < least:
                raise self._outside(name, _("at least {least}").format(least=least))
        shares = ("momentum", "warmup", "backbone_rate", "layer_decay", "label_smoothing", "ema")
        for name in shares:
            if not 0 <= getattr(self, name) <= 1:
                raise self._outside(name, _("0 to 1"))
        for name in ("weight_decay", "decay", "mixup", "cutmix"):
            if getattr(self, name) < 0:
                raise self._outside(name, _("at least {least}").format(least=0))
        if self.learning_rate <= 0:
            raise self._outside("learning_rate", _("more than 0"))
        if not 0 < self.power <= 1:
            raise self._outside("power", _("more than 0, at most 1"))
        if self.ema == 1:
            raise self._outside("ema", _("less than 1"))
        for name in ("mixup", "cutmix"):
            if 0 < getattr(self, name) < LEAST_ALPHA:
                raise self._outside(name, _("0, or at least {least}").format(least=LEAST_ALPHA))

    def _check_size(self) -> None:
        for name, most in MOST.items():
            if getattr(self, name) > most:
                raise self._outside(name, _("at most {most}").format(most=most))

    def _check_name(self) -> None:
        # Half of a surrogate pair, as the command line makes of bytes that are no UTF-8, could not be written anywhere.
        is_text = not any("\ud800" <= letter <= "\udfff" for letter in self.name)
        if not (self.name.strip() and len(self.name) <= LONGEST_NAME and is_text):
            raise UsageError(
                _("A recipe's name is {name}; a text of 1 to {most} letters is wanted.").format(
                    name=ascii(self.name)[:60], most=LONGEST_NAME
                )
            )

    def _outside(self, name: str, wanted: str) -> UsageError:
        return UsageError(
            _("The recipe {recipe} has {name} = {value}; {wanted} is wanted.").format(
                recipe=self.name, name=name, value=_short(getattr(self, name)), wanted=wanted
            )
        )

    def _check_balance(self) -> None:
        if self.sampler == "shuffle":
            return
        if self.class_weights == "balanced":
            raise UsageError(
                _("The recipe {name} balances its classes twice, by class_weights and by sampler.").format(
                    name=self.name
                ),
                hint=_("Keep one of them: rare classes would count twice."),
            )
        if self.strategy == "frozen" and self.head == "logistic":
            raise UsageError(
                _(
                    "The recipe {name} asks for a sampler, but a head on vectors learns from all of them at once."
                ).format(name=self.name),
                hint=_("Write class_weights = {value} instead of the sampler.").format(value=repr("balanced")),
            )


def _short(value: int | float) -> int | float | str:
    """Return a number as it is; a whole one of more digits than Python writes, in words."""
    return _("a number of more than 20 digits") if isinstance(value, int) and abs(value) >= 10**20 else value
