"""Our own network for very small pictures: what is fixed in it, and what it looks at."""

from __future__ import annotations

import torch
from torch import Tensor

from anmok.models.networks import get_network
from anmok.models.networks.tiny import CosineStem, TinyCNN
from anmok.training.augmentation import MirrorShift


def seen_by(network: TinyCNN, pictures: Tensor) -> Tensor:
    seen: list[Tensor] = []
    handle = network.stem.register_forward_pre_hook(lambda _stem, inputs: seen.append(inputs[0]))
    network(pictures)
    handle.remove()
    return seen[0]


def test_the_first_filters_are_fixed_and_independent_of_each_other() -> None:
    network = get_network("cnn-tiny")(10)
    assert isinstance(network, TinyCNN)
    learned = {name for name, _parameter in network.named_parameters()}
    assert "stem.waves" not in learned
    waves = network.stem.waves.flatten(1)
    torch.testing.assert_close(waves @ waves.T, torch.eye(len(waves)), atol=1e-5, rtol=0)


def test_grey_pictures_move_only_the_filters_of_brightness() -> None:
    stem = CosineStem(24).train()
    grey = torch.rand(4, 1, 16, 16, generator=torch.Generator().manual_seed(0)).expand(4, 3, 16, 16)
    answers = torch.nn.functional.conv2d(grey, stem.waves, stride=2).abs().amax(dim=(0, 2, 3))
    assert int((answers > 1e-5).sum()) < 12
    assert int((answers > 1e-5).sum()) >= 6


def test_nothing_that_a_shift_left_empty_reaches_the_network() -> None:
    torch.manual_seed(0)
    # Columns that all differ: what a shift leaves empty repeats its neighbour.
    row = torch.arange(32, dtype=torch.uint8) * 8
    pictures = row.view(1, 1, 1, 32).expand(64, 3, 32, 32).contiguous()
    shifted = MirrorShift()(pictures)
    assert any(bool((picture[0, 0, 1:] == picture[0, 0, :-1]).any()) for picture in shifted)
    network = TinyCNN(3)
    seen = seen_by(network, shifted.permute(0, 2, 3, 1))
    assert seen.shape[2:] == (28, 28)
    assert not bool((seen[:, 0, 0, 1:] == seen[:, 0, 0, :-1]).any())


def test_it_sees_the_same_part_of_a_picture_when_it_learns_and_when_it_answers() -> None:
    """Otherwise maps are of another size when it answers: that cost ten points of accuracy."""
    network, pictures = TinyCNN(3), torch.randint(0, 256, (2, 32, 32, 3), dtype=torch.uint8)
    seen = [seen_by(network.train(mode), pictures) for mode in (True, False)]
    assert torch.equal(*seen)
    assert seen[0].shape == (2, 3, 28, 28)
