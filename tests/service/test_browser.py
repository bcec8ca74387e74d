"""The search bar in a real browser: dropped, chosen by the icon, pasted, taken; answered without another page."""

from __future__ import annotations

import base64
import io
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import expect

from anmok.data.sample import place_names
from tests.browsers import chromium
from tests.service.served import Served, photo

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

RED_PLACE, GREEN_PLACE, BLUE_PLACE = place_names("en")[:3]
#: Copies a picture as a visitor does who means to paste it.
COPY = """async (data) => {
  const bytes = Uint8Array.from(atob(data), (letter) => letter.charCodeAt(0));
  const picture = new Blob([bytes], {type: "image/png"});
  await navigator.clipboard.write([new ClipboardItem({"image/png": picture})]);
}"""
#: What a page without scripts knows of a visitor, and one of a phone.
NO_SCRIPTS: dict[str, Any] = {"java_script_enabled": False, "locale": "ko-KR"}
PHONE: dict[str, Any] = {
    "viewport": {"width": 390, "height": 844},
    "device_scale_factor": 2,
    "is_mobile": True,
    "has_touch": True,
    "locale": "ko-KR",
}
OpenPage = Callable[..., "Page"]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as running:
        yield running


@pytest.fixture
def complaints() -> list[str]:
    """What pages complain of; it fails the test, unless that expects it and clears the list."""
    return []


@pytest.fixture
def open_page(browser: Browser, served: Served, complaints: list[str]) -> Iterator[OpenPage]:
    """Opens pages of the service."""
    contexts = []

    def opened(**facts: Any) -> Page:
        context = browser.new_context(**{"locale": "en-US", "base_url": served.address, **facts})
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.goto("/")
        return page

    yield opened
    for context in contexts:
        context.close()
    assert complaints == []


@pytest.fixture
def page(open_page: OpenPage) -> Page:
    return open_page()


def file(folder: Path, colour: str, seed: int) -> Path:
    path = folder / f"{colour}-{seed}.jpg"
    path.write_bytes(grey(seed) if colour == "grey" else photo(colour, seed=seed))
    return path


