from __future__ import annotations

import base64
import io

import pytest
from PIL import Image

from anmok.report.pictures import Thumbnails
from report.conftest import jpeg


def opened(source: str) -> Image.Image:
    return Image.open(io.BytesIO(base64.b64decode(source.removeprefix("data:image/jpeg;base64,"))))


@pytest.mark.parametrize(
    ("width", "height", "wanted"), [(320, 240, (160, 120)), (90, 60, (90, 60)), (20, 900, (4, 160))]
)
def test_thumbnails_keep_the_shape_and_are_never_enlarged(width: int, height: int, wanted: tuple[int, int]) -> None:
    made = Thumbnails(lambda path: jpeg(1, width, height), budget=10**6).of("a.jpg", 160)
    assert (made.width, made.height) == wanted
    assert opened(made.src).size == wanted


def test_budget_is_never_overdrawn() -> None:
    thumbnails = Thumbnails(lambda path: jpeg(int(path)), budget=60_000)
    made = [thumbnails.of(str(number), 96) for number in range(30)]
    assert 0 < sum(len(one.src) for one in made) <= 60_000
    assert {one.trouble for one in made} == {"", "budget"}


def test_same_picture_is_read_once() -> None:
    read: list[str] = []

    def source(path: str) -> bytes:
        read.append(path)
        return jpeg(2)

    thumbnails = Thumbnails(source, budget=10**6)
    assert thumbnails.of("a", 96) == thumbnails.of("a", 96)
    assert read == ["a"]


def test_what_is_no_picture_has_an_empty_frame() -> None:
    thumbnails = Thumbnails(lambda path: b"no picture", budget=10**6)
    assert thumbnails.of("a", 96).trouble == "unreadable"
    assert not thumbnails.any_shown
    assert Thumbnails(None, budget=10**6).of("a", 96).trouble == "unreadable"
