"""What can be trained, by name. Light: reading the list imports neither PyTorch nor scikit-learn.

The models that come with Anmok stand in ``members`` and ``backbone_members``; others may call ``register_model``
themselves.
"""

from __future__ import annotations

import difflib
import importlib
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from anmok.config import Preprocessing, ResizeRule, Strategy
from anmok.errors import UnknownName, UsageError
from anmok.features.extractor import Extractor
from anmok.i18n import _
from anmok.progress import Progress

Kind = Literal["extractor", "network"]
NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")

#: Makes an extractor for a size (pixels; 0: the model's own), a resize rule, and somebody to tell how far it is.
ExtractorMaker = Callable[[int, ResizeRule, Progress | None], Extractor]
#: The same of a backbone, for a preprocessing.
BackboneMaker = Callable[[int, ResizeRule, Preprocessing, Progress | None], Extractor]


@dataclass(frozen=True, slots=True, kw_only=True)
class BackboneFacts:
    """What is known of a pretrained network before it is here; sources stand in ``backbone_members``.

    Attributes:
        parameters: with its classifier of 1,000 classes (of none, where its weights have none) and the statistics of
            batch normalisation, as Keras counts them.
        depth: layers with weights, as Keras counts them.
        input_size: side of the square that it was trained with, pixels.
        top1, top5: share of the ImageNet validation pictures whose class is the likeliest, or among the five
            likeliest, as published; None where nothing was.
        measured: whose weights were measured, and on which pixels, in words for people.
        licence: of the weights; the code is timm's, Apache-2.0.
    """

    parameters: int
    depth: int
    input_size: int
    top1: float | None
    top5: float | None
    measured: str
    licence: str

    @property
    def megabytes(self) -> float:
        """Size of the weights in float32, MB of 2**20 bytes as Keras' table has it."""
        return self.parameters * 4 / 2**20


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelSpec:
    """One model that recipes can name.

    Attributes:
        name: lower case; recipes, tables and folders use it.
        title: what people call it.
        about: one line, English, marked for translation; show ``summary``.
        kind: ``extractor`` turns pictures into vectors that a head learns from; ``network`` is trained whole, by
            the class of the same name in ``models.networks``.
        needs_torch: the extra ``anmok[train]`` is needed to make it (not to serve it).
        weights: name of the weight pack it needs, or ``""``.
        recipe: name of the recipe that trains it by default.
        make_extractor: for the kind ``extractor``; of a backbone instead ``make_backbone``.
        facts: of a backbone.
        image_size: side of the square that recipes take by default, pixels; 0: what the weights were trained with.
        gentle_rate: of a backbone, the highest learning rate of AdamW that suits it when all of it learns.
    """

    name: str
    title: str
    about: str
    kind: Kind
    needs_torch: bool
    weights: str = ""
    recipe: str = ""
    make_extractor: ExtractorMaker | None = None
    make_backbone: BackboneMaker | None = None
    facts: BackboneFacts | None = None
    image_size: int = 0
    gentle_rate: float = 0.0

    def __post_init__(self) -> None:
        if not NAME.fullmatch(self.name):
            raise ValueError(f"model name {self.name!r} is not made of a-z, 0-9, '.', '_' and '-'")
        makers = [maker for maker in (self.make_extractor, self.make_backbone) if maker is not None]
        if len(makers) != (self.kind == "extractor"):
            raise ValueError(f"model {self.name!r} is of kind {self.kind}: an extractor has one maker, others none")

    @property
    def summary(self) -> str:
        """What it is like, one line in the user's language."""
        return _(self.about)

    @property
    def strategies(self) -> tuple[Strategy, ...]:
        """By which strategies it can be trained."""
        if self.kind == "network":
            return ("scratch",)
        return ("frozen", "partial", "full") if self.weights else ("frozen",)

    def extractor(
        self,
        image_size: int = 0,
        resize: ResizeRule = "squash",
        *,
        preprocessing: Preprocessing = "own",
        progress: Progress | None = None,
    ) -> Extractor:
        """Return what turns pictures into vectors; made now if this machine never made it before.

        Args:
            image_size: side of the square, pixels; 0 takes the model's own.
            resize: how a picture becomes that square.
            preprocessing: of a backbone; features that people thought of have none but their own.

        Raises:
            WeightsMissing: the weight pack is not to be had.
            MissingExtra: PyTorch is needed and not installed.
            UsageError: a preprocessing that the model has not.
            TypeError: the model is a network.
        """
        if self.make_backbone is not None:
            return self.make_backbone(image_size or self.image_size, resize, preprocessing, progress)
        if self.make_extractor is None:
            raise TypeError(f"model {self.name!r} is a {self.kind} and gives no vectors before it is trained")
        if preprocessing != "own":
            raise UsageError(
                _("{model} takes pictures as they are, and has no preprocessing to get wrong.").format(model=self.name),
                hint=_("Write preprocessing = {value}.").format(value=repr("own")),
            )
        return self.make_extractor(image_size, resize, progress)


_models: dict[str, ModelSpec] = {}


def register_model(spec: ModelSpec) -> ModelSpec:
    """Add a model to the registry and return it; a taken name is refused."""
    if spec.name in _models:
        raise ValueError(f"a model named {spec.name!r} is already registered")
    _models[spec.name] = spec
    return spec


def all_models() -> tuple[ModelSpec, ...]:
    """Return every registered model, in the order of registration."""
    importlib.import_module("anmok.models.members")
    importlib.import_module("anmok.models.backbone_members")
    return tuple(_models.values())


def get_model(name: str) -> ModelSpec:
    """Return one model.

    Raises:
        UnknownName: there is none of that name; the hint names similar ones.
    """
    names = [spec.name for spec in all_models()]
    if name in names:
        return _models[name]
    raise UnknownName(
        _("There is no model named {name}.").format(name=repr(name)),
        hint=suggest(name, names, otherwise=_("Known models: {names}.")),
    )


def suggest(name: str, names: list[str], *, otherwise: str) -> str:
    """Return "Did you mean ...?" where some of ``names`` are similar, else ``otherwise`` with all ``{names}``."""
    close = difflib.get_close_matches(name.lower(), names, n=3, cutoff=0.5)
    if close:
        return _("Did you mean {names}?").format(names=_(" or ").join(close))
    return otherwise.format(names=", ".join(names))
