"""The checks that come with Anmok, in the order in which they are shown: what spoils a measurement comes first."""

from __future__ import annotations

#: Modules of this package; importing one registers its checks.
MODULES = (
    "duplicate_leaks",
    "duplicates",
    "label_errors",
    "off_topic",
    "quality",
    "quality_colour",
    "quality_shape",
    "screenshots",
)