def grey(seed: int) -> bytes:
    """A photo of none of the classes."""
    stream = io.BytesIO()
    pixels = np.random.default_rng(seed).integers(0, 80, (64, 64, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(stream, "JPEG")
    return stream.getvalue()


def heading(page: Page, name: str) -> Any:
    return page.get_by_role("heading", name=name, level=2)


def drop(page: Page, *files: Path) -> None:
    """Let files fall onto the bar, as the browser itself does it when they come from the desktop."""
    box = page.locator("label.bar").bounding_box()
    assert box is not None
    data = {"items": [], "files": [str(path) for path in files], "dragOperationsMask": 1}
    session = page.context.new_cdp_session(page)
    for kind in ("dragEnter", "dragOver", "drop"):
        where = {"type": kind, "x": box["x"] + 40, "y": box["y"] + 20}
        session.send("Input.dispatchDragEvent", {**where, "data": data})


def test_a_photo_chosen_by_the_icon_is_answered_without_another_page(
    page: Page, served: Served, tmp_path: Path
) -> None:
    with page.expect_file_chooser() as chooser:
        page.locator("label.bar svg").click()
    chooser.value.set_files(file(tmp_path, "red", 10))
    expect(heading(page, RED_PLACE)).to_be_visible()
    # Keyboards and screen readers go on where the answer begins; the bar is ready for the next photo.
    expect(heading(page, RED_PLACE)).to_be_focused()
    expect(page.locator("progress")).to_be_hidden()
    assert page.url == f"{served.address}/"


def test_a_dropped_photo_is_answered(page: Page, tmp_path: Path) -> None:
    drop(page, file(tmp_path, "green", 11))
    expect(heading(page, GREEN_PLACE)).to_be_visible()


def test_a_pasted_photo_is_answered(page: Page) -> None:
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.evaluate(COPY, base64.b64encode(photo("blue", kind="PNG", seed=12)).decode())
    page.keyboard.press("Control+V")
    expect(heading(page, BLUE_PLACE)).to_be_visible()


def test_what_was_ticked_holds_for_the_next_photo_too(page: Page, tmp_path: Path) -> None:
    page.get_by_role("checkbox").check()
    drop(page, file(tmp_path, "red", 24))
    expect(heading(page, RED_PLACE)).to_be_visible()
    expect(page.get_by_role("checkbox")).to_be_checked()
    # The photo itself is not sent once more with the next one.
    expect(page.locator("#photo")).to_have_value("")


def test_several_photos_at_once_have_an_answer_each(page: Page, tmp_path: Path) -> None:
    letter = tmp_path / "letter.txt"
    letter.write_text("Dear Anmok,")
    drop(page, file(tmp_path, "red", 13), letter, file(tmp_path, "blue", 13))
    expect(page.locator(".answer h2")).to_have_count(3)
    expect(heading(page, RED_PLACE)).to_be_visible()
    expect(heading(page, BLUE_PLACE)).to_be_visible()
    expect(page.locator(".answer.refused")).to_contain_text("letter.txt")


def test_how_far_the_upload_is_is_shown_while_it_lasts(page: Page, tmp_path: Path) -> None:
    seen = page.evaluate_handle(
        """() => {
          const bar = document.querySelector("progress"), seen = [];
          new MutationObserver(() => seen.push(bar.hidden)).observe(bar, {attributes: true});
          return seen;
        }"""
    )
    page.set_input_files("#photo", file(tmp_path, "red", 14))
    expect(heading(page, RED_PLACE)).to_be_visible()
    expect(page.get_by_role("status")).to_have_text("The answer is here.")
    states = seen.json_value()
    assert False in states
    assert states[-1] is True


def test_what_is_no_photo_is_answered_in_words(page: Page, tmp_path: Path) -> None:
    letter = tmp_path / "letter.txt"
    letter.write_text("Dear Anmok,")
    page.set_input_files("#photo", letter)
    expect(page.locator(".answer.refused")).to_contain_text("letter.txt")


def test_a_file_that_is_too_large_is_refused_before_it_is_sent(page: Page, tmp_path: Path) -> None:
    huge = tmp_path / "huge.jpg"
    huge.write_bytes(photo("red") + bytes(21 * 2**20))
    sent: list[str] = []
    # The page's own icon may come late.
    page.on("request", lambda request: sent.append(request.url) if request.method == "POST" else None)
    page.set_input_files("#photo", huge)
    expect(page.get_by_role("alert")).to_have_text(re.compile(r"A photo may have 20 MB"))
    assert sent == []


def test_what_the_service_refuses_as_a_whole_is_told_in_its_words(
    page: Page, tmp_path: Path, complaints: list[str]
) -> None:
    # The browser knows nothing of what is too much: so does an old page after the owner lowered the limits.
    page.locator("form.search").evaluate("(form) => { form.dataset.most = 1000; }")
    files = [file(tmp_path, "red", 200 + number) for number in range(21)]
    with page.expect_event("console"):
        page.set_input_files("#photo", files)
    expect(page.get_by_role("alert")).to_contain_text("Give at most 20 photos at once.")
    complaints.clear()


def test_none_of_these_says_what_to_do(page: Page, tmp_path: Path) -> None:
    drop(page, file(tmp_path, "grey", 15))
    expect(heading(page, "None of these")).to_be_visible()
    expect(page.get_by_role("heading", name="What to do")).to_be_visible()
    page.get_by_role("link", name="See what this service knows").click()
    expect(page.get_by_role("heading", name="What this service knows")).to_be_in_viewport()


def test_where_the_model_looked_is_loaded_when_it_is_asked_for(page: Page, tmp_path: Path) -> None:
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.set_input_files("#photo", file(tmp_path, "red", 16))
    expect(heading(page, RED_PLACE)).to_be_visible()
    assert not [url for url in asked if url.endswith("where.png")]
    with page.expect_response("**/where.png") as drawn:
        page.get_by_text("Where did it look?").click()
    assert drawn.value.status == 200
    expect(page.locator(".where img")).to_have_js_property("naturalWidth", 64)


def test_the_address_of_the_answer_leads_to_its_page_where_the_photo_can_be_deleted(page: Page, tmp_path: Path) -> None:
    page.set_input_files("#photo", file(tmp_path, "red", 17))
    page.get_by_role("link", name="Address of this answer").click()
    expect(page).to_have_url(re.compile(r"/r/[0-9a-f-]{36}/$"))
    page.get_by_role("button", name="Delete my photo").click()
    expect(page.get_by_role("heading", name="Deleted", level=1)).to_be_visible()


def test_photos_given_at_once_can_each_be_deleted_without_another_page(page: Page, tmp_path: Path) -> None:
    drop(page, file(tmp_path, "red", 18), file(tmp_path, "green", 18))
    expect(page.get_by_role("button", name="Delete my photo")).to_have_count(2)
    page.get_by_role("button", name="Delete my photo").first.click()
    expect(heading(page, "Deleted")).to_have_count(1)
    expect(heading(page, RED_PLACE)).to_have_count(0)
    expect(heading(page, GREEN_PLACE)).to_be_visible()
    page.get_by_role("button", name="Delete my photo").click()
    expect(heading(page, "Deleted")).to_have_count(2)


def test_the_address_is_copied(page: Page, served: Served, tmp_path: Path) -> None:
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.set_input_files("#photo", file(tmp_path, "red", 19))
    page.get_by_role("button", name="Copy").click()
    expect(page.get_by_role("button", name="Copied")).to_be_visible()
    assert page.evaluate("navigator.clipboard.readText()").startswith(f"{served.address}/r/")


def test_without_scripts_the_form_leads_to_the_answer_and_to_its_deletion(open_page: OpenPage, tmp_path: Path) -> None:
    page = open_page(**NO_SCRIPTS)
    page.set_input_files("#photo", file(tmp_path, "green", 20))
    page.locator("button.go").click()
    expect(page).to_have_url(re.compile(r"/r/[0-9a-f-]{36}/$"))
    expect(heading(page, place_names("ko")[1])).to_be_visible()
    page.locator(".delete button").click()
    expect(page.locator("h1")).to_have_text("지웠습니다")


def test_without_scripts_refusals_are_pages_too(open_page: OpenPage, tmp_path: Path, complaints: list[str]) -> None:
    page = open_page(**NO_SCRIPTS)
    huge = tmp_path / "huge.jpg"
    huge.write_bytes(photo("red") + bytes(21 * 2**20))
    page.set_input_files("#photo", huge)
    page.locator("button.go").click()
    expect(page.locator("main")).to_contain_text("20 MB")
    page.goto("/")
    page.locator("button.go").click()
    expect(page.locator("p.refused")).to_be_visible()
    complaints.clear()


def test_the_language_is_switched_and_kept(page: Page, tmp_path: Path) -> None:
    page.get_by_role("button", name="한국어").click()
    expect(page.locator("html")).to_have_attribute("lang", "ko")
    page.set_input_files("#photo", file(tmp_path, "red", 21))
    expect(heading(page, place_names("ko")[0])).to_be_visible()
    page.get_by_role("button", name="English").click()
    expect(page.get_by_role("heading", name="What does this photo show?")).to_be_visible()


def test_a_phone_takes_a_photo_with_its_camera_and_nothing_is_wider_than_it(
    open_page: OpenPage, tmp_path: Path
) -> None:
    page = open_page(**PHONE)
    camera = page.locator("#camera")
    expect(camera).to_have_attribute("capture", "environment")
    with page.expect_file_chooser() as chooser:
        page.locator("label.take").tap()
    chooser.value.set_files(file(tmp_path, "red", 22))
    answer = heading(page, place_names("ko")[0])
    expect(answer).to_be_in_viewport()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.locator(".address a").click()
    expect(page.locator("h1")).to_have_text("사진에 담긴 것")
    expect(page.locator("label.take")).to_be_visible()


def test_a_service_that_does_not_answer_is_said_and_asked_again(
    page: Page, tmp_path: Path, complaints: list[str]
) -> None:
    page.route("**/identify/", lambda route: route.abort())
    with page.expect_event("console"):
        page.set_input_files("#photo", file(tmp_path, "red", 23))
    expect(page.get_by_role("alert")).to_have_text("The service did not answer. Try again.")
    page.unroute("**/identify/")
    page.get_by_role("button", name="Try again").click()
    expect(heading(page, RED_PLACE)).to_be_visible()
    complaints.clear()
