"""Sources of flat pictures in many shades, and a real bundle that tells red, green and blue apart."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from anmok.bundle.format import write_bundle
from anmok.bundle.reference import Reference
from anmok.inference.predictor import Predictor
from bundle.small_bundles import LABELS, SIZE, colour_info, colour_model, write_colour_bundle
from inference.picture_files import png


def shade(label: str, number: int) -> np.ndarray:
    """A flat uint8 picture (16, 16, 3) that is most of all ``label``; no two numbers look alike."""
    random = np.random.default_rng([LABELS.index(label), number])
    colour = random.integers(0, 100, 3)
    colour[LABELS.index(label)] = random.integers(150, 256)
    return np.broadcast_to(colour.astype(np.uint8), (SIZE, SIZE, 3)).copy()


def write_shades(folder: Path, counts: Mapping[str, Mapping[str, int]]) -> Path:
    """Write ``split/class/number.png``; ``counts[split][class]`` pictures, no one twice. Split "" is no folder."""
    used = dict.fromkeys(LABELS, 0)
    for split, classes in counts.items():
        for name, count in classes.items():
            label = name if name in LABELS else "blue"
            place = folder / split / name
            place.mkdir(parents=True)
            for number in range(count):
                (place / f"{number:03d}.png").write_bytes(png(shade(label, used[label] + number)))
            used[label] += count
    return folder


def trained_bundle(path: Path, seen: Mapping[str, int], **info: str) -> Path:
    """Write a bundle that keeps the embeddings of the first ``seen[label]`` shades, as an export does."""
    predictor = Predictor.open(write_colour_bundle(path))
    pixels = np.stack([shade(label, number) for label, count in seen.items() for number in range(count)])
    labels = np.repeat([LABELS.index(label) for label in seen], list(seen.values())).astype(np.int32)
    embeddings = predictor.predict_pixels(pixels).embeddings.astype(np.float16)
    model = colour_model().SerializeToString()
    write_bundle(path, info=colour_info(**info), model=model, reference=Reference(embeddings, labels))
    return path
