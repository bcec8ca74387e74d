"""What a bundle says of itself: ``bundle.json`` as a frozen value, read as strictly as a stranger's file deserves."""

from __future__ import annotations

import json
import math
import re
import typing
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NoReturn

from anmok.config import ResizeRule
from anmok.i18n import _
from anmok.records import SPLITS, Interval

#: Rises when a reader of the old number could misread a bundle of the new one.
FORMAT_VERSION = 1

MAX_LABELS = 100_000
MAX_TEXT = 10_000
MAX_IMAGE_SIZE = 4096
RESIZE_RULES: tuple[str, ...] = typing.get_args(ResizeRule)

Scalar = str | int | float | bool


class NewerFormat(ValueError):
    """The bundle was written by a newer Anmok."""


@dataclass(frozen=True, slots=True)
class Parity:
    """How near the bundle, run from the picture files, came to the framework that trained the model.

    Attributes:
        same_class: share of the pictures with the same most probable class, 0-1.
        max_difference: the largest difference of any probability (before temperature), 0-1.
        pictures: how many were compared.
    """

    same_class: float
    max_difference: float
    pictures: int

    def __post_init__(self) -> None:
        _check(0 <= self.same_class <= 1, "parity.same_class", self.same_class, _("a share from 0 to 1"))
        _check(0 <= self.max_difference <= 1, "parity.max_difference", self.max_difference, _("a number from 0 to 1"))
        _check(self.pictures >= 0, "parity.pictures", self.pictures, _("a count"))


@dataclass(frozen=True, slots=True)
class Measured:
    """What the bundle reached on held-out pictures.

    Attributes:
        split: name of the split that was measured.
        pictures: how many.
        metrics: figures with their 95 % intervals, by the metric's name.
    """

    split: str
    pictures: int
    metrics: Mapping[str, Interval]

    def __post_init__(self) -> None:
        _check(self.split in SPLITS, "measured.split", self.split, ", ".join(SPLITS))
        _check(self.pictures >= 1, "measured.pictures", self.pictures, _("a count of at least 1"))
        for name, interval in self.metrics.items():
            for value in (interval.value, interval.low, interval.high):
                _check(math.isfinite(value), f"measured.metrics.{name}", value, _("a finite number"))


