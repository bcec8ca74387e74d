"""Do heat maps point at the thing? Two tests with known truth, and what a map costs.

    python benchmarks/heat_maps.py

Needs ANMOK_DATA and ANMOK_WEIGHTS (`make bench` sets them where the folders lie beside the project). Both tests use
MobileNetV2, frozen, with a logistic head:

- *pointing game* (Zhang et al., Top-down neural attention by excitation backprop, 2018): playing cards, cut out of
  cards-voc.zip along their boxes, are pasted at chance places onto pictures of scenes6.zip; a model learns to tell
  pictures with a card from pictures without. On test pictures: is the strongest place of the map on the card, or at
  most 15 pixels beside it, as in the paper? Chance is the share of the picture that counts as right.
- *grid pointing game* (Böhle et al., Convolutional dynamic alignment networks, 2021): a model of the six scenes
  is shown four test pictures of different classes as one, two by two, and asked for each class. Chance is a quarter.

Beside them the check of Adebayo et al. (Sanity checks for saliency maps, 2018): the rank correlation of maps with
those of the same model with a head of chance weights, which must be far from 1. Ends with exit code 1 if CAM points at
fewer than 0.85 of the cards, or maps hardly change when the head is randomised (mean correlation above 0.5).
"""

from __future__ import annotations

import io
import os
import re
import sys
import tempfile
import time
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from PIL import Image

from anmok.bundle.export import export_run
from anmok.bundle.format import read_bundle
from anmok.config import SplitConfig
from anmok.data.scan import scan
from anmok.data.split import assign_splits, check
from anmok.inference.heat_map import HeatMap
from anmok.inference.heat_mapper import HeatMapper, Method
from anmok.models.recipes import get_recipe
from anmok.training.train import train

WANTED_POINTING, WANTED_CORRELATION = 0.85, 0.5
#: Pixels that the strongest place may lie beside the card, as in the pointing game's paper.
BESIDE = 15
#: Pixels: of a scene, and of the longer side of a card on it.
SIDE, CARD = 300, (60, 110)
TRAIN = 150
#: Pictures with a card, and grids of four scenes, that each method is asked about; occlusion takes its time.
CARDS: Mapping[Method, int] = {"cam": 100, "occlusion": 40}
GRIDS: Mapping[Method, int] = {"cam": 50, "occlusion": 10}
Box = tuple[int, int, int, int]


def main() -> int:
    data, weights = os.environ.get("ANMOK_DATA", ""), os.environ.get("ANMOK_WEIGHTS", "")
    if not (data and weights and Path(data).is_dir()):
        print("skipped: set ANMOK_DATA and ANMOK_WEIGHTS to the folders of real pictures and weights")
        return 0
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        boxes = write_cards(Path(data), folder / "cards")
        cards = trained(folder / "cards", folder / "cards-run")
        scenes = trained(Path(data) / "scenes6.zip", folder / "scenes-run")
        print("| test | method | right | chance | milliseconds a map |\n|---|---|---|---|---|")
        pointing = [point_at_cards(cards, folder / "cards", boxes, method) for method in CARDS]
        for method in CARDS:
            point_in_grids(scenes, Path(data) / "scenes6.zip", method)
        correlation = randomised(cards, folder / "cards", boxes)
    print(f"\nMean rank correlation of maps with those of a head of chance weights: {correlation:.2f}")
    return 0 if pointing[0] >= WANTED_POINTING and correlation <= WANTED_CORRELATION else 1


def trained(source: Path, out: Path) -> Path:
    """Train MobileNetV2, frozen, on a source; return the bundle."""
    manifest = assign_splits(check(scan(source), "repair"), SplitConfig())
    return export_run(train(get_recipe("mobilenetv2"), manifest, out), manifest)


def write_cards(data: Path, folder: Path) -> dict[str, Box]:
    """Write scenes with and without a card as class folders; return the card's box by path, pixels."""
    random = np.random.default_rng(0)
    boxes = {}
    for split, count in (("train", TRAIN), ("test", max(CARDS.values()))):
        cards, scenes = list(card_cuts(data, split)), list(scene_pictures(data, split))
        order = random.permutation(len(scenes))[: 2 * count]
        for number, row in enumerate(order):
            scene = scenes[row].resize((SIDE, SIDE), Image.Resampling.BICUBIC)
            label = "card" if number < count else "no card"
            path = f"{split}/{label}/{number:03}.png"
            if label == "card":
                boxes[path] = paste(scene, cards[random.integers(len(cards))], random)
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            scene.save(folder / path)
    return boxes


def paste(scene: Image.Image, card: Image.Image, random: np.random.Generator) -> Box:
    """Put a card somewhere on a scene; return where."""
    longest = int(random.integers(*CARD))
    scale = longest / max(card.size)
    width, height = (max(1, round(side * scale)) for side in card.size)
    left, top = (int(random.integers(SIDE - side + 1)) for side in (width, height))
    scene.paste(card.resize((width, height), Image.Resampling.LANCZOS), (left, top))
    return left, top, left + width, top + height


