"""Screenshots, text, tables and the like among photos: plain ground, and edges that run level or upright."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from anmok.clean.evidence import Evidence
from anmok.clean.quality_fences import folders_of, learn_fence
from anmok.clean.registry import CheckResult, register_check
from anmok.i18n import gettext
from anmok.i18n import marked as _

#: Share of a thumbnail that one colour takes, at the least, and how much more that must be than is usual.
GROUND, GROUND_APART = 0.3, 0.2
#: How far differences between neighbours lie in one of the two directions, 0-1: noise and nature have a half, since
#: their edges run anywhere; lines of text and boxes have two thirds.
ALIGNED = 0.58
#: Colours are told apart in steps of so many levels of 255.
STEP = 8


def ground_share(thumbs: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Return ``(N,)``, 0-1: the share of the ground, the most frequent colour, of thumbnails uint8 ``(N, h, w, 3)``."""
    steps = 256 // STEP
    shares = np.empty(len(thumbs))
    for row, thumb in enumerate(thumbs):
        pixels = thumb.reshape(-1, 3).astype(np.int64)
        boxes = pixels // STEP @ np.array([steps * steps, steps, 1])
        inside = pixels[boxes == np.bincount(boxes).argmax()]
        # Around the middle of the fullest box, since a colour may lie on the border of two.
        shares[row] = (np.abs(pixels - np.median(inside, axis=0)).max(axis=1) <= STEP / 2).mean()
    return shares


def alignment(thumbs: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Return ``(N,)``, 0-1: how far the differences of each pixel to its neighbours lie in one direction.

    Over all pixels, the sum of ``|across - down|`` by the sum of ``across + down``, these being absolute differences of
    the channels' sum to the right and to the lower neighbour; 0 for a plain surface.
    """
    values = np.empty(len(thumbs))
    for row, thumb in enumerate(thumbs):
        light = thumb.sum(axis=-1, dtype=np.int64)
        across = np.abs(np.diff(light, axis=1))[:-1]
        down = np.abs(np.diff(light, axis=0))[:, :-1]
        values[row] = np.abs(across - down).sum() / max(int((across + down).sum()), 1)
    return values


def _reason(values: Mapping[str, Any]) -> str:
    return gettext(
        "It looks like a screenshot or text: one colour fills {value:.0%} of it, and its edges run level or upright. "
        "Above {limit:.0%} is odd here; usual is {usual:.0%}."
    ).format(value=values["value"], limit=values["limit"], usual=values["usual"])


@register_check(
    name="screenshot",
    title=_("Screenshots and text"),
    about=_("Screens, documents, tables and diagrams among photos: a plain ground, with edges level or upright."),
    needs="thumbs",
    action="review",
    reason=_reason,
)
def find_screenshots(evidence: Evidence) -> CheckResult:
    """Compare the share of the ground among pictures whose edges are aligned; the rest is as it is usual.

    A product on white has the ground, but not the edges; a set of drawings or digits has both, and flags nothing.
    """
    thumbs = evidence.thumbs
    shares = ground_share(thumbs)
    aligned = alignment(thumbs) >= ALIGNED
    fence = learn_fence(shares, folders_of(evidence.manifest), "high", apart=GROUND_APART, bound=GROUND)
    flags = fence.flags & aligned
    return CheckResult(
        scores=np.where(flags, fence.scores, np.maximum(fence.scores, 0.5)),
        flags=flags,
        others=np.full(len(shares), -1, dtype=np.int64),
        values={
            row: {"value": float(shares[row]), "limit": float(fence.limits[row]), "usual": fence.usual}
            for row in np.flatnonzero(flags).tolist()
        },
        thresholds={"ground_share": fence.limit} if np.isfinite(fence.limit) else {},
        about={"usual": fence.usual} if np.isfinite(fence.usual) else {},
    )
