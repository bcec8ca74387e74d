"""Augmentation: named policies that change a batch of training pictures at random.

A policy is a ``torchvision.transforms.v2`` transform of uint8 ``(N, 3, S, S)``. The ready transforms of
torchvision draw once for a whole batch, and one picture at a time they took a quarter of the training time of a
small network on two cores; so the transforms here draw for each picture and work on the batch (about a
twentieth). They go together with torchvision's own in a ``v2.Compose``. All chance comes from torch's generator, or
from the one that ``use_generator`` names.
"""

from anmok.training.augmentation.chance import PerPicture, use_generator
from anmok.training.augmentation.colour import Brightness, LightJitter
from anmok.training.augmentation.defaults import FlipZoomShift
from anmok.training.augmentation.drawing import draw
from anmok.training.augmentation.geometry import Affine, OneOfFive
from anmok.training.augmentation.registry import Policy, all_policies, get_policy, policy_names, register_policy
from anmok.training.augmentation.shifting import MirrorShift
from anmok.training.augmentation.trivial import RandomErasing, TrivialAugment

# Importing them registers them.
from anmok.training.augmentation import references as references  # isort: skip

__all__ = [
    "Affine",
    "Brightness",
    "FlipZoomShift",
    "LightJitter",
    "MirrorShift",
    "OneOfFive",
    "PerPicture",
    "Policy",
    "RandomErasing",
    "TrivialAugment",
    "all_policies",
    "draw",
    "get_policy",
    "policy_names",
    "register_policy",
    "use_generator",
]
