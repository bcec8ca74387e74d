"""The report of a comparison in a real browser: used by keys, read aloud, in both colours and any width."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from anmok.errors import MissingExtra
from anmok.report.html import render_report
from anmok.report.pdf import print_pdf
from report.comparisons import JEJU, comparison, with_troubles
from tests.browsers import chromium

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

#: Many enough for folded tables, a field to find a class and a matrix that can be made larger.
LABELS = (*JEJU, *(f"class {number:02d}" for number in range(20)))


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as started:
        yield started


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory, noise: bytes) -> Path:
    given = with_troubles(comparison(LABELS, per_class=12))
    path = tmp_path_factory.mktemp("page") / "report.html"
    return render_report(given, path, read_picture=lambda path: noise, language="en")


@pytest.fixture(params=["light", "dark", "narrow"])
def page(request: pytest.FixtureRequest, browser: Browser, file: Path) -> Iterator[Page]:
    """The open page; whatever it complains of, and whatever it asks for outside of itself, fails the test."""
    context = browser.new_context(
        viewport={"width": 390 if request.param == "narrow" else 1280, "height": 900},
        color_scheme="dark" if request.param == "dark" else "light",
    )
    context.set_default_timeout(60_000)
    troubles: list[str] = []
    shown = context.new_page()
    shown.on("console", lambda message: troubles.append(message.text))
    shown.on("pageerror", lambda error: troubles.append(str(error)))
    shown.on("request", lambda r: None if r.url.startswith(("file:", "data:")) else troubles.append(r.url))
    shown.goto(file.as_uri())
    yield shown
    context.close()
    assert troubles == []


def test_axe_finds_no_fault_with_every_part_open(page: Page) -> None:
    page.evaluate("document.querySelectorAll('details').forEach(part => { part.open = true; })")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    found = Axe().run(page, options={"resultTypes": ["violations"]}).response["violations"]
    assert [(fault["id"], fault["nodes"][0]["html"]) for fault in found] == []


def test_a_table_of_classes_is_sorted_by_keys_and_says_so(page: Page) -> None:
    table = page.locator("table.by-class")
    heading = table.locator("th", has_text="handcrafted")
    heading.get_by_role("button").focus()
    for order, direction in ((sorted, "ascending"), (lambda rows: sorted(rows, reverse=True), "descending")):
        page.keyboard.press("Enter")
        assert heading.get_attribute("aria-sort") == direction
        figures = table.locator("tbody tr td:nth-child(3)").evaluate_all("cells => cells.map(c => Number(c.dataset.v))")
        assert len(figures) == len(LABELS)
        assert figures == order(figures)


def test_a_class_is_found_by_a_part_of_its_name(page: Page) -> None:
    section = page.locator("#classes")
    section.get_by_label("Find a class").fill("CLASS 1")
    assert section.locator("tbody tr:visible").count() == 10
    assert "10 of 26 are shown" in section.inner_text()
    section.get_by_label("Find a class").fill("")
    assert section.locator("tbody tr:visible").count() == len(LABELS)


def test_colours_are_changed_by_a_button_and_kept(page: Page) -> None:
    colour = "getComputedStyle(document.body).backgroundColor"
    before = page.evaluate(colour)
    page.get_by_role("button", name="colours").click()
    after = page.evaluate(colour)
    assert {before, after} == {"rgb(255, 255, 255)", "rgb(20, 23, 26)"}
    page.reload()
    assert page.evaluate(colour) == after


def test_all_mistakes_of_a_model_are_listed_with_their_pictures(page: Page) -> None:
    part = page.locator("#model-1 details.all-mistakes")
    assert part.locator("img[src]").count() == 0
    part.locator("summary").click()
    # A browser tells the script that the part was opened after the click has returned.
    expect(part.locator("img[src^='data:image/jpeg;base64,']")).to_have_count(part.locator("li").count())
    assert part.locator("li").count() > 20
    part.locator("img").first.evaluate("img => img.decode()")


def test_a_large_matrix_grows_and_says_what_is_pointed_at(page: Page) -> None:
    figure = page.locator("figure.zoomable").first
    drawing = figure.locator("svg")
    width = "svg => svg.getBoundingClientRect().width"
    before = drawing.evaluate(width)
    figure.get_by_role("button", name="Larger").click()
    assert drawing.evaluate(width) > before * 1.3
    figure.get_by_role("button", name="Smaller").click()
    assert drawing.evaluate(width) == before
    figure.locator("rect.hit").first.dispatch_event("click")
    assert "were recognised" in figure.locator(".said").inner_text()


def test_without_scripts_everything_can_still_be_read(browser: Browser, file: Path) -> None:
    context = browser.new_context(java_script_enabled=False)
    shown = context.new_page()
    shown.goto(file.as_uri())
    assert shown.locator("table.by-class tbody tr").count() == len(LABELS)
    assert shown.get_by_role("button").count() == 0
    context.close()


def test_a_report_is_printed_as_pdf(browser: Browser, file: Path, tmp_path: Path) -> None:
    pdf = print_pdf(file, tmp_path / "report.pdf").read_bytes()
    assert pdf.startswith(b"%PDF-")
    assert pdf.rstrip().endswith(b"%%EOF")
    assert pdf.count(b"/Type /Page\n") > 5


def test_without_a_browser_the_way_out_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CHROMIUM", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(MissingExtra, match="none was found") as raised:
        print_pdf(tmp_path / "report.html", tmp_path / "report.pdf")
    assert "CHROMIUM" in raised.value.hint
    assert list(tmp_path.iterdir()) == []
