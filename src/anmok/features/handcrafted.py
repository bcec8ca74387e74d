"""Features that people thought of, as an ONNX graph: edge directions, texture, colours, brightness and contrast.

So they run in the same engine as a network, are cached and bundled like one, and need neither PyTorch nor weights.
The embedding, in this order (``parts`` gives the spans):

- ``edges``: histograms of oriented gradients (Dalal and Triggs, Histograms of oriented gradients for human detection,
  2005): of each pixel the gradient of the channel where it is strongest; 9 directions of 0-180 degrees; both direction
  and place are shared linearly between neighbours; blocks of 2x2 cells are normalised by L2-Hys.
- ``texture``: uniform local binary patterns (Ojala, Pietikäinen and Mäenpää, Multiresolution gray-scale and rotation
  invariant texture classification, 2002): which of the 8 neighbours are brighter; histograms of 59 patterns.
- ``colours``: histograms of the two opponent colours together (red against green, yellow against blue) and of luma,
  each value shared linearly between neighbouring bins.
- ``light``: brightness and contrast, the mean and the standard deviation of luma, divided by 255.

Histograms of texture and colours are taken as square roots, which makes a linear model compare them by the Hellinger
kernel (Vedaldi and Zisserman, Efficient additive kernels via explicit feature maps, 2012).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from anmok.config import ResizeRule
from anmok.features.extractor import Extractor
from anmok.features.graph_builder import GraphBuilder, Value
from anmok.features.handmade import handmade_extractor

if TYPE_CHECKING:
    import onnx

#: Side of the square, pixels, and of a cell in which directions are counted.
SIZE, CELL = 128, 16
DIRECTIONS = 9
#: Texture and colours are counted in so many by so many fields.
FIELDS = 4
PATTERNS = 59
OPPONENT_BINS, LUMA_BINS = 6, 8
#: How much opponent colours are stretched before they are cut off: photographs keep to the middle.
OPPONENT_GAIN = 1.5
#: Of L2-Hys: the largest share of a block that one value may have, and what keeps flat blocks from being blown up.
CLIP, FLAT, FLAT_AGAIN = 0.2, 4e-6, 1e-6
#: ITU-R 601. In whole numbers, because luma is then exact in float32 and equal pixels stay equal, however it is summed.
LUMA_WEIGHTS = (299, 587, 114)
#: A neighbour is brighter if it is by more than this, in steps of 0-255: JPEG noise in flat areas is no texture.
TEXTURE_STEP = 3

CELLS = SIZE // CELL
PARTS = {
    "edges": (CELLS - 1) ** 2 * 4 * DIRECTIONS,
    "texture": FIELDS**2 * PATTERNS,
    "colours": FIELDS**2 * (OPPONENT_BINS**2 + LUMA_BINS),
    "light": 2,
}
DIM = sum(PARTS.values())


def handcrafted_extractor(*, image_size: int = 0, resize: ResizeRule = "squash") -> Extractor:
    """Return the extractor; its graph is written into the cache if it is not there yet.

    Raises:
        UsageError: another size than the features' own was asked for.
        StorageError: the cache cannot be written.
    """
    return handmade_extractor(
        "handcrafted", handcrafted_graph, size=SIZE, dim=DIM, image_size=image_size, resize=resize
    )


def parts() -> dict[str, slice]:
    """Return where each part stands in the embedding."""
    ends = np.cumsum(list(PARTS.values())).tolist()
    return {name: slice(end - size, end) for (name, size), end in zip(PARTS.items(), ends, strict=True)}


def handcrafted_graph() -> onnx.ModelProto:
    """Return the graph.

    It takes ``pictures`` uint8 ``(N, 128, 128, 3)`` and gives ``embedding`` float32 ``(N, DIM)`` (all values 0-1)
    and ``feature_map`` float32 ``(N, 9, 8, 8)``: the strength of each direction in each cell, before normalisation.
    """
    from onnx import TensorProto, helper

    b = GraphBuilder()
    values = b.node("Cast", b.node("Transpose", "pictures", perm=[0, 3, 1, 2]), to=TensorProto.FLOAT)
    rgb = b.node("Mul", values, b.number(1 / 255))
    weights = np.array(LUMA_WEIGHTS, dtype=np.float32).reshape(1, 3, 1, 1)
    whole_luma = b.node("Conv", values, b.constant(weights))
    luma = b.node("Mul", whole_luma, b.number(1 / (255 * sum(LUMA_WEIGHTS))))
    cells = _direction_cells(b, rgb)
    embedding = [_blocks(b, cells), _texture(b, whole_luma), _colours(b, rgb, luma), _light(b, luma)]
    b.node("Concat", *embedding, output="embedding", axis=1)
    b.node("Identity", cells, output="feature_map")
    return b.model(
        "handcrafted",
        [helper.make_tensor_value_info("pictures", TensorProto.UINT8, ["N", SIZE, SIZE, 3])],
        [
            helper.make_tensor_value_info("embedding", TensorProto.FLOAT, ["N", DIM]),
            helper.make_tensor_value_info("feature_map", TensorProto.FLOAT, ["N", DIRECTIONS, CELLS, CELLS]),
        ],
    )


def _direction_cells(b: GraphBuilder, rgb: Value) -> Value:
    """Return ``(N, 9, 8, 8)``: gradient magnitude by direction and cell, shared linearly in direction and place."""
    # The square root evens out shadows (Dalal and Triggs, section 6.1). Edges repeat outwards.
    values = b.node("Pad", b.node("Sqrt", rgb), b.whole([0, 0, 1, 1, 0, 0, 1, 1]), mode="edge")
    inner, before, after = (1, SIZE + 1), (0, SIZE), (2, SIZE + 2)
    dx = b.node("Sub", b.part(values, y=inner, x=after), b.part(values, y=inner, x=before))
    dy = b.node("Sub", b.part(values, y=after, x=inner), b.part(values, y=before, x=inner))
    squared = b.node("Add", b.node("Mul", dx, dx), b.node("Mul", dy, dy))
    strongest = b.node("ArgMax", squared, axis=1, keepdims=1)
    dx, dy = (b.node("GatherElements", part, strongest, axis=1) for part in (dx, dy))
    magnitude = b.node("Sqrt", b.node("GatherElements", squared, strongest, axis=1))
    # ONNX has no atan2; directions have no sign here, so atan does, with a vertical gradient for dx = 0.
    flat = b.node("Less", b.node("Abs", dx), b.number(1e-7))
    ratio = b.node("Div", dy, b.node("Where", flat, b.number(1e-7), dx))
    # -0.5 to 0.5 of a half turn becomes a place between bins, whose centres lie at 0.5, 1.5, ..., 8.5.
    place = b.node("Mul", b.node("Atan", ratio), b.number(DIRECTIONS / np.pi))
    centres = np.arange(DIRECTIONS, dtype=np.float32).reshape(1, DIRECTIONS, 1, 1) + 0.5
    shifted = np.where(centres > DIRECTIONS / 2, centres - DIRECTIONS, centres)
    distance = b.node("Abs", b.node("Sub", place, b.constant(shifted.astype(np.float32))))
    around = b.node("Min", distance, b.node("Sub", b.number(DIRECTIONS), distance))
    shares = b.node("Mul", b.node("Relu", b.node("Sub", b.number(1), around)), magnitude)
    return _pooled(b, shares, _cell_shares())


def _cell_shares() -> NDArray[np.float32]:
    """Return ``(SIZE, CELLS)``: how much a pixel counts for each cell, falling linearly to the next cells' centres."""
    pixels = (np.arange(SIZE) + 0.5) / CELL - 0.5
    distances: NDArray[np.float64] = np.abs(pixels[:, None] - np.arange(CELLS)[None])
    return (np.maximum(0, 1 - distances) / CELL).astype(np.float32)


