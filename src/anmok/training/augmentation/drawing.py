"""One picture as a policy changes it, by a seed of its own."""

from __future__ import annotations

import hashlib

import numpy as np
import torch
from numpy.typing import NDArray
from torchvision.transforms import v2

from anmok.training.augmentation.chance import owns_its_chance, use_generator
from anmok.training.device import own_random_numbers


def draw(pixels: NDArray[np.uint8], policy: v2.Transform, *, seed: int) -> NDArray[np.uint8]:
    """Return one picture as the policy changes it; the same for the same seed, whatever was drawn before.

    Several threads may draw at the same time, each with a policy of its own, where ``owns_its_chance`` says so.

    Args:
        pixels: uint8 ``(H, W, 3)``.
        seed: 0 to 2**63 - 1.
    """
    batch = torch.from_numpy(pixels.copy()).permute(2, 0, 1).unsqueeze(0)
    if owns_its_chance(policy):
        changed = use_generator(policy, torch.Generator().manual_seed(seed))(batch)
        use_generator(policy, None)
    else:
        with own_random_numbers():
            torch.manual_seed(seed)
            changed = policy(batch)
    drawn: NDArray[np.uint8] = changed[0].permute(1, 2, 0).contiguous().numpy()
    return drawn


def variant_seed(seed: int, policy: str, picture: str, number: int) -> int:
    """Return the seed of one variant; it depends on nothing else, so not on order, threads or interruptions.

    Args:
        seed: of the whole.
        policy: its name.
        picture: id of the original.
        number: of the variant, from 1.
    """
    key = f"{seed} {policy} {picture} {number}"
    return int.from_bytes(hashlib.sha256(key.encode()).digest()[:8]) >> 1
