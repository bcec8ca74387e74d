"""The settings of every stage: frozen dataclasses, read from TOML, written as JSON.

Nothing here computes. A key that no stage knows, or a value of the wrong type, is a ``UsageError`` that
names the file, the key and what would have been right.
"""

from __future__ import annotations

import dataclasses
import math
import tomllib
import types
import typing
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, TypeVar

from anmok.errors import UsageError
from anmok.i18n import _
from anmok.storage import explained

ResizeRule = Literal["squash", "crop", "pad"]
Strategy = Literal["frozen", "scratch", "partial", "full"]
LeakPolicy = Literal["refuse", "repair", "allow"]
#: What an error costs: the same for each picture, or the same for each class, however many pictures it has.
ClassWeights = Literal["none", "balanced"]
#: What an epoch shows: each picture once, or each class equally often.
SamplerName = Literal["shuffle", "balanced"]
#: Sizes of classes that a rule of balancing may name.
BALANCE_WORDS = ("mean", "median", "min", "max")
OffTopicMethod = Literal["embedding", "random", "pca", "autoencoder"]
#: How the pictures of the map are placed: by neighbourhood and by principal components, by these alone, or not at all.
MapMethod = Literal["tsne", "pca", "none"]

ConfigT = TypeVar("ConfigT")


@dataclass(frozen=True, kw_only=True)
class Limits:
    """How large a picture or an archive from outside may be.

    Attributes:
        max_bytes: of one picture file.
        max_pixels: width times height of one picture, checked before it is decoded.
        max_files: pictures in one source.
    """

    max_bytes: int = 64 * 2**20
    max_pixels: int = 150_000_000
    max_files: int = 5_000_000


@dataclass(frozen=True, kw_only=True)
class SplitConfig:
    """How pictures are divided where the source does not say.

    Attributes:
        test: share of the pictures that only measure, 0-1.
        valid: share of the *remaining* pictures that choose (best epoch, calibration), 0-1.
        seed: of the shuffle.
    """

    test: float = 0.2
    valid: float = 0.15
    seed: int = 0

    def __post_init__(self) -> None:
        for name in ("test", "valid"):
            share = getattr(self, name)
            if not 0 < share < 1:
                raise UsageError(
                    _("The {name} share is {value}; a number between 0 and 1 is wanted.").format(name=name, value=share)
                )


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """How one model is made.

    Attributes:
        name: what tables and folders call it.
        model: a registered model (``anmok models``).
        strategy: ``frozen`` (vectors once, then a head), ``scratch``, ``partial`` or ``full``.
        head: ``logistic`` (scikit-learn on vectors) or ``linear`` (the network's own last layer).
        image_size: side of the square the model sees, pixels; 0 takes the model's own.
        resize: how a picture becomes that square.
        augmentation: a registered policy; ``none`` for vectors.
        epochs, batch_size, learning_rate, weight_decay: of the training loop (unused by ``logistic``); ``epochs`` 0
            takes as many as the number of pictures asks for.
        warmup: share of all steps in which the learning rate rises, 0-1.
        label_smoothing: 0-1.
        patience: epochs without a better validation loss after which training stops; 0 never stops.
        class_weights: ``balanced`` makes all classes cost the same, so that rare ones are not passed over. The
            probabilities then are those of pictures of which each class has as many: of a rare class too high for
            pictures as they came, and a temperature, one number for all classes, cannot mend that.
        sampler: ``balanced`` shows each class equally often an epoch (networks only), with the same consequence.
        seed: of weights, order and augmentation.

    Raises:
        UsageError: both ways of balancing at once, which would count rare classes twice; or a sampler for a head on
            vectors, which has no epochs.
    """

    name: str
    model: str
    strategy: Strategy = "frozen"
    head: Literal["logistic", "linear"] = "logistic"
    image_size: int = 0
    resize: ResizeRule = "squash"
    augmentation: str = "none"
    epochs: int = 0
    batch_size: int = 32
    learning_rate: float = 1e-3
    weight_decay: float = 0.0
    warmup: float = 0.0
    label_smoothing: float = 0.0
    patience: int = 0
    class_weights: ClassWeights = "none"
    sampler: SamplerName = "shuffle"
    seed: int = 0

    def __post_init__(self) -> None:
        if self.sampler == "shuffle":
            return
        if self.class_weights == "balanced":
            raise UsageError(
                _("The recipe {name} balances its classes twice, by class_weights and by sampler.").format(
                    name=self.name
                ),
                hint=_("Keep one of them: rare classes would count twice."),
            )
        if self.strategy == "frozen":
            raise UsageError(
                _(
                    "The recipe {name} asks for a sampler, but a head on vectors learns from all of them at once."
                ).format(name=self.name),
                hint=_("Write class_weights = {value} instead of the sampler.").format(value=repr("balanced")),
            )


