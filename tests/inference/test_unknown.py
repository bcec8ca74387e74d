"""A bundle that says "none of these", run by ONNX Runtime on real files."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import numpy_helper

from anmok.bundle.format import Bundle, read_bundle, update_bundle_info
from anmok.bundle.reference import Reference
from anmok.bundle.unknown.rule import UnknownRule
from anmok.bundle.unknown.threshold import set_rule
from anmok.errors import BundleError
from anmok.inference import Predictor
from anmok.records import Prediction, PredictionFailure
from bundle.small_bundles import LABELS, RULE, colour_model, coloured_picture, write_colour_bundle
from evaluation.tinted import shade, trained_bundle
from inference.picture_files import png


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Remembers shades of red and green; blue has no picture."""
    path = trained_bundle(tmp_path_factory.mktemp("bundle") / "shades.anmok", {"red": 40, "green": 40})
    opened = read_bundle(path)
    assert opened.reference is not None
    new = np.stack([shade(label, number) for label in ("red", "green") for number in range(40, 70)])
    answers = Predictor(opened).predict_pixels(new)
    rule = set_rule(opened.reference, answers.embeddings, answers.probabilities, embeddings_learned=False)
    assert rule is not None
    update_bundle_info(path, unknown=rule)
    return path


def answers_for(predictor: Predictor, pictures: dict[str, bytes]) -> dict[str, Prediction]:
    answers = predictor.predict_items((name, lambda data=data: data) for name, data in pictures.items())
    return {answer.path: answer for answer in answers if isinstance(answer, Prediction)}


def shades(label: str, numbers: range) -> dict[str, bytes]:
    return {f"{label}/{number}": png(shade(label, number)) for number in numbers}


def test_pictures_of_other_things_are_none_of_these_and_name_the_nearest_class(bundle: Path) -> None:
    answers = answers_for(Predictor.open(bundle), shades("blue", range(20)))
    assert sum(answer.unknown for answer in answers.values()) >= 18
    # The class and its probability are those of a bundle that cannot refuse.
    named = answers_for(Predictor.open(bundle, unknown=False), shades("blue", range(20)))
    for path, answer in answers.items():
        assert (answer.label, answer.top) == (named[path].label, named[path].top)
        assert not named[path].unknown


def test_new_pictures_of_the_classes_are_answered_with_their_class(bundle: Path) -> None:
    pictures = shades("red", range(100, 140)) | shades("green", range(100, 140))
    answers = answers_for(Predictor.open(bundle), pictures).values()
    assert sum(not answer.unknown for answer in answers) >= 70
    assert all(answer.label == answer.path.split("/")[0] for answer in answers)


def test_the_score_decides_at_the_threshold_and_is_the_same_one_by_one(bundle: Path) -> None:
    predictor = Predictor.open(bundle)
    assert predictor.rule is not None
    pictures = shades("blue", range(9)) | shades("red", range(100, 109))
    together = answers_for(predictor, pictures)
    for name, data in pictures.items():
        [alone] = answers_for(predictor, {name: data}).values()
        assert alone.unknown_score == pytest.approx(together[name].unknown_score, abs=1e-6)
        assert alone.unknown == (alone.unknown_score > predictor.rule.threshold)
        assert json.loads(json.dumps(alone.to_json()))["unknown_score"] == alone.unknown_score


def test_ready_pixels_have_scores_too(bundle: Path) -> None:
    predictor = Predictor.open(bundle)
    pixels = np.stack([shade("red", 100), shade("blue", 0)])
    scores = predictor.predict_pixels(pixels).unknown_scores
    answers = answers_for(predictor, {"red": png(pixels[0]), "blue": png(pixels[1])})
    assert scores is not None
    np.testing.assert_allclose(scores, [answers["red"].unknown_score, answers["blue"].unknown_score], atol=1e-6)