def _field_shares() -> NDArray[np.float32]:
    """Return ``(SIZE, FIELDS)``: each pixel counts for its field alone; a field's shares sum to 1."""
    side = SIZE // FIELDS
    shares: NDArray[np.float32] = np.kron(np.eye(FIELDS), np.full((side, 1), 1 / side)).astype(np.float32)
    return shares


def _pooled(b: GraphBuilder, values: Value, shares: NDArray[np.float32]) -> Value:
    """Return ``shares.T @ values @ shares`` for each channel of ``(N, C, SIZE, SIZE)``."""
    return b.node("MatMul", b.constant(shares.T), b.node("MatMul", values, b.constant(shares)))


def _blocks(b: GraphBuilder, cells: Value) -> Value:
    """Return ``(N, 1764)``: blocks of 2x2 cells, normalised, cut off, normalised again."""
    near, far = (0, CELLS - 1), (1, CELLS)
    corners = [b.part(cells, y=y, x=x) for y in (near, far) for x in (near, far)]
    blocks = b.node("Concat", *corners, axis=1)
    blocks = b.node("Min", _normalised(b, blocks, FLAT), b.number(CLIP))
    return b.node("Flatten", _normalised(b, blocks, FLAT_AGAIN), axis=1)


def _normalised(b: GraphBuilder, blocks: Value, flat: float) -> Value:
    length = b.node("ReduceSumSquare", blocks, b.whole([1]), keepdims=1)
    return b.node("Div", blocks, b.node("Sqrt", b.node("Add", length, b.number(flat))))


