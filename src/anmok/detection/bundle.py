"""The bundle of a detector, ``*.anmok``: graph, classes, threshold, measures and card in one file. Light.

bundle.json   what it is
card.md       the model card for people
model.onnx    uint8 (1, H, W, 3) in, H and W multiples of 32; scores (1, A, K) and distances (1, A, 4) out
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from anmok.bundle.archive import MiB, damaged, read_members, zip_bytes
from anmok.bundle.fields import Fields, as_mapping, as_text, check, parse_object
from anmok.bundle.graph import GraphRefused, safe_graph
from anmok.bundle.markdown import plain, row
from anmok.i18n import _
from anmok.records import Interval
from anmok.storage import write_bytes

INPUT, OUTPUTS = "pictures", ("scores", "distances")
KIND, FORMAT = "detector", 1
MEMBERS: Mapping[str, int] = {"bundle.json": 8 * MiB, "card.md": 8 * MiB, "model.onnx": 1024 * MiB}
LARGEST_SIDE, MOST_LABELS = 4096, 10_000
UINT8, FLOAT = 2, 1  # of onnx.TensorProto


@dataclass(frozen=True, slots=True, kw_only=True)
class DetectorInfo:
    """What a detector's bundle says of itself.

    Attributes:
        labels: class names by number.
        side: of the longer side of a photo as the network sees it, pixels.
        threshold: of the score, from which boxes are reported, 0-1; picked on validation pictures.
        created: ISO 8601. anmok: the version that wrote it.
        backbone, licence: of the weights that training began with.
        data_hash: of the pictures and boxes it learned from.
        score_difference: the largest difference of a score from the trained network's, 0-1.
        pictures: how many test pictures were measured. measured: figures by name.
    """

    name: str
    labels: tuple[str, ...]
    side: int
    threshold: float
    created: str
    anmok: str
    backbone: str
    licence: str
    data_hash: str
    score_difference: float = 0.0
    pictures: int = 0
    measured: Mapping[str, Interval] = field(default_factory=dict)

    def __post_init__(self) -> None:
        check(1 <= len(self.labels) <= MOST_LABELS, "labels", len(self.labels), _("1 or more class names"))
        check(len(set(self.labels)) == len(self.labels), "labels", len(self.labels), _("names that differ"))
        sound = 32 <= self.side <= LARGEST_SIDE and self.side % 32 == 0
        check(sound, "side", self.side, _("a multiple of 32"))
        check(0 <= self.threshold <= 1, "threshold", self.threshold, _("a number from 0 to 1"))
        for name, interval in self.measured.items():
            for value in (interval.value, interval.low, interval.high):
                check(math.isfinite(value), f"measured.{name}", value, _("a finite number"))

    def to_json(self) -> dict[str, Any]:
        """Return ``bundle.json``."""
        values = {name: getattr(self, name) for name in self.__slots__}
        values["labels"] = list(self.labels)
        values["measured"] = {name: interval.to_json() for name, interval in self.measured.items()}
        return {"kind": KIND, "format": FORMAT, **values}


@dataclass(frozen=True, slots=True)
class DetectorBundle:
    """A detector's bundle in memory."""

    path: Path
    info: DetectorInfo
    model: bytes
    card: str


def write_detector(path: Path, info: DetectorInfo, model: bytes) -> None:
    """Write a bundle atomically; the card is made from ``info``.

    Raises:
        StorageError: disk full, no permission.
    """
    text = json.dumps(info.to_json(), ensure_ascii=False, indent=2, sort_keys=True, allow_nan=False) + "\n"
    contents = {"bundle.json": text.encode("utf-8"), "card.md": _card(info).encode("utf-8"), "model.onnx": model}
    write_bytes(path, zip_bytes(contents))


def read_detector(path: Path) -> DetectorBundle:
    """Read and check a bundle.

    Raises:
        SourceNotFound: there is no such file. StorageError: it cannot be read.
        BundleError: it is damaged, hostile, or no detector.
    """
    contents = read_members(path, MEMBERS)
    try:
        info = _info(contents["bundle.json"])
        card = contents["card.md"].decode("utf-8")
    except ValueError as error:
        raise damaged(path, f"bundle.json: {error}") from error
    try:
        _check_shape(contents["model.onnx"], len(info.labels))
    except GraphRefused as error:
        raise damaged(path, _("its model is refused, because {reason}").format(reason=error)) from error
    return DetectorBundle(path, info, contents["model.onnx"], card)


