from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from anmok.errors import UsageError
from anmok.progress import SilentProgress
from anmok.training.device import own_random_numbers
from anmok.training.memory import is_out_of_memory, reused_memory
from anmok.training.workers import Workers
from tests.training.made import made_loop, network_recipe
from tests.training.short_of_memory import Wide, train

ROOT = Path(__file__).parents[2]


def in_own_process(spare: int) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "tests.training.short_of_memory", str(spare)]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=300, check=False)


@pytest.mark.skipif(sys.platform != "linux", reason="the limit is one of Linux")
def test_where_memory_runs_out_batches_are_learned_in_pieces_and_the_same_is_learned() -> None:
    done = in_own_process(100_000_000)
    assert done.returncode == 0, done.stderr
    short: dict[str, Any] = json.loads(done.stdout)
    assert short["said"][0].startswith("small: memory ran out, so each batch is now worked through in 2 pieces")
    with own_random_numbers():
        plenty = train()
    assert plenty["said"] == []
    assert short["loss"] == pytest.approx(plenty["loss"], rel=1e-5)
    for name, values in plenty["weights"].items():
        # AdamW makes a step of the whole rate of however small a gradient: of its rounding, too, in a few places.
        differences = (torch.tensor(values) - torch.tensor(short["weights"][name])).abs()
        assert float(differences.median()) < 1e-7, name


class Greedy(Wide):
    """Wants more memory than any machine has."""

    def forward(self, pictures: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        torch.empty(2**50, dtype=torch.uint8)
        return super().forward(pictures)


def test_where_memory_is_too_short_for_a_few_pictures_it_says_what_to_do() -> None:
    said: list[str] = []
    with Workers(1) as workers, own_random_numbers():
        loop = made_loop(network_recipe(batch_size=16), workers, classes=3, network=Greedy(3), say=said.append)
        with pytest.raises(UsageError, match="not enough memory to learn from even a few pictures") as raised:
            loop.run(SilentProgress().task(""), lambda: None)
    assert "smaller image_size (32)" in str(raised.value.hint)
    assert [int(text.split(" pieces")[0].split()[-1]) for text in said] == [2, 4, 8]


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 MiB"),
        RuntimeError("[enforce fail at alloc_cpu.cpp:124] DefaultCPUAllocator: can't allocate memory: you tried to"),
        RuntimeError("std::bad_alloc"),
    ],
)
def test_errors_that_say_that_memory_ran_out_are_known(error: Exception) -> None:
    assert is_out_of_memory(error)


@pytest.mark.parametrize("error", [RuntimeError("mat1 and mat2 shapes cannot be multiplied"), ValueError("memory")])
def test_other_errors_are_not_taken_for_it(error: Exception) -> None:
    assert not is_out_of_memory(error)


@pytest.mark.skipif(sys.platform != "linux", reason="only glibc is told to keep memory")
def test_memory_is_used_again_inside_the_block_and_given_back_after_it() -> None:
    def resident() -> int:
        return int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1]) * resource.getpagesize()

    def filled() -> int:
        """Return how many pages the system had to clear for 100 MB."""
        before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
        bytearray(size)
        return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

    size, before = 100_000_000, resident()
    with reused_memory():
        filled()
        assert filled() < size / resource.getpagesize() / 10
        assert resident() > before + size / 2
    assert resident() < before + size / 2
