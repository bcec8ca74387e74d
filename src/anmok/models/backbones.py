"""Backbones: a weight pack becomes an ONNX graph once, is checked against PyTorch, and is kept. Light until it must.

    <cache>/backbones/<key>/model.onnx, extractor.json

Where that folder is there, PyTorch is not imported and need not be installed.
"""

from __future__ import annotations

import hashlib
import importlib.util
import json
import os
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from anmok.config import Preprocessing, ResizeRule
from anmok.errors import MissingExtra, ParityError, StorageError
from anmok.features.extractor import Extractor
from anmok.features.session import open_session
from anmok.i18n import _
from anmok.locations import cache_dir
from anmok.models.packs import WeightPack
from anmok.progress import Progress, SilentProgress
from anmok.storage import explained, read_json, storage_error

if TYPE_CHECKING:
    from anmok.models.backbone_module import BackboneModule

#: Rises when the same pack would give another graph.
EXPORT_VERSION = 1
OUTPUTS = ("embedding", "feature_map")
GRAPH_FILE, FACTS_FILE = "model.onnx", "extractor.json"
#: Largest difference between ONNX Runtime and PyTorch, as a share of the largest value PyTorch gives.
TOLERANCE = 1e-3
_NEEDED = ("torch", "timm", "onnxscript")


def backbone_module(pack: WeightPack, *, image_size: int = 0, preprocessing: Preprocessing = "own") -> BackboneModule:
    """Return the pack's network as a PyTorch module: uint8 ``(N, S, S, 3)`` to embedding and feature map.

    Raises:
        MissingExtra: PyTorch is not installed.
        WeightsMissing: the weights are damaged or do not fit.
    """
    if any(importlib.util.find_spec(name) is None for name in _NEEDED):
        raise MissingExtra(
            _("{name} is prepared with PyTorch, which is not installed here.").format(name=pack.name),
            hint=_('Install it with: pip install "anmok[train]"'),
        )
    from anmok.models.backbone_module import load_backbone

    return load_backbone(pack, image_size=image_size, preprocessing=preprocessing)


def backbone_extractor(
    pack: WeightPack,
    *,
    image_size: int = 0,
    resize: ResizeRule = "squash",
    preprocessing: Preprocessing = "own",
    progress: Progress | None = None,
) -> Extractor:
    """Return the extractor of a pack; the first time, the pack is exported to ONNX and checked against PyTorch.

    Args:
        image_size: side of the square, pixels; 0 takes what the weights were trained with.
        preprocessing: ``own``, or a published mistake, which makes another graph.

    Raises:
        MissingExtra: it was never exported on this machine, and PyTorch is not installed.
        WeightsMissing: the weights are damaged or do not fit.
        ParityError: ONNX Runtime does not give PyTorch's answers.
        StorageError: the cache cannot be written.
    """
    size = image_size or pack.input_size
    folder = cache_dir() / "backbones" / _key(pack, size, preprocessing)
    if (found := _stored(folder, pack, size, resize)) is not None:
        return found
    title = _("preparing {name} (once)").format(name=pack.name)
    with (progress or SilentProgress()).task(title, 3, unit=_("steps")) as task:
        module = backbone_module(pack, image_size=size, preprocessing=preprocessing)
        task.advance()
        graph = _exported(module, size)
        task.advance()
        dim = _check(module, graph, size, pack.name)
        _store(folder, graph, {"name": pack.name, "pack_sha256": pack.sha256, "input_size": size, "dim": dim})
        task.advance()
    stored = _stored(folder, pack, size, resize)
    assert stored is not None
    return stored


def _key(pack: WeightPack, size: int, preprocessing: Preprocessing = "own") -> str:
    """Return the name of the cache folder: what the graph depends on, but not on versions of PyTorch.

    Without PyTorch the versions are unknown, and the check against PyTorch holds them to the same answers anyway.
    """
    facts: list[Any] = [EXPORT_VERSION, pack.sha256, pack.architecture, dict(pack.architecture_args)]
    facts += [pack.mean, pack.std, size, *([] if preprocessing == "own" else [preprocessing])]
    text = json.dumps(facts, sort_keys=True)
    return f"{pack.name}-{size}-{hashlib.sha256(text.encode()).hexdigest()[:16]}"


