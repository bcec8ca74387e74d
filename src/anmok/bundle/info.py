"""What a bundle says of itself: ``bundle.json`` as a frozen value, read as strictly as a stranger's file deserves."""

from __future__ import annotations

import math
import re
import typing
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from anmok.bundle.fields import (
    Fields,
    Setting,
    as_integer,
    as_mapping,
    as_sequence,
    as_setting,
    as_text,
    check,
    is_text,
    parse_object,
)
from anmok.bundle.origin import Origin, origin_from_json, origin_to_json
from anmok.bundle.unknown.rule import UnknownRule, rule_from_json, rule_of_first_format, rule_to_json
from anmok.config import ResizeRule
from anmok.i18n import _
from anmok.records import SPLITS, Interval

#: Rises when a reader of the old number could misread a bundle of the new one. 1: "none of these" was a probability
#: (``unknown_threshold``); 2: a rule (``unknown``).
FORMAT_VERSION = 2

MAX_LABELS = 100_000
MAX_IMAGE_SIZE = 4096
RESIZE_RULES: tuple[str, ...] = typing.get_args(ResizeRule)


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
        check(0 <= self.same_class <= 1, "parity.same_class", self.same_class, _("a share from 0 to 1"))
        check(0 <= self.max_difference <= 1, "parity.max_difference", self.max_difference, _("a number from 0 to 1"))
        check(self.pictures >= 0, "parity.pictures", self.pictures, _("a count"))


@dataclass(frozen=True, slots=True)
class Measured:
    """What the bundle reached on test pictures.

    Attributes:
        split: name of the split that was measured.
        pictures: how many.
        metrics: figures with their 95 % intervals, by the metric's name.
        recognised, of_class: by class in the order of the labels, how many pictures were recognised, of how many;
            empty where that was not kept.
    """

    split: str
    pictures: int
    metrics: Mapping[str, Interval]
    recognised: tuple[int, ...] = ()
    of_class: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        check(self.split in SPLITS, "measured.split", self.split, ", ".join(SPLITS))
        check(self.pictures >= 1, "measured.pictures", self.pictures, _("a count of at least 1"))
        for name, interval in self.metrics.items():
            for value in (interval.value, interval.low, interval.high):
                check(math.isfinite(value), f"measured.metrics.{name}", value, _("a finite number"))
        check(len(self.recognised) == len(self.of_class), "measured.recognised", len(self.recognised), _("as many"))
        for right, count in zip(self.recognised, self.of_class, strict=True):
            check(0 <= right <= count, "measured.recognised", right, f"0-{count}")


