"""Screens and pages are told from photos by their ground and their edges."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image
from scipy.ndimage import rotate

from anmok.clean.evidence import Evidence
from anmok.clean.registry import get_check
from anmok.clean.screenshots import ALIGNED, GROUND, alignment, ground_share
from anmok.data.measures import reduce
from anmok.data.sample.screens import draw_chat
from anmok.data.scan import scan
from tests.clean.faulty import page
from tests.data.made import manifest_of


def thumb(image: Image.Image) -> np.ndarray:  # type: ignore[type-arg]
    return np.asarray(reduce(image.convert("RGB")).thumb)


def test_pages_and_chats_have_a_ground_and_aligned_edges() -> None:
    blank = Image.new("RGB", (400, 300))
    images = [page(blank, np.random.default_rng(seed)) for seed in range(6)]
    images += [draw_chat(np.random.default_rng(seed), 320) for seed in range(4)]
    thumbs = np.stack([thumb(image) for image in images])
    assert (ground_share(thumbs) > GROUND).all()
    assert (alignment(thumbs) > ALIGNED).all()


def test_a_plain_surface_is_no_screenshot_and_a_turned_page_is_none_either() -> None:
    assert alignment(np.full((1, 32, 32, 3), 200, dtype=np.uint8))[0] == 0
    turned = rotate(np.asarray(page(Image.new("RGB", (400, 400)), np.random.default_rng(0))), 45, mode="nearest")
    assert alignment(thumb(Image.fromarray(turned[140:420, 140:420]))[None])[0] < ALIGNED


def test_a_set_of_pages_flags_none_of_them() -> None:
    blank = Image.new("RGB", (200, 260))
    thumbs = np.stack([thumb(page(blank, np.random.default_rng(seed))) for seed in range(30)])
    evidence = Evidence(manifest_of([(f"{row:064d}", f"{row}.png", "a", "", "") for row in range(30)]))
    evidence.__dict__["thumbs"] = thumbs
    assert not get_check("screenshot").find(evidence).flags.any()


def test_pets_and_sports_are_hardly_ever_taken_for_screens(data_dir: Path, shared_cache: Path) -> None:
    manifest = scan(data_dir / "sports100-small.zip")
    part = manifest.with_table(manifest.table.iloc[::3])
    assert get_check("screenshot").find(Evidence(part)).flags.mean() < 0.01
