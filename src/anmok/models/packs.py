"""Weight packs: folders with ``model.safetensors`` and ``pack.json`` that can be carried on a USB stick. Light.

A pack may come from a stranger, so its JSON is read strictly, its name can lead to no other folder, the arguments of
its architecture are a short list of harmless ones, and its weights must have the SHA-256 that it names.
"""

from __future__ import annotations

import hashlib
import json
import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from anmok.errors import WeightsMissing
from anmok.i18n import _
from anmok.locations import cache_dir, is_offline, weight_dirs
from anmok.progress import Progress
from anmok.storage import explained

WEIGHTS_FILE, PACK_FILE = "model.safetensors", "pack.json"
MAX_JSON_BYTES = 64 * 2**10
MAX_WEIGHTS_BYTES = 8 * 2**30
MAX_SIDE = 2048
MAX_CLASSES = 1_000_000
NAME = re.compile(r"[a-z0-9][a-z0-9_]{0,63}(\.[a-z0-9][a-z0-9_]{0,63})?")
ARCHITECTURE = re.compile(r"[a-z0-9][a-z0-9_]{0,63}")
#: Arguments of timm's models that a pack may set. Others could read files (``checkpoint_path``) or go online.
HARMLESS_ARGUMENTS = frozenset(
    {"pad_type", "act_layer", "norm_layer", "img_size", "dynamic_img_size", "qkv_bias", "init_values", "class_token"}
)
INTERPOLATIONS = ("bicubic", "bilinear", "nearest", "lanczos", "random")


@dataclass(frozen=True, slots=True, kw_only=True)
class WeightPack:
    """Pretrained weights and how pictures must come to them.

    Attributes:
        folder: where the pack lies.
        name: ``architecture.tag``, as timm names pretrained models.
        architecture: timm's name of the network; ``architecture_args`` are set beyond its defaults.
        num_classes: of the head in the weights; 0 for none.
        input_size: side of the square the weights were trained with, pixels.
        mean, std: of each channel (red, green, blue), for values of 0-1.
        licence, source: in words.
        sha256: of ``model.safetensors``.
    """

    folder: Path
    name: str
    architecture: str
    architecture_args: Mapping[str, str | int | float | bool]
    num_classes: int
    input_size: int
    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    interpolation: str
    crop_pct: float
    licence: str
    source: str
    sha256: str

    @property
    def weights_path(self) -> Path:
        """The weights' file."""
        return self.folder / WEIGHTS_FILE

    def read_weights(self) -> bytes:
        """Return the bytes of the weights' file, after making sure that they are the ones the pack names.

        Raises:
            WeightsMissing: they are not.
            StorageError: the file cannot be read.
        """
        with explained(self.weights_path):
            data = self.weights_path.read_bytes()
        found = hashlib.sha256(data).hexdigest()
        if found != self.sha256:
            raise _damaged(
                self.folder,
                _("{file} has the SHA-256 {found}, {wanted} is wanted").format(
                    file=WEIGHTS_FILE, found=found[:12] + "…", wanted=self.sha256[:12] + "…"
                ),
            )
        return data


def find_pack(name: str, *, exact: bool = False, download: bool = True, progress: Progress | None = None) -> WeightPack:
    """Return a weight pack from this machine, else from the model hub.

    Args:
        name: ``architecture`` or ``architecture.tag``.
        exact: False takes another pack of the same architecture where that one is not to be had.
        download: False only looks on this machine.

    Raises:
        WeightsMissing: it is not to be had, or damaged; the hint names the ways to get it.
    """
    if not NAME.fullmatch(name):
        raise WeightsMissing(
            _("{name} cannot be the name of a weight pack.").format(name=ascii(name)),
            hint=_("Names are made of a-z, 0-9 and _, as in {example}.").format(example="mobilenetv2_100.ra_in1k"),
        )
    for folder in _folders():
        if folder.name == name:
            return read_pack(folder)
    if not exact:
        for folder in _folders():
            if folder.name.partition(".")[0] == name.partition(".")[0]:
                return read_pack(folder)
    if download and not is_offline():
        from anmok.models.hub import fetch_pack

        return fetch_pack(name, exact=exact, progress=progress)
    raise missing(name, _("and the network was not asked"))


def missing(name: str, why: str) -> WeightsMissing:
    """Return the error for a pack that is not to be had; ``why`` tells what came of the network."""
    return WeightsMissing(
        _("The weights {name} are not on this machine, {why}.").format(name=name, why=why),
        hint=_(
            "Three ways: set ANMOK_WEIGHTS to the folder that holds the pack (it can be carried on a USB stick); copy "
            "the pack into {cache}; or go online once and run `anmok weights get {name}`."
        ).format(cache=cache_dir() / "weights", name=name),
    )


def all_packs() -> tuple[WeightPack, ...]:
    """Return the packs on this machine, those of the first folder first; damaged ones raise ``WeightsMissing``."""
    return tuple(read_pack(folder) for folder in _folders())


def _folders() -> Iterator[Path]:
    """Yield the folders on this machine that hold packs; ANMOK_WEIGHTS may also name a pack itself."""
    for place in weight_dirs():
        with explained(place):
            if not place.is_dir():
                continue
            if (place / PACK_FILE).is_file():
                yield place.resolve()
            yield from sorted(folder for folder in place.iterdir() if (folder / PACK_FILE).is_file())


