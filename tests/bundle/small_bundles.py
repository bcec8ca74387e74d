"""Small real bundles for tests: a graph that tells red, green and blue pictures apart, run by ONNX Runtime."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from anmok.bundle.format import write_bundle
from anmok.bundle.info import BundleInfo, Parity
from anmok.bundle.reference import Reference
from anmok.bundle.unknown.rule import UnknownRule

SIZE = 16
DIM = 8
LABELS = ("red", "green", "blue")
FEATURES = "features"

RULE = UnknownRule(
    score="neighbours", settings={"neighbours": 2}, threshold=0.5, accepts=0.95, pictures={"valid": 80, "train": 0}
)


def colour_extractor(
    *, size: int = SIZE, mean: tuple[float, ...] = (0.5, 0.5, 0.5), std: tuple[float, ...] = (0.5, 0.5, 0.5)
) -> onnx.ModelProto:
    """uint8 pictures -> embedding (N, 8), feature_map (N, 8, 4, 4); the first three features are the mean colours."""
    weight = np.random.default_rng(0).normal(size=(DIM, 3, 1, 1)).astype(np.float32)
    weight[:3, :, 0, 0] = np.eye(3)
    constants = {
        "scale": (1 / (255 * np.float32(std))).astype(np.float32),
        "shift": (-np.float32(mean) / np.float32(std)).astype(np.float32),
        "weight": weight,
        "bias": np.full(DIM, 0.1, np.float32),
    }
    nodes = [
        helper.make_node("Cast", ["pictures"], ["float"], to=TensorProto.FLOAT),
        helper.make_node("Mul", ["float", "scale"], ["scaled"]),
        helper.make_node("Add", ["scaled", "shift"], ["normal"]),
        helper.make_node("Transpose", ["normal"], ["planes"], perm=[0, 3, 1, 2]),
        helper.make_node("AveragePool", ["planes"], ["coarse"], kernel_shape=[size // 4] * 2, strides=[size // 4] * 2),
        helper.make_node("Conv", ["coarse", "weight", "bias"], ["feature_map"]),
        helper.make_node("GlobalAveragePool", ["feature_map"], ["pooled"]),
        helper.make_node("Flatten", ["pooled"], ["embedding"]),
    ]
    graph = helper.make_graph(
        nodes,
        "colours",
        [helper.make_tensor_value_info("pictures", TensorProto.UINT8, ["N", size, size, 3])],
        [
            helper.make_tensor_value_info("embedding", TensorProto.FLOAT, ["N", DIM]),
            helper.make_tensor_value_info("feature_map", TensorProto.FLOAT, ["N", DIM, 4, 4]),
        ],
        [numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def colour_model(classes: int = 3, **extractor: Any) -> onnx.ModelProto:
    """The extractor with a head whose class is the strongest colour."""
    model = colour_extractor(**extractor)
    weight = np.random.default_rng(1).normal(size=(classes, DIM)).astype(np.float32) * 0.1
    weight[:3, :3] += 4 * np.eye(3, dtype=np.float32)[:classes]
    model.graph.initializer.extend(
        [
            numpy_helper.from_array(weight, "head.weight"),
            numpy_helper.from_array(np.zeros(classes, np.float32), "head.b"),
        ]
    )
    model.graph.node.append(helper.make_node("Gemm", ["embedding", "head.weight", "head.b"], ["logits"], transB=1))
    model.graph.output.append(helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["N", classes]))
    return model


def colour_info(**changes: Any) -> BundleInfo:
    values: dict[str, Any] = {
        "labels": LABELS,
        "image_size": SIZE,
        "resize": "squash",
        "name": "colours",
        "model": "colours",
        "recipe": {"name": "colours", "epochs": 3, "learning_rate": 0.1, "wide": True},
        "data_hash": "ab" * 32,
        "pictures": {"train": (5, 6, 7), "test": (1, 2, 3)},
        "anmok_version": "0.1.0",
        "parity": Parity(1.0, 1e-6, 6),
    }
    return BundleInfo(**(values | changes))


def colour_reference(pictures: int = 9) -> Reference:
    random = np.random.default_rng(2)
    return Reference(
        random.normal(size=(pictures, DIM)).astype(np.float16), (np.arange(pictures) % len(LABELS)).astype(np.int32)
    )


def write_colour_bundle(
    path: Path, *, model: onnx.ModelProto | None = None, info: Mapping[str, Any] | None = None
) -> Path:
    model = colour_model() if model is None else model
    write_bundle(path, info=colour_info(**(info or {})), model=model.SerializeToString(), reference=colour_reference())
    return path


def coloured_picture(colour: str, *, size: int = 40, seed: int = 0) -> np.ndarray:
    """A noisy uint8 picture (size, size, 3) of one of ``LABELS``."""
    random = np.random.default_rng(seed)
    pixels = random.integers(0, 80, (size, size, 3), dtype=np.uint8)
    pixels[..., LABELS.index(colour)] += 150
    return pixels
