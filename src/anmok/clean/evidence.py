"""What the checks look at: the manifest, small pictures, vectors. Each is made when a check first asks for it."""

from __future__ import annotations

import time
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from anmok.config import CleanConfig, Limits
from anmok.data.manifest import Manifest
from anmok.data.thumbs import load_thumbs
from anmok.errors import MissingExtra, WeightsMissing
from anmok.features.extraction import extract, load_pixels
from anmok.features.extractor import Extractor
from anmok.i18n import _
from anmok.models.registry import get_model
from anmok.progress import Progress, SilentProgress

#: The models whose vectors checks and map look at, the best first; the last one needs nothing and is always there.
PREFERRED = ("mobilenetv2", "handcrafted")


class Evidence:
    """The pictures of a manifest in the forms that checks want. Nothing is computed before it is asked for.

    Attributes:
        manifest: the pictures; all arrays have its rows in its order.
        config: settings of the checks.
        limits: the same as in the scan.
        threads: of decoding, inference and fitting; 0 takes all cores.
        progress: is told what takes long.
        seconds_for_vectors: that making the vectors took; 0 before anybody asked for them.
    """

    def __init__(
        self,
        manifest: Manifest,
        config: CleanConfig | None = None,
        *,
        limits: Limits = Limits(),  # noqa: B008
        threads: int = 0,
        progress: Progress | None = None,
    ) -> None:
        self.manifest = manifest
        self.config = config or CleanConfig()
        self.limits = limits
        self.threads = threads
        self.progress = progress or SilentProgress()
        self.seconds_for_vectors = 0.0

    @cached_property
    def thumbs(self) -> NDArray[np.uint8]:
        """Small pictures, uint8 ``(N, 32, 32, 3)`` RGB, squashed to the square."""
        return load_thumbs(self.manifest, limits=self.limits, threads=self.threads, progress=self.progress)

    @cached_property
    def extractor(self) -> Extractor:
        """What makes the vectors: the configured model, or the best one at hand."""
        return choose_extractor(self.config.vectors, self.progress)

    @cached_property
    def vectors(self) -> NDArray[np.float32]:
        """Vectors of ``extractor``, float32 ``(N, D)``."""
        begin = time.perf_counter()
        vectors = extract(
            self.manifest, self.extractor, limits=self.limits, threads=self.threads, progress=self.progress
        )
        self.seconds_for_vectors = time.perf_counter() - begin
        return vectors

    def pixels(self, size: int) -> NDArray[np.uint8]:
        """Return uint8 ``(N, size, size, 3)``, squashed, memory-mapped and read-only."""
        return load_pixels(
            self.manifest, size, "squash", limits=self.limits, threads=self.threads, progress=self.progress
        )


def choose_extractor(name: str, progress: Progress) -> Extractor:
    """Return the extractor of the model ``name``; with ``"auto"`` the best one whose parts are at hand.

    Raises:
        WeightsMissing, MissingExtra: of a model that was named.
        UnknownName: there is no such model.
    """
    if name != "auto":
        return get_model(name).extractor(progress=progress)
    for preferred in PREFERRED[:-1]:
        try:
            return get_model(preferred).extractor(progress=progress)
        except (WeightsMissing, MissingExtra):
            text = _("The weights of {name} are not at hand; simpler features are looked at, and more is missed.")
            progress.say(text.format(name=preferred))
    return get_model(PREFERRED[-1]).extractor(progress=progress)