def read_pack(folder: Path) -> WeightPack:
    """Read ``pack.json``; the weights are verified when they are read.

    Raises:
        WeightsMissing: the pack is damaged or not one that is accepted; the message says what is wrong.
    """
    path = folder / PACK_FILE
    with explained(path):
        with path.open("rb") as stream:
            data = stream.read(MAX_JSON_BYTES + 1)
        weights_bytes = (folder / WEIGHTS_FILE).stat().st_size if (folder / WEIGHTS_FILE).is_file() else -1
    if weights_bytes < 0:
        raise _damaged(folder, _("{file} is missing").format(file=WEIGHTS_FILE))
    if weights_bytes > MAX_WEIGHTS_BYTES:
        raise _damaged(folder, _("{file} has {size:,} bytes").format(file=WEIGHTS_FILE, size=weights_bytes))
    if len(data) > MAX_JSON_BYTES:
        raise _damaged(folder, _("{file} has more than {limit:,} bytes").format(file=PACK_FILE, limit=MAX_JSON_BYTES))
    try:
        values = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise _damaged(folder, _("{file} is no JSON").format(file=PACK_FILE)) from error
    if not isinstance(values, dict):
        raise _damaged(folder, _("{file} is no JSON").format(file=PACK_FILE))
    return _Fields(values, folder).pack()


def pack_facts(pack: WeightPack) -> dict[str, Any]:
    """Return a pack as ``pack.json`` has it: JSON values."""
    return {
        "name": pack.name,
        "architecture": pack.architecture,
        "architecture_args": dict(pack.architecture_args),
        "num_classes": pack.num_classes,
        "input_size": [3, pack.input_size, pack.input_size],
        "mean": list(pack.mean),
        "std": list(pack.std),
        "interpolation": pack.interpolation,
        "crop_pct": pack.crop_pct,
        "licence": pack.licence,
        "source": pack.source,
        "sha256": pack.sha256,
    }


def pack_of_facts(facts: Any) -> WeightPack:
    """Return the pack that ``pack_facts`` described; it has no folder, so its weights cannot be read.

    Raises:
        WeightsMissing: these are no such facts, or not ones that are accepted.
    """
    if not isinstance(facts, dict):
        raise _damaged(Path(), _("{file} is no JSON").format(file=PACK_FILE))
    return _Fields(facts, Path()).pack()


class _Fields:
    """The fields of a ``pack.json``, each read with suspicion. Fields that are not known are left alone."""

    def __init__(self, values: Mapping[str, Any], folder: Path) -> None:
        self._values = values
        self._folder = folder

    def pack(self) -> WeightPack:
        name = self._text("name", NAME)
        architecture = self._text("architecture", ARCHITECTURE)
        if name.partition(".")[0] != architecture:
            raise self._wrong("name")
        return WeightPack(
            folder=self._folder,
            name=name,
            architecture=architecture,
            architecture_args=self._arguments(),
            num_classes=self._whole("num_classes", 0, MAX_CLASSES),
            input_size=self._side(),
            mean=self._colour("mean", -1.0),
            std=self._colour("std", 1e-3),
            interpolation=self._text("interpolation", re.compile("|".join(INTERPOLATIONS)), default="bicubic"),
            crop_pct=self._number(self._values.get("crop_pct", 1.0), "crop_pct", 0.1, 1.0),
            licence=self._text("licence", None),
            source=self._text("source", None, default=""),
            sha256=self._text("sha256", re.compile("[0-9a-f]{64}")),
        )

    def _wrong(self, field: str) -> WeightsMissing:
        shown = ascii(self._values.get(field))
        shown = shown if len(shown) <= 80 else shown[:80] + "..."
        return _damaged(self._folder, _("{field} is {value}").format(field=f"{PACK_FILE}: {field}", value=shown))

    def _text(self, field: str, pattern: re.Pattern[str] | None, default: str | None = None) -> str:
        value = self._values.get(field, default)
        if not isinstance(value, str) or len(value) > 2000 or not value.isprintable():
            raise self._wrong(field)
        if pattern is not None and not pattern.fullmatch(value):
            raise self._wrong(field)
        return value

    def _whole(self, field: str, low: int, high: int) -> int:
        value = self._values.get(field)
        if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
            raise self._wrong(field)
        return value

    def _number(self, value: Any, field: str, low: float, high: float) -> float:
        if not isinstance(value, int | float) or isinstance(value, bool) or not math.isfinite(value):
            raise self._wrong(field)
        if not low <= value <= high:
            raise self._wrong(field)
        return float(value)

    def _side(self) -> int:
        value = self._values.get("input_size")
        if not isinstance(value, list) or len(value) != 3 or value[0] != 3 or value[1] != value[2]:
            raise self._wrong("input_size")
        return int(self._number(value[1], "input_size", 16, MAX_SIDE))

    def _colour(self, field: str, low: float) -> tuple[float, float, float]:
        value = self._values.get(field)
        if not isinstance(value, list) or len(value) != 3:
            raise self._wrong(field)
        red, green, blue = (self._number(channel, field, low, 2.0) for channel in value)
        return red, green, blue

    def _arguments(self) -> Mapping[str, str | int | float | bool]:
        value = self._values.get("architecture_args", {})
        if not isinstance(value, dict) or not set(value) <= HARMLESS_ARGUMENTS:
            raise self._wrong("architecture_args")
        for argument in value.values():
            if isinstance(argument, str):
                if not ARCHITECTURE.fullmatch(argument):
                    raise self._wrong("architecture_args")
            elif not isinstance(argument, bool):
                self._number(argument, "architecture_args", 0, MAX_SIDE)
        return dict(value)


def _damaged(folder: Path, what: str) -> WeightsMissing:
    return WeightsMissing(
        _("The weight pack {folder} cannot be used: {what}.").format(folder=folder, what=what),
        hint=_("Copy or download the pack again."),
    )