def test_damaged_pictures_among_others_leave_each_score_with_its_picture(bundle: Path) -> None:
    predictor = Predictor.open(bundle)
    good = shades("red", range(100, 120)) | shades("blue", range(20))
    expected = answers_for(predictor, good)
    items = [(name, lambda data=data: data) for name, data in good.items()]
    for place in (0, 3, 4, 11, 30, 44):
        items.insert(place, (f"bad {place}", lambda: b"no picture"))
    answers = list(predictor.predict_items(items))
    assert [answer.path for answer in answers] == [name for name, _read in items]
    assert sum(isinstance(answer, PredictionFailure) for answer in answers) == 6
    for answer in answers:
        if isinstance(answer, Prediction):
            assert answer.unknown_score == pytest.approx(expected[answer.path].unknown_score, abs=1e-6)


def test_a_bundle_without_a_rule_has_no_score(tmp_path: Path) -> None:
    predictor = Predictor.open(write_colour_bundle(tmp_path / "plain.anmok"))
    [answer] = answers_for(predictor, {"a": png(coloured_picture("blue"))}).values()
    assert (answer.unknown, answer.unknown_score) == (False, None)
    assert "unknown_score" not in answer.to_json()


def changed(bundle: Path, **changes: object) -> Bundle:
    opened = read_bundle(bundle)
    return replace(opened, info=replace(opened.info, unknown=replace(opened.info.unknown or RULE, **changes)))


@pytest.mark.parametrize(("threshold", "unknown"), [(-1.0, True), (2.1, False)])
def test_the_threshold_of_the_bundle_is_the_one_that_counts(bundle: Path, threshold: float, unknown: bool) -> None:
    predictor = Predictor(changed(bundle, threshold=threshold))
    answers = answers_for(predictor, shades("red", range(3)) | shades("blue", range(3))).values()
    assert {answer.unknown for answer in answers} == {unknown}


@pytest.mark.parametrize("score", ["neighbours", "neighbour-mean", "mahalanobis", "energy", "probability"])
def test_every_score_serves(bundle: Path, score: str) -> None:
    opened = read_bundle(bundle)
    assert opened.reference is not None
    pixels = np.stack([shade("red", number) for number in range(40, 70)])
    answers = Predictor(opened).predict_pixels(pixels)
    logits = np.log(answers.probabilities)
    rule = set_rule(opened.reference, answers.embeddings, logits, embeddings_learned=True, score=score)
    assert rule is not None
    predictor = Predictor(replace(opened, info=replace(opened.info, unknown=rule)))
    assert all(answer.unknown_score is not None for answer in answers_for(predictor, shades("blue", range(3))).values())


def test_a_bundle_that_remembers_nothing_cannot_answer_none_of_these(bundle: Path) -> None:
    opened = replace(changed(bundle), reference=Reference(np.zeros((0, 8), np.float16), np.zeros(0, np.int32)))
    with pytest.raises(BundleError, match="too little"):
        Predictor(opened)


def test_a_bundle_read_without_what_it_remembers_is_a_mistake_of_the_program(bundle: Path) -> None:
    opened = read_bundle(bundle, reference=False)
    with pytest.raises(ValueError, match="reference"):
        Predictor(opened)
    Predictor(opened, unknown=False)


def test_an_embedding_that_is_no_number_is_refused_and_not_named(bundle: Path) -> None:
    model = colour_model()
    # Divided by zero on its way out, behind the logits' back.
    model.graph.initializer.append(numpy_helper.from_array(np.zeros(8, np.float32), "nothing"))
    model.graph.node.append(onnx.helper.make_node("Mul", ["pooled.flat", "nothing"], ["zero"]))
    for node in model.graph.node:
        node.input[:] = ["pooled.flat" if name == "embedding" else name for name in node.input]
        node.output[:] = ["pooled.flat" if name == "embedding" else name for name in node.output]
    model.graph.node.append(onnx.helper.make_node("Div", ["zero", "zero"], ["embedding"]))
    rule = UnknownRule(score="neighbours", settings={"neighbours": 1}, threshold=9.0, accepts=1.0)
    path = write_colour_bundle(bundle.parent / "nan.anmok", model=model, info={"unknown": rule})
    [answer] = answers_for(Predictor.open(path), {"a": png(coloured_picture("red"))}).values()
    assert (answer.label, answer.unknown, answer.unknown_score) == (LABELS[0], True, None)
    json.dumps(answer.to_json(), allow_nan=False)
