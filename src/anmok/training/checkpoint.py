"""Weights on disk: safetensors and JSON, never a pickle.

``model.safetensors`` and ``checkpoint.json`` say what a finished training learned; ``state`` keeps what one under way
needs to go on.
"""

from __future__ import annotations

import dataclasses
import typing
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from anmok.errors import StorageError, UsageError
from anmok.features.extractor_outputs import VectorOutput
from anmok.i18n import _
from anmok.storage import explained, read_json, write_bytes, write_json
from anmok.training.heads_affine import AffineHead
from anmok.training.heads_layered import STEP_NAMES, LayeredHead
from anmok.training.run import Run

if TYPE_CHECKING:
    from anmok.models.networks import Network

#: What a checkpoint may say; more would only fill the memory.
MOST_CLASSES, LARGEST_SIDE = 1_000_000, 4096


def save_network(run: Run, network: Network, name: str, facts: Mapping[str, Any]) -> None:
    """Write a trained network: ``model.safetensors`` (float32) and ``checkpoint.json``.

    Args:
        name: under which the network is registered.
        facts: JSON values to keep beside it, for example the best epoch.
    """
    from safetensors.torch import save

    tensors = {key: tensor.detach().cpu().contiguous() for key, tensor in network.state_dict().items()}
    write_bytes(_model_path(run), save(tensors))
    about = {"kind": "network", "network": name, "classes": network.classes, "image_size": network.image_size}
    backbone = network.facts()
    write_json(_facts_path(run), {**about, **({"backbone": backbone} if backbone else {}), **facts})


def load_network(run: Run) -> Network:
    """Return the trained network of a finished run, on the CPU, in evaluation mode.

    Raises:
        StorageError: the run holds no network, or its checkpoint is damaged.
    """
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    facts = _facts(run, "network")
    try:
        network = _built(facts)
    except (KeyError, TypeError, ValueError, OverflowError, UsageError) as error:
        raise _damaged(_facts_path(run), error) from error
    with explained(run.require(_model_path(run))):
        try:
            network.load_state_dict(load_file(_model_path(run)))
        except (SafetensorError, RuntimeError) as error:
            raise _damaged(_model_path(run), error) from error
    return network.eval()


def _built(facts: Mapping[str, Any]) -> Network:
    """Return a network with chance weights; of a backbone without its weight pack, by what the checkpoint says."""
    classes, size = int(facts["classes"]), int(facts.get("image_size", 0))
    if not (1 <= classes <= MOST_CLASSES and 0 <= size <= LARGEST_SIDE):
        raise ValueError(f"{classes} classes, {size} pixels")
    if "backbone" in facts:
        from anmok.models.fine_tuned import network_of_facts

        return network_of_facts(facts["backbone"], classes, size)
    from anmok.models.networks import get_network

    return get_network(str(facts["network"]))(classes, image_size=size)


def save_head(run: Run, head: AffineHead | LayeredHead, facts: Mapping[str, Any]) -> None:
    """Write a head on vectors: ``model.safetensors`` and ``checkpoint.json``.

    An affine head has ``weight`` (K, D) and ``bias`` (K,); one of layers has the arrays of each step, as ``0.weight``.
    """
    from safetensors.numpy import save

    if isinstance(head, AffineHead):
        tensors = {"weight": np.ascontiguousarray(head.weight), "bias": np.ascontiguousarray(head.bias)}
    else:
        names = {kind: name for name, kind in STEP_NAMES.items()}
        facts = {"vectors": head.output, "steps": [names[type(step)] for step in head.steps], **facts}
        tensors = {
            f"{number}.{field.name}": np.ascontiguousarray(getattr(step, field.name))
            for number, step in enumerate(head.steps)
            for field in dataclasses.fields(step)
        }
    write_bytes(_model_path(run), save(tensors))
    write_json(_facts_path(run), {"kind": "head", **facts})


def load_head(run: Run) -> AffineHead | LayeredHead:
    """Return the head of a finished run on vectors.

    Raises:
        StorageError: the run holds no such head, or its checkpoint is damaged.
    """
    from safetensors import SafetensorError
    from safetensors.numpy import load_file

    facts = _facts(run, "head")
    with explained(run.require(_model_path(run))):
        try:
            tensors = load_file(_model_path(run))
            if "steps" not in facts:
                return AffineHead(tensors["weight"], tensors["bias"])
            kinds = [STEP_NAMES[name] for name in facts["steps"]]
            steps = tuple(
                kind(**{field.name: tensors[f"{number}.{field.name}"] for field in dataclasses.fields(kind)})
                for number, kind in enumerate(kinds)
            )
            if facts["vectors"] not in typing.get_args(VectorOutput):
                raise ValueError(f"vectors {facts['vectors']!r}")
            return LayeredHead(facts["vectors"], steps)
        except (SafetensorError, KeyError, TypeError, ValueError) as error:
            raise _damaged(_model_path(run), error) from error


def checkpoint_kind(run: Run) -> str:
    """Return ``"head"`` or ``"network"``: which of the two a finished run holds."""
    return str(_facts(run)["kind"])


def _facts(run: Run, kind: str | None = None) -> Mapping[str, Any]:
    facts = read_json(run.require(_facts_path(run)))
    if not isinstance(facts, dict) or facts.get("kind") not in ("head", "network"):
        raise _damaged(_facts_path(run), _("it names no kind of model"))
    if kind is not None and facts["kind"] != kind:
        raise StorageError(
            _("{path} holds a {found}; a {wanted} is wanted.").format(
                path=_facts_path(run), found=facts["kind"], wanted=kind
            )
        )
    return facts


def _damaged(path: Path, reason: object) -> StorageError:
    return StorageError(
        _("{path} is damaged: {reason}.").format(path=path, reason=reason),
        hint=_("Delete the folder {folder} and train again.").format(folder=path.parent.parent),
    )


def _model_path(run: Run) -> Path:
    return run.checkpoint_folder / "model.safetensors"


def _facts_path(run: Run) -> Path:
    return run.checkpoint_folder / "checkpoint.json"