@dataclass(frozen=True, kw_only=True)
class CompareConfig:
    """What ``anmok compare`` does.

    Attributes:
        models: names of recipes, in the order of the table.
        leaks: what happens where test pictures stand in train, or one picture under two labels.
        look_over: run the checks of `anmok clean` first and open the report with what they found. Copies are looked for
            in any case: no split may part them.
        threads: of decoding and inference; 0 takes all cores.
    """

    models: tuple[str, ...] = ("handcrafted", "cnn-small", "mobilenetv2")
    split: SplitConfig = field(default_factory=SplitConfig)
    limits: Limits = field(default_factory=Limits)
    leaks: LeakPolicy = "refuse"
    drop_small_classes: bool = False
    look_over: bool = True
    threads: int = 0


@dataclass(frozen=True, kw_only=True)
class CleanConfig:
    """What ``anmok clean`` looks for.

    Attributes:
        checks: names of checks (``anmok checks``); empty: all.
        vectors: the model whose vectors the dearer checks look at; ``auto`` takes the best one at hand.
        flips: near duplicates may be mirrored, too.
        off_topic: how off-topic pictures are looked for: ``embedding`` is ours; ``random``, ``pca`` and
            ``autoencoder`` are the three ways of the reference project.
        clusters: kinds of pictures that are looked for.
        drop_clusters: numbers of the kinds that are off topic; empty: the program proposes.
        off_topic_marks: paths of pictures that somebody marked as off topic.
        on_topic_marks: paths of pictures that somebody marked as right.
        seed: of everything random.
    """

    checks: tuple[str, ...] = ()
    vectors: str = "auto"
    flips: bool = False
    off_topic: OffTopicMethod = "embedding"
    clusters: int = 2
    drop_clusters: tuple[int, ...] = ()
    off_topic_marks: tuple[str, ...] = ()
    on_topic_marks: tuple[str, ...] = ()
    seed: int = 0


@dataclass(frozen=True, kw_only=True)
class ExploreConfig:
    """What ``anmok explore`` shows.

    Attributes:
        sample: pictures on the embedding map, at most; drawn by class.
        map: how the map is laid out: ``tsne`` by neighbourhood and by principal components, ``pca`` by these alone (no
            waiting), ``none`` without a map.
        vectors: the model whose vectors are laid out; ``auto`` takes the best one at hand.
        seed: of everything random.
        threads: of decoding and inference; 0 takes all cores.
    """

    sample: int = 3000
    map: MapMethod = "tsne"
    vectors: str = "auto"
    seed: int = 0
    limits: Limits = field(default_factory=Limits)
    threads: int = 0

    def __post_init__(self) -> None:
        if self.sample < 1:
            raise UsageError(
                _("The sample is {value}; a whole number of at least 1 is wanted.").format(value=self.sample)
            )


@dataclass(frozen=True, kw_only=True)
class BalanceRule:
    """Which classes are brought to which size.

    Attributes:
        classes: names; empty: all that are too large (to undersample) or too small (to oversample).
        to: a number of training pictures; or ``mean``, ``median``, ``min``, ``max`` of the sizes of the *other*
            classes (those that are not named; all, where none is).
    """

    classes: tuple[str, ...] = ()
    to: str | int = "mean"

    def __post_init__(self) -> None:
        fits = self.to in BALANCE_WORDS if isinstance(self.to, str) else not isinstance(self.to, bool) and self.to >= 1
        if not fits:
            raise UsageError(
                _("A class cannot be brought to {value} pictures.").format(value=repr(self.to)),
                hint=_("Give a whole number of at least 1, or one of {words}.").format(words=", ".join(BALANCE_WORDS)),
            )


