"""Reference E's three reductions of pixels: arbitrary, PCA, autoencoder. Clusters of kinds are then looked for in them.

The reference took pictures of 224x224x3 in one class at a time, reduced them in one of three ways, divided them by
k-means++ with k = 2, and judged that by silhouette (0.3829 / 0.0048 / 0.3829) and Davies-Bouldin (1.054 / 14.766 /
1.054). It did not say what the arbitrary reduction was; here it is a random projection, which keeps distances
(Johnson and Lindenstrauss 1984). Pixels are not centred per class, as the reference did not.
Pictures are read in blocks from the memory-mapped file, so memory does not grow with the set.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from anmok.config import OffTopicMethod
from anmok.errors import MissingExtra
from anmok.i18n import _

if TYPE_CHECKING:
    import torch

#: The reference's size; dimensions that remain; pictures in a block; pictures that a reduction is fitted on at most.
SIDE, REMAINING, BLOCK, FITTED = 224, 50, 64, 512
#: Of the autoencoder.
EPOCHS, BATCH, LEARNING_RATE = 8, 32, 1e-3


def reduce_pixels(pixels: NDArray[np.uint8], method: OffTopicMethod, *, seed: int) -> NDArray[np.float64]:
    """Return float64 ``(N, d)``, d at most ``REMAINING``.

    Args:
        pixels: uint8 ``(N, S, S, 3)``, memory-mapped.
        method: ``random``, ``pca`` (fitted on at most ``FITTED`` pictures drawn by seed) or ``autoencoder`` (likewise).

    Raises:
        MissingExtra: the autoencoder needs PyTorch.
        ValueError: another method.
    """
    if method == "random":
        return _random(pixels, seed)
    if method == "pca":
        return _principal(pixels, seed)
    if method == "autoencoder":
        return _autoencoded(pixels, seed)
    raise ValueError(f"{method!r} does not reduce pixels")


def _blocks(pixels: NDArray[np.uint8]) -> Iterator[NDArray[np.float32]]:
    for begin in range(0, len(pixels), BLOCK):
        yield _as_floats(pixels[begin : begin + BLOCK])


def _as_floats(pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
    values: NDArray[np.float32] = pixels.astype(np.float32)
    values /= 255
    return values


def _drawn(pixels: NDArray[np.uint8], seed: int) -> NDArray[np.float32]:
    rows = np.sort(np.random.default_rng(seed).permutation(len(pixels))[:FITTED])
    return _as_floats(pixels[rows])


def _random(pixels: NDArray[np.uint8], seed: int) -> NDArray[np.float64]:
    flat = int(np.prod(pixels.shape[1:]))
    axes = np.random.default_rng(seed).standard_normal((flat, REMAINING), dtype=np.float32) / REMAINING**0.5
    parts = [block.reshape(len(block), -1) @ axes for block in _blocks(pixels)]
    return np.concatenate(parts).astype(np.float64)


def _principal(pixels: NDArray[np.uint8], seed: int) -> NDArray[np.float64]:
    from sklearn.decomposition import PCA

    sample = _drawn(pixels, seed).reshape(min(len(pixels), FITTED), -1)
    if not np.ptp(sample, axis=0).any():
        return np.zeros((len(pixels), 1))
    model = PCA(min(REMAINING, len(sample)), svd_solver="randomized", random_state=seed).fit(sample)
    parts = [model.transform(block.reshape(len(block), -1)) for block in _blocks(pixels)]
    return np.concatenate(parts).astype(np.float64)


def _autoencoded(pixels: NDArray[np.uint8], seed: int) -> NDArray[np.float64]:
    try:
        import torch
    except ImportError as error:
        raise MissingExtra(
            _("The autoencoder needs PyTorch, which is not installed."),
            hint=_("Install it with: pip install 'anmok[train]'"),
        ) from error
    # A generator of its own: nothing else that draws random numbers is disturbed.
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        encoder, decoder = _networks(pixels.shape[1])
        _fit(encoder, decoder, torch.from_numpy(_drawn(pixels, seed)).permute(0, 3, 1, 2))
    encoder.eval()
    with torch.inference_mode():
        parts = [encoder(torch.from_numpy(block).permute(0, 3, 1, 2)).numpy() for block in _blocks(pixels)]
    return np.concatenate(parts).astype(np.float64)


def _networks(side: int) -> tuple[torch.nn.Module, torch.nn.Module]:
    """Return a small convolutional encoder to ``REMAINING`` numbers and its mirror image."""
    from torch import nn

    widths, small = (3, 16, 32, 32, 32), -(-side // 16)
    down: list[Any] = []
    up: list[Any] = [nn.Linear(REMAINING, widths[-1] * small**2), nn.Unflatten(1, (widths[-1], small, small))]
    for before, after in itertools.pairwise(widths):
        down += [nn.Conv2d(before, after, 3, stride=2, padding=1), nn.ReLU()]
    for before, after in zip(widths[:0:-1], widths[-2::-1], strict=True):
        up += [nn.ReLU(), nn.ConvTranspose2d(before, after, 4, stride=2, padding=1)]
    down += [nn.Flatten(), nn.Linear(widths[-1] * small**2, REMAINING)]
    return nn.Sequential(*down), nn.Sequential(*up, nn.Sigmoid())


def _fit(encoder: torch.nn.Module, decoder: torch.nn.Module, pictures: torch.Tensor) -> None:
    import torch

    parameters = [*encoder.parameters(), *decoder.parameters()]
    optimiser = torch.optim.Adam(parameters, lr=LEARNING_RATE)
    for _epoch in range(EPOCHS):
        for rows in torch.randperm(len(pictures)).split(BATCH):  # type: ignore[no-untyped-call]
            batch = pictures[rows]
            loss = torch.nn.functional.mse_loss(decoder(encoder(batch))[..., : batch.shape[2], : batch.shape[3]], batch)
            optimiser.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimiser.step()
