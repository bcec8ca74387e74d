from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from anmok.bundle.export import export_run
from anmok.bundle.format import read_bundle, update_bundle_info
from anmok.bundle.info import Measured
from anmok.bundle.unknown.registry import get_score
from anmok.bundle.unknown.threshold import crossed_scores
from anmok.config import Recipe, ResizeRule
from anmok.data.manifest import Manifest
from anmok.data.scan import scan
from anmok.errors import ParityError, StorageError, UsageError
from anmok.features.extractor import Extractor
from anmok.inference import Predictor
from anmok.models import registry
from anmok.progress import Progress
from anmok.records import Interval, Prediction
from anmok.training.checkpoint import load_head, load_network, save_head, save_network
from anmok.training.run import Run
from anmok.training.train import train
from bundle.small_bundles import DIM, LABELS, SIZE, colour_extractor, coloured_picture

COUNTS = {"train": 12, "valid": 5, "test": 6}


class Colours:
    """The test's own model in the registry; its preprocessing can be changed behind the back of a finished run."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.preprocessing: dict[str, Any] = {}

    def extractor(self, image_size: int, resize: ResizeRule, progress: Progress | None) -> Extractor:
        data = colour_extractor(**self.preprocessing).SerializeToString()
        digest = hashlib.sha256(data).hexdigest()
        path = self.folder / f"{digest}.onnx"
        path.write_bytes(data)
        return Extractor(name="colours", onnx=path, sha256=digest, input_size=SIZE, resize=resize, dim=DIM)


@pytest.fixture
def colours(tmp_path: Path) -> Iterator[Colours]:
    made = Colours(tmp_path)
    spec = registry.ModelSpec(
        name="colours",
        title="Colours",
        about="for tests",
        kind="extractor",
        needs_torch=False,
        make_extractor=made.extractor,
    )
    registry.all_models()
    registry.register_model(spec)
    yield made
    del registry._models["colours"]


def picture(colour: str, seed: int) -> Image.Image:
    """A wide picture whose ends have another colour than its middle, so that crop and squash differ."""
    middle = coloured_picture(colour, size=30, seed=seed)
    # Which of the two other colours stands at the ends is left to chance: it tells nothing of the class.
    random = np.random.default_rng(seed)
    other = LABELS[(LABELS.index(colour) + int(random.integers(1, 3))) % 3]
    ends = coloured_picture(other, size=30, seed=seed + 1)[:, :6]
    return Image.fromarray(np.concatenate([ends, middle, ends], axis=1))


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pictures")
    seed = 0
    for split, count in COUNTS.items():
        for colour in LABELS:
            for number in range(count):
                seed += 1
                path = folder / split / colour / f"{number}.png"
                path.parent.mkdir(parents=True, exist_ok=True)
                picture(colour, seed).save(path)
    return folder


@pytest.fixture
def manifest(pictures: Path) -> Manifest:
    return scan(pictures)


@pytest.fixture
def run(colours: Colours, manifest: Manifest, tmp_path: Path) -> Run:
    return train(Recipe(name="by-colour", model="colours", resize="squash"), manifest, tmp_path / "runs", threads=1)


def left_in(run: Run) -> list[str]:
    return [path.name for path in run.folder.iterdir() if ".anmok" in path.name]


def test_a_frozen_run_becomes_a_bundle_that_answers_as_it_was_trained(
    run: Run, manifest: Manifest, pictures: Path
) -> None:
    path = export_run(run, manifest, threads=1)
    assert path == run.bundle_path
    bundle = read_bundle(path)
    info = bundle.info
    assert info.labels == manifest.classes == tuple(sorted(LABELS))
    assert info.pictures == {split: (count,) * 3 for split, count in COUNTS.items()}
    assert info.data_hash == manifest.content_hash
    assert (info.name, info.model, info.resize, info.image_size) == ("by-colour", "colours", "squash", SIZE)
    assert info.parity is not None
    assert info.parity.pictures == 33
    assert info.parity.same_class == 1.0
    assert info.parity.max_difference < 1e-5
    assert left_in(run) == ["model.anmok"]
    predictions = run.predictions().of_split("test")
    answers = Predictor.open(path).predict_source(pictures / "test", top_k=3)
    got = {f"test/{answer.path}": answer for answer in answers if isinstance(answer, Prediction)}
    assert sorted(got) == sorted(predictions.paths)
    for name, probabilities in zip(predictions.paths, predictions.probabilities, strict=True):
        assert got[name].index == probabilities.argmax()


def test_reference_embeddings_are_those_of_training_pictures(run: Run, manifest: Manifest) -> None:
    bundle = read_bundle(export_run(run, manifest, threads=1))
    assert bundle.reference is not None
    labels, counts = np.unique(bundle.reference.labels, return_counts=True)
    assert labels.tolist() == [0, 1, 2]
    assert counts.tolist() == [12, 12, 12]
    head = load_head(run)
    answers = head.logits(bundle.reference.embeddings.astype(np.float32)).argmax(axis=1)
    assert (answers == bundle.reference.labels).mean() > 0.9


def test_none_of_these_is_set_on_pictures_that_were_held_out_or_scored_without_themselves(
    run: Run, manifest: Manifest
) -> None:
    bundle = read_bundle(export_run(run, manifest, threads=1))
    rule = bundle.info.unknown
    assert rule is not None
    assert dict(rule.pictures) == {"valid": 15, "train": 36}
    assert bundle.reference is not None
    predictor = Predictor.open(run.bundle_path)
    source = manifest.of_split("valid").open_source()
    names = list(manifest.of_split("valid").table["path"])
    answers = list(predictor.predict_items((path, lambda path=path: source.read(path)) for path in names))
    scores = [answer.unknown_score for answer in answers if isinstance(answer, Prediction)]
    crossed = crossed_scores(get_score(rule.score), rule.settings, bundle.reference)
    assert ([*scores, *crossed] <= np.array(rule.threshold)).mean() == pytest.approx(rule.accepts)
    assert 0.95 <= rule.accepts <= 1
    # No validation picture is remembered, or it would be its own nearest neighbour.
    assert min(scores) > 1e-3


def test_the_same_run_gives_the_same_bytes(run: Run, manifest: Manifest) -> None:
    first = export_run(run, manifest, threads=1).read_bytes()
    run.bundle_path.unlink()
    assert export_run(run, manifest, threads=2).read_bytes() == first


def test_a_bundle_that_is_there_is_kept_with_its_measures(run: Run, manifest: Manifest) -> None:
    path = export_run(run, manifest, threads=1)
    measured = Measured("test", 18, {"accuracy": Interval(1.0, 0.8, 1.0)})
    update_bundle_info(path, measured=measured)
    assert read_bundle(export_run(run, manifest, threads=1)).info.measured == measured


def test_a_damaged_bundle_that_is_there_is_made_anew(run: Run, manifest: Manifest) -> None:
    data = export_run(run, manifest, threads=1).read_bytes()
    run.bundle_path.write_bytes(data[:1000])
    assert export_run(run, manifest, threads=1).read_bytes() == data


def wrong_normalisation(run: Run, colours: Colours) -> None:
    colours.preprocessing = {"mean": (0.485, 0.456, 0.406), "std": (0.229, 0.224, 0.225)}


def swapped_labels(run: Run, colours: Colours) -> None:
    head = load_head(run)
    save_head(run, replace(head, weight=head.weight[[1, 0, 2]], bias=head.bias[[1, 0, 2]]), {})


def swapped_colour_channels(run: Run, colours: Colours) -> None:
    head = load_head(run)
    order = [2, 1, 0, *range(3, DIM)]
    save_head(run, replace(head, weight=head.weight[:, order]), {})


def other_resize_rule(run: Run, colours: Colours) -> None:
    config = json.loads((run.folder / "config.json").read_text())
    config["recipe"]["resize"] = "crop"
    run.write_config(config)


@pytest.mark.parametrize(
    "harm",
    [wrong_normalisation, swapped_labels, swapped_colour_channels, other_resize_rule],
    ids=lambda harm: harm.__name__,
)
def test_an_export_that_would_answer_differently_is_refused_and_leaves_no_bundle(
    run: Run, colours: Colours, manifest: Manifest, harm: Callable[[Run, Colours], None]
) -> None:
    harm(run, colours)
    with pytest.raises(ParityError, match=r"does not answer as the trained one.*First: (valid|test)/.*\.png") as caught:
        export_run(run, manifest, threads=1)
    assert "No bundle was written" in caught.value.hint
    assert left_in(run) == []


def test_an_older_bundle_goes_when_the_new_export_is_refused(run: Run, colours: Colours, manifest: Manifest) -> None:
    path = export_run(run, manifest, threads=1)
    path.write_bytes(path.read_bytes()[:-5])
    swapped_labels(run, colours)
    with pytest.raises(ParityError):
        export_run(run, manifest, threads=1)
    assert left_in(run) == []


def test_a_picture_that_cannot_be_read_any_more_is_named(
    run: Run, manifest: Manifest, tmp_path: Path, pictures: Path
) -> None:
    import shutil

    copy = tmp_path / "copy"
    shutil.copytree(pictures, copy)
    (copy / "test/red/3.png").write_bytes(b"gone")
    with pytest.raises(ParityError, match=r"test/red/3\.png cannot be read any more"):
        export_run(run, replace(manifest, source=str(copy)), threads=1)
    assert left_in(run) == []


def test_other_pictures_than_those_of_the_training_are_refused(run: Run, manifest: Manifest) -> None:
    with pytest.raises(UsageError, match="other pictures"):
        export_run(run, manifest.of_split("test"), threads=1)


def test_an_unfinished_run_is_refused(run: Run, manifest: Manifest) -> None:
    (run.folder / "finished.json").unlink()
    with pytest.raises(UsageError, match="not finished"):
        export_run(run, manifest)


def test_a_damaged_checkpoint_is_named(run: Run, manifest: Manifest) -> None:
    (run.checkpoint_folder / "model.safetensors").write_bytes(b"damaged")
    with pytest.raises(StorageError, match=r"model\.safetensors"):
        export_run(run, manifest, threads=1)
    assert left_in(run) == []


def test_the_temperature_is_fitted_on_answers_that_were_not_learned(run: Run, manifest: Manifest) -> None:
    held_out = run.calibration_predictions()
    # A model that was sure and wrong on most of the pictures that it was asked about has to become less sure.
    probabilities = np.tile(np.array([0.98, 0.01, 0.01], np.float32), (len(held_out.labels), 1))
    run.write_out_of_fold(replace(held_out, probabilities=probabilities))
    info = read_bundle(export_run(run, manifest, threads=1)).info
    assert info.temperature > 1.5


@pytest.fixture(scope="module")
def network_run(pictures: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Run, Manifest]:
    folder = tmp_path_factory.mktemp("network")
    recipe = Recipe(name="net", model="cnn-small", strategy="scratch", head="linear", image_size=32, epochs=2)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ANMOK_CACHE", str(folder / "cache"))
        manifest = scan(pictures)
        return train(recipe, manifest, folder / "runs", threads=1), manifest


def test_a_network_becomes_a_bundle_that_answers_as_it_was_trained(network_run: tuple[Run, Manifest]) -> None:
    run, manifest = network_run
    bundle = read_bundle(export_run(run, manifest, threads=1))
    assert bundle.info.parity is not None
    # Its embeddings have learned from the training pictures, so these cannot help to set the threshold.
    assert bundle.info.unknown is not None
    assert dict(bundle.info.unknown.pictures) == {"valid": 15}
    assert bundle.info.parity.pictures == 33
    assert bundle.info.parity.max_difference < 1e-4
    assert bundle.info.weights_licence == ""
    assert bundle.reference is not None
    assert bundle.reference.embeddings.shape == (36, 256)
    assert str(Path(__file__).parents[2]).encode() not in bundle.model
    assert b"pkg.torch" not in bundle.model
    predictions = run.predictions()
    batch = np.stack(
        [np.asarray(Image.open(f"{manifest.source}/{path}").resize((32, 32))) for path in predictions.paths[:3]]
    )
    assert Predictor(bundle).predict_pixels(batch).probabilities.shape == (3, 3)


def test_a_network_whose_weights_changed_is_refused(network_run: tuple[Run, Manifest]) -> None:
    run, manifest = network_run
    run.bundle_path.unlink(missing_ok=True)
    network = load_network(run)
    kept = {name: value.clone() for name, value in network.state_dict().items()}
    try:
        with torch.no_grad():
            network.head.weight.copy_(network.head.weight.flip(0))
        save_network(run, network, "cnn-small", {})
        with pytest.raises(ParityError):
            export_run(run, manifest, threads=1)
    finally:
        network.load_state_dict(kept)
        save_network(run, network, "cnn-small", {})
    assert left_in(run) == []
