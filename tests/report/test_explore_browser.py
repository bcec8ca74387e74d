"""The map in a real browser: pointing, touching and keys show a picture; layouts, colours and names can be chosen."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from anmok.report.explore import render_exploration
from report.comparisons import HOSTILE
from report.explorations import exploration
from tests.browsers import chromium

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Locator, Page

LABELS = (*(f"class {number:02d}" for number in range(14)), HOSTILE[0])


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as started:
        yield started


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory, noise: bytes) -> Path:
    found = exploration(LABELS, 6, splits=("train", "test"), dark="class 03")
    pixels = np.random.default_rng(0).integers(0, 256, (len(found.map.paths), 16, 16, 3), dtype=np.uint8)
    path = tmp_path_factory.mktemp("page") / "explore.html"
    return render_exploration(found, path, read_picture=lambda path: noise, map_pixels=pixels, language="en")


@pytest.fixture(params=["light", "dark", "narrow"])
def page(request: pytest.FixtureRequest, browser: Browser, file: Path) -> Iterator[Page]:
    """The open page; whatever it complains of, and whatever it asks for outside of itself, fails the test."""
    narrow = request.param == "narrow"
    context = browser.new_context(
        viewport={"width": 390 if narrow else 1280, "height": 900},
        color_scheme="dark" if request.param == "dark" else "light",
        has_touch=narrow,
    )
    context.set_default_timeout(20_000)
    troubles: list[str] = []
    shown = context.new_page()
    shown.on("console", lambda message: troubles.append(message.text))
    shown.on("pageerror", lambda error: troubles.append(str(error)))
    shown.on("request", lambda r: None if r.url.startswith(("file:", "data:")) else troubles.append(r.url))
    shown.goto(file.as_uri())
    assert shown.evaluate("document.documentElement.scrollWidth <= innerWidth")
    yield shown
    context.close()
    assert troubles == []


def card(page: Page) -> Locator:
    return page.locator(".plane .card")


def test_pointing_and_keys_show_class_split_path_and_the_picture(page: Page) -> None:
    page.locator(".points").scroll_into_view_if_needed()
    box = page.locator(".points circle").nth(20).bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    first = card(page).inner_text().split("\n")
    assert first[0] in LABELS
    assert "Training" in first or "Test" in first
    assert first[-1].startswith(first[0])
    drawn = "c => new Set(c.getContext('2d').getImageData(0, 0, c.width, c.height).data).size"
    assert page.locator(".card canvas").evaluate(drawn) > 50
    page.mouse.move(2, 2)
    page.locator(".plane").focus()
    seen = set()
    for key in ("ArrowRight", "ArrowDown", "ArrowLeft", "ArrowUp", "ArrowUp"):
        page.keyboard.press(key)
        assert card(page).is_visible()
        seen.add(card(page).inner_text())
    assert len(seen) >= 3
    page.keyboard.press("Escape")
    assert card(page).is_hidden()


def test_layout_colour_and_a_single_class_can_be_chosen(page: Page) -> None:
    fills = "all => new Set(Array.from(all, c => getComputedStyle(c).fill)).size"
    circles = page.locator(".points circle:not(.chosen)")
    assert circles.evaluate_all(fills) == 10
    page.get_by_role("button", name="By principal components").click()
    assert page.get_by_role("button", name="By principal components").get_attribute("aria-pressed") == "true"
    page.get_by_role("button", name="Coloured by split").click()
    assert circles.evaluate_all(fills) == 2
    legend = page.locator(".of-split button")
    assert legend.count() == 2
    assert legend.first.is_visible()
    legend.first.click()
    assert page.locator(".points circle.on").count() == len(LABELS) * 3
    page.get_by_role("button", name="Coloured by class").click()
    assert page.locator(".points circle.on").count() == 0
    page.locator(".of-class button").nth(1).click()
    assert page.locator(".points circle.on").count() == 6


def test_a_class_is_found_by_a_part_of_its_name(page: Page) -> None:
    page.locator("input[data-find=rows]").fill("CLASS 07")
    assert page.locator("tbody[data-found=rows] > tr:visible").count() == 1
    page.locator("input[data-find=cards]").fill("class 13")
    assert page.locator("[data-found=cards] > li:visible").count() == 1
    page.locator("input[data-find=keys]").fill("alert")
    assert page.locator(".of-class > li:visible").count() == 1


@pytest.mark.parametrize("page", ["narrow"], indirect=True)
def test_touching_a_point_shows_its_picture(page: Page) -> None:
    page.locator(".points").scroll_into_view_if_needed()
    box = page.locator(".points circle").nth(40).bounding_box()
    assert box is not None
    page.touchscreen.tap(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    assert card(page).is_visible()
