from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from anmok.evaluation.results import Comparison
from anmok.report.html import render_report
from report.pages import Page

Draw = Callable[..., Page]


@pytest.fixture
def draw(tmp_path: Path) -> Draw:
    """Draw a comparison and return the parsed page."""

    def drawn(
        comparison: Comparison, *, read_picture: Callable[[str], bytes] | None = None, language: str = "en"
    ) -> Page:
        path = render_report(comparison, tmp_path / "report.html", read_picture=read_picture, language=language)
        return Page(path.read_text(encoding="utf-8"))

    return drawn


def jpeg(seed: int, width: int = 320, height: int = 240) -> bytes:
    """Return a JPEG of noise: as large as a thumbnail can get."""
    noise = np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)
    stream = io.BytesIO()
    Image.fromarray(noise).save(stream, "JPEG", quality=90)
    return stream.getvalue()


@pytest.fixture(scope="session")
def noise() -> bytes:
    """A small JPEG of noise, 96x72."""
    return jpeg(0, 96, 72)
