"""The engine gives every picture its own answer, in order, in bounded memory, and stops when told to."""

from __future__ import annotations

import io
import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable, Iterator

import numpy as np
import pytest
from PIL import Image

from anmok import images
from anmok.config import Limits
from anmok.errors import DamagedPicture, PictureError, PictureTooLarge, UnknownFormat
from anmok.features.engine import Item, run_graph, stream_pixels
from anmok.features.session import count_threads, open_session
from tests.features.graphs import colour_of, mean_colour
from tests.pictures import encode, photo


def plain(number: int, size: int = 8) -> bytes:
    stream = io.BytesIO()
    Image.new("RGB", (size, size), colour_of(number)).save(stream, "PNG")
    return stream.getvalue()


def item(number: int) -> Item:
    return f"{number}.png", lambda: plain(number)


@pytest.mark.parametrize("threads", [1, 2, 5])
@pytest.mark.parametrize("batch", [1, 7, 16])
def test_each_picture_gets_its_own_answer_in_order(threads: int, batch: int) -> None:
    session = open_session(mean_colour(8))
    results = list(
        run_graph(
            map(item, range(100)),
            session,
            outputs=["embedding", "feature_map"],
            size=8,
            rule="squash",
            threads=threads,
            batch=batch,
        )
    )
    assert [name for name, _rows in results] == [f"{number}.png" for number in range(100)]
    for number, (_name, rows) in enumerate(results):
        assert not isinstance(rows, PictureError)
        assert tuple(rows[0]) == colour_of(number)
        assert rows[1].shape == (3, 1, 1)


def test_pixels_are_those_of_the_one_decoder() -> None:
    data = [encode(photo(90, 60, seed), "JPEG") for seed in range(20)]
    items = [(str(row), lambda row=row: data[row]) for row in range(20)]
    for row, (name, pixels) in enumerate(stream_pixels(items, size=32, rule="pad", threads=3)):
        assert not isinstance(pixels, PictureError)
        assert (pixels == images.load(data[row], name=name, size=32, rule="pad")).all()


def test_pictures_that_fail_are_handed_on_and_the_others_go_on() -> None:
    def vanished() -> bytes:
        raise PictureError("it is gone")

    good, cut = plain(5), encode(photo(64, 64), "JPEG")[:-700]
    items: list[Item] = [
        ("text.jpg", lambda: b"no picture"),
        ("good.png", lambda: good),
        ("cut.jpg", lambda: cut),
        ("gone.png", vanished),
        ("large.png", lambda: plain(1, size=300)),
        ("also good.png", lambda: good),
    ]
    session = open_session(mean_colour(8))
    results = dict(
        run_graph(
            items, session, outputs=["embedding"], size=8, rule="squash", limits=Limits(max_pixels=10_000), batch=4
        )
    )
    kinds = {name: type(result) for name, result in results.items()}
    assert kinds == {
        "text.jpg": UnknownFormat,
        "good.png": tuple,
        "cut.jpg": DamagedPicture,
        "gone.png": PictureError,
        "large.png": PictureTooLarge,
        "also good.png": tuple,
    }
    for name in ("good.png", "also good.png"):
        rows = results[name]
        assert isinstance(rows, tuple)
        assert tuple(rows[0]) == colour_of(5)


def test_a_batch_without_a_good_picture_and_no_pictures_at_all_are_fine() -> None:
    session = open_session(mean_colour(8))
    bad = run_graph([("a", lambda: b"")] * 3, session, outputs=["embedding"], size=8, rule="squash")
    assert all(isinstance(result, UnknownFormat) for _name, result in bad)
    assert list(run_graph([], session, outputs=["embedding"], size=8, rule="squash")) == []
    assert list(stream_pixels([], size=8, rule="squash")) == []


def test_a_slow_listener_holds_back_the_reading() -> None:
    begun: list[int] = []

    def counted() -> Iterator[Item]:
        for number in range(10_000):
            begun.append(number)
            yield item(number)

    results = stream_pixels(counted(), size=8, rule="squash", threads=2)
    for _picture in range(20):
        next(results)
    time.sleep(0.1)
    assert len(begun) <= 20 + 8 * 2 * 5
    results.close()


def test_no_thread_is_left_when_the_listener_stops() -> None:
    before = threading.active_count()
    results = stream_pixels(map(item, range(10_000)), size=8, rule="squash", threads=3)
    next(results)
    results.close()
    assert threading.active_count() == before


def test_what_is_no_fault_of_a_picture_is_raised() -> None:
    def broken() -> bytes:
        raise RuntimeError("a defect")

    items: list[Item] = [("a", lambda: plain(1)), ("b", broken)]
    with pytest.raises(RuntimeError, match="a defect"):
        list(stream_pixels(items, size=8, rule="squash"))


def test_reading_happens_in_several_threads_at_once() -> None:
    together = threading.Barrier(2, timeout=20)
    data = plain(1)

    def read() -> bytes:
        together.wait()
        return data

    items: list[tuple[str, Callable[[], bytes]]] = [(str(number), read) for number in range(64)]
    assert len(list(stream_pixels(items, size=8, rule="squash", threads=2))) == 64


@pytest.mark.skipif(os.name == "nt", reason="there are no POSIX signals")
def test_ctrl_c_stops_at_once() -> None:
    code = """
        import sys, time
        from tests.features.graphs import mean_colour
        from tests.features.test_engine import item
        from anmok.features.engine import run_graph
        from anmok.features.session import open_session
        session = open_session(mean_colour(8))
        try:
            for number, _ in enumerate(run_graph(map(item, range(10**8)), session, outputs=["embedding"], size=8,
                                                 rule="squash", threads=2)):
                if number == 50:
                    print("under way", flush=True)
        except KeyboardInterrupt:
            print("stopped", flush=True)
        """
    process = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(code)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "under way\n"
    process.send_signal(signal.SIGINT)
    # What is under way ends, and not what is still to come, which would take days.
    output, errors = process.communicate(timeout=60)
    assert (output, errors, process.returncode) == ("stopped\n", "", 0)


def test_threads_of_0_are_the_cores_of_this_process() -> None:
    assert count_threads(0) >= 1
    assert count_threads(3) == 3


def test_a_session_from_a_file_answers_as_one_from_bytes(tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.mktemp("모델") / "그래프 1.onnx"
    path.write_bytes(mean_colour(8))
    pictures = np.full((2, 8, 8, 3), 9, dtype=np.uint8)
    for session in (open_session(path, threads=2), open_session(path.read_bytes())):
        assert session.run(["embedding"], {"pictures": pictures})[0].tolist() == [[9, 9, 9]] * 2