@dataclass(frozen=True, slots=True, kw_only=True)
class BundleInfo:
    """``bundle.json``: everything but weights that an answer depends on, and where the model comes from.

    Attributes:
        labels: class names in the order of the graph's logits; no two alike.
        image_size: side S of the square pictures that the graph takes, pixels.
        resize: rule that makes a picture that square.
        temperature: probability = softmax(logits / temperature); > 0.
        unknown: when the answer is "none of these"; None: never.
        name: of the recipe; ``model``: the registered model it trains.
        recipe: all of the recipe's settings.
        data_hash: content hash of the manifest that it was trained on, 64 hexadecimal digits.
        pictures: by split, how many pictures of each class, in the order of ``labels``.
        weights_licence, weights_source: of pretrained weights inside; ``""`` where there are none.
        anmok_version: that wrote the bundle.
        parity: of the export; None only while the export is being checked.
        measured: on test pictures; None until it was.
        origin: statistics of the pictures that it was made from; None in bundles of older versions.
    """

    labels: tuple[str, ...]
    image_size: int
    resize: ResizeRule
    temperature: float = 1.0
    unknown: UnknownRule | None = None
    name: str
    model: str
    recipe: Mapping[str, Setting] = field(default_factory=dict)
    data_hash: str
    pictures: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    weights_licence: str = ""
    weights_source: str = ""
    anmok_version: str
    parity: Parity | None = None
    measured: Measured | None = None
    origin: Origin | None = None

    def __post_init__(self) -> None:
        check(2 <= len(self.labels) <= MAX_LABELS, "labels", len(self.labels), _("at least two classes"))
        for label in self.labels:
            check(is_text(label) and label != "", "labels", label, _("names that are valid Unicode"))
        twice = len(self.labels) - len(set(self.labels))
        check(twice == 0, "labels", twice, _("no class name twice"))
        check(1 <= self.image_size <= MAX_IMAGE_SIZE, "image_size", self.image_size, f"1-{MAX_IMAGE_SIZE}")
        check(self.resize in RESIZE_RULES, "resize", self.resize, ", ".join(RESIZE_RULES))
        check(0.01 <= self.temperature <= 100, "temperature", self.temperature, "0.01-100")
        check(
            re.fullmatch("[0-9a-f]{64}", self.data_hash) is not None,
            "data_hash",
            self.data_hash,
            _("64 hexadecimal digits"),
        )
        for split, counts in self.pictures.items():
            check(split in SPLITS, "pictures", split, ", ".join(SPLITS))
            check(len(counts) == len(self.labels), f"pictures.{split}", len(counts), _("one count for each class"))
            check(min(counts) >= 0, f"pictures.{split}", min(counts), _("counts"))
        if self.origin is not None:
            self.origin.check_classes(len(self.labels))
        if self.measured is not None and self.measured.of_class:
            told = len(self.measured.of_class)
            check(told == len(self.labels), "measured.of_class", told, _("one count for each class"))
        for name in ("name", "model", "weights_licence", "weights_source", "anmok_version"):
            check(is_text(getattr(self, name)), name, getattr(self, name), _("a short text of valid Unicode"))

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON values; ``info_from_json`` reads them back."""
        return {
            "format_version": FORMAT_VERSION,
            "labels": list(self.labels),
            "image_size": self.image_size,
            "resize": self.resize,
            "temperature": self.temperature,
            "unknown": None if self.unknown is None else rule_to_json(self.unknown),
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
            "origin": None if self.origin is None else origin_to_json(self.origin),
        }


def info_from_json(text: bytes) -> BundleInfo:
    """Read ``bundle.json``.

    Raises:
        NewerFormat: a newer Anmok wrote it.
        ValueError: anything else that is wrong with it; the message is a part of a sentence for people.
    """
    values = Fields(parse_object(text), "")
    version = values.integer("format_version")
    if version > FORMAT_VERSION:
        raise NewerFormat(version)
    check(1 <= version <= FORMAT_VERSION, "format_version", version, f"1-{FORMAT_VERSION}")
    resize, temperature = values.text("resize"), values.number("temperature")
    info = BundleInfo(
        labels=tuple(as_text(label, "labels") for label in values.sequence("labels")),
        image_size=values.integer("image_size"),
        resize=typing.cast("ResizeRule", resize),
        temperature=temperature,
        unknown=_unknown_from_json(values, version, temperature),
        name=values.text("name"),
        model=values.text("model"),
        recipe={
            as_text(name, "recipe"): as_setting(value, f"recipe.{name}")
            for name, value in values.mapping("recipe").items()
        },
        data_hash=values.text("data_hash"),
        pictures={
            split: tuple(as_integer(count, f"pictures.{split}") for count in as_sequence(counts, f"pictures.{split}"))
            for split, counts in values.mapping("pictures").items()
        },
        weights_licence=values.text("weights_licence"),
        weights_source=values.text("weights_source"),
        anmok_version=values.text("anmok_version"),
        parity=None if values.is_null("parity") else _parity_from_json(values.mapping("parity")),
        measured=None if values.is_null("measured") else _measured_from_json(values.mapping("measured")),
        origin=_origin_from_json(values),
    )
    values.end()
    return info


def _unknown_from_json(values: Fields, version: int, temperature: float) -> UnknownRule | None:
    if version == 1:
        if values.is_null("unknown_threshold"):
            return None
        return rule_of_first_format(values.number("unknown_threshold"), temperature)
    return None if values.is_null("unknown") else rule_from_json(values.mapping("unknown"))


def _origin_from_json(values: Fields) -> Origin | None:
    # Older versions did not write it.
    if not values.has("origin") or values.is_null("origin"):
        return None
    return origin_from_json(values.mapping("origin"))


def _parity_to_json(parity: Parity) -> dict[str, Any]:
    return {
        "same_class": parity.same_class,
        "max_difference": parity.max_difference,
        "pictures": parity.pictures,
    }


def _parity_from_json(values: Mapping[str, Any]) -> Parity:
    fields = Fields(values, "parity.")
    parity = Parity(fields.number("same_class"), fields.number("max_difference"), fields.integer("pictures"))
    fields.end()
    return parity


def _measured_to_json(measured: Measured) -> dict[str, Any]:
    return {
        "split": measured.split,
        "pictures": measured.pictures,
        "metrics": {name: interval.to_json() for name, interval in measured.metrics.items()},
        "recognised": list(measured.recognised),
        "of_class": list(measured.of_class),
    }


def _measured_from_json(values: Mapping[str, Any]) -> Measured:
    fields = Fields(values, "measured.")
    metrics = {}
    for name, row in fields.mapping("metrics").items():
        figures = Fields(as_mapping(row, f"measured.metrics.{name}"), f"measured.metrics.{name}.")
        metrics[as_text(name, "measured.metrics")] = Interval(
            figures.number("value"), figures.number("low"), figures.number("high")
        )
        figures.end()
    # Older versions kept no counts by class.
    counts = [
        tuple(as_integer(count, f"measured.{name}") for count in fields.sequence(name)) if fields.has(name) else ()
        for name in ("recognised", "of_class")
    ]
    measured = Measured(fields.text("split"), fields.integer("pictures"), metrics, *counts)
    fields.end()
    return measured
