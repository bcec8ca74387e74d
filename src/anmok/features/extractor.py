"""An extractor is an ONNX graph that turns pictures into vectors: the value that says which graph, and of what."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from anmok.config import ResizeRule
from anmok.features.extractor_outputs import VectorOutput

#: Rises when decoding or resizing changes what models see, so that no cached vector or pixel outlives the change.
DECODE_VERSION = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Extractor:
    """An ONNX graph: uint8 ``pictures`` ``(N, S, S, 3)`` to float32 ``embedding`` ``(N, D)`` and ``feature_map``.

    Attributes:
        name: of the model, for people.
        onnx: the graph's file.
        sha256: of the graph's file.
        input_size: S, pixels.
        resize: how a picture becomes that square.
        dim: D, of the vectors that are taken.
        output: what they are: the graph's own ``embedding``, or something made of its feature map.
    """

    name: str
    onnx: Path
    sha256: str
    input_size: int
    resize: ResizeRule
    dim: int
    output: VectorOutput = "embedding"

    def __post_init__(self) -> None:
        if not re.fullmatch("[0-9a-f]{64}", self.sha256) or self.input_size < 1 or self.dim < 1:
            raise ValueError(f"extractor {self.name!r} has a wrong sha256, input size or dim")

    @property
    def key(self) -> str:
        """Return what a vector depends on beside the picture: 64 hexadecimal digits."""
        parts = [self.sha256, str(self.input_size), self.resize, str(DECODE_VERSION)]
        if self.output != "embedding":
            parts.append(self.output)
        return hashlib.sha256("\n".join(parts).encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class View:
    """Pictures that are changed between decoding and graph, as augmentation does.

    Attributes:
        key: all that the change depends on beside the picture; of the key of its vectors in the cache.
        change: a picture's id and its pixels uint8 ``(S, S, 3)`` to pixels of the same shape. Called in several threads
            at a time; the same for the same picture.
        title: what people call it, in their language.
    """

    key: str
    change: Callable[[str, NDArray[np.uint8]], NDArray[np.uint8]]
    title: str = ""
