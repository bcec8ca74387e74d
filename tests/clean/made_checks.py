"""Checks whose verdict can be read off the pictures' names and bytes, in place of the real ones, whose verdicts may
change with better methods; and a folder of pictures for them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from anmok.clean import registry
from anmok.clean.evidence import Evidence
from anmok.clean.registry import CheckResult, all_checks, register_check
from tests.data.made import picture, write_tree

#: Path -> seed of the picture. A file named wrong-* lies in the wrong folder, near-* looks like its neighbour.
PICTURES = {
    **{f"cat/{i}.png": i for i in range(6)},
    **{f"dog/{i}.png": 100 + i for i in range(6)},
    "cat/copy of 0.png": 0,
    "cat/wrong-1.png": 201,
    'dog/wrong-2, "quoted".png': 202,
    "dog/=1+1.png": 203,
    "dog/near-1.png": 204,
    "강아지/까만 개.png": 300,
    "강아지/wrong-하얀 개.png": 301,
}
CLASSES = ("cat", "dog", "강아지")


def folder_of_pictures(root: Path) -> Path:
    """Write the pictures, and one file that is none."""
    files = {name: picture(seed) for name, seed in PICTURES.items()}
    return write_tree(root, {**files, "cat/broken.png": b"\x89PNG\r\n\x1a\nno more"})


@contextmanager
def only_made_checks() -> Iterator[None]:
    """Have these checks and no others registered inside the block."""
    all_checks()  # registers the real ones now, and not while they are hidden
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(registry, "_checks", {})
        _register()
        yield


def _register() -> None:
    register_check(
        name="exact-duplicate",
        title="Byte-equal copies",
        about="Files with the same bytes.",
        needs="facts",
        action="remove",
        reason=lambda values: f"It has the same bytes as {values['other']}.",
    )(_copies)
    register_check(
        name="near-duplicate",
        title="Nearly equal pictures",
        about="Pictures that look alike.",
        needs="facts",
        action="group",
        reason=lambda values: f"It looks like {values['other']}.",
    )(_near)
    register_check(
        name="label-error",
        title="Wrong labels",
        about="Pictures that look like another class.",
        needs="facts",
        action="relabel",
        reason=lambda values: f"It looks like {values['suggested']}.",
    )(_wrong)
    register_check(
        name="dark",
        title="Dark pictures",
        about="Pictures with little light.",
        needs="facts",
        action="review",
        reason=lambda values: f"Its brightness is {values['brightness']}.",
    )(_dark)


def _copies(evidence: Evidence) -> CheckResult:
    table = evidence.manifest.table
    first: dict[str, int] = {}
    others = [first.setdefault(digest, row) for row, digest in enumerate(table["id"])]
    pairs = {row: other for row, other in enumerate(others) if other != row}
    return _result(evidence, dict.fromkeys(pairs, 0.0), others=pairs, values=_names(evidence, pairs))


def _near(evidence: Evidence) -> CheckResult:
    paths = evidence.manifest.table["path"].tolist()
    pairs = {row: 0 if row else 1 for row, path in enumerate(paths) if "near-" in path}
    return _result(evidence, dict.fromkeys(pairs, 0.125), others=pairs, values=_names(evidence, pairs))


def _wrong(evidence: Evidence) -> CheckResult:
    rows = [row for row, path in enumerate(evidence.manifest.table["path"]) if "wrong-" in path]
    labels = evidence.manifest.table["label"].tolist()
    suggested = {row: "dog" if labels[row] == "cat" else "cat" for row in rows}
    scores = {row: 0.02 + 0.07 * place for place, row in enumerate(rows)}
    values = {row: {"suggested": name} for row, name in suggested.items()}
    return _result(evidence, scores, suggested=suggested, values=values)


def _dark(evidence: Evidence) -> CheckResult:
    light = evidence.manifest.table["brightness"].to_numpy()
    rows = np.argsort(light)[:2].tolist() if len(light) > 2 else []
    values = {row: {"brightness": round(float(light[row]), 1)} for row in rows}
    result = _result(evidence, dict.fromkeys(rows, 0.3), values=values)
    return CheckResult(
        scores=result.scores,
        flags=result.flags,
        others=result.others,
        values=result.values,
        thresholds={"brightness": float(light[rows].max()) if rows else 0.0},
    )


def _names(evidence: Evidence, pairs: Mapping[int, int]) -> dict[int, dict[str, Any]]:
    paths = evidence.manifest.table["path"].tolist()
    return {row: {"other": paths[other]} for row, other in pairs.items()}


def _result(
    evidence: Evidence,
    scores: Mapping[int, float],
    *,
    values: Mapping[int, Mapping[str, Any]],
    others: Mapping[int, int] | None = None,
    suggested: Mapping[int, str] | None = None,
) -> CheckResult:
    count = len(evidence.manifest)
    return CheckResult(
        scores=np.array([scores.get(row, 1.0) for row in range(count)]),
        flags=np.array([row in scores for row in range(count)]),
        others=np.array([(others or {}).get(row, -1) for row in range(count)], dtype=np.int64),
        suggested=tuple((suggested or {}).get(row, "") for row in range(count)),
        values=dict(values),
    )
