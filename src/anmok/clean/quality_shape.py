"""Pictures of an unusual size or shape: thumbnails among photos, banners among squares."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from anmok.clean.evidence import Evidence
from anmok.clean.quality import column
from anmok.clean.quality_fences import Fence, folders_of, learn_fence
from anmok.clean.registry import CheckResult, register_check
from anmok.i18n import gettext
from anmok.i18n import marked as _

#: Octaves. Sizes within three times of the usual one are fine, and shapes within twice.
SIZE_APART, ASPECT_APART = float(np.log2(3)), 1.0


def _size_reason(values: Mapping[str, Any]) -> str:
    if values["value"] < values["usual"]:
        text = gettext(
            "It is small: {width}x{height} pixels. Usual are sides of {usual:.0f} pixels; below {limit:.0f} is odd."
        )
    else:
        text = gettext(
            "It is large: {width}x{height} pixels. Usual are sides of {usual:.0f} pixels; above {limit:.0f} is odd."
        )
    return text.format(width=values["width"], height=values["height"], usual=values["usual"], limit=values["limit"])


@register_check(
    name="odd-size",
    title=_("Odd sizes"),
    about=_("Pictures far smaller or larger than the others: thumbnails, icons, scans."),
    needs="facts",
    action="review",
    reason=_size_reason,
)
def find_odd_sizes(evidence: Evidence) -> CheckResult:
    """Compare the root of the area, on a scale of octaves, on both sides."""
    values = np.log2(column(evidence, "width") * column(evidence, "height")) / 2
    folders = folders_of(evidence.manifest)
    low = learn_fence(values, folders, "low", apart=SIZE_APART)
    return _two_sided(evidence, low, learn_fence(values, folders, "high", apart=SIZE_APART), "size")


def _aspect_reason(values: Mapping[str, Any]) -> str:
    return gettext(
        "Its shape is odd: {width}x{height} pixels, {value:.1f} to 1. Odd is beyond {limit:.1f} to 1 here; usual is "
        "{usual:.1f} to 1."
    ).format(
        width=values["width"],
        height=values["height"],
        value=values["value"],
        usual=values["usual"],
        limit=values["limit"],
    )


@register_check(
    name="odd-aspect",
    title=_("Odd shapes"),
    about=_("Pictures far longer, or far squarer, than the others: banners, strips, columns."),
    needs="facts",
    action="review",
    reason=_aspect_reason,
)
def find_odd_aspects(evidence: Evidence) -> CheckResult:
    """Compare how many times the longer side is as long as the shorter, on a scale of octaves, on both sides.

    Upright and lying pictures of one shape are alike.
    """
    values = np.abs(np.log2(column(evidence, "width") / column(evidence, "height")))
    folders = folders_of(evidence.manifest)
    low = learn_fence(values, folders, "low", apart=ASPECT_APART)
    return _two_sided(evidence, low, learn_fence(values, folders, "high", apart=ASPECT_APART), "elongation")


def _two_sided(evidence: Evidence, low: Fence, high: Fence, name: str) -> CheckResult:
    width, height = column(evidence, "width"), column(evidence, "height")
    values: dict[int, dict[str, Any]] = {}
    for fence in (low, high):
        for row in np.flatnonzero(fence.flags).tolist():
            values[row] = {
                "value": float(2.0 ** fence.values[row]),
                "limit": float(2.0 ** fence.limits[row]),
                "usual": float(2.0**fence.usual),
                "width": int(width[row]),
                "height": int(height[row]),
            }
    # A limit below the least value that there can be (a square, one pixel) is none.
    known = {f"{name}_low": low.limit, f"{name}_high": high.limit}
    return CheckResult(
        scores=np.minimum(low.scores, high.scores),
        flags=low.flags | high.flags,
        others=np.full(len(low.flags), -1, dtype=np.int64),
        values=values,
        thresholds={key: float(2.0**limit) for key, limit in known.items() if np.isfinite(limit) and limit > 0},
        about={"usual": float(2.0**low.usual)} if np.isfinite(low.usual) else {},
    )