def _texture(b: GraphBuilder, luma: Value) -> Value:
    """Return ``(N, 944)``: for each field, how frequent each pattern of brighter neighbours is.

    ``luma`` is exact: whole numbers, ``sum(LUMA_WEIGHTS)`` times as large as the pixels.
    """
    from onnx import TensorProto

    padded = b.node("Pad", luma, b.whole([0, 0, 1, 1, 0, 0, 1, 1]), mode="edge")
    centre = b.node("Add", luma, b.number(TEXTURE_STEP * sum(LUMA_WEIGHTS)))
    code = b.number(0)
    for bit, (dy, dx) in enumerate(((0, 0), (0, 1), (0, 2), (1, 2), (2, 2), (2, 1), (2, 0), (1, 0))):
        neighbour = b.part(padded, y=(dy, dy + SIZE), x=(dx, dx + SIZE))
        brighter = b.node("Cast", b.node("Greater", neighbour, centre), to=TensorProto.FLOAT)
        code = b.node("Add", code, b.node("Mul", brighter, b.number(2**bit)))
    index = b.node("Squeeze", b.node("Cast", code, to=TensorProto.INT32), b.whole([1]))
    patterns = b.node("Gather", b.constant(pattern_table()), index, axis=0)
    side = SIZE // FIELDS
    fields = b.node("Reshape", patterns, b.whole([-1, FIELDS, side, FIELDS, side, PATTERNS]))
    shares = b.node("ReduceMean", fields, b.whole([2, 4]), keepdims=0)
    return b.node("Flatten", b.node("Sqrt", shares), axis=1)


def pattern_table() -> NDArray[np.float32]:
    """Return ``(256, 59)``: one row of zeros and a one for each code of 8 neighbours.

    The 58 codes that change at most twice around the circle have a column each; all others share the last.
    """
    codes = np.arange(256)
    bits = (codes[:, None] >> np.arange(8)) & 1
    is_uniform = (bits != np.roll(bits, 1, axis=1)).sum(axis=1) <= 2
    columns = np.where(is_uniform, np.cumsum(is_uniform) - 1, PATTERNS - 1)
    table: NDArray[np.float32] = np.eye(PATTERNS, dtype=np.float32)[columns]
    return table


def _colours(b: GraphBuilder, rgb: Value, luma: Value) -> Value:
    """Return ``(N, 704)``: for each field, how frequent each opponent colour and each luma is."""
    opponents = np.array([[1, -1, 0], [0.5, 0.5, -1]], dtype=np.float32).reshape(2, 3, 1, 1) * OPPONENT_GAIN
    half = np.full(2, 0.5, dtype=np.float32)
    both = b.node("Clip", b.node("Conv", rgb, b.constant(opponents), b.constant(half)), b.number(0), b.number(1))
    first, second = (b.node("Gather", both, b.whole([channel]), axis=1) for channel in (0, 1))
    rows = b.node("Unsqueeze", _in_bins(b, first, OPPONENT_BINS), b.whole([2]))
    columns = b.node("Unsqueeze", _in_bins(b, second, OPPONENT_BINS), b.whole([1]))
    together = b.node("Reshape", b.node("Mul", rows, columns), b.whole([-1, OPPONENT_BINS**2, SIZE, SIZE]))
    bins = b.node("Concat", together, _in_bins(b, luma, LUMA_BINS), axis=1)
    shares = _pooled(b, bins, _field_shares())
    # Rounding may leave a share below 0 by a hair.
    return b.node("Flatten", b.node("Sqrt", b.node("Relu", shares)), axis=1)


def _in_bins(b: GraphBuilder, values: Value, bins: int) -> Value:
    """Return ``(N, bins, S, S)`` for values 0-1 ``(N, 1, S, S)``: each shared linearly between the two nearest bins."""
    centres = np.arange(bins, dtype=np.float32).reshape(1, bins, 1, 1)
    distance = b.node("Abs", b.node("Sub", b.node("Mul", values, b.number(bins - 1)), b.constant(centres)))
    return b.node("Relu", b.node("Sub", b.number(1), distance))


def _light(b: GraphBuilder, luma: Value) -> Value:
    """Return ``(N, 2)``: mean and standard deviation of luma, 0-1."""
    mean = b.node("ReduceMean", luma, b.whole([1, 2, 3]), keepdims=1)
    centred = b.node("Sub", luma, mean)
    variance = b.node("ReduceMean", b.node("Mul", centred, centred), b.whole([1, 2, 3]), keepdims=1)
    return b.node("Flatten", b.node("Concat", mean, b.node("Sqrt", variance), axis=1), axis=1)
