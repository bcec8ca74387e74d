from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np
import pytest

from anmok.bundle.export import export_run
from anmok.bundle.format import read_bundle
from anmok.config import SplitConfig
from anmok.data.scan import scan
from anmok.data.split import assign_splits
from anmok.inference import Predictor
from anmok.models.recipes import get_recipe
from anmok.records import Prediction
from anmok.training.train import train

EACH = {"train": 12, "test": 6}


def part_of(archive: Path, target: Path) -> Path:
    """The first pictures of each class of each split."""
    taken: dict[tuple[str, str], int] = {}
    with zipfile.ZipFile(archive) as source, zipfile.ZipFile(target, "w") as part:
        for name in sorted(source.namelist()):
            split, _slash, rest = name.partition("/")
            key = (split, rest.partition("/")[0])
            if name.endswith("/") or taken.get(key, 0) >= EACH.get(split, 0):
                continue
            taken[key] = taken.get(key, 0) + 1
            part.writestr(name, source.read(name))
    return target


@pytest.mark.real
@pytest.mark.usefixtures("shared_cache", "real_weights")
def test_a_real_backbone_is_served_as_it_was_trained(data_dir: Path, tmp_path: Path) -> None:
    source = part_of(data_dir / "scenes6.zip", tmp_path / "scenes.zip")
    manifest = assign_splits(scan(source), SplitConfig())
    run = train(get_recipe("mobilenetv2"), manifest, tmp_path / "runs")
    bundle = read_bundle(export_run(run, manifest))
    assert bundle.info.parity is not None
    assert bundle.info.parity.same_class == 1.0
    assert bundle.info.parity.max_difference < 1e-3
    assert bundle.info.weights_licence == "Apache-2.0"
    answers = [a for a in Predictor(bundle).predict_source(source) if isinstance(a, Prediction)]
    held_out = [answer.label == answer.path.split("/")[1] for answer in answers if answer.path.startswith("test/")]
    assert len(held_out) == 36
    assert np.mean(held_out) > 0.7
