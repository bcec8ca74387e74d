from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import numpy_helper

from anmok import images
from anmok.bundle.format import read_bundle
from anmok.config import Limits
from anmok.data.sources import open_source
from anmok.errors import BundleError, EmptySource, PictureError, SourceNotFound
from anmok.inference import Predictor
from anmok.records import Prediction, PredictionFailure
from bundle.small_bundles import LABELS, SIZE, colour_model, coloured_picture, write_colour_bundle
from inference.picture_files import coloured_files, png, write_folder, write_zip


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_colour_bundle(tmp_path_factory.mktemp("bundle") / "colours.anmok")


@pytest.fixture(scope="module")
def predictor(bundle: Path) -> Predictor:
    return Predictor.open(bundle, threads=2)


def pixels(pictures: int) -> np.ndarray:
    return np.stack([coloured_picture(LABELS[i % 3], size=SIZE, seed=i) for i in range(pictures)])


def test_pixels_are_answered_with_probabilities_and_embeddings(predictor: Predictor) -> None:
    answers = predictor.predict_pixels(pixels(6))
    assert answers.probabilities.dtype == np.float32
    np.testing.assert_allclose(answers.probabilities.sum(axis=1), 1, rtol=1e-5)
    assert answers.probabilities.argmax(axis=1).tolist() == [0, 1, 2, 0, 1, 2]
    assert answers.embeddings.shape == (6, 8)
    assert predictor.labels == LABELS


def test_the_size_of_a_batch_does_not_change_answers(predictor: Predictor) -> None:
    batch = pixels(33)
    whole = predictor.predict_pixels(batch).probabilities
    single = np.concatenate([predictor.predict_pixels(picture[None]).probabilities for picture in batch])
    np.testing.assert_allclose(whole, single, atol=1e-5)


@pytest.mark.parametrize(
    "wrong",
    [
        np.zeros((1, SIZE, SIZE, 3), np.float32),
        np.zeros((1, 3, SIZE, SIZE), np.uint8),
        np.zeros((1, SIZE + 1, SIZE, 3), np.uint8),
        np.zeros((SIZE, SIZE, 3), np.uint8),
        np.zeros((0, SIZE, SIZE, 3), np.uint8),
    ],
)
def test_pixels_of_another_shape_or_type_are_refused(predictor: Predictor, wrong: np.ndarray) -> None:
    with pytest.raises(ValueError, match="is wanted"):
        predictor.predict_pixels(wrong)


@pytest.mark.parametrize("kind", ["folder", "zip"])
def test_pictures_of_a_source_are_answered_in_its_order(predictor: Predictor, tmp_path: Path, kind: str) -> None:
    files = coloured_files(30) | {"notes.txt": b"no picture", "Thumbs.db": b"system"}
    place = write_folder(tmp_path / "f", files) if kind == "folder" else write_zip(tmp_path / "f.zip", files)
    answers = list(predictor.predict_source(place))
    with open_source(place) as source:
        names = [entry.path for entry in source.entries() if entry.path.endswith(".png")]
    assert [answer.path for answer in answers] == names
    assert len(names) == 90
    for answer in answers:
        assert isinstance(answer, Prediction)
        assert answer.label == answer.path.split("/")[0]
        assert answer.index == LABELS.index(answer.label)
        assert answer.top[0] == (answer.label, answer.probability)
        assert [p for _name, p in answer.top] == sorted((p for _name, p in answer.top), reverse=True)


def test_a_source_is_answered_as_its_decoded_pixels_are(predictor: Predictor, tmp_path: Path) -> None:
    files = coloured_files(7)
    answers = list(predictor.predict_source(write_folder(tmp_path, files), top_k=3))
    batch = np.stack([images.load(data, name=name, size=SIZE, rule="squash") for name, data in files.items()])
    expected = predictor.predict_pixels(batch).probabilities
    got = np.array(
        [[dict(answer.top)[label] for label in LABELS] for answer in answers if isinstance(answer, Prediction)]
    )
    assert sorted(files) == [answer.path for answer in answers]
    np.testing.assert_allclose(got, expected[np.argsort(list(files), kind="stable")], atol=1e-5)


