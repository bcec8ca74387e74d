"""Where a feature map lies over the pictures: against what the network is seen to look at."""

from __future__ import annotations

import numpy as np
import pytest
from onnx import TensorProto, helper, numpy_helper

from anmok.inference.map_place import map_span

Window = tuple[int, int, int, int]  # kernel, stride, padding before and after


def graph(size: int, windows: list[Window], *, cut: int = 0) -> bytes:
    nodes = [
        helper.make_node("Cast", ["pictures"], ["float"], to=TensorProto.FLOAT),
        helper.make_node("Slice", ["float", "from", "to", "axes"], ["middle"]),
        helper.make_node("Transpose", ["middle"], ["value0"], perm=[0, 3, 1, 2]),
    ]
    side = size - 2 * cut
    for number, (kernel, stride, before, after) in enumerate(windows):
        nodes.append(
            helper.make_node(
                "AveragePool",
                [f"value{number}"],
                [f"value{number + 1}"],
                kernel_shape=[kernel] * 2,
                strides=[stride] * 2,
                pads=[before, before, after, after],
            )
        )
        side = (side + before + after - kernel) // stride + 1
    nodes.append(helper.make_node("Relu", [f"value{len(windows)}"], ["feature_map"]))
    constants = {"from": [cut, cut], "to": [size - cut, size - cut], "axes": [1, 2]}
    made = helper.make_graph(
        nodes,
        "windows",
        [helper.make_tensor_value_info("pictures", TensorProto.UINT8, ["N", size, size, 3])],
        [helper.make_tensor_value_info("feature_map", TensorProto.FLOAT, ["N", 3, side, side])],
        [numpy_helper.from_array(np.array(values, dtype=np.int64), name) for name, values in constants.items()],
    )
    model = helper.make_model(made, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    data: bytes = model.SerializeToString()
    return data


def centres_seen(model: bytes, size: int) -> np.ndarray:
    """The centre of the columns of pixels that each place of the map's first row takes up, found by lighting each."""
    from anmok.features.session import open_session

    session = open_session(model)
    pictures = np.zeros((size, size, size, 3), dtype=np.uint8)
    pictures[np.arange(size), :, np.arange(size)] = 255
    (answers,) = session.run(["feature_map"], {"pictures": pictures})
    shares = answers[:, 0].mean(axis=1)
    return (shares * (np.arange(size) + 0.5)[:, None]).sum(axis=0) / shares.sum(axis=0)


@pytest.mark.parametrize(
    "windows",
    [
        [(3, 1, 0, 0), (2, 2, 0, 0), (3, 1, 0, 0)],
        [(5, 1, 0, 0)],
        [(4, 4, 0, 0)],
        [(3, 2, 0, 0), (3, 1, 0, 0)],
    ],
)
@pytest.mark.parametrize("cut", [0, 4])
def test_places_stand_around_the_centres_of_what_they_see(windows: list[Window], cut: int) -> None:
    size = 32
    model = graph(size, windows, cut=cut)
    x0, y0, x1, y1 = map_span(model, size)
    seen = centres_seen(model, size)
    step = (x1 - x0) * size / len(seen)
    np.testing.assert_allclose(x0 * size + step * (np.arange(len(seen)) + 0.5), seen, atol=1e-4)
    assert (x0, x1) == (y0, y1)


@pytest.mark.parametrize("pads", [(0, 1), (1, 0), (1, 1)])
def test_strided_windows_that_are_padded_divide_the_picture_evenly(pads: tuple[int, int]) -> None:
    assert map_span(graph(32, [(3, 2, *pads), (3, 2, *pads)]), 32) == (0, 0, 1, 1)


def test_same_padding_keeps_the_map_over_the_whole_picture() -> None:
    assert map_span(graph(32, [(3, 1, 1, 1), (2, 2, 0, 0)]), 32) == (0, 0, 1, 1)


def test_a_map_whose_places_the_graph_does_not_tell_lies_over_the_whole_picture() -> None:
    import onnx

    model = onnx.load_model_from_string(graph(32, [(5, 1, 0, 0)]))
    model.graph.initializer.append(numpy_helper.from_array(np.array([-1, 3, 28, 28], dtype=np.int64), "shape"))
    model.graph.node[-1].input[0] = "patches"
    model.graph.node.insert(len(model.graph.node) - 1, helper.make_node("Reshape", ["value1", "shape"], ["patches"]))
    assert map_span(model.SerializeToString(), 32) == (0, 0, 1, 1)
