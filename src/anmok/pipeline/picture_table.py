"""One line for each picture as CSV, for spreadsheets: the table that people make by hand to know their pictures."""

from __future__ import annotations

import csv
import math
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from anmok.data.manifest import Manifest
from anmok.explore.measures import known_measures
from anmok.storage import atomic_write

#: Digits after the point; more than any of the measures is good for.
DIGITS = 3
#: A spreadsheet takes text that begins so for a formula (some in full width too), and a formula may run programs.
FORMULA = tuple("=+-@\t\r\n＝＋－＠")

_FIRST, _LAST = ("path", "label", "split"), ("mode", "format")


def write_picture_table(manifest: Manifest, path: Path) -> None:
    """Write name, label, split and all measures of each picture; a byte order mark lets Excel read Hangul.

    Text that a spreadsheet would run as a formula is led by an apostrophe.

    Raises:
        StorageError: disk full, no permission.
    """
    table, measures = manifest.table, known_measures(manifest.table)
    texts = {name: table[name].map(_harmless).tolist() for name in (*_FIRST, *_LAST)}
    numbers = {measure.name: _numbers(measure.of(table)) for measure in measures}
    columns = {name: texts[name] for name in _FIRST} | numbers | {name: texts[name] for name in _LAST}
    with atomic_write(path, binary=False) as stream:
        stream.write("\ufeff")
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(columns)
        writer.writerows(zip(*columns.values(), strict=True))


def _harmless(text: str) -> str:
    return f"'{text}" if text.startswith(FORMULA) else text


def _numbers(values: NDArray[np.float64]) -> list[str]:
    return [f"{round(value, DIGITS):.15g}" if math.isfinite(value) else "" for value in values.tolist()]
