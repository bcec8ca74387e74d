from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from onnx import TensorProto, helper, numpy_helper
from onnx.external_data_helper import convert_model_to_external_data

from anmok.bundle.graph import GraphRefused, GraphShape, check_graph
from bundle.small_bundles import DIM, SIZE, colour_extractor, colour_model


def external_weight(model: onnx.ModelProto) -> None:
    convert_model_to_external_data(model, size_threshold=0, location="../secret.bin")


def external_in_attribute(model: onnx.ModelProto) -> None:
    tensor = TensorProto(data_type=TensorProto.FLOAT, dims=[2], data_location=TensorProto.EXTERNAL)
    entry = tensor.external_data.add()
    entry.key, entry.value = "location", "/etc/passwd"
    model.graph.node.append(helper.make_node("Constant", [], ["secret"], value=tensor))


def external_in_subgraph(model: onnx.ModelProto) -> None:
    inner = helper.make_graph([], "inner", [], [])
    inner.initializer.add(data_location=TensorProto.EXTERNAL, name="secret")
    model.graph.node.append(helper.make_node("If", ["condition"], ["x"], then_branch=inner, else_branch=inner))


def external_without_mark(model: onnx.ModelProto) -> None:
    entry = model.graph.initializer[0].external_data.add()
    entry.key, entry.value = "location", "/etc/passwd"


def external_sparse(model: onnx.ModelProto) -> None:
    model.graph.sparse_initializer.add().values.data_location = TensorProto.EXTERNAL


def vendor_operator(model: onnx.ModelProto) -> None:
    model.graph.node.append(helper.make_node("EPContext", ["float"], ["x"], domain="com.microsoft"))


def vendor_operator_in_subgraph(model: onnx.ModelProto) -> None:
    inner = helper.make_graph([helper.make_node("EPContext", [], ["x"], domain="com.microsoft")], "inner", [], [])
    model.graph.node.append(helper.make_node("If", ["condition"], ["x"], then_branch=inner, else_branch=inner))


def endless_loop(model: onnx.ModelProto) -> None:
    body = helper.make_graph([], "body", [], [])
    model.graph.node.append(helper.make_node("Loop", ["", ""], ["x"], body=body))


def own_function(model: onnx.ModelProto) -> None:
    opset = [helper.make_opsetid("", 17)]
    model.functions.append(helper.make_function("", "Cast", ["a"], ["b"], [], opset))


def other_input(model: onnx.ModelProto) -> None:
    model.graph.input[0].name = "images"


def second_input(model: onnx.ModelProto) -> None:
    model.graph.input.append(helper.make_tensor_value_info("more", TensorProto.FLOAT, ["N"]))


def float_pictures(model: onnx.ModelProto) -> None:
    model.graph.input[0].type.tensor_type.elem_type = TensorProto.FLOAT


def fixed_batch(model: onnx.ModelProto) -> None:
    model.graph.input[0].type.tensor_type.shape.dim[0].dim_value = 1


def planes_first(model: onnx.ModelProto) -> None:
    for dim, value in zip(model.graph.input[0].type.tensor_type.shape.dim[1:], (3, SIZE, SIZE), strict=True):
        dim.dim_value = value


def open_classes(model: onnx.ModelProto) -> None:
    model.graph.output[-1].type.tensor_type.shape.dim[1].dim_param = "K"


@pytest.mark.parametrize(
    "harm",
    [
        external_weight,
        external_in_attribute,
        external_in_subgraph,
        external_without_mark,
        external_sparse,
        vendor_operator,
        vendor_operator_in_subgraph,
        endless_loop,
        own_function,
        other_input,
        second_input,
        float_pictures,
        fixed_batch,
        planes_first,
        open_classes,
    ],
    ids=lambda harm: harm.__name__,
)
def test_a_graph_that_could_harm_or_does_not_fit_is_refused(harm: Callable[[onnx.ModelProto], None]) -> None:
    model = colour_model()
    harm(model)
    with pytest.raises(GraphRefused):
        check_graph(model.SerializeToString())


def test_the_sizes_of_a_good_graph_are_told() -> None:
    assert check_graph(colour_model(classes=5).SerializeToString()) == GraphShape(SIZE, 5, DIM)


def test_weights_that_are_listed_as_inputs_too_are_no_inputs() -> None:
    model = colour_model()
    weight = model.graph.initializer[0]
    array = numpy_helper.to_array(weight)
    model.graph.input.append(helper.make_tensor_value_info(weight.name, TensorProto.FLOAT, array.shape))
    assert check_graph(model.SerializeToString()).classes == 3


def test_an_extractor_without_head_is_refused_with_what_was_wanted() -> None:
    with pytest.raises(GraphRefused, match="wanted: pictures -> logits, embedding, feature_map"):
        check_graph(colour_extractor().SerializeToString())


def test_external_data_that_exists_is_not_read(tmp_path: Path) -> None:
    model = colour_model()
    onnx.save(model, tmp_path / "model.onnx", save_as_external_data=True, size_threshold=0, location="weights.bin")
    assert (tmp_path / "weights.bin").stat().st_size > 0
    with pytest.raises(GraphRefused, match="other files"):
        check_graph((tmp_path / "model.onnx").read_bytes())


def test_the_mark_of_another_file_format_of_onnx_runtime_is_refused() -> None:
    # A producer name may put the mark where ONNX Runtime looks for it, in bytes that are valid ONNX too.
    data = b"\x12\x0a" + b"xxORTMxxxx" + colour_model().SerializeToString()
    assert onnx.load_model_from_string(data).graph.node
    with pytest.raises(GraphRefused):
        check_graph(data)


@given(data=st.data())
def test_damaged_models_raise_nothing_but_a_refusal(data: st.DataObject) -> None:
    model = bytearray(colour_model().SerializeToString())
    for _ in range(data.draw(st.integers(1, 5))):
        model[data.draw(st.integers(0, len(model) - 1))] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(0, len(model)))
    for candidate in (bytes(model), bytes(model[:cut])):
        try:
            shape = check_graph(candidate)
        except GraphRefused:
            continue
        assert shape.classes >= 1


def test_small_model_answers_as_its_labels_say() -> None:
    # The stage for all other tests: without this they could pass on a graph that answers at random.
    import onnxruntime

    from bundle.small_bundles import LABELS, coloured_picture

    session = onnxruntime.InferenceSession(colour_model().SerializeToString())
    batch = np.stack([coloured_picture(colour, size=SIZE) for colour in LABELS])
    logits = session.run(["logits"], {"pictures": batch})[0]
    assert logits.argmax(axis=1).tolist() == [0, 1, 2]
