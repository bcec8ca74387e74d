from __future__ import annotations

import signal
import threading
import time

import pytest

from anmok.training.pauses import SHARE, Pace, stop_between_steps


def test_ctrl_c_waits_for_the_end_of_the_step_and_a_second_does_not() -> None:
    with stop_between_steps() as stop:
        assert not stop.is_asked
        signal.raise_signal(signal.SIGINT)
        assert stop.is_asked
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_after_the_block_ctrl_c_is_what_it_was() -> None:
    with stop_between_steps():
        pass
    with pytest.raises(KeyboardInterrupt):
        signal.raise_signal(signal.SIGINT)


def test_a_programs_own_handler_is_left_alone() -> None:
    heard: list[int] = []
    before = signal.signal(signal.SIGINT, lambda number, _frame: heard.append(number))
    try:
        with stop_between_steps() as stop:
            signal.raise_signal(signal.SIGINT)
        assert heard == [signal.SIGINT]
        assert not stop.is_asked
    finally:
        signal.signal(signal.SIGINT, before)


def test_in_another_thread_nothing_is_changed() -> None:
    seen: list[object] = []

    def work() -> None:
        with stop_between_steps():
            seen.append(signal.getsignal(signal.SIGINT))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert seen == [signal.default_int_handler]


def test_with_0_minutes_a_checkpoint_is_always_due_and_with_many_not_yet() -> None:
    assert Pace(0).is_due
    assert not Pace(5).is_due


def test_checkpoints_that_take_long_come_more_seldom() -> None:
    pace = Pace(0.001 / 60)
    with pace.saving():
        time.sleep(0.05)
    begin = time.perf_counter()
    while not pace.is_due:  # though a millisecond has long passed: writing took 50
        time.sleep(0.01)
    assert time.perf_counter() - begin > 0.9 * 0.05 / SHARE