@dataclass(frozen=True, kw_only=True)
class BalanceConfig:
    """What ``anmok balance`` does to the training pictures; valid and test stay as they are.

    Attributes:
        undersample: rules that take pictures away, one after another.
        oversample: the rule by which augmented pictures are added afterwards; None: none are.
        policy: the augmentation that they are drawn from.
        split: how pictures are divided first, where the source does not say.
        whole: do not divide; all pictures without a split are balanced (as reference E did it).
        seed: of who goes, and of the augmentation.
        threads: of decoding; 0 takes all cores.
    """

    undersample: tuple[BalanceRule, ...] = ()
    oversample: BalanceRule | None = None
    policy: str = "flip-shift"
    split: SplitConfig = field(default_factory=SplitConfig)
    whole: bool = False
    seed: int = 0
    limits: Limits = field(default_factory=Limits)
    threads: int = 0

    def __post_init__(self) -> None:
        if not self.undersample and self.oversample is None:
            raise UsageError(
                _("Nothing was asked for."), hint=_("Give --undersample to=mean, --oversample max, or both.")
            )
        if self.whole and self.oversample is not None:
            raise UsageError(
                _("Pictures can only be added to a training split, and no split is wanted."),
                hint=_("Leave out --whole, or --oversample: variants of a test picture must not be learned from."),
            )


def from_mapping(kind: type[ConfigT], values: Mapping[str, Any], *, where: str) -> ConfigT:
    """Build the dataclass ``kind`` from plain values, strictly.

    Args:
        where: named in errors, for example the TOML file.

    Raises:
        UsageError: an unknown key, a missing one, or a value of the wrong type.
    """
    hints = typing.get_type_hints(kind)
    fields = {f.name: f for f in dataclasses.fields(kind)}  # type: ignore[arg-type]
    unknown = sorted(set(values) - set(fields))
    if unknown:
        raise UsageError(
            _("{where}: the setting {name} is not known.").format(where=where, name=repr(unknown[0])),
            hint=_("Known settings: {names}.").format(names=", ".join(fields)),
        )
    ready = {name: _checked(value, hints[name], f"{where}: {name}") for name, value in values.items()}
    missing = [
        name
        for name, f in fields.items()
        if name not in ready and f.default is dataclasses.MISSING and f.default_factory is dataclasses.MISSING
    ]
    if missing:
        raise UsageError(_("{where}: the setting {name} is missing.").format(where=where, name=repr(missing[0])))
    return kind(**ready)


def _checked(value: Any, hint: Any, where: str) -> Any:
    origin = typing.get_origin(hint)
    if dataclasses.is_dataclass(hint):
        if not isinstance(value, Mapping):
            raise UsageError(_("{where} is {value}; a table is wanted.").format(where=where, value=repr(value)))
        return from_mapping(typing.cast("type[Any]", hint), value, where=where)
    if origin is Literal:
        choices = typing.get_args(hint)
        if value not in choices:
            raise UsageError(
                _("{where} is {value}; one of {choices} is wanted.").format(
                    where=where, value=repr(value), choices=", ".join(map(str, choices))
                )
            )
        return value
    if origin is tuple and isinstance(value, list | tuple):
        return tuple(_checked(item, typing.get_args(hint)[0], where) for item in value)
    if origin in (typing.Union, types.UnionType) and value is None:
        return None
    kinds: dict[Any, tuple[type, ...]] = {int: (int,), float: (int, float), str: (str,), bool: (bool,)}
    wanted = kinds.get(hint)
    fits = wanted is not None and isinstance(value, wanted) and (hint is bool or not isinstance(value, bool))
    if not fits:
        raise UsageError(
            _("{where} is {value}; {kind} is wanted.").format(
                where=where, value=repr(value), kind=getattr(hint, "__name__", str(hint))
            )
        )
    if hint is not float:
        return value
    number = _as_float(value)
    if not math.isfinite(number):
        raise UsageError(
            _("{where} is {value}; a finite number is wanted.").format(where=where, value=repr(value)[:40])
        )
    return number


def _as_float(value: float) -> float:
    try:
        return float(value)
    except OverflowError:  # a whole number with hundreds of digits
        return math.inf


def to_json(config: Any) -> dict[str, Any]:
    """Return a configuration dataclass as plain JSON values; ``from_mapping`` reads it back."""
    return dataclasses.asdict(config)


def load_recipe(path: Path) -> Recipe:
    """Read one recipe from a TOML file."""
    with explained(path):
        data = path.read_bytes()
    try:
        values = tomllib.loads(data.decode("utf-8-sig"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise UsageError(_("{path} is not valid TOML: {reason}.").format(path=path, reason=error)) from error
    return from_mapping(Recipe, values, where=str(path))
