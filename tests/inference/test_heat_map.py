"""Heat maps: from the graph alone, exact where a formula is known, in their place on the picture."""

from __future__ import annotations

import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import numpy as np
import onnx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from onnx import TensorProto, helper, numpy_helper
from scipy.ndimage import center_of_mass

from anmok.bundle.append import append_head
from anmok.bundle.format import Bundle
from anmok.errors import UnknownName, UsageError
from anmok.features.handcrafted import SIZE as HANDCRAFTED_SIZE
from anmok.features.handcrafted import handcrafted_graph
from anmok.features.session import open_session
from anmok.inference.heat_map import HeatMap
from anmok.inference.heat_map_graph import NoCut, cut_at_map
from anmok.inference.heat_mapper import HeatMapper
from anmok.training.heads_layered import Dense, Relu, Step
from bundle.small_bundles import DIM, LABELS, SIZE, colour_extractor, colour_info, colour_model, write_colour_bundle

PLACES = 4


def bundle_of(model: onnx.ModelProto, **info: object) -> Bundle:
    return Bundle(path=Path("made.anmok"), info=colour_info(**info), model=model.SerializeToString(), card="")


def picture_with(colour: str, rows: slice, columns: slice, *, size: int = 64) -> np.ndarray:
    pixels = np.random.default_rng(0).integers(90, 110, (size, size, 3)).astype(np.uint8)
    pixels[rows, columns, LABELS.index(colour)] = 255
    return pixels


def head(*widths: int, seed: int = 0) -> list[Step]:
    """Dense layers with ReLU between, from chance weights."""
    random, steps = np.random.default_rng(seed), []
    for inputs, outputs in pairwise(widths):
        weight = random.normal(size=(outputs, inputs)).astype(np.float32)
        steps += [Dense(weight, random.normal(size=outputs).astype(np.float32)), Relu()]
    return steps[:-1]


def run(model: onnx.ModelProto, square: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    logits, feature_map = open_session(model.SerializeToString()).run(
        ["logits", "feature_map"], {"pictures": square[None]}
    )
    return logits[0], feature_map[0]


@pytest.fixture
def square() -> np.ndarray:
    return noise(3)


def noise(seed: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (SIZE, SIZE, 3)).astype(np.uint8)


def nearly_tied(feature_map: np.ndarray) -> bool:
    """Whether two places share a channel's maximum within a per cent: a step then tells of both."""
    second, first = np.sort(feature_map.reshape(len(feature_map), -1), axis=1)[:, -2:].T
    return bool((np.abs(first - second) < 0.01 * np.abs(first)).any())


def test_behind_pooling_and_one_layer_it_is_the_class_activation_map(square: np.ndarray) -> None:
    model = colour_model()
    weight = next(numpy_helper.to_array(tensor) for tensor in model.graph.initializer if tensor.name == "head.weight")
    _logits, feature_map = run(model, square)
    # Zhou et al., 2016, equation 2, with weights whose mean over the classes is taken off.
    maps = np.einsum("kc,chw->khw", weight - weight.mean(axis=0), feature_map) / PLACES**2
    found = HeatMapper(bundle_of(model)).heat_map(square, label="green")
    assert found.method == "cam"
    np.testing.assert_allclose(found.values * found.peak, np.clip(maps[1], 0, None), atol=1e-5)


def test_what_is_added_to_all_logits_changes_no_map(square: np.ndarray) -> None:
    before, after = colour_model(), colour_model()
    for tensor in after.graph.initializer:
        if tensor.name == "head.weight":
            drawn = np.random.default_rng(5).normal(size=(1, DIM)).astype(np.float32)
            tensor.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(tensor) + drawn, tensor.name))
    maps = [HeatMapper(bundle_of(model)).heat_map(square, label="red").values for model in (before, after)]
    np.testing.assert_allclose(*maps, atol=1e-4)