def _stored(folder: Path, pack: WeightPack, size: int, resize: ResizeRule) -> Extractor | None:
    """Return the extractor in a cache folder; None where there is none, or a damaged one."""
    path = folder / GRAPH_FILE
    if not path.is_file():
        return None
    with explained(path):
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
    try:
        facts = read_json(folder / FACTS_FILE)
        if facts["sha256"] != digest:
            return None
        return Extractor(
            name=pack.name, onnx=path, sha256=digest, input_size=size, resize=resize, dim=int(facts["dim"])
        )
    except (StorageError, KeyError, TypeError, ValueError):
        return None


def _exported(module: BackboneModule, size: int) -> bytes:
    from anmok.models.onnx_export import export_graph

    data: bytes = export_graph(module, image_size=size, outputs=OUTPUTS).SerializeToString(deterministic=True)
    return data


def _check(module: BackboneModule, graph: bytes, size: int, name: str) -> int:
    """Compare the graph with the module, on a batch of another size than the one it was traced with; return D."""
    import torch

    pictures = _trial_pictures(size)
    got = open_session(graph, threads=0).run(list(OUTPUTS), {"pictures": pictures})
    with torch.inference_mode():
        wanted = [tensor.numpy() for tensor in module(torch.from_numpy(pictures))]
    for output, mine, theirs in zip(OUTPUTS, got, wanted, strict=True):
        difference = float(np.abs(mine - theirs).max()) if mine.shape == theirs.shape else float("inf")
        allowed = TOLERANCE * float(np.abs(theirs).max())
        # Written so that NaN, which compares as false, is refused.
        if not (difference <= allowed and allowed > 0):
            raise ParityError(
                _(
                    "The ONNX graph of {name} does not give PyTorch's answers: {output} differs by {difference:.2g}, "
                    "at most {allowed:.2g} is accepted."
                ).format(name=name, output=output, difference=difference, allowed=allowed),
                hint=_("Please report this, with the versions that `pip list` shows for torch, timm and onnxruntime."),
            )
    return int(got[0].shape[1])


def _trial_pictures(size: int) -> NDArray[np.uint8]:
    """Return uint8 ``(5, size, size, 3)``: noise, black, white, and two smooth ones with edges as photographs have."""
    rng = np.random.default_rng(0)
    noise = rng.integers(0, 256, (size, size, 3))
    y, x = np.mgrid[0:size, 0:size] / size
    smooth = np.stack([np.sin(5 * x + phase) * np.cos(4 * y) for phase in (0, 1, 2)], axis=-1) * 100 + 128
    edges = np.where(((x - 0.5) ** 2 + (y - 0.4) ** 2 < 0.1)[..., None], smooth[::-1], smooth) + rng.normal(
        0, 6, (size, size, 3)
    )
    pictures = np.stack([noise, np.zeros_like(noise), np.full_like(noise, 255), smooth, edges])
    trial: NDArray[np.uint8] = np.clip(np.rint(pictures), 0, 255).astype(np.uint8)
    return trial


def _store(folder: Path, graph: bytes, facts: dict[str, Any]) -> None:
    """Write the cache folder under another name, then give it its own: it is there whole, or not at all."""
    facts = {**facts, "sha256": hashlib.sha256(graph).hexdigest()}
    with explained(folder):
        folder.parent.mkdir(parents=True, exist_ok=True)
        temporary = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", suffix=".part", dir=folder.parent))
    try:
        with explained(folder):
            (temporary / GRAPH_FILE).write_bytes(graph)
            (temporary / FACTS_FILE).write_text(json.dumps(facts, indent=2) + "\n", encoding="utf-8")
            temporary.chmod(0o755)  # mkdtemp makes folders that only their maker can read; caches may be shared
            for file in temporary.iterdir():
                with file.open("rb") as stream:
                    os.fsync(stream.fileno())
            _move(temporary, folder)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _move(temporary: Path, folder: Path) -> None:
    for _attempt in range(2):
        try:
            temporary.replace(folder)
        except OSError as error:
            # Another process was quicker, or a damaged folder lies there. Ours is as good; the other's may be in use.
            if not folder.is_dir():
                raise storage_error(error, folder) from error
            shutil.rmtree(folder, ignore_errors=True)
        else:
            return
