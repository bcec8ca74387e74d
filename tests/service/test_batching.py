"""How many photos a process takes on at a time, and how those that wait go through the model together."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from anmok.errors import BundleError
from anmok.service.hosting.admission import Admission, Busy
from anmok.service.hosting.batching import Batching


def test_a_full_queue_refuses_and_has_room_again_afterwards() -> None:
    seen: list[int] = []
    admission = Admission(2, retry_after=7, changed=seen.append)
    with admission.place():
        # Several photos of one request: one place.
        with admission.place():
            assert admission.number == 1
        assert admission.number == 1
        inside, leave = threading.Event(), threading.Event()

        def stay() -> None:
            with admission.place():
                inside.set()
                leave.wait(10)

        other = threading.Thread(target=stay)
        other.start()
        assert inside.wait(10)
        assert admission.is_full
        with ThreadPoolExecutor(1) as third, pytest.raises(Busy) as refused:
            third.submit(stay).result()
        assert refused.value.retry_after == 7
        leave.set()
        other.join()
    assert admission.number == 0
    assert seen == [1, 2, 1, 0]


@pytest.mark.parametrize("together", [1, 4])
def test_every_caller_gets_the_answer_to_its_own_question(together: int) -> None:
    batching: Batching[int, int] = Batching(
        lambda items: [item * item for item in items], turns=threading.Semaphore(2), together=together
    )
    with ThreadPoolExecutor(12) as callers:
        assert list(callers.map(batching.ask, range(500))) == [number * number for number in range(500)]


def test_who_waits_for_the_turn_goes_through_the_model_with_others() -> None:
    sizes: list[int] = []
    begun, go = threading.Event(), threading.Event()

    def run(items: list[int]) -> list[int]:
        sizes.append(len(items))
        begun.set()
        assert go.wait(60)
        return items

    batching: Batching[int, int] = Batching(run, turns=threading.Semaphore(1), together=4)
    with ThreadPoolExecutor(9) as callers:
        first = callers.submit(batching.ask, 0)
        assert begun.wait(60)
        others = [callers.submit(batching.ask, number) for number in range(1, 9)]
        end = time.monotonic() + 60
        while batching.waiting < 8 and time.monotonic() < end:
            time.sleep(0.001)
        go.set()
        assert [one.result(60) for one in (first, *others)] == list(range(9))
    assert sizes == [1, 4, 4]


def test_an_error_reaches_those_whose_batch_it_was_and_nobody_else() -> None:
    def run(items: list[int]) -> list[int]:
        if 13 in items:
            raise BundleError("the graph fails")
        return items

    batching: Batching[int, int] = Batching(run, turns=threading.Semaphore(1), together=4)
    with ThreadPoolExecutor(8) as callers:
        futures = {number: callers.submit(batching.ask, number) for number in range(40)}
    failed = {number for number, future in futures.items() if future.exception() is not None}
    assert 13 in failed
    assert len(failed) <= 4
    assert all(future.result() == number for number, future in futures.items() if number not in failed)
