from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from anmok.bundle.export import export_run
from anmok.bundle.format import Bundle, read_bundle
from anmok.config import SplitConfig
from anmok.data.scan import scan
from anmok.data.split import assign_splits
from anmok.inference import Predictor
from anmok.inference.heat_mapper import HeatMapper
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
def test_a_real_backbone_is_served_as_it_was_trained_and_looks_where_its_class_is(
    data_dir: Path, tmp_path: Path
) -> None:
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
    assert share_of_halves_found(bundle, source) > 0.7
    known = [answer.unknown for answer in answers if answer.path.startswith("test/")]
    pets = part_of(data_dir / "cats-dogs.zip", tmp_path / "pets.zip")
    strangers = [a.unknown for a in Predictor(bundle).predict_source(pets) if isinstance(a, Prediction)]
    assert len(strangers) == 36
    assert np.mean(strangers) > 0.9
    assert np.mean(known) < 0.2


def share_of_halves_found(bundle: Bundle, source: Path) -> float:
    """Two test pictures side by side as one: how often does the map of each class point at its own half?"""
    mapper, found = HeatMapper(bundle), []
    with zipfile.ZipFile(source) as archive:
        names = [name for name in archive.namelist() if name.startswith("test/")]
        # Pictures of one class follow each other, six of each; so the two are of different classes.
        for first, second in zip(names, names[6:], strict=False):
            pixels = [
                np.asarray(Image.open(archive.open(name)).convert("RGB").resize((150, 150))) for name in (first, second)
            ]
            for number, name in enumerate((first, second)):
                heat_map = mapper.heat_map(np.concatenate(pixels, axis=1), label=name.split("/")[1], method="cam")
                assert heat_map.method == "cam"
                assert heat_map.strongest is not None
                found.append((heat_map.strongest[0] > 0.5) == number)
    return float(np.mean(found))
