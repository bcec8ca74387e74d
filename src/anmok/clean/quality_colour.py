"""Grey pictures among colour ones: a model may learn that one class is the grey one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from anmok.clean.evidence import Evidence
from anmok.clean.quality_fences import FEWEST, folders_of
from anmok.clean.registry import CheckResult, register_check
from anmok.i18n import gettext
from anmok.i18n import marked as _

#: A thumbnail is grey if the channels of nineteen in twenty of its pixels differ by less than this, of 255: what JPEG
#: leaves in the colour of a grey picture is below, the faintest tint that one sees is above.
GREY, PIXELS = 6.0, 95.0
#: Where more of the set, or of a folder (a class in a split), is grey than this, grey is usual.
USUAL_SHARE = 0.25


def colourfulness(thumbs: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Return ``(N,)``, 0-255: the 95th percentile of the difference between the channels of thumbnails (N, h, w, 3)."""
    values = np.empty(len(thumbs))
    for row, thumb in enumerate(thumbs):
        values[row] = np.percentile(thumb.max(axis=-1).astype(np.int16) - thumb.min(axis=-1), PIXELS)
    return values


def _reason(values: Mapping[str, Any]) -> str:
    return gettext(
        "It is grey among colour pictures: its channels differ by {value:.0f} of 255. Below {limit:.0f} is grey; usual "
        "here is {usual:.0f}, and {share:.1%} of the set is grey."
    ).format(value=values["value"], limit=values["limit"], usual=values["usual"], share=values["share"])


@register_check(
    name="greyscale",
    title=_("Grey among colour"),
    about=_("Pictures without colour in a set that has colour. If one class has more of them, a model learns that."),
    needs="thumbs",
    action="review",
    reason=_reason,
)
def find_grey(evidence: Evidence) -> CheckResult:
    """Look at colour itself, since grey pictures are often stored as RGB. ``about``: ``share`` of grey pictures."""
    values = colourfulness(evidence.thumbs)
    grey = values < GREY
    flags = grey & (grey.mean() <= USUAL_SHARE) if len(grey) else grey
    folders = folders_of(evidence.manifest)
    for number in np.unique(folders[flags]):
        rows = folders == number
        if rows.sum() >= FEWEST and grey[rows].mean() > USUAL_SHARE:
            flags[rows] = False
    usual, share = (float(np.median(values)), float(grey.mean())) if len(values) else (0.0, 0.0)
    scores = np.where(flags, values / (2 * GREY), np.maximum(np.minimum(values / (2 * GREY), 1), 0.5))
    return CheckResult(
        scores=scores,
        flags=flags,
        others=np.full(len(values), -1, dtype=np.int64),
        values={
            row: {"value": float(values[row]), "limit": GREY, "usual": usual, "share": share}
            for row in np.flatnonzero(flags).tolist()
        },
        thresholds={"colourfulness": GREY},
        about={"usual": usual, "share": share},
    )