def card_cuts(data: Path, split: str) -> Iterator[Image.Image]:
    """Yield what lies inside of the boxes of cards-voc.zip."""
    with zipfile.ZipFile(data / "cards-voc.zip") as archive:
        for name in sorted(archive.namelist()):
            if name.startswith(split) and name.endswith(".xml"):
                text = archive.read(name).decode()
                picture = Image.open(io.BytesIO(archive.read(name[:-4] + ".jpg"))).convert("RGB")
                corners = (re.findall(rf"<{tag}>(\d+)", text) for tag in ("xmin", "ymin", "xmax", "ymax"))
                for box in zip(*corners, strict=True):
                    left, top, right, bottom = map(int, box)
                    if right - left > 20 and bottom - top > 20:
                        yield picture.crop((left, top, right, bottom))


def scene_pictures(data: Path, split: str) -> Iterator[Image.Image]:
    """Yield the pictures of a split of scenes6.zip."""
    with zipfile.ZipFile(data / "scenes6.zip") as archive:
        for name in sorted(archive.namelist()):
            if name.startswith(split) and name.endswith(".jpg"):
                yield Image.open(io.BytesIO(archive.read(name))).convert("RGB")


def point_at_cards(bundle: Path, folder: Path, boxes: dict[str, Box], method: Method) -> float:
    """Print and return the share of test pictures whose strongest place lies on the card."""
    mapper, hits, areas, seconds = HeatMapper.open(bundle), [], [], []
    tested = [(path, box) for path, box in boxes.items() if path.startswith("test")]
    for path, box in tested[: CARDS[method]]:
        with Image.open(folder / path) as picture:
            pixels = np.asarray(picture)
        begin = time.perf_counter()
        found = mapper.heat_map(pixels, label="card", method=method)
        seconds.append(time.perf_counter() - begin)
        x, y = strongest(found, SIDE)
        left, top = (max(edge - BESIDE, 0) for edge in box[:2])
        right, bottom = (min(edge + BESIDE, SIDE) for edge in box[2:])
        hits.append(left <= x < right and top <= y < bottom)
        areas.append((right - left) * (bottom - top) / SIDE**2)
    tell("card on a scene", method, hits, float(np.mean(areas)), seconds)
    return float(np.mean(hits))


def point_in_grids(bundle: Path, source: Path, method: Method) -> None:
    """Print the share of classes whose strongest place lies in the quarter that shows them."""
    mapper, hits, seconds, by_class = HeatMapper.open(bundle), [], [], {}
    with zipfile.ZipFile(source) as archive:
        for name in sorted(archive.namelist()):
            if name.startswith("test") and name.endswith(".jpg"):
                by_class.setdefault(name.split("/")[-2], []).append(archive.read(name))
    random = np.random.default_rng(0)
    for _ in range(GRIDS[method]):
        labels = list(random.choice(sorted(by_class), 4, replace=False))
        grid = Image.new("RGB", (SIDE, SIDE))
        corners = [(0, 0), (SIDE // 2, 0), (0, SIDE // 2), (SIDE // 2, SIDE // 2)]
        for label, corner in zip(labels, corners, strict=True):
            picture = Image.open(io.BytesIO(by_class[label][random.integers(len(by_class[label]))])).convert("RGB")
            grid.paste(picture.resize((SIDE // 2, SIDE // 2)), corner)
        for label, (left, top) in zip(labels, corners, strict=True):
            begin = time.perf_counter()
            found = mapper.heat_map(np.asarray(grid), label=label, method=method)
            seconds.append(time.perf_counter() - begin)
            x, y = strongest(found, SIDE)
            hits.append(left <= x < left + SIDE // 2 and top <= y < top + SIDE // 2)
    tell("four scenes in one", method, hits, 0.25, seconds)


def strongest(found: HeatMap, side: int) -> tuple[float, float]:
    """Return x and y of the map's strongest place, pixels."""
    x, y = found.strongest or (0.0, 0.0)
    return x * side, y * side


def tell(test: str, method: str, hits: Sequence[bool], chance: float, seconds: Sequence[float]) -> None:
    right = f"{np.mean(hits):.2f} ({sum(hits)} of {len(hits)})"
    print(f"| {test} | {method} | {right} | {chance:.2f} | {1000 * np.median(seconds):.0f} |", flush=True)


def randomised(bundle: Path, folder: Path, boxes: dict[str, Box]) -> float:
    """Return the mean rank correlation of maps before and after the head's weights were drawn by chance."""
    import onnx
    from onnx import numpy_helper
    from scipy.stats import spearmanr

    read = read_bundle(bundle, reference=False)
    model, random = onnx.load_model_from_string(read.model), np.random.default_rng(1)
    for tensor in model.graph.initializer:
        if tensor.name.startswith("anmok.head"):
            values = numpy_helper.to_array(tensor)
            drawn = random.normal(size=values.shape).astype(np.float32) * values.std()
            tensor.CopyFrom(numpy_helper.from_array(drawn, tensor.name))
    before, after = HeatMapper(read), HeatMapper(replace(read, model=model.SerializeToString()))
    found = []
    for path in boxes:
        if path.startswith("test"):
            pixels = np.asarray(Image.open(folder / path))
            first, second = (mapper.heat_map(pixels, label="card").values.ravel() for mapper in (before, after))
            if np.ptp(first) > 0 and np.ptp(second) > 0:
                found.append(spearmanr(first, second).statistic)
    return float(np.mean(found))


if __name__ == "__main__":
    sys.exit(main())