@pytest.mark.parametrize("output", ["average-pool", "max-pool", "flatten"])
def test_behind_several_layers_it_is_gradient_times_value(output: str) -> None:
    import torch

    inputs = DIM * PLACES**2 if output == "flatten" else DIM
    steps = head(inputs, 32, 3)
    model = append_head(colour_extractor(), steps, output)  # type: ignore[arg-type]
    square = next(one for one in map(noise, range(3, 30)) if not nearly_tied(run(model, one)[1]))
    _logits, feature_map = run(model, square)
    values = torch.tensor(feature_map, dtype=torch.float64, requires_grad=True)
    hidden = {
        "average-pool": lambda: values.mean(dim=(1, 2)),
        "max-pool": lambda: values.amax(dim=(1, 2)),
        "flatten": values.flatten,
    }[output]()
    for step in steps:
        hidden = (
            torch.relu(hidden)
            if isinstance(step, Relu)
            else torch.tensor(step.weight).double() @ hidden + torch.tensor(step.bias)
        )
    (hidden[2] - hidden.mean()).backward()
    wanted = (values.grad * values).sum(dim=0).detach().numpy()  # HiResCAM, equation 3
    found = HeatMapper(bundle_of(model)).heat_map(square, label="blue")
    assert found.method == "hirescam"
    np.testing.assert_allclose(found.values * found.peak, np.clip(wanted, 0, None), atol=0.01 * np.abs(wanted).max())


def test_hand_made_features_are_shown_by_occlusion_and_say_why_they_have_no_activation_map() -> None:
    inputs = handcrafted_graph()
    dim = next(value for value in inputs.graph.output if value.name == "embedding").type.tensor_type.shape.dim[1]
    model = append_head(inputs, head(dim.dim_value, 3), "embedding")
    mapper = HeatMapper(bundle_of(model, image_size=HANDCRAFTED_SIZE))
    pixels = picture_with("red", slice(0, 30), slice(0, 30))
    assert not mapper.has_cam
    assert mapper.heat_map(pixels).method == "occlusion"
    with pytest.raises(UsageError, match="feature map alone") as caught:
        mapper.heat_map(pixels, method="cam")
    assert "occlusion" in caught.value.hint


def test_a_token_beside_the_map_gives_occlusion_because_no_place_of_the_map_moves_the_answer(
    square: np.ndarray,
) -> None:
    model = colour_model()
    # As a transformer's class token beside its patches: the answer comes from a place that is no part of the map.
    graph = model.graph
    for name, values in (("starts", [0]), ("ends", [1]), ("axes", [2]), ("from", [1]), ("to", [4])):
        graph.initializer.append(numpy_helper.from_array(np.array(values, dtype=np.int64), name))
    for node in graph.node:
        node.output[:] = ["whole" if name == "feature_map" else name for name in node.output]
        node.input[:] = ["token" if name == "feature_map" else name for name in node.input]
    at = next(number for number, node in enumerate(graph.node) if "whole" in node.output) + 1
    graph.node.insert(at, helper.make_node("Slice", ["whole", "from", "to", "axes"], ["feature_map"]))
    graph.node.insert(at, helper.make_node("Slice", ["whole", "starts", "ends", "axes"], ["token"]))
    del next(value for value in graph.output if value.name == "feature_map").type.tensor_type.shape.dim[2:]
    for side in (3, 4):
        next(v for v in graph.output if v.name == "feature_map").type.tensor_type.shape.dim.add().dim_value = side
    mapper = HeatMapper(bundle_of(model))
    assert mapper.heat_map(square).method == "occlusion"
    with pytest.raises(UsageError):
        mapper.heat_map(square, method="cam")


def test_a_map_that_is_a_view_of_channels_last_values_is_followed_back_to_them(square: np.ndarray) -> None:
    """Channels-last networks answer from what stands before the transposition that gives their map."""
    model, plain = colour_model(), colour_model()
    graph = model.graph
    for node in graph.node:
        node.input[:] = ["back" if name == "feature_map" else name for name in node.input]
        node.output[:] = ["planes_first" if name == "feature_map" else name for name in node.output]
    at = next(number for number, node in enumerate(graph.node) if "planes_first" in node.output) + 1
    graph.node.insert(at, helper.make_node("Transpose", ["last"], ["back"], perm=[0, 3, 1, 2]))
    graph.node.insert(at, helper.make_node("Transpose", ["last"], ["feature_map"], perm=[0, 3, 1, 2]))
    graph.node.insert(at, helper.make_node("Transpose", ["planes_first"], ["last"], perm=[0, 2, 3, 1]))
    assert cut_at_map(model.SerializeToString()).value == "last"
    maps = [HeatMapper(bundle_of(one)).heat_map(square, label="red", method="cam") for one in (model, plain)]
    np.testing.assert_allclose(maps[0].values, maps[1].values, atol=1e-5)


