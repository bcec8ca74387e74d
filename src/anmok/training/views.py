"""Augmentation for frozen networks: changed pictures become vectors once, and are learned from beside the pictures.

A frozen network gives the same vector for the same picture every time, so instead of changing each picture anew in each
epoch, some changed pictures ("views") of each are turned into vectors and kept in the cache.
"""

from __future__ import annotations

import contextlib
import importlib.util
import threading
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from anmok.config import Recipe
from anmok.errors import MissingExtra, UsageError
from anmok.features.extractor import View
from anmok.i18n import _

if TYPE_CHECKING:
    from torchvision.transforms import v2


def views_of(recipe: Recipe) -> tuple[View, ...]:
    """Return the views of each training picture that a recipe asks for: its ``copies`` first, then its ``views``.

    The n-th copy is the same changed picture that a network learns from under the same recipe.

    Raises:
        UsageError: views without an augmentation policy, or a policy without views.
        MissingExtra: PyTorch, which the policies are made of, is not installed.
        UnknownName: there is no such policy.
    """
    count = recipe.copies + recipe.views
    if (recipe.augmentation == "none") != (count == 0):
        raise UsageError(
            _("The recipe {name} has the augmentation {augmentation} and {count} views of each picture.").format(
                name=recipe.name, augmentation=repr(recipe.augmentation), count=count
            ),
            hint=_(
                "A frozen network sees each picture once, and so many changed views: write views = 2 with an "
                'augmentation, or augmentation = "none" without.'
            ),
        )
    if not count:
        return ()
    if importlib.util.find_spec("torch") is None or importlib.util.find_spec("torchvision") is None:
        raise MissingExtra(
            _("The recipe {name} changes pictures at random, which needs PyTorch, and it is not installed.").format(
                name=recipe.name
            ),
            hint=_("Write views = 0 and augmentation = {none}; or install it with: pip install 'anmok[train]'").format(
                none=repr("none")
            ),
        )
    return tuple(_view(recipe.augmentation, recipe.seed, number, count) for number in range(1, count + 1))


def _view(policy: str, seed: int, number: int, count: int) -> View:
    from anmok.training.copies import DRAWING_VERSION

    key = f"view\n{policy}\n{DRAWING_VERSION}\n{seed}\n{number}"
    title = _("view {number} of {count}").format(number=number, count=count)
    return View(key, _Drawing(policy, seed, number), title)


class _Drawing:
    """Changes pictures by one policy; each thread has a policy of its own, because one remembers its generator."""

    def __init__(self, policy: str, seed: int, number: int) -> None:
        from anmok.training.augmentation import get_policy
        from anmok.training.augmentation.chance import owns_its_chance

        # A name that is not known is refused before anything is computed. Torchvision's own transforms draw from the
        # one generator of the process, so that with them one thread at a time may draw.
        self._turn = contextlib.nullcontext() if owns_its_chance(get_policy(policy)) else threading.Lock()
        self._policy, self._seed, self._number = policy, seed, number
        self._own = threading.local()

    def __call__(self, picture: str, pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
        from anmok.training.augmentation.drawing import draw, variant_seed

        seed = variant_seed(self._seed, self._policy, picture, self._number)
        with self._turn:
            return draw(pixels, self._own_policy(), seed=seed)

    def _own_policy(self) -> v2.Transform:
        policy: Any = getattr(self._own, "policy", None)
        if policy is None:
            import torch

            from anmok.training.augmentation import get_policy

            # Each engine thread works alone on its picture; PyTorch's own threads would only wait for each other.
            torch.set_num_threads(1)
            policy = self._own.policy = get_policy(self._policy)
        return policy
