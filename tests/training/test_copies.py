"""Copies that are drawn once: what they are drawn from, what they depend on, what a stop leaves."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from torchvision.transforms import v2

from anmok.config import Recipe
from anmok.errors import UnknownName
from anmok.locations import cache_dir
from anmok.progress import SilentProgress, Task
from anmok.training import copies
from anmok.training.augmentation import draw, get_policy
from anmok.training.augmentation.drawing import variant_seed
from anmok.training.copies import draw_copies, with_copies
from tests.training.made import network_recipe, picture_array


@pytest.fixture
def pixels(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> NDArray[np.uint8]:
    monkeypatch.setenv("ANMOK_CACHE", str(tmp_path / "cache"))
    return picture_array(10, size=24)[0]


def ids_of(pixels: NDArray[np.uint8]) -> list[str]:
    return [f"{row:064x}" for row in range(len(pixels))]


def horses(**changes: object) -> Recipe:
    return network_recipe(**({"augmentation": "horse-human", "copies": 1, "seed": 12345} | changes))


def test_an_epoch_is_the_originals_and_as_many_copies(pixels: NDArray[np.uint8]) -> None:
    rows = np.array([3, 1, 20, 7])
    learned = with_copies(pixels, rows, ids_of(pixels), horses(copies=2))
    assert learned.pixels.shape == (12, 24, 24, 3)
    assert learned.pixels.dtype == np.uint8
    assert learned.origin.tolist() == [3, 1, 20, 7] * 3
    assert np.array_equal(learned.pixels[:4], pixels[rows])
    for place, row in enumerate(learned.origin[4:], start=4):
        seed = variant_seed(12345, "horse-human", ids_of(pixels)[row], place // 4)
        assert np.array_equal(learned.pixels[place], draw(pixels[row], get_policy("horse-human"), seed=seed))
    assert not np.array_equal(learned.pixels[4:8], learned.pixels[8:12])


def test_a_copy_does_not_depend_on_order_threads_or_the_other_pictures(pixels: NDArray[np.uint8]) -> None:
    rows, ids = np.arange(30), ids_of(pixels)
    forward = np.stack(list(draw_copies(pixels, rows, ids, horses(), threads=1)))
    backward = np.stack(list(draw_copies(pixels, rows[::-1], ids[::-1], horses(), threads=4)))
    assert np.array_equal(forward, backward[::-1])
    alone = next(draw_copies(pixels, np.array([17]), ids[17:18], horses(copies=3)))
    assert np.array_equal(alone, forward[17])


@pytest.mark.parametrize("change", [{"seed": 1}, {"augmentation": "sports-mobilenetv2"}])
def test_another_seed_or_policy_gives_other_copies(pixels: NDArray[np.uint8], change: dict[str, object]) -> None:
    rows, ids = np.arange(10), ids_of(pixels)
    first = with_copies(pixels, rows, ids, horses()).pixels[10:]
    other = with_copies(pixels, rows, ids, horses(**change)).pixels[10:]
    assert sum(not np.array_equal(one, two) for one, two in zip(first, other, strict=True)) >= 8


def test_copies_are_drawn_once_and_read_from_the_cache_afterwards(
    pixels: NDArray[np.uint8], monkeypatch: pytest.MonkeyPatch
) -> None:
    rows, ids = np.arange(12), ids_of(pixels)
    first = with_copies(pixels, rows, ids, horses()).pixels.copy()
    monkeypatch.setattr(copies, "draw", None)  # nothing may be drawn any more
    assert np.array_equal(with_copies(pixels, rows, ids, horses()).pixels, first)


def test_pictures_resized_by_another_rule_have_copies_of_their_own(pixels: NDArray[np.uint8]) -> None:
    rows, ids = np.arange(12), ids_of(pixels)
    with_copies(pixels, rows, ids, horses())
    other = 255 - pixels
    assert np.array_equal(with_copies(other, rows, ids, horses()).pixels[:12], other[rows])


class StoppedAfter(SilentProgress):
    """Presses Ctrl-C when so many copies are drawn."""

    def __init__(self, count: int) -> None:
        self.left = count

    @contextlib.contextmanager
    def task(self, title: str, total: int | None = None, *, unit: str = "") -> Iterator[Task]:  # type: ignore[override]
        yield self  # type: ignore[misc]

    def advance(self, steps: int = 1, /) -> None:
        self.left -= steps
        if self.left < 0:
            raise KeyboardInterrupt


def test_a_stop_in_the_middle_leaves_no_half_file_and_the_next_call_draws_all(pixels: NDArray[np.uint8]) -> None:
    rows, ids = np.arange(30), ids_of(pixels)
    whole = with_copies(pixels, rows, ids, horses(seed=2)).pixels
    folder = cache_dir() / "pixels"
    (written,) = folder.glob("*.npy")
    written.unlink()
    with pytest.raises(KeyboardInterrupt):
        with_copies(pixels, rows, ids, horses(seed=2), progress=StoppedAfter(5))
    assert not list(folder.glob("*.npy"))
    assert np.array_equal(with_copies(pixels, rows, ids, horses(seed=2)).pixels, whole)


def test_a_policy_of_torchvisions_own_transforms_gives_the_same_copies_again(
    pixels: NDArray[np.uint8], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(copies, "get_policy", lambda _name: v2.RandomInvert(p=0.5))
    rows, ids = np.arange(30), ids_of(pixels)
    first = np.stack(list(draw_copies(pixels, rows, ids, horses(), threads=4)))
    assert np.array_equal(first, np.stack(list(draw_copies(pixels, rows, ids, horses(), threads=2))))
    inverted = [np.array_equal(copy, 255 - pixels[row]) for row, copy in enumerate(first)]
    assert 5 < sum(inverted) < 25


def test_an_unknown_policy_is_refused_before_anything_is_written(pixels: NDArray[np.uint8]) -> None:
    with pytest.raises(UnknownName):
        with_copies(pixels, np.arange(3), ids_of(pixels), horses(augmentation="horse"))
    assert not list((cache_dir() / "pixels").glob("*.npy"))
