"""A heat map over its picture: colours, sizes, and originals that stay as they are."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image

from anmok.inference.heat_map import HeatMap
from anmok.inference.overlay import colours, heat_map_png, overlay
from pictures import photo


def corner_map() -> HeatMap:
    values = np.zeros((4, 4), dtype=np.float32)
    values[0, 3] = 1
    return HeatMap(values, "a", 0, "cam", 2.0)


def test_colours_are_those_of_inferno() -> None:
    import matplotlib

    at = np.linspace(0, 1, 256)
    wanted = matplotlib.colormaps["inferno"](at)[:, :3] * 255
    assert np.abs(colours(at).astype(float) - wanted).max() < 5


def test_colours_grow_lighter_at_every_step_so_that_they_read_in_grey() -> None:
    luma = colours(np.linspace(0, 1, 100)) @ np.array([0.299, 0.587, 0.114])
    assert (np.diff(luma) > 0).all()


def test_the_bright_corner_of_the_overlay_is_the_strong_corner_of_the_map() -> None:
    grey = np.full((40, 60, 3), 128, dtype=np.uint8)
    laid = overlay(grey, corner_map()).mean(axis=2)
    assert laid[:10, 45:].mean() > laid[30:, :15].mean() + 50
    assert (grey == 128).all()


def test_without_any_share_of_colour_the_picture_stays_as_it_is() -> None:
    pixels = np.asarray(photo(64, 48))
    np.testing.assert_array_equal(overlay(pixels, corner_map(), share=0.0), pixels)


def test_a_png_is_no_larger_than_asked_and_keeps_the_form() -> None:
    made = Image.open(io.BytesIO(heat_map_png(np.asarray(photo(640, 320)), corner_map(), longest=100)))
    assert (made.format, made.size) == ("PNG", (100, 50))
    small = Image.open(io.BytesIO(heat_map_png(np.asarray(photo(64, 32)), corner_map(), longest=100)))
    assert small.size == (64, 32)
