"""The review page in a real browser: ticks, bulk ticks, the saved file, and what applying that file does."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from anmok.clean.findings_file import read_findings, write_findings
from anmok.clean.outcome import CheckOutcome
from anmok.cli.app import run
from anmok.data.manifest import Manifest
from anmok.pipeline.clean import clean_source
from anmok.report.clean import render_review
from tests.browsers import chromium
from tests.clean.made_checks import PICTURES, folder_of_pictures, only_made_checks
from tests.clean.test_findings_file import ODD
from tests.report.test_clean import ABOUT, decision, outcome

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, Page


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as started:
        yield started


@pytest.fixture(scope="module")
def cleaned(tmp_path_factory: pytest.TempPathFactory, module_cache: Path) -> Path:
    """The folder of one run over pictures with odd names."""
    root = tmp_path_factory.mktemp("review page")
    with only_made_checks():
        clean_source(folder_of_pictures(root / "pets"), root / "out")
    return root / "out"


@pytest.fixture(autouse=True)
def made_checks() -> Iterator[None]:
    with only_made_checks():
        yield


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    opened = browser.new_context(accept_downloads=True)
    opened.set_default_timeout(20_000)
    yield opened
    opened.close()


@pytest.fixture
def page(context: BrowserContext, cleaned: Path) -> Iterator[Page]:
    """The open page; whatever it complains of fails the test."""
    troubles: list[str] = []
    shown = context.new_page()
    shown.on("console", lambda message: troubles.append(message.text))
    shown.on("pageerror", lambda error: troubles.append(str(error)))
    shown.on("request", lambda r: None if r.url.startswith(("file:", "data:", "blob:")) else troubles.append(r.url))
    shown.goto((cleaned / "review.html").as_uri())
    yield shown
    assert troubles == []


def saved(page: Page, folder: Path) -> Path:
    with page.expect_download() as waiting:
        page.locator("#save").click()
    assert waiting.value.suggested_filename == "findings.csv"
    waiting.value.save_as(folder / "findings.csv")
    return folder / "findings.csv"


def box(page: Page, path: str, check: str) -> str:
    """Return the selector of the row of a picture in the section of a check."""
    place = page.evaluate(
        "([path, check]) => JSON.parse(document.getElementById('review-data').textContent)"
        ".rows.findIndex(row => row[0] === path && row[1] === check)",
        [path, check],
    )
    return f'[data-row="{place}"]'


def accepted(path: Path) -> set[tuple[str, str, str, str]]:
    return {
        (row.finding.path, row.finding.check, row.finding.action, row.finding.suggested)
        for row in read_findings(path)
        if row.accept == "yes"
    }


def test_what_is_ticked_saved_and_applied_is_what_happens(page: Page, cleaned: Path, tmp_path: Path) -> None:
    page.locator(f"{box(page, 'cat/copy of 0.png', 'exact-duplicate')} .tick").check()
    odd = box(page, 'dog/wrong-2, "quoted".png', "label-error")
    page.locator(f"{odd} .tick").check()
    page.locator(f"{odd} .class").fill("강아지")
    page.locator(f"{box(page, 'dog/near-1.png', 'near-duplicate')} .tick").check()
    file = saved(page, tmp_path)
    assert accepted(file) == {
        ("cat/copy of 0.png", "exact-duplicate", "remove", ""),
        ('dog/wrong-2, "quoted".png', "label-error", "relabel", "강아지"),
        ("dog/near-1.png", "near-duplicate", "group", ""),
    }
    command = shlex.split(page.locator("#bar .command").inner_text())
    assert command[:2] == ["anmok", "clean"]
    assert run([str(file) if word == "findings.csv" else word for word in command[1:]]) == 0
    table = Manifest.load(cleaned / "cleaned.parquet").table.set_index("path")
    assert len(table) == len(PICTURES) - 1
    assert table.loc['dog/wrong-2, "quoted".png', "label"] == "강아지"
    assert table.loc["dog/near-1.png", "group"] == table.loc["cat/0.png", "group"] != ""


def test_a_page_on_which_nothing_is_done_saves_the_very_file_that_was_written(
    page: Page, cleaned: Path, tmp_path: Path
) -> None:
    # Ticked and unticked is a decision, so only an untouched row is the same byte for byte.
    assert saved(page, tmp_path).read_bytes() == (cleaned / "findings.csv").read_bytes().replace(
        unreadable_row(cleaned), b""
    )


def unreadable_row(cleaned: Path) -> bytes:
    lines = (cleaned / "findings.csv").read_bytes().splitlines(keepends=True)
    return next(line for line in lines if b",unreadable," in line)


def test_the_browser_writes_odd_names_as_anmok_does(context: BrowserContext, tmp_path: Path) -> None:
    rows = [
        decision(number, path=name, other=name, label=name, suggested=name, reason=f"{name}, {other}")
        for number, (name, other) in enumerate(zip(ODD, reversed(ODD), strict=True))
    ]
    render_review(outcome(rows), tmp_path / "review.html", read_picture=None, language="en")
    write_findings(tmp_path / "written.csv", rows)
    shown = context.new_page()
    shown.goto((tmp_path / "review.html").as_uri())
    assert saved(shown, tmp_path).read_bytes() == (tmp_path / "written.csv").read_bytes()


def test_rows_without_pictures_are_shown_when_asked_for_and_can_be_ticked(
    context: BrowserContext, tmp_path: Path
) -> None:
    rows = [decision(number) for number in range(400)]
    render_review(outcome(rows), tmp_path / "review.html", read_picture=None, language="en")
    shown = context.new_page()
    shown.goto((tmp_path / "review.html").as_uri())
    shown.locator("details.rest summary").click()
    # A browser tells the script that the part was opened after the click has returned.
    expect(shown.locator(".rows tr")).to_have_count(200)
    shown.locator("details.rest button").click()
    expect(shown.locator(".rows tr")).to_have_count(280)
    shown.get_by_label("Tick cat/399.png").check()
    assert {row[0] for row in accepted(saved(shown, tmp_path))} == {"cat/399.png"}


def test_marks_become_part_of_the_command_that_looks_again(context: BrowserContext, tmp_path: Path) -> None:
    given = outcome([], checks=(CheckOutcome(check="dark", flagged=0, seconds=0.1, about=ABOUT),))
    render_review(given, tmp_path / "review.html", read_picture=None, language="en")
    shown = context.new_page()
    shown.goto((tmp_path / "review.html").as_uri())
    shown.get_by_label("belongs here").check()
    assert shlex.split(shown.locator(".again").inner_text())[-2:] == ["--mark-on", "cat/it's.png"]


def test_ticks_survive_a_reload_and_can_be_forgotten(page: Page) -> None:
    row = box(page, "cat/copy of 0.png", "exact-duplicate")
    page.locator(f"{row} .tick").check()
    page.reload()
    assert page.locator(f"{row} .tick").is_checked()
    assert "1 ticked" in page.locator(".counts").inner_text()
    page.locator("#forget").click()
    assert not page.locator(f"{row} .tick").is_checked()
    page.reload()
    assert not page.locator(f"{row} .tick").is_checked()


def test_a_browser_that_stores_nothing_still_ticks_and_saves(
    context: BrowserContext, cleaned: Path, tmp_path: Path
) -> None:
    context.add_init_script(
        "Object.defineProperty(window, 'localStorage', "
        "{ get() { throw new DOMException('denied', 'SecurityError'); } })"
    )
    shown = context.new_page()
    shown.goto((cleaned / "review.html").as_uri())
    shown.locator(f"{box(shown, 'cat/copy of 0.png', 'exact-duplicate')} .tick").check()
    assert len(accepted(saved(shown, tmp_path))) == 1


@pytest.mark.parametrize("stored", ["[]", "null", '"x"', "{", '{"a\\\\nb\\\\nc": 3}'])
def test_what_something_else_left_in_the_store_does_no_harm(
    context: BrowserContext, cleaned: Path, tmp_path: Path, stored: str
) -> None:
    shown = context.new_page()
    shown.goto((cleaned / "review.html").as_uri())
    shown.evaluate(
        "text => localStorage.setItem('anmok-review:' + JSON.parse("
        "document.getElementById('review-data').textContent).key, text)",
        stored,
    )
    shown.reload()
    assert accepted(saved(shown, tmp_path)) == set()


def test_the_slider_ticks_from_its_certainty_on(page: Page, tmp_path: Path) -> None:
    tools = page.locator('.tools[data-check="label-error"]')
    tools.locator('input[type="range"]').fill("91")
    assert "91% certain: ticks 2" in tools.locator("output").inner_text()
    tools.locator(".tick-all").click()
    assert {row[0] for row in accepted(saved(page, tmp_path))} == {"cat/wrong-1.png", 'dog/wrong-2, "quoted".png'}
    tools.locator(".untick-all").click()
    assert accepted(saved(page, tmp_path)) == set()


def test_an_action_for_all_that_is_ticked(page: Page, tmp_path: Path) -> None:
    tools = page.locator('.tools[data-check="label-error"]')
    tools.locator('input[type="range"]').fill("84")
    tools.locator(".tick-all").click()
    tools.locator(".act-all").select_option("remove")
    assert {row[2:] for row in accepted(saved(page, tmp_path))} == {("remove", "")}


def test_ticking_what_was_only_to_be_looked_at_chooses_an_action_in_sight(page: Page, tmp_path: Path) -> None:
    row = box(page, "cat/wrong-1.png", "dark")
    assert page.locator(f"{row} .act").input_value() == "review"
    page.locator(f"{row} .tick").check()
    assert page.locator(f"{row} .act").input_value() == "remove"
    assert accepted(saved(page, tmp_path)) == {("cat/wrong-1.png", "dark", "remove", "")}
    page.locator(f"{row} .act").select_option("review")
    assert "choose another" in page.locator("#bar .hint").inner_text()


def test_everything_can_be_done_with_the_keyboard(page: Page, tmp_path: Path) -> None:
    tick = page.locator(f"{box(page, 'cat/copy of 0.png', 'exact-duplicate')} .tick")
    tick.focus()
    page.keyboard.press("Space")
    assert tick.is_checked()
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "act"
    page.locator("#save").focus()
    with page.expect_download() as waiting:
        page.keyboard.press("Enter")
    waiting.value.save_as(tmp_path / "findings.csv")
    assert len(accepted(tmp_path / "findings.csv")) == 1