@dataclass(frozen=True, slots=True, kw_only=True)
class BundleInfo:
    """``bundle.json``: everything but weights that an answer depends on, and where the model comes from.

    Attributes:
        labels: class names in the order of the graph's logits; no two alike.
        image_size: side S of the square pictures that the graph takes, pixels.
        resize: rule that makes a picture that square.
        temperature: probability = softmax(logits / temperature); > 0.
        unknown_threshold: below it the answer is "none of these", 0-1; None: never.
        name: of the recipe; ``model``: the registered model it trains.
        recipe: all of the recipe's settings.
        data_hash: content hash of the manifest that it was trained on, 64 hexadecimal digits.
        pictures: by split, how many pictures of each class, in the order of ``labels``.
        weights_licence, weights_source: of pretrained weights inside; ``""`` where there are none.
        anmok_version: that wrote the bundle.
        parity: of the export; None only while the export is being checked.
        measured: on held-out pictures; None until it was.
    """

    labels: tuple[str, ...]
    image_size: int
    resize: ResizeRule
    temperature: float = 1.0
    unknown_threshold: float | None = None
    name: str
    model: str
    recipe: Mapping[str, Scalar] = field(default_factory=dict)
    data_hash: str
    pictures: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    weights_licence: str = ""
    weights_source: str = ""
    anmok_version: str
    parity: Parity | None = None
    measured: Measured | None = None

    def __post_init__(self) -> None:
        _check(2 <= len(self.labels) <= MAX_LABELS, "labels", len(self.labels), _("at least two classes"))
        for label in self.labels:
            _check(_is_text(label) and label != "", "labels", label, _("names that are valid Unicode"))
        twice = len(self.labels) - len(set(self.labels))
        _check(twice == 0, "labels", twice, _("no class name twice"))
        _check(1 <= self.image_size <= MAX_IMAGE_SIZE, "image_size", self.image_size, f"1-{MAX_IMAGE_SIZE}")
        _check(self.resize in RESIZE_RULES, "resize", self.resize, ", ".join(RESIZE_RULES))
        _check(0.01 <= self.temperature <= 100, "temperature", self.temperature, "0.01-100")
        if self.unknown_threshold is not None:
            _check(0 <= self.unknown_threshold <= 1, "unknown_threshold", self.unknown_threshold, "0-1")
        _check(
            re.fullmatch("[0-9a-f]{64}", self.data_hash) is not None,
            "data_hash",
            self.data_hash,
            _("64 hexadecimal digits"),
        )
        for split, counts in self.pictures.items():
            _check(split in SPLITS, "pictures", split, ", ".join(SPLITS))
            _check(len(counts) == len(self.labels), f"pictures.{split}", len(counts), _("one count for each class"))
            _check(min(counts) >= 0, f"pictures.{split}", min(counts), _("counts"))
        for name in ("name", "model", "weights_licence", "weights_source", "anmok_version"):
            _check(_is_text(getattr(self, name)), name, getattr(self, name), _("a short text of valid Unicode"))

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON values; ``info_from_json`` reads them back."""
        return {
            "format_version": FORMAT_VERSION,
            "labels": list(self.labels),
            "image_size": self.image_size,
            "resize": self.resize,
            "temperature": self.temperature,
            "unknown_threshold": self.unknown_threshold,
            "name": self.name,
            "model": self.model,
            "recipe": dict(self.recipe),
            "data_hash": self.data_hash,
            "pictures": {split: list(counts) for split, counts in self.pictures.items()},
            "weights_licence": self.weights_licence,
            "weights_source": self.weights_source,
            "anmok_version": self.anmok_version,
            "parity": None if self.parity is None else _parity_to_json(self.parity),
            "measured": None if self.measured is None else _measured_to_json(self.measured),
        }


def info_from_json(text: bytes) -> BundleInfo:
    """Read ``bundle.json``.

    Raises:
        NewerFormat: a newer Anmok wrote it.
        ValueError: anything else that is wrong with it; the message is a part of a sentence for people.
    """
    values = _Fields(_parse(text), "")
    version = values.integer("format_version")
    if version > FORMAT_VERSION:
        raise NewerFormat(version)
    _check(version == FORMAT_VERSION, "format_version", version, str(FORMAT_VERSION))
    resize = values.text("resize")
    info = BundleInfo(
        labels=tuple(_text(label, "labels") for label in values.sequence("labels")),
        image_size=values.integer("image_size"),
        resize=typing.cast("ResizeRule", resize),
        temperature=values.number("temperature"),
        unknown_threshold=None if values.is_null("unknown_threshold") else values.number("unknown_threshold"),
        name=values.text("name"),
        model=values.text("model"),
        recipe={name: _scalar(value, f"recipe.{name}") for name, value in values.mapping("recipe").items()},
        data_hash=values.text("data_hash"),
        pictures={
            split: tuple(_integer(count, f"pictures.{split}") for count in _sequence(counts, f"pictures.{split}"))
            for split, counts in values.mapping("pictures").items()
        },
        weights_licence=values.text("weights_licence"),
        weights_source=values.text("weights_source"),
        anmok_version=values.text("anmok_version"),
        parity=None if values.is_null("parity") else _parity_from_json(values.mapping("parity")),
        measured=None if values.is_null("measured") else _measured_from_json(values.mapping("measured")),
    )
    values.end()
    return info


def _parity_to_json(parity: Parity) -> dict[str, Any]:
    return {
        "same_class": parity.same_class,
        "max_difference": parity.max_difference,
        "pictures": parity.pictures,
    }


def _parity_from_json(values: Mapping[str, Any]) -> Parity:
    fields = _Fields(values, "parity.")
    parity = Parity(fields.number("same_class"), fields.number("max_difference"), fields.integer("pictures"))
    fields.end()
    return parity


def _measured_to_json(measured: Measured) -> dict[str, Any]:
    return {
        "split": measured.split,
        "pictures": measured.pictures,
        "metrics": {name: interval.to_json() for name, interval in measured.metrics.items()},
    }


def _measured_from_json(values: Mapping[str, Any]) -> Measured:
    fields = _Fields(values, "measured.")
    metrics = {}
    for name, row in fields.mapping("metrics").items():
        figures = _Fields(_mapping(row, f"measured.metrics.{name}"), f"measured.metrics.{name}.")
        metrics[_text(name, "measured.metrics")] = Interval(
            figures.number("value"), figures.number("low"), figures.number("high")
        )
        figures.end()
    measured = Measured(fields.text("split"), fields.integer("pictures"), metrics)
    fields.end()
    return measured


def _parse(text: bytes) -> Mapping[str, Any]:
    try:
        values = json.loads(text.decode("utf-8"), parse_constant=_no_constant, object_pairs_hook=_unique)
    except RecursionError as error:
        raise ValueError(_("it is nested too deeply")) from error
    return _mapping(values, "bundle.json")


def _no_constant(name: str) -> NoReturn:
    raise ValueError(_("{name} is no number").format(name=name))


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    values = dict(pairs)
    if len(values) < len(pairs):
        raise ValueError(_("a key stands in it twice"))
    return values


class _Fields:
    """The keys of one JSON object: each is wanted once, of one type, and none may be left over."""

    def __init__(self, values: Mapping[str, Any], prefix: str) -> None:
        self._values = dict(values)
        self._prefix = prefix

    def _take(self, name: str) -> Any:
        if name not in self._values:
            raise ValueError(_("{name} is missing").format(name=self._prefix + name))
        return self._values.pop(name)

    def is_null(self, name: str) -> bool:
        """Tell whether the value is null, and take it if so."""
        if name in self._values and self._values[name] is None:
            del self._values[name]
            return True
        return False

    def text(self, name: str) -> str:
        return _text(self._take(name), self._prefix + name)

    def integer(self, name: str) -> int:
        return _integer(self._take(name), self._prefix + name)

    def number(self, name: str) -> float:
        return _number(self._take(name), self._prefix + name)

    def sequence(self, name: str) -> list[Any]:
        return _sequence(self._take(name), self._prefix + name)

    def mapping(self, name: str) -> Mapping[str, Any]:
        return _mapping(self._take(name), self._prefix + name)

    def end(self) -> None:
        if self._values:
            raise ValueError(_("{name} is not known").format(name=repr(self._prefix + min(self._values))))


def _is_text(value: Any) -> bool:
    # A lone surrogate is a str in Python, but no Unicode text: it could be neither printed nor stored.
    return isinstance(value, str) and len(value) <= MAX_TEXT and not any("\ud800" <= c <= "\udfff" for c in value)


def _text(value: Any, where: str) -> str:
    _check(_is_text(value), where, value, _("a short text of valid Unicode"))
    return typing.cast("str", value)


def _integer(value: Any, where: str) -> int:
    fits = isinstance(value, int) and not isinstance(value, bool) and abs(value) < 2**53
    _check(fits, where, value, _("a whole number"))
    return typing.cast("int", value)


def _number(value: Any, where: str) -> float:
    fits = isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 2**53
    _check(fits, where, value, _("a finite number"))
    return float(value)


def _scalar(value: Any, where: str) -> Scalar:
    if isinstance(value, bool):
        return value
    if isinstance(value, str):
        return _text(value, where)
    if isinstance(value, int):
        return _integer(value, where)
    return _number(value, where)


def _sequence(value: Any, where: str) -> list[Any]:
    _check(isinstance(value, list), where, value, _("a list"))
    return typing.cast("list[Any]", value)


def _mapping(value: Any, where: str) -> Mapping[str, Any]:
    _check(isinstance(value, dict), where, value, _("an object"))
    return typing.cast("Mapping[str, Any]", value)


def _check(fits: bool, where: str, value: object, wanted: str) -> None:
    if not fits:
        shown = ascii(value)
        shown = shown if len(shown) <= 80 else f"{shown[:77]}..."
        raise ValueError(_("{where} is {value}; wanted: {wanted}").format(where=where, value=shown, wanted=wanted))