def test_an_open_source_is_answered_and_left_open(predictor: Predictor, tmp_path: Path) -> None:
    with open_source(write_zip(tmp_path / "a.zip", coloured_files(1))) as source:
        assert len(list(predictor.predict_source(source))) == 3
        assert len(list(predictor.predict_source(source))) == 3


def test_pictures_that_fail_are_answered_in_place_with_their_reason(predictor: Predictor, tmp_path: Path) -> None:
    files = coloured_files(20)
    files["green/5.png"] = files["green/5.png"][:60]
    files["red/0.png"] = b"not a picture at all"
    folder = write_folder(tmp_path / "in", files)
    (folder / "blue/loose.png").symlink_to(tmp_path / "outside.png")
    (tmp_path / "outside.png").write_bytes(files["blue/0.png"])
    answers = {answer.path: answer for answer in predictor.predict_source(folder)}
    failures = {path for path, answer in answers.items() if isinstance(answer, PredictionFailure)}
    assert failures == {"green/5.png", "red/0.png", "blue/loose.png"}
    assert "leads out" in answers["blue/loose.png"].to_json()["error"]
    assert len(answers) == 61
    assert all(answer.label == path.split("/")[0] for path, answer in answers.items() if isinstance(answer, Prediction))


def test_more_failures_than_a_batch_in_a_row_are_all_answered(predictor: Predictor) -> None:
    good = png(coloured_picture("blue"))
    items = [(f"{i}", lambda i=i: good if i % 100 == 99 else b"bad") for i in range(300)]
    answers = list(predictor.predict_items(items))
    assert [answer.path for answer in answers] == [name for name, _read in items]
    assert sum(isinstance(answer, Prediction) for answer in answers) == 3


def test_pictures_are_read_as_they_are_needed_and_not_all_at_once(predictor: Predictor) -> None:
    taken = 0

    def items():
        nonlocal taken
        data = png(coloured_picture("red"))
        for i in range(5000):
            taken += 1
            yield str(i), lambda: data

    answers = predictor.predict_items(items())
    next(answers)
    assert taken < 500
    answers.close()


def test_limits_on_pictures_are_kept(bundle: Path, tmp_path: Path) -> None:
    strict = Predictor.open(bundle, limits=Limits(max_pixels=100))
    answers = list(strict.predict_source(write_folder(tmp_path, coloured_files(1))))
    assert all(isinstance(answer, PredictionFailure) for answer in answers)


@pytest.mark.parametrize("top_k", [1, 2, 3, 50])
def test_as_many_classes_are_named_as_were_asked_for(predictor: Predictor, top_k: int) -> None:
    data = png(coloured_picture("green"))
    [answer] = predictor.predict_items([("a", lambda: data)], top_k=top_k)
    assert isinstance(answer, Prediction)
    assert len(answer.top) == min(top_k, 3)


def test_temperature_softens_and_never_changes_the_class(bundle: Path) -> None:
    plain = read_bundle(bundle)
    soft = replace(plain, info=replace(plain.info, temperature=5.0))
    batch = pixels(6)
    sharp, softened = (Predictor(b).predict_pixels(batch).probabilities for b in (plain, soft))
    np.testing.assert_array_equal(sharp.argmax(axis=1), softened.argmax(axis=1))
    assert (softened.max(axis=1) < sharp.max(axis=1)).all()
    np.testing.assert_allclose(
        np.log(softened[:, 0] / softened[:, 1]) * 5, np.log(sharp[:, 0] / sharp[:, 1]), rtol=1e-3
    )


def test_eight_threads_get_the_answers_of_one(predictor: Predictor, tmp_path: Path) -> None:
    folder = write_folder(tmp_path, coloured_files(15))
    expected = list(predictor.predict_source(folder))
    with ThreadPoolExecutor(8) as pool:
        for answers in pool.map(lambda _: list(predictor.predict_source(folder)), range(16)):
            assert [a.path for a in answers] == [e.path for e in expected]
            for answer, wanted in zip(answers, expected, strict=True):
                assert isinstance(answer, Prediction)
                assert isinstance(wanted, Prediction)
                assert answer.label == wanted.label
                assert answer.probability == pytest.approx(wanted.probability, abs=1e-5)


