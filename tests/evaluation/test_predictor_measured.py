"""A real bundle, run by ONNX Runtime, measured on real files."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from anmok.data.scan import scan
from anmok.errors import DataError, EmptySource
from anmok.evaluation.measure import ALL, evaluate_predictor
from anmok.evaluation.trained_on import TrainingTrace
from anmok.inference.predictor import Predictor
from bundle.small_bundles import write_colour_bundle
from evaluation.tinted import shade, write_shades


@pytest.fixture(scope="module")
def predictor(tmp_path_factory: pytest.TempPathFactory) -> Predictor:
    return Predictor.open(write_colour_bundle(tmp_path_factory.mktemp("bundle") / "colours.anmok"))


SIX = {"red": 6, "green": 6, "blue": 6}


def test_the_pictures_of_the_split_are_measured_in_the_manifests_order(tmp_path: Path, predictor: Predictor) -> None:
    folder = write_shades(tmp_path / "shades", {"train": SIX, "test": {"red": 3, "green": 4, "blue": 5}})
    manifest = scan(folder)
    evaluation, probabilities, rate = evaluate_predictor(predictor, manifest, "test")
    assert (evaluation.split, evaluation.pictures) == ("test", 12)
    # The manifest sorts classes by name, the bundle numbers red, green, blue: they are matched by name.
    assert evaluation.classes == ("red", "green", "blue")
    assert evaluation.confusion == ((3, 0, 0), (0, 4, 0), (0, 0, 5))
    assert probabilities.shape == (12, 3)
    one_by_one = np.concatenate(
        [
            predictor.predict_pixels(shade(label, 6 + n)[None]).probabilities
            for label, n in _in_order(blue=5, green=4, red=3)
        ]
    )
    assert np.allclose(probabilities, one_by_one, atol=1e-6)
    assert rate > 0


def _in_order(**counts: int) -> list[tuple[str, int]]:
    return [(label, number) for label, count in counts.items() for number in range(count)]


def test_a_wrong_label_in_the_source_is_a_mistake_with_its_path(tmp_path: Path, predictor: Predictor) -> None:
    folder = write_shades(tmp_path / "shades", {"": SIX})
    (folder / "red/000.png").rename(folder / "green/misplaced.png")
    evaluation, _probabilities, _rate = evaluate_predictor(predictor, scan(folder), ALL)
    assert [(m.path, m.true, m.predicted) for m in evaluation.mistakes] == [("green/misplaced.png", "green", "red")]
    assert evaluation.metrics["accuracy"].value == pytest.approx(17 / 18)


def test_a_picture_that_broke_since_the_scan_is_named_and_not_counted_as_wrong(
    tmp_path: Path, predictor: Predictor
) -> None:
    folder = write_shades(tmp_path / "shades", {"": SIX})
    manifest = scan(folder)
    (folder / "green/002.png").write_bytes(b"no picture any more")
    (folder / "red/001.png").unlink()
    evaluation, probabilities, _rate = evaluate_predictor(predictor, manifest, ALL)
    assert set(evaluation.unreadable) == {"green/002.png", "red/001.png"}
    assert evaluation.pictures == 16
    assert evaluation.metrics["accuracy"].value == 1
    paths = list(manifest.table["path"])
    broken = np.isnan(probabilities).all(axis=1)
    assert {paths[row] for row in np.flatnonzero(broken)} == {"green/002.png", "red/001.png"}
    assert not np.isnan(probabilities[~broken]).any()


def test_if_nothing_can_be_read_any_more_that_is_an_error(tmp_path: Path, predictor: Predictor) -> None:
    folder = write_shades(tmp_path / "shades", {"": {"red": 2, "green": 1}})
    manifest = scan(folder)
    for path in folder.rglob("*.png"):
        path.write_bytes(b"")
    with pytest.raises(EmptySource, match="None of the 3 pictures") as caught:
        evaluate_predictor(predictor, manifest, ALL)
    assert "anmok scan" in caught.value.hint


def test_a_split_without_pictures_is_an_error_that_names_it(tmp_path: Path, predictor: Predictor) -> None:
    folder = write_shades(tmp_path / "shades", {"train": SIX})
    with pytest.raises(EmptySource, match="'test'"):
        evaluate_predictor(predictor, scan(folder), "test")


def test_a_class_that_the_bundle_does_not_know_is_refused_or_counted_apart(
    tmp_path: Path, predictor: Predictor
) -> None:
    folder = write_shades(tmp_path / "shades", {"": {"red": 4, "green": 4, "바다": 3}})
    manifest = scan(folder)
    with pytest.raises(DataError, match=r"3 pictures of classes .*: 바다"):
        evaluate_predictor(predictor, manifest, ALL)
    evaluation, probabilities, _rate = evaluate_predictor(predictor, manifest, ALL, known_only=True)
    assert evaluation.unknown == {"바다": 3}
    assert evaluation.pictures == len(probabilities) == 8
    assert evaluation.without_auc == ("blue",)
    assert evaluation.metrics["macro_f1"].value == 1


def test_progress_counts_every_picture(tmp_path: Path, predictor: Predictor) -> None:
    class Counting:
        def __init__(self) -> None:
            self.total, self.done, self.ended = 0, 0, False

        def task(self, title: str, total: int | None = None, *, unit: str = "") -> Counting:
            self.total = total or 0
            return self

        def say(self, text: str) -> None: ...

        def advance(self, steps: int = 1, /) -> None:
            self.done += steps

        def note(self, text: str, /) -> None: ...

        def __enter__(self) -> Counting:
            return self

        def __exit__(self, *error: object) -> None:
            self.ended = True

    folder = write_shades(tmp_path / "shades", {"": SIX})
    counting = Counting()
    evaluate_predictor(predictor, scan(folder), ALL, progress=counting)
    assert (counting.total, counting.done, counting.ended) == (18, 18, True)


def test_the_trace_finds_the_share_of_training_pictures_among_the_measured(
    tmp_path: Path, predictor: Predictor
) -> None:
    folder = write_shades(tmp_path / "shades", {"train": {"red": 30, "green": 30}, "test": {"red": 20, "green": 20}})
    seen = np.stack([shade(label, number) for label in ("red", "green") for number in range(30)])
    kept = predictor.predict_pixels(seen).embeddings.astype(np.float16)
    for split, low, high in (("test", 0.0, 0.05), ("train", 1.0, 1.0), (ALL, 1.0, 1.0)):
        trace = TrainingTrace(kept)
        evaluate_predictor(predictor, scan(folder), split, trace=trace)
        share = trace.share()
        assert share is not None
        assert low <= share <= high