def test_a_graph_that_looks_past_its_map_cannot_be_cut() -> None:
    model = colour_model()
    for node in model.graph.node:
        if node.op_type == "GlobalAveragePool":
            node.input[0] = "scaled"
    with pytest.raises(NoCut):
        cut_at_map(model.SerializeToString())


@pytest.mark.parametrize("method", ["cam", "occlusion"])
@pytest.mark.parametrize("colour", LABELS)
def test_the_map_lies_on_the_thing(method: str, colour: str) -> None:
    # 64 pixels, the thing in the right half of the third quarter.
    pixels = picture_with(colour, slice(32, 48), slice(48, 64))
    found = HeatMapper(bundle_of(colour_model())).heat_map(pixels, label=colour, method=method)  # type: ignore[arg-type]
    spread = found.on_picture(64, 64)
    y, x = center_of_mass(np.clip(spread - 0.5, 0, None))
    assert (x, y) == pytest.approx((55.5, 39.5), abs=3)
    assert found.method == method
    assert found.label == colour
    assert spread.max() == pytest.approx(1)


@pytest.mark.parametrize("rule", ["squash", "crop", "pad"])
@pytest.mark.parametrize("turned", [False, True])
def test_the_map_is_brought_back_to_the_whole_picture_by_each_resize_rule(rule: str, turned: bool) -> None:
    # Off the middle, which every rule leaves where it is, and inside what "crop" keeps.
    pixels = np.full((90, 180, 3), 100, dtype=np.uint8)
    pixels[5:35, 95:125, 0] = 255
    if turned:
        pixels = pixels.transpose(1, 0, 2)
    found = HeatMapper(bundle_of(colour_model(), resize=rule)).heat_map(pixels, label="red", method="occlusion")
    spread = found.on_picture(pixels.shape[1], pixels.shape[0])
    centre = center_of_mass(np.clip(spread - 0.5, 0, None))
    wanted = (109.5, 19.5) if turned else (19.5, 109.5)
    assert centre == pytest.approx(wanted, abs=3)
    unseen = spread[:40] if turned else spread[:, :40]
    if rule == "crop":
        assert not unseen.any()


def test_a_class_that_nothing_speaks_for_has_an_empty_map() -> None:
    pixels = np.zeros((SIZE, SIZE, 3), dtype=np.uint8)
    model = colour_model()
    for tensor in model.graph.initializer:
        if tensor.name == "head.weight":
            tensor.CopyFrom(numpy_helper.from_array(np.eye(3, DIM, dtype=np.float32), tensor.name))
    pixels[..., 0] = 255
    found = HeatMapper(bundle_of(model)).heat_map(pixels, label="green")
    assert found.peak == 0
    assert not found.values.any()
    assert not found.on_picture(30, 20).any()


def test_maps_change_when_the_head_is_drawn_by_chance() -> None:
    """Adebayo et al., Sanity checks for saliency maps, 2018."""
    from scipy.stats import spearmanr

    random, agreements = np.random.default_rng(1), []
    for number in range(20):
        model = colour_model()
        drawn = append_head(colour_extractor(), head(DIM, 3, seed=number), "average-pool")
        pixels = random.integers(0, 256, (SIZE, SIZE, 3)).astype(np.uint8)
        maps = [HeatMapper(bundle_of(one)).heat_map(pixels, label="red").values.ravel() for one in (model, drawn)]
        if all(np.ptp(one) for one in maps):
            agreements.append(spearmanr(*maps).statistic)
    assert len(agreements) > 10
    assert abs(np.mean(agreements)) < 0.5


def test_the_most_probable_class_is_taken_where_none_is_named_and_an_unknown_one_is_refused(tmp_path: Path) -> None:
    mapper = HeatMapper.open(write_colour_bundle(tmp_path / "a.anmok"))
    assert mapper.heat_map(picture_with("blue", slice(0, 64), slice(0, 64))).label == "blue"
    with pytest.raises(UnknownName, match="purple") as caught:
        mapper.heat_map(picture_with("blue", slice(0, 9), slice(0, 9)), label="purple")
    assert "red, green, blue" in caught.value.hint


