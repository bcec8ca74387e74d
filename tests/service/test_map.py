"""The map around a card: true distances and directions, nothing covered, usable by keyboard and without scripts."""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anmok.service.cards.map import (
    BADGE,
    MOST_PLACES,
    MOST_WIDTH,
    RIM,
    SIDE,
    Point,
    draw,
    ring_steps,
    shortened,
    width_of,
)
from anmok.service.cards.sphere import bearing, distance
from tests.browsers import chromium
from tests.service.served import Served, Visitor

if TYPE_CHECKING:
    from playwright.sync_api import Browser

CENTRE = SIDE / 2
HERE = (33.306, 126.29)


def point(latitude: float, longitude: float, name: str = "A place") -> Point:
    return Point(latitude, longitude, name, "sight")


#: Positions within a few kilometres, where rings are told apart, and anywhere.
near = st.builds(point, st.floats(33.25, 33.36), st.floats(126.22, 126.36), st.text(max_size=40))
anywhere = st.builds(point, st.floats(-90, 90), st.floats(-180, 180), st.text(max_size=40))


@pytest.mark.parametrize(
    ("other", "wanted"),
    [((34.0, 126.29), 0), ((33.306, 127.0), 90), ((33.0, 126.29), 180), ((33.306, 126.0), 270)],
    ids=["north", "east", "south", "west"],
)
def test_directions_are_those_of_a_compass(other: tuple[float, float], wanted: float) -> None:
    assert bearing(*HERE, *other) == pytest.approx(wanted, abs=0.5)


def test_a_degree_of_latitude_is_sixty_nautical_miles() -> None:
    assert distance(33, 126, 34, 126) == pytest.approx(60 * 1852, rel=2e-3)


@given(st.lists(near, min_size=1, max_size=MOST_PLACES))
def test_places_stand_at_their_distance_and_in_their_direction(points: list[Point]) -> None:
    drawn = draw(*HERE, points)
    metres_per_unit = drawn.rings[-1].metres / RIM
    for mark in drawn.marks:
        across, up = mark.x - CENTRE, CENTRE - mark.y
        if mark.metres > 1:
            turned = (
                math.degrees(math.atan2(across, up)) - bearing(*HERE, mark.point.latitude, mark.point.longitude)
            ) % 360
            assert min(turned, 360 - turned) < 0.01
        if not mark.beyond:
            assert math.hypot(across, up) * metres_per_unit == pytest.approx(mark.metres, abs=0.01)


@given(st.lists(anywhere, min_size=1, max_size=MOST_PLACES + 5))
def test_badges_lie_on_the_map_and_cover_neither_each_other_nor_the_centre(points: list[Point]) -> None:
    drawn = draw(*HERE, points)
    assert len(drawn.marks) + drawn.hidden == len(points)
    spots = [(mark.badge_x, mark.badge_y) for mark in drawn.marks]
    assert all(BADGE - 1e-6 <= value <= SIDE - BADGE + 1e-6 for spot in spots for value in spot)
    for (x, y), (other_x, other_y) in itertools.combinations([(CENTRE, CENTRE), *spots], 2):
        assert max(abs(x - other_x), abs(y - other_y)) >= 2 * BADGE - 1e-6


@given(st.lists(anywhere, min_size=1, max_size=MOST_PLACES))
def test_the_nearest_is_number_one_and_the_far_ones_have_arrows(points: list[Point]) -> None:
    drawn = draw(*HERE, points)
    far = [mark.metres for mark in drawn.marks]
    assert far == sorted(far)
    assert [mark.number for mark in drawn.marks] == list(range(1, len(far) + 1))
    assert [mark.beyond for mark in drawn.marks] == [metres > drawn.rings[-1].metres for metres in far]
    assert not drawn.marks[0].beyond


@given(st.lists(st.floats(0, 2e7), min_size=1, max_size=40).map(sorted))
def test_rings_stand_at_few_round_distances(far: list[float]) -> None:
    step, count = ring_steps(far)
    assert 1 <= count <= 3
    assert step >= 50
    assert re.fullmatch(r"[125]0*", f"{step:.0f}")


def test_one_far_place_does_not_press_the_others_into_a_heap() -> None:
    drawn = draw(*HERE, [point(33.307, 126.29), point(33.305, 126.291), point(33.309, 126.292), point(35.1, 129.0)])
    assert [mark.beyond for mark in drawn.marks] == [False, False, False, True]
    assert drawn.rings[-1].metres < 1000


@given(st.text(max_size=300))
def test_labels_are_shortened_to_their_room(name: str) -> None:
    assert width_of(shortened(name)) <= MOST_WIDTH
    assert shortened(name) == name or shortened(name).endswith("…")


@pytest.mark.parametrize("category", ["", "restaurant"])
def test_the_map_has_a_mark_for_each_line_of_the_list(served: Served, visitor: Visitor, category: str) -> None:
    page = visitor.get(f"/cards/1/?category={category}").text
    lines = re.findall(r'<li id="(near-1-\d+)">', page)
    assert len(lines) == (2 if category else 6)
    assert re.findall(r'<a class="mark \w+" href="#([^"]+)"', page) == lines
    # The policy of the pages lets no style inside of them work.
    assert not re.search(r"\sstyle=|<style", page)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as running:
        yield running


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_marks_are_reached_by_keyboard_and_lead_to_their_line_without_scripts(
    browser: Browser, served: Served, scheme: str
) -> None:
    from playwright.sync_api import expect

    context = browser.new_context(
        java_script_enabled=False, color_scheme=scheme, viewport={"width": 360, "height": 700}
    )
    page = context.new_page()
    page.goto(f"{served.address}/cards/1/")
    mark = page.locator("svg.map a.mark").nth(2)
    mark.focus()
    expect(mark).to_be_focused()
    box = mark.locator(".shape").bounding_box()
    assert box is not None
    assert min(box["width"], box["height"]) >= 24
    page.keyboard.press("Enter")
    line = page.locator("#near-1-3")
    expect(line).to_be_in_viewport()
    assert page.url.endswith("#near-1-3")
    context.close()


@pytest.mark.parametrize("path", ["/cards/", "/cards/1/", "/cards/1/?category=sight"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_pages_of_cards_have_nothing_that_axe_finds(browser: Browser, served: Served, path: str, scheme: str) -> None:
    from axe_playwright_python.sync_playwright import Axe

    context = browser.new_context(color_scheme=scheme, viewport={"width": 360, "height": 700}, bypass_csp=True)
    page = context.new_page()
    page.goto(served.address + path)
    found = Axe().run(
        page, options={"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}
    )
    assert found.violations_count == 0, found.generate_report()
    # Nothing is wider than a phone.
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    context.close()
