"""The settings of every stage but training: frozen dataclasses. Nothing here computes."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from anmok.errors import UsageError
from anmok.i18n import _

LeakPolicy = Literal["refuse", "repair", "allow"]
#: Sizes of classes that a rule of balancing may name.
BALANCE_WORDS = ("mean", "median", "min", "max")
OffTopicMethod = Literal["embedding", "random", "pca", "autoencoder"]
#: How the pictures of the map are placed: by neighbourhood and by principal components, by these alone, or not at all.
MapMethod = Literal["tsne", "pca", "none"]


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


def policy_words(leaks: LeakPolicy, *, drop_small_classes: bool) -> list[str]:
    """Return the options of a command line that stand for what happens to leaks and to small classes."""
    words = {"refuse": [], "repair": ["--repair"], "allow": ["--allow-leaks"]}[leaks]
    return [*words, *(["--drop-small-classes"] if drop_small_classes else [])]


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
class CompareConfig:
    """What ``anmok compare`` does.

    Attributes:
        models: names of recipes, in the order of the table.
        leaks: what happens where test pictures stand in train, or one picture under two labels.
        look_over: run the checks of `anmok clean` first and open the report with what they found. Copies are looked for
            in any case: no split may part them.
        learning_curve: also measure what more pictures would bring the best model on a frozen network.
        threads: of decoding and inference; 0 takes all cores.
    """

    models: tuple[str, ...] = ("handcrafted", "cnn-small", "mobilenetv2")
    split: SplitConfig = field(default_factory=SplitConfig)
    limits: Limits = field(default_factory=Limits)
    leaks: LeakPolicy = "refuse"
    drop_small_classes: bool = False
    look_over: bool = True
    learning_curve: bool = False
    threads: int = 0


@dataclass(frozen=True, kw_only=True)
class TuneConfig:
    """What ``anmok tune`` does.

    Attributes:
        trials: how many settings are tried at most, those of earlier calls included.
        minutes: after which no new epoch begins; 0: no limit. A first trial is finished in any case.
        seed: of what is tried.
        threads: of decoding and computing; 0 takes all cores.
    """

    trials: int = 20
    minutes: float = 0.0
    split: SplitConfig = field(default_factory=SplitConfig)
    limits: Limits = field(default_factory=Limits)
    leaks: LeakPolicy = "refuse"
    drop_small_classes: bool = False
    seed: int = 0
    threads: int = 0

    def __post_init__(self) -> None:
        if self.trials < 1 or self.minutes < 0:
            raise UsageError(
                _("{trials} trials in {minutes} minutes were asked for.").format(
                    trials=self.trials, minutes=self.minutes
                ),
                hint=_("Give at least one trial, and minutes of 0 (no limit) or more."),
            )


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
