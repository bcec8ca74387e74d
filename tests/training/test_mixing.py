from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor

from anmok.training.device import own_random_numbers
from anmok.training.mixing import Mixing


def mixed(mixup: float, cutmix: float, seed: int = 0, n: int = 8) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Return pictures of one grey value each, labels, and both after mixing."""
    pictures = (torch.arange(n) * 20).to(torch.uint8).view(n, 1, 1, 1).expand(n, 16, 16, 3)
    labels = torch.arange(n) % 4
    with own_random_numbers():
        torch.manual_seed(seed)
        return (pictures, labels, *Mixing(mixup, cutmix, 4)(pictures, labels))


@pytest.mark.parametrize(("mixup", "cutmix"), [(0.4, 0.0), (0.0, 1.0), (0.4, 1.0)])
@pytest.mark.parametrize("seed", range(8))
def test_labels_are_mixed_as_the_pictures_are(mixup: float, cutmix: float, seed: int) -> None:
    pictures, labels, shown, targets = mixed(mixup, cutmix, seed)
    assert shown.dtype == torch.uint8
    assert shown.shape == pictures.shape
    torch.testing.assert_close(targets.sum(dim=1), torch.ones(8))
    # The mean grey tells the share of each of the two pictures; labels of neighbours differ.
    own, other = pictures[:, 0, 0, 0].double(), pictures[:, 0, 0, 0].double().roll(1)
    share = (shown.double().mean(dim=(1, 2, 3)) - other) / (own - other)
    np.testing.assert_allclose(targets[torch.arange(8), labels], share, atol=0.03)


def test_with_both_some_batches_are_blended_and_some_have_a_part_of_another() -> None:
    kinds = set()
    for seed in range(20):
        pictures, _labels, shown, _targets = mixed(0.4, 1.0, seed)
        kinds.add(bool(torch.isin(shown, pictures).all()))
    assert kinds == {True, False}


def test_without_either_and_with_one_picture_nothing_is_mixed() -> None:
    for parts in (mixed(0.0, 0.0), mixed(1.0, 1.0, n=1)):
        pictures, labels, shown, targets = parts
        assert torch.equal(shown, pictures)
        assert torch.equal(targets.argmax(dim=1), labels)
        assert set(targets.flatten().tolist()) <= {0.0, 1.0}


def test_another_seed_mixes_otherwise_and_the_same_alike() -> None:
    assert torch.equal(mixed(0.4, 0.0, 3)[2], mixed(0.4, 0.0, 3)[2])
    assert not torch.equal(mixed(0.4, 0.0, 3)[3], mixed(0.4, 0.0, 4)[3])
