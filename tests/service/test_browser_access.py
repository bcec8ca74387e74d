"""Every page, in light and dark, with what keyboards and screen readers need: axe-core finds no fault."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from tests.browsers import chromium
from tests.service.served import Served
from tests.service.test_browser import file

if TYPE_CHECKING:
    from playwright.sync_api import Page


@pytest.fixture(scope="module")
def page(served: Served) -> Iterator[Page]:
    with chromium() as browser:
        context = browser.new_context(locale="ko-KR", base_url=served.address, viewport={"width": 390, "height": 844})
        yield context.new_page()
        context.close()


def faults(page: Page) -> list[tuple[str, str]]:
    """What axe finds in light and in dark, and by what."""
    found = []
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        violations = Axe().run(page, options={"resultTypes": ["violations"]}).response["violations"]
        found += [(f"{scheme}: {fault['id']}", fault["nodes"][0]["html"]) for fault in violations]
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    return found


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/cards/",
        "/cards/0/",
        "/login/",
        "/api/v1/docs",
        "/r/00000000-0000-4000-8000-000000000000/",
        "/nothing-of-ours",
    ],
)
def test_a_page_by_its_address(page: Page, path: str) -> None:
    page.goto(path)
    assert faults(page) == []


def test_answers_with_all_that_belongs_to_them(page: Page, tmp_path: Path) -> None:
    page.goto("/")
    letter = tmp_path / "letter.txt"
    letter.write_text("Dear Anmok,")
    page.set_input_files("#photo", [file(tmp_path, "red", 80), file(tmp_path, "grey", 80), letter])
    expect(page.locator(".answer")).to_have_count(3)
    page.evaluate("document.querySelectorAll('details').forEach((part) => { part.open = true; })")
    assert faults(page) == []
    page.locator(".delete button").first.click()
    expect(page.locator(".answer.told")).to_be_visible()
    assert faults(page) == []


def test_the_page_of_an_answer_and_that_of_its_deletion(page: Page, tmp_path: Path) -> None:
    page.goto("/")
    page.set_input_files("#photo", file(tmp_path, "red", 81))
    page.locator(".address a").click()
    expect(page.locator("h1")).to_be_visible()
    assert faults(page) == []
    page.locator(".delete button").click()
    expect(page.locator(".delete")).to_have_count(0)
    assert faults(page) == []
