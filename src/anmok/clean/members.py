"""The checks that come with Anmok, in the order in which they are shown. Importing this registers them."""

from __future__ import annotations

import anmok.clean.duplicate_leaks
import anmok.clean.duplicates
import anmok.clean.label_errors
import anmok.clean.off_topic
import anmok.clean.quality
import anmok.clean.quality_colour
import anmok.clean.quality_shape
import anmok.clean.screenshots  # noqa: F401
