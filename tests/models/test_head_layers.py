from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from anmok.errors import UsageError
from anmok.models.batch_norm import VectorBatchNorm
from anmok.models.dropout import SeededDropout
from anmok.models.head_layers import POOLS, HeadLayer, build_head, parse_head_layers, vector_size

OTHERS = st.one_of(
    st.integers(1, 65_536).map(lambda width: HeadLayer("dense", width=width)),
    st.integers(0, 99).map(lambda percent: HeadLayer("dropout", share=percent / 100)),
    st.just(HeadLayer("batch-norm")),
)
LISTS = st.tuples(st.sampled_from(POOLS).map(HeadLayer), st.lists(OTHERS, max_size=6))


@settings(max_examples=40)
@given(LISTS)
def test_a_list_that_is_written_is_read_back(listed: tuple[HeadLayer, list[HeadLayer]]) -> None:
    layers = (listed[0], *listed[1])
    assert parse_head_layers([str(layer) for layer in layers]) == layers


@given(st.lists(st.text(max_size=20), max_size=4))
def test_whatever_is_listed_is_read_or_refused_in_words(entries: list[str]) -> None:
    try:
        layers = parse_head_layers(entries)
    except UsageError:
        return
    assert layers[0].kind in POOLS
    assert len(layers) == len(entries)


@pytest.mark.parametrize(
    ("entries", "named"),
    [
        (["dense 128"], "Entry 1 of head_layers is 'dense 128'"),
        (["flatten", "max-pool"], "Entry 2 of head_layers is 'max-pool'"),
        (["flatten", "dense"], "'dense' is not known"),
        (["flatten", "dense 0"], "'dense 0' is not known"),
        (["flatten", "dense 99999999"], "'dense 99999999' is not known"),
        (["flatten", "dense 1.5"], "'dense 1.5' is not known"),
        (["flatten", "dropout 1"], "'dropout 1' is not known"),
        (["flatten", "relu"], "'relu' is not known"),
        (["average-pool 2"], "'average-pool 2' is not known"),
    ],
)
def test_an_entry_that_is_none_is_named(entries: list[str], named: str) -> None:
    with pytest.raises(UsageError, match=named):
        parse_head_layers(entries)


def test_a_head_is_built_as_listed() -> None:
    layers = parse_head_layers(["flatten", "dense 8", "dropout 0.25", "batch-norm", "dense 5"])
    head = build_head(layers, (3, 2, 4), 6)
    kinds = [nn.Flatten, nn.Linear, nn.ReLU, SeededDropout, VectorBatchNorm, nn.Linear, nn.ReLU, nn.Linear]
    assert [type(module) for module in head] == kinds
    assert head(torch.zeros(2, 3, 2, 4)).shape == (2, 6)
    # 24 x 8 + 8, two factors and two statistics of 8 (of which 2 x 8 learn), 8 x 5 + 5, 5 x 6 + 6: as Keras counts.
    assert sum(parameter.numel() for parameter in head.parameters()) == 200 + 16 + 45 + 36


def test_vectors_that_went_through_the_first_layer_skip_it() -> None:
    layers = parse_head_layers(["max-pool", "dense 4"])
    torch.manual_seed(0)
    on_maps = build_head(layers, (3, 2, 2), 2)
    torch.manual_seed(0)
    on_vectors = build_head(layers, (3,), 2)
    maps = torch.rand(5, 3, 2, 2)
    assert torch.equal(on_maps(maps), on_vectors(maps.amax(dim=(2, 3))))
    assert vector_size(layers, (3, 2, 2)) == vector_size(layers, (3,)) == 3
    assert vector_size(parse_head_layers(["flatten"]), (3, 2, 2)) == 12


def test_dense_layers_begin_as_in_keras() -> None:
    torch.manual_seed(0)
    (layer,) = build_head(parse_head_layers(["flatten"]), (300,), 100)
    limit = (6 / 400) ** 0.5  # glorot_uniform
    assert layer.weight.abs().max() <= limit
    assert float(layer.weight.detach().std()) == pytest.approx(limit / 3**0.5, rel=0.02)
    assert not layer.bias.any()


def test_a_head_that_no_memory_could_hold_is_refused_before_memory_is_asked_for() -> None:
    layers = parse_head_layers(["flatten", "dense 65536", "dense 65536"])
    with pytest.raises(UsageError, match=r"8,406,040,576 weights; at most 1,073,741,824"):
        build_head(layers, (1280, 7, 7), 10)
    with pytest.raises(UsageError, match="101 entries"):
        parse_head_layers(["average-pool", *["dense 1"] * 100])


def test_batch_normalisation_of_a_single_picture_uses_what_was_learned_before() -> None:
    torch.manual_seed(0)
    head = build_head(parse_head_layers(["average-pool", "batch-norm"]), (5,), 2)
    head(torch.randn(32, 5) * 3 + 7)
    before = {name: value.clone() for name, value in head.state_dict().items()}
    one = torch.randn(1, 5)
    learning = head(one)
    torch.testing.assert_close(learning, head.eval()(one))
    assert all(torch.equal(value, before[name]) for name, value in head.state_dict().items())
