from __future__ import annotations

import threading

import pytest
import torch

from anmok.models.networks import get_network
from anmok.training.workers import Replicas, Workers


def test_each_thread_computes_with_one_thread_of_pytorch() -> None:
    before = torch.get_num_threads()
    with Workers(3) as workers:
        assert torch.get_num_threads() == 1
        assert set(workers.map(lambda _item: torch.get_num_threads(), range(6))) == {1}
    assert torch.get_num_threads() == before


def test_work_is_done_at_the_same_time_and_comes_back_in_order() -> None:
    meeting = threading.Barrier(2, timeout=30)  # passes only if two are there together

    def work(item: int) -> int:
        meeting.wait()
        return item * 10

    with Workers(2) as workers:
        assert workers.map(work, [1, 2, 3, 4]) == [10, 20, 30, 40]


def test_an_error_in_a_thread_comes_out() -> None:
    with Workers(2) as workers, pytest.raises(ZeroDivisionError):
        workers.map(lambda item: 1 // item, [1, 0])


def test_replicas_share_parameters_and_have_their_own_averages() -> None:
    network = get_network("cnn-small")(2)
    replicas = Replicas(network, 3)
    for member in replicas.members[1:]:
        for one, other in zip(network.parameters(), member.parameters(), strict=True):
            assert one is other
        for buffer, its in zip(network.buffers(), member.buffers(), strict=True):
            assert buffer.data_ptr() != its.data_ptr()


def test_gathered_averages_are_the_mean_and_spread_to_all() -> None:
    network = get_network("cnn-small")(2).train()
    replicas = Replicas(network, 2)
    mean = network.stages[0][1].running_mean
    its_mean = replicas.members[1].stages[0][1].running_mean
    with torch.no_grad():
        replicas.members[0](torch.zeros(2, 32, 32, 3, dtype=torch.uint8))
        replicas.members[1](torch.full((2, 32, 32, 3), 255, dtype=torch.uint8))
    wanted = (mean + its_mean) / 2
    assert not torch.equal(mean, its_mean)
    replicas.gather()
    torch.testing.assert_close(mean, wanted)
    replicas.spread()
    assert torch.equal(its_mean, mean)


def test_modes_are_spread_so_that_a_hook_may_freeze_a_part() -> None:
    network = get_network("cnn-small")(2).train()
    replicas = Replicas(network, 2)
    network.stages[0].eval()
    replicas.spread()
    assert not replicas.members[1].stages[0].training
    assert replicas.members[1].stages[1].training
