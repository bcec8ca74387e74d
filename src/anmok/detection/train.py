"""One detector from pictures with boxes: trained, or gone on with where it stopped, and its weights kept."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from anmok.detection.boxset import BoxSet
from anmok.detection.examples import Example
from anmok.detection.loop import MINUTES, DetectorLoop
from anmok.detection.network import Detector, detector_of_facts, pretrained_detector
from anmok.detection.settings import DetectConfig, epochs_for
from anmok.environment import describe_environment
from anmok.errors import AnmokError, StorageError
from anmok.i18n import _
from anmok.models.packs import find_pack
from anmok.progress import Progress
from anmok.storage import explained, read_json, write_bytes, write_json
from anmok.training.device import choose_device, own_random_numbers
from anmok.training.run import Run
from anmok.training.state import drop_state, load_state, save_state
from anmok.training.workers import Workers

#: Rises when a training of the new version must not be taken for one of the old.
RUN_FORMAT = 1


@dataclass(frozen=True, slots=True)
class Trained:
    """A trained detector.

    Attributes:
        network: with its best weights, on the CPU, in evaluation mode.
        history: a row for each epoch. best_epoch: whose weights these are, from 1.
    """

    network: Detector
    history: tuple[Mapping[str, float], ...]
    best_epoch: int


def train_detector(
    folder: Path,
    boxes: BoxSet,
    train: Sequence[Example],
    valid: Sequence[Example],
    config: DetectConfig,
    *,
    threads: int,
    progress: Progress,
    minutes: float = MINUTES,
) -> Trained:
    """Train a detector in a run folder; one that was trained there on the same boxes in the same way is returned.

    ``config.json`` says what is trained on what; ``checkpoint/last.safetensors`` is there while training is under way,
    ``checkpoint/model.safetensors`` and ``checkpoint/detector.json`` afterwards.

    Raises:
        WeightsMissing, UsageError: the backbone is not to be had or cannot carry a detector; the loss broke down.
        StorageError: the folder cannot be written.
        KeyboardInterrupt: Ctrl-C; the same call goes on from there.
    """
    run = Run(folder)
    about = _about(boxes, config)
    if _is_of(folder, about):
        before = finished(run, progress)
        if before is not None:
            return before
    else:
        drop_state(run)
        (run.checkpoint_folder / "detector.json").unlink(missing_ok=True)
    write_json(folder / "config.json", {**about, "environment": describe_environment()})
    pack = find_pack(config.backbone, progress=progress)
    device = choose_device()
    with Workers(threads) as workers, own_random_numbers():

        def make() -> DetectorLoop:
            torch.manual_seed(config.seed)
            network = pretrained_detector(pack, len(boxes.classes)).to(device)
            if config.freeze:
                network.freeze_first()
            epochs = config.epochs or epochs_for(len(train))
            return DetectorLoop(network, config, train, valid, workers=workers, epochs=epochs, minutes=minutes)

        loop = make()
        try:
            state = load_state(run)
            if state is not None:
                loop.restore(state)
                told = _("Training goes on after epoch {epoch} of {epochs} and {share:.0%} of the next.")
                progress.say(told.format(epoch=loop.epoch, epochs=loop.epochs, share=loop.done / loop.steps))
        except (StorageError, LookupError, TypeError, ValueError, RuntimeError) as error:
            progress.say(_("The checkpoint cannot be used, so training begins anew. ({reason})").format(reason=error))
            loop = make()
        title = _("Training the detector")
        with progress.task(title, loop.pictures_left, unit=_("pictures")) as task:
            loop.run(task, lambda: save_state(run, loop.state()))
    network = loop.network.cpu().eval()
    _save(run, network, loop.history, loop.best_epoch)
    drop_state(run)
    return Trained(network, tuple(loop.history), loop.best_epoch)


def _about(boxes: BoxSet, config: DetectConfig) -> dict[str, Any]:
    return {
        "kind": "detector",
        "format": RUN_FORMAT,
        "config": dataclasses.asdict(config),
        "classes": list(boxes.classes),
        "data_hash": boxes.content_hash,
    }


def _is_of(folder: Path, about: Mapping[str, Any]) -> bool:
    path = folder / "config.json"
    if not path.is_file():
        return False
    try:
        found = read_json(path)
    except StorageError:
        return False
    return isinstance(found, dict) and {name: found.get(name) for name in about} == dict(about)


def _save(run: Run, network: Detector, history: Sequence[Mapping[str, float]], best_epoch: int) -> None:
    from safetensors.torch import save

    tensors = {name: tensor.detach().contiguous() for name, tensor in network.state_dict().items()}
    write_bytes(run.checkpoint_folder / "model.safetensors", save(tensors))
    facts = {**network.facts(), "history": list(history), "best_epoch": best_epoch}
    # Last: its being there says that training ended.
    write_json(run.checkpoint_folder / "detector.json", facts)


def finished(run: Run, progress: Progress) -> Trained | None:
    """Return what was trained in a run folder, None where training did not end or its files are damaged.

    The files are read with suspicion: JSON and safetensors, a backbone as strictly as a weight pack.
    """
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    facts_path, model_path = run.checkpoint_folder / "detector.json", run.checkpoint_folder / "model.safetensors"
    if not facts_path.is_file():
        return None
    try:
        facts = read_json(facts_path)
        network = detector_of_facts(facts)
        with explained(model_path):
            network.load_state_dict(load_file(model_path))
        history = tuple({str(name): float(value) for name, value in row.items()} for row in facts["history"])
        return Trained(network.eval(), history, int(facts["best_epoch"]))
    except (AnmokError, SafetensorError, LookupError, TypeError, ValueError, RuntimeError) as error:
        progress.say(
            _("What was trained before cannot be used, so training begins anew. ({reason})").format(reason=error)
        )
        return None
