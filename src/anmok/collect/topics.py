"""Flags collected pictures that look off topic, by the clean room's method, where the weights it needs are at hand."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd

from anmok.clean.evidence import Evidence
from anmok.clean.examine import examine
from anmok.config import CleanConfig
from anmok.data.manifest import Manifest
from anmok.errors import MissingExtra, WeightsMissing
from anmok.i18n import _, ngettext
from anmok.models.packs import find_pack
from anmok.progress import Progress, SilentProgress

CHECK, VECTORS, PACK = "off-topic", "mobilenetv2", "mobilenetv2_100.tf2_in1k"
#: With fewer pictures there is nothing to be unlike of.
FEWEST = 20


def flag_off_topic(manifest: Manifest, progress: Progress | None = None) -> Manifest:
    """Return the manifest with ``off-topic`` among the flags of pictures that look so, and a note of how many.

    Nothing is removed: ``anmok clean`` shows why, and takes decisions. Simple features would miss most and flag too
    much, so that without weights nothing is flagged, and a note says so.
    """
    if len(manifest) < FEWEST:
        return manifest
    try:
        find_pack(PACK, download=False)
        evidence = Evidence(manifest, CleanConfig(vectors=VECTORS), progress=progress or SilentProgress())
        (examined,) = examine(evidence, [CHECK])
    except (WeightsMissing, MissingExtra):
        note = _("Off-topic pictures were not looked for: the weights of {name} are not at hand.").format(name=VECTORS)
        return replace(manifest, notes=(*manifest.notes, note))
    flags = examined.result.flags
    count = int(np.count_nonzero(flags))
    note = ngettext(
        "{count} picture looks off topic; look at it with: anmok clean",
        "{count} pictures look off topic; look at them with: anmok clean",
        count,
    ).format(count=count)
    table = manifest.table.assign(flags=pd.array(np.where(flags, CHECK, ""), dtype="str"))
    return manifest.with_table(table, notes=(note,) if count else ())