def test_a_missing_or_empty_source_is_said_so(predictor: Predictor, tmp_path: Path) -> None:
    with pytest.raises(SourceNotFound, match="nowhere"):
        list(predictor.predict_source(tmp_path / "nowhere"))
    with pytest.raises(EmptySource):
        list(predictor.predict_source(write_folder(tmp_path, {"notes.txt": b"x"})))


def test_a_missing_bundle_is_said_so(tmp_path: Path) -> None:
    with pytest.raises(SourceNotFound):
        Predictor.open(tmp_path / "none.anmok")


def broken_model(kind: str) -> onnx.ModelProto:
    model = colour_model()
    if kind == "operator-unknown":
        model.graph.node[0].op_type = "NoSuchOperator"
    elif kind == "shapes-do-not-fit":
        head = next(tensor for tensor in model.graph.initializer if tensor.name == "head.weight")
        head.CopyFrom(numpy_helper.from_array(np.zeros((3, 5), np.float32), "head.weight"))
    elif kind == "fails-when-run":
        # Only the values say that this reshape cannot be done.
        model.graph.initializer.append(numpy_helper.from_array(np.array([7, -1, 3]), "shape"))
        model.graph.node.insert(0, onnx.helper.make_node("Reshape", ["pictures", "shape"], ["odd"]))
        model.graph.node.append(onnx.helper.make_node("ReduceSum", ["odd_float"], ["odd_sum"], keepdims=0))
        model.graph.node.append(onnx.helper.make_node("Mul", ["first", "odd_sum"], ["logits"]))
        model.graph.node.insert(1, onnx.helper.make_node("Cast", ["odd"], ["odd_float"], to=onnx.TensorProto.FLOAT))
        next(node for node in model.graph.node if node.op_type == "Gemm").output[0] = "first"
    elif kind == "not-finite":
        head = next(tensor for tensor in model.graph.initializer if tensor.name == "head.b")
        head.CopyFrom(numpy_helper.from_array(np.full(3, np.nan, np.float32), "head.b"))
    return model


@pytest.mark.parametrize("kind", ["operator-unknown", "shapes-do-not-fit", "fails-when-run", "not-finite"])
def test_a_model_that_cannot_work_is_an_error_about_the_bundle(tmp_path: Path, kind: str) -> None:
    path = write_colour_bundle(tmp_path / "broken.anmok", model=broken_model(kind))
    with pytest.raises(BundleError, match=r"broken\.anmok"):
        Predictor.open(path).predict_pixels(pixels(2))


def test_damaged_models_with_right_check_sums_raise_nothing_but_bundle_errors(tmp_path: Path) -> None:
    model = colour_model().SerializeToString()
    random = np.random.default_rng(0)
    path = tmp_path / "fuzz.anmok"
    refused = 0
    for _ in range(150):
        changed = bytearray(model)
        for position in random.integers(0, len(model), 2):
            changed[position] = random.integers(0, 256)
        try:
            proto = onnx.load_model_from_string(bytes(changed))
            write_colour_bundle(path, model=proto)
        except Exception:  # noqa: BLE001 - what even onnx does not take is not the subject here
            continue
        try:
            predictor = Predictor.open(path, threads=1)
            assert predictor.predict_pixels(pixels(2)).probabilities.shape == (2, 3)
        except BundleError:
            refused += 1
    assert refused > 20


def test_prediction_imports_nothing_heavy(bundle: Path, tmp_path: Path) -> None:
    picture = tmp_path / "a.png"
    picture.write_bytes(png(coloured_picture("red")))
    heavy = ["torch", "torchvision", "timm", "django", "matplotlib", "pandas", "sklearn", "pyarrow", "scipy"]
    code = (
        "import sys\n"
        "from anmok.inference import Predictor\n"
        f"[answer] = Predictor.open({str(bundle)!r}).predict_source({str(picture)!r})\n"
        "assert answer.label == 'red', answer\n"
        f"print([name for name in {heavy!r} if name in sys.modules])\n"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"


def test_full_answers_come_with_errors_as_values(predictor: Predictor) -> None:
    data = png(coloured_picture("red"))
    (first, answer), (second, error) = predictor.answers([("good", lambda: data), ("bad", lambda: b"")])
    assert (first, second) == ("good", "bad")
    assert not isinstance(answer, PictureError)
    assert answer.probabilities.shape == (3,)
    assert answer.embedding.shape == (8,)
    assert isinstance(error, PictureError)