def with_measures(path: Path, measured: Mapping[str, Interval], pictures: int) -> DetectorInfo:
    """Store in a bundle what it reached on test pictures; the file is replaced in one step."""
    bundle = read_detector(path)
    info = replace(bundle.info, measured=dict(measured), pictures=pictures)
    write_detector(path, info, bundle.model)
    return info


def _info(text: bytes) -> DetectorInfo:
    values = Fields(parse_object(text), "")
    if values.text("kind") != KIND:
        raise ValueError(_("it is no detector"))
    version = values.integer("format")
    if version != FORMAT:
        raise ValueError(_("format {version} is not known; a newer Anmok may read it").format(version=version))
    measured = {}
    for name, figures in values.mapping("measured").items():
        its = Fields(as_mapping(figures, f"measured.{name}"), f"measured.{name}.")
        measured[as_text(name, "measured")] = Interval(its.number("value"), its.number("low"), its.number("high"))
        its.end()
    info = DetectorInfo(
        name=values.text("name"),
        labels=tuple(as_text(label, "labels") for label in values.sequence("labels")),
        side=values.integer("side"),
        threshold=values.number("threshold"),
        created=values.text("created"),
        anmok=values.text("anmok"),
        backbone=values.text("backbone"),
        licence=values.text("licence"),
        data_hash=values.text("data_hash"),
        score_difference=values.number("score_difference"),
        pictures=values.integer("pictures"),
        measured=measured,
    )
    values.end()
    return info


def _check_shape(model: bytes, classes: int) -> None:
    graph = safe_graph(model)
    weights = {tensor.name for tensor in graph.initializer}
    inputs = {value.name: value for value in graph.input if value.name not in weights}
    outputs = {value.name: value for value in graph.output}
    if set(inputs) != {INPUT} or set(outputs) != set(OUTPUTS):
        raise GraphRefused(
            _("it takes {inputs} and gives {outputs}; wanted: {wanted}").format(
                inputs=ascii(sorted(inputs)), outputs=ascii(sorted(outputs)), wanted=f"{INPUT} -> {', '.join(OUTPUTS)}"
            )
        )
    wanted = ((inputs[INPUT], UINT8, 4, 3), (outputs["scores"], FLOAT, 3, classes), (outputs["distances"], FLOAT, 3, 4))
    for value, kind, rank, last in wanted:
        tensor = value.type.tensor_type
        sizes = tuple(dim.dim_value for dim in tensor.shape.dim)
        if tensor.elem_type != kind or len(sizes) != rank or sizes[-1] != last:
            raise GraphRefused(
                _("{name} has the wrong type or shape {shape}").format(name=ascii(value.name), shape=sizes)
            )


def _card(info: DetectorInfo) -> str:
    lines = [
        f"# {plain(info.name)}",
        "",
        _("Takes a photo and draws a box around each thing of its classes, with a score from 0 to 1."),
        "",
        "## " + _("Classes"),
        "",
        *(f"- {plain(label)}" for label in info.labels),
        "",
        "## " + _("Measured"),
        "",
    ]
    if info.measured:
        lines += [
            _("On {count} test pictures, with 95% intervals.").format(count=info.pictures),
            "",
            row([_("metric"), _("value"), _("from"), _("to")]),
            row(["---", "---:", "---:", "---:"]),
            *(
                row([plain(name), f"{one.value:.4f}", f"{one.low:.4f}", f"{one.high:.4f}"])
                for name, one in info.measured.items()
            ),
        ]
    else:
        lines.append(_("Not measured on test pictures yet."))
    lines += [
        "",
        _("Boxes are reported from a score of {threshold:.3f} on, which was picked on validation pictures.").format(
            threshold=info.threshold
        ),
        "",
        _("Backbone: {name}; licence: {licence}.").format(name=plain(info.backbone), licence=plain(info.licence)),
    ]
    return "\n".join(lines) + "\n"
