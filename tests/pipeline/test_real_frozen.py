"""The issue's table: what a frozen MobileNetV2 must reach on real pictures; a file of its own, for another process."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.pipeline.compared import accuracy, compare

pytestmark = [pytest.mark.real, pytest.mark.usefixtures("shared_cache", "real_weights")]


@pytest.mark.parametrize(
    ("source", "least", "pictures"),
    [("horse-or-human.zip", 0.99, 256), ("sports100-small.zip", 0.85, 500), ("scenes6.zip", 0.90, 360)],
    ids=["horse-or-human", "sports100", "scenes6"],
)
def test_frozen_mobilenetv2_reaches_its_figure(
    data_dir: Path, tmp_path: Path, source: str, least: float, pictures: int
) -> None:
    # The checks change no figure here: they run on cats and dogs (test_real_pictures), and in tests/clean.
    summary = compare(data_dir / source, "mobilenetv2", tmp_path / "out", "--no-checks")
    assert summary["best"] == "mobilenetv2"
    assert summary["models"]["mobilenetv2"]["pictures"] == pictures
    assert accuracy(summary, "mobilenetv2") >= least
