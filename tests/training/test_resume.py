from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.training.killed import KILLS


@pytest.fixture(scope="module")
def ends(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    command = [sys.executable, "-m", "tests.training.killed", str(tmp_path_factory.mktemp("runs"))]
    root = Path(__file__).parents[2]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, cwd=root, env=environment, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_a_training_killed_ten_times_over_ends_like_one_that_never_was_to_the_last_bit(ends: dict[str, Any]) -> None:
    assert ends["kills"] == KILLS
    assert ends["status"] == 0
    assert ends["steps"] > 2 * KILLS  # else the kills would lie at its begin only
    assert ends["killed"]["history"] == ends["whole"]["history"]
    assert [row["epoch"] for row in ends["whole"]["history"]] == [1, 2, 3, 4, 5]
    hashes, wanted = ends["killed"]["hashes"], ends["whole"]["hashes"]
    assert {name for name in wanted if hashes.get(name) != wanted[name]} == set()
    assert {name.split(".")[0] for name in wanted} >= {"network", "best", "optimizer", "sampler", "average", "random"}
