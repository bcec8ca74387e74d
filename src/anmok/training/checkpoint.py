"""Weights on disk: safetensors and JSON, never a pickle.

While a network is in training, ``checkpoint/last.safetensors`` holds all that the next epoch depends on (weights,
the best weights so far, the optimiser, torch's generator, hooks, and the history in the file's metadata). It is
one file, so it is one moment: a kill between two files cannot leave a mixture. At the end ``model.safetensors``
and ``checkpoint.json`` say what was learned, and ``last.safetensors`` goes.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from anmok.errors import StorageError
from anmok.i18n import _
from anmok.storage import explained, read_json, write_bytes, write_json
from anmok.training.heads import AffineHead
from anmok.training.run import Run

if TYPE_CHECKING:
    from torch import Tensor

    from anmok.models.networks import Network

#: Rises when the tensors of ``last.safetensors`` change their meaning.
STATE_FORMAT = 1


@dataclass(frozen=True, slots=True)
class State:
    """A training between two epochs.

    Attributes:
        tensors: by name, on the CPU.
        facts: plain JSON values: ``epoch`` (how many are done), ``history``, ``best_epoch``, ...
    """

    tensors: Mapping[str, Tensor]
    facts: Mapping[str, Any]


def save_state(run: Run, state: State) -> None:
    """Write ``last.safetensors``, in place of the one before."""
    from safetensors.torch import save

    facts = {"anmok": json.dumps({"format": STATE_FORMAT, **state.facts}, allow_nan=False)}
    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in state.tensors.items()}
    write_bytes(_state_path(run), save(tensors, metadata=facts))


def load_state(run: Run) -> State | None:
    """Read ``last.safetensors``; None where there is none.

    Raises:
        StorageError: it is damaged, or made by another version of Anmok.
    """
    from safetensors import SafetensorError, safe_open

    path = _state_path(run)
    if not path.exists():
        return None
    try:
        with explained(path), safe_open(path, framework="pt") as file:
            facts = json.loads((file.metadata() or {})["anmok"])
            if facts["format"] != STATE_FORMAT:
                raise ValueError(f"format {facts['format']}")
            # keys() is a method of the file, which is no mapping.
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (SafetensorError, KeyError, TypeError, ValueError) as error:
        raise StorageError(_("{path} is damaged: {reason}.").format(path=path, reason=error)) from error
    return State(tensors, facts)


def drop_state(run: Run) -> None:
    """Remove ``last.safetensors``, where there is one."""
    with explained(_state_path(run)):
        _state_path(run).unlink(missing_ok=True)


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
    write_json(_facts_path(run), {**about, **facts})


def load_network(run: Run) -> Network:
    """Return the trained network of a finished run, on the CPU, in evaluation mode.

    Raises:
        StorageError: the run holds no network, or its checkpoint is damaged.
    """
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    from anmok.models.networks import get_network

    facts = _facts(run, "network")
    kind = get_network(str(facts["network"]))
    network = kind(int(facts["classes"]), image_size=int(facts.get("image_size", 0)))
    with explained(_model_path(run)):
        try:
            network.load_state_dict(load_file(_model_path(run)))
        except (SafetensorError, RuntimeError) as error:
            raise _damaged(_model_path(run), error) from error
    return network.eval()


def save_head(run: Run, head: AffineHead, facts: Mapping[str, Any]) -> None:
    """Write a head on vectors: ``model.safetensors`` (``weight`` (K, D), ``bias`` (K,)) and ``checkpoint.json``."""
    from safetensors.numpy import save

    tensors = {"weight": np.ascontiguousarray(head.weight), "bias": np.ascontiguousarray(head.bias)}
    write_bytes(_model_path(run), save(tensors))
    write_json(_facts_path(run), {"kind": "head", **facts})


def load_head(run: Run) -> AffineHead:
    """Return the head of a finished run on vectors.

    Raises:
        StorageError: the run holds no such head, or its checkpoint is damaged.
    """
    from safetensors import SafetensorError
    from safetensors.numpy import load_file

    _facts(run, "head")
    with explained(_model_path(run)):
        try:
            tensors = load_file(_model_path(run))
            return AffineHead(tensors["weight"], tensors["bias"])
        except (SafetensorError, KeyError, ValueError) as error:
            raise _damaged(_model_path(run), error) from error


def checkpoint_kind(run: Run) -> str:
    """Return ``"head"`` or ``"network"``: which of the two a finished run holds."""
    return str(_facts(run)["kind"])


def _facts(run: Run, kind: str | None = None) -> Mapping[str, Any]:
    facts = read_json(_facts_path(run))
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


def _state_path(run: Run) -> Path:
    return run.checkpoint_folder / "last.safetensors"


def _model_path(run: Run) -> Path:
    return run.checkpoint_folder / "model.safetensors"


def _facts_path(run: Run) -> Path:
    return run.checkpoint_folder / "checkpoint.json"
