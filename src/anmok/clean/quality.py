"""Pictures that show little: too dark, too light, blurred, next to nothing in them. From what the scan has measured.

What is too much is learnt from the set and bounded by good sense; see ``quality_fences``. The names of ``thresholds``
are those of the columns that are compared, or of what is made from them here.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from anmok.clean.evidence import Evidence
from anmok.clean.quality_fences import Fence, folders_of, learn_fence
from anmok.clean.registry import CheckResult, register_check
from anmok.i18n import gettext
from anmok.i18n import marked as _

#: Brightness and so many times the contrast: what the bright parts of a picture reach, and the dark ones.
PARTS = 2.0
#: Of 255. What has bright parts above the first is never dark, what has dark parts below the second never light, and
#: neither is what lies within the third of what is usual.
DARK_BOUND, LIGHT_BOUND, LIGHT_APART = 90.0, 150.0, 40.0
#: Bits. A picture with more than these is never without information: plain grounds, a gradient, noise have less.
PLAIN_BOUND, PLAIN_APART = 4.0, 1.0
#: Octaves of the sharpness, which is a variance: detail half as strong as is usual, at the most. Weaker blur lies
#: within what subject, focus and camera make of sharp pictures.
BLUR_APART = 2.0
#: A contrast below this is as good as none, 0-255.
LEAST_CONTRAST = 1.0


def column(evidence: Evidence, name: str) -> NDArray[np.float64]:
    """Return a column of the manifest, float64 ``(N,)``."""
    return evidence.manifest.table[name].to_numpy(dtype=np.float64)


def result_of(
    fence: Fence, name: str, measured: NDArray[np.float64] | None = None, *, octaves: bool = False
) -> CheckResult:
    """Turn a fence into what a check gives back.

    Args:
        name: of what was compared; the key of the threshold.
        measured: ``(N,)`` what the sentence tells of each picture, where the fence looked at something else.
        octaves: the fence looked at logarithms to the base 2; thresholds and values are told without.

    Returns:
        ``values`` of a flagged picture: ``value``, ``limit``, ``usual``. ``thresholds`` is empty where the set is too
        small to say what is usual.
    """

    def told(value: float) -> float:
        return float(2.0**value) if octaves else float(value)

    rows = np.flatnonzero(fence.flags).tolist()
    return CheckResult(
        scores=fence.scores,
        flags=fence.flags,
        others=np.full(len(fence.scores), -1, dtype=np.int64),
        values={
            row: {
                "value": told(fence.values[row]) if measured is None else float(measured[row]),
                "limit": told(fence.limits[row]),
                "usual": told(fence.usual),
            }
            for row in rows
        },
        thresholds={name: told(fence.limit)} if np.isfinite(fence.limit) else {},
        about={"usual": told(fence.usual)} if np.isfinite(fence.usual) else {},
    )


def _dark_reason(values: Mapping[str, Any]) -> str:
    return gettext(
        "Even its bright parts are dark: {value:.0f} of 255. Below {limit:.0f} is too dark here; usual is {usual:.0f}."
    ).format(value=values["value"], limit=values["limit"], usual=min(values["usual"], 255))


@register_check(
    name="dark",
    title=_("Too dark"),
    about=_("Pictures without any bright parts, far darker than the others of the set."),
    needs="facts",
    action="review",
    reason=_dark_reason,
)
def find_dark(evidence: Evidence) -> CheckResult:
    """Compare brightness plus twice the contrast: a bright subject on a black ground is not dark."""
    values = column(evidence, "brightness") + PARTS * column(evidence, "contrast")
    folders = folders_of(evidence.manifest)
    fence = learn_fence(values, folders, "low", apart=LIGHT_APART, bound=DARK_BOUND)
    return result_of(fence, "bright_parts")


def _light_reason(values: Mapping[str, Any]) -> str:
    return gettext(
        "Even its dark parts are light: {value:.0f} of 255. Above {limit:.0f} is too light here; usual is {usual:.0f}."
    ).format(value=values["value"], limit=min(values["limit"], 255), usual=max(values["usual"], 0))


@register_check(
    name="light",
    title=_("Too light"),
    about=_("Pictures without any dark parts, far lighter than the others of the set: overexposed, faded, blank."),
    needs="facts",
    action="review",
    reason=_light_reason,
)
def find_light(evidence: Evidence) -> CheckResult:
    """Compare brightness less twice the contrast: a drawing on white ground has dark lines, and is not light."""
    values = column(evidence, "brightness") - PARTS * column(evidence, "contrast")
    folders = folders_of(evidence.manifest)
    fence = learn_fence(values, folders, "high", apart=LIGHT_APART, bound=LIGHT_BOUND)
    return result_of(fence, "dark_parts")


def _plain_reason(values: Mapping[str, Any]) -> str:
    return gettext(
        "There is next to nothing in it: its tones hold {value:.1f} bits. Below {limit:.1f} is too little here; usual "
        "is {usual:.1f}."
    ).format(value=values["value"], limit=values["limit"], usual=values["usual"])


@register_check(
    name="low-information",
    title=_("Next to nothing in it"),
    about=_("Plain surfaces, gradients and the like: far fewer different tones than is usual in the set."),
    needs="facts",
    action="review",
    reason=_plain_reason,
)
def find_plain(evidence: Evidence) -> CheckResult:
    """Compare the entropy of the tones."""
    folders = folders_of(evidence.manifest)
    fence = learn_fence(column(evidence, "entropy"), folders, "low", apart=PLAIN_APART, bound=PLAIN_BOUND)
    return result_of(fence, "entropy")


def _blurred_reason(values: Mapping[str, Any]) -> str:
    return gettext(
        "It is blurred: its sharpness is {value:.0f}. Below {limit:.0f} is too little here; usual is {usual:.0f}."
    ).format(value=values["value"], limit=values["limit"], usual=values["usual"])


@register_check(
    name="blurred",
    title=_("Blurred"),
    about=_("Out of focus, moved or enlarged: far less fine detail than is usual in the set."),
    needs="facts",
    action="review",
    reason=_blurred_reason,
)
def find_blurred(evidence: Evidence) -> CheckResult:
    """Compare the sharpness that a picture would have at the usual contrast, where its own is less.

    A dark or faded picture has weak edges without being blurred. The sharpness is a variance and grows with the square
    of the contrast.
    """
    contrast = np.maximum(column(evidence, "contrast"), LEAST_CONTRAST)
    usual = float(np.median(contrast)) if len(contrast) else LEAST_CONTRAST
    raised = np.maximum(usual / contrast, 1.0) ** 2
    values = np.log2(column(evidence, "sharpness") * raised + 1)
    fence = learn_fence(values, folders_of(evidence.manifest), "low", apart=BLUR_APART)
    return result_of(fence, "sharpness", octaves=True)
