from __future__ import annotations

from pathlib import Path

import pytest

from anmok.config import SplitConfig
from anmok.data.scan import scan
from anmok.data.split import assign_splits, check
from anmok.models.recipes import get_recipe
from anmok.training.train import train


@pytest.mark.real
@pytest.mark.usefixtures("real_weights", "shared_cache")
def test_a_head_on_mobilenetv2_knows_scenes_and_its_out_of_fold_answers_say_how_well(
    data_dir: Path, tmp_path: Path
) -> None:
    manifest = check(scan(data_dir / "scenes6.zip"), "repair")
    run = train(get_recipe("mobilenetv2"), assign_splits(manifest, SplitConfig()), tmp_path)
    accuracy = {}
    for split in ("valid", "test"):
        part = run.predictions().of_split(split)
        accuracy[split] = (part.probabilities.argmax(axis=1) == part.labels).mean()
    assert accuracy["test"] >= 0.90
    # Answers of a head that had learned from these pictures would all but always be right.
    assert 0.80 <= accuracy["valid"] <= 0.95