@given(
    st.integers(1, 9),
    st.integers(1, 9),
    st.integers(1, 60),
    st.integers(1, 60),
    st.tuples(*[st.floats(-0.5, 0.4)] * 2),
    st.tuples(*[st.floats(0.6, 1.5)] * 2),
)
def test_a_spread_map_stays_between_nothing_and_all(
    rows: int, columns: int, height: int, width: int, low: tuple[float, float], high: tuple[float, float]
) -> None:
    values = np.random.default_rng(rows * columns).random((rows, columns), dtype=np.float32)
    spread = HeatMap(values, "a", 0, "cam", 1.0, (*low, *high)).on_picture(width, height)
    assert spread.shape == (height, width)
    assert spread.dtype == np.float32
    assert spread.min() >= 0
    assert spread.max() == pytest.approx(1)


def test_an_even_map_stays_even_to_the_edges() -> None:
    spread = HeatMap(np.ones((3, 5), dtype=np.float32), "a", 0, "cam", 1.0).on_picture(40, 30)
    np.testing.assert_allclose(spread, 1, atol=1e-6)


def test_explaining_loads_no_heavy_library(tmp_path: Path) -> None:
    path = write_colour_bundle(tmp_path / "a.anmok")
    code = f"""
import sys, numpy as np
from anmok.inference.explain import explain
from anmok.inference.heat_mapper import HeatMapper
from anmok.inference.overlay import heat_map_png
pixels = np.zeros((20, 30, 3), dtype=np.uint8)
heat_map_png(pixels, HeatMapper.open({str(path)!r}).heat_map(pixels))
print([name for name in ("torch", "pandas", "sklearn", "matplotlib", "scipy") if name in sys.modules])
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "[]"


def test_a_graph_whose_batch_size_hangs_on_its_pictures_is_cut_too(square: np.ndarray) -> None:
    """PyTorch's exporter asks the pictures how many they are, to give the embedding its shape."""
    model, plain = colour_model(), colour_model()
    graph = model.graph
    flatten = next(node for node in graph.node if node.op_type == "Flatten")
    at = list(graph.node).index(flatten)
    graph.initializer.append(numpy_helper.from_array(np.array([DIM], dtype=np.int64), "dim"))
    graph.node.remove(flatten)
    graph.node.insert(at, helper.make_node("Reshape", ["pooled", "shape"], ["embedding"]))
    graph.node.insert(at, helper.make_node("Concat", ["count", "dim"], ["shape"], axis=0))
    graph.node.insert(at, helper.make_node("Shape", ["pictures"], ["count"], start=0, end=1))
    assert cut_at_map(model.SerializeToString()).is_affine
    maps = [HeatMapper(bundle_of(one)).heat_map(square, label="red", method="cam").values for one in (model, plain)]
    np.testing.assert_allclose(*maps, atol=1e-5)


def test_a_large_map_is_asked_in_blocks_that_stay_in_place() -> None:
    size = 120
    nodes = [
        helper.make_node("Cast", ["pictures"], ["float"], to=TensorProto.FLOAT),
        helper.make_node("Transpose", ["float"], ["feature_map"], perm=[0, 3, 1, 2]),
        helper.make_node("ReduceMean", ["feature_map"], ["embedding"], axes=[2, 3], keepdims=0),
        helper.make_node("Identity", ["embedding"], ["logits"]),
    ]
    shapes = {"logits": ["N", 3], "embedding": ["N", 3], "feature_map": ["N", 3, size, size]}
    graph = helper.make_graph(
        nodes,
        "large",
        [helper.make_tensor_value_info("pictures", TensorProto.UINT8, ["N", size, size, 3])],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name, shape in shapes.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    pixels = np.zeros((size, size, 3), dtype=np.uint8)
    pixels[80:110, 10:40, 1] = 255
    found = HeatMapper(bundle_of(model, image_size=size)).heat_map(pixels, label="green")
    assert found.values.size <= 196
    y, x = center_of_mass(np.clip(found.on_picture(size, size) - 0.5, 0, None))
    assert (x, y) == pytest.approx((24.5, 94.5), abs=3)
