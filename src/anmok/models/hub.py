"""Fetches weight packs from the model hub, through timm, into ``<cache>/weights``. Fails fast where there is no net."""

from __future__ import annotations

import hashlib
import importlib.util
import json
import shutil
import socket
import tempfile
import threading
import urllib.parse
from pathlib import Path
from typing import Any

from anmok.errors import MissingExtra, WeightsMissing
from anmok.i18n import _
from anmok.locations import cache_dir
from anmok.models.packs import PACK_FILE, WEIGHTS_FILE, WeightPack, missing, read_pack
from anmok.progress import Progress, SilentProgress
from anmok.storage import explained, storage_error

#: Seconds that the hub may take to accept a connection.
PATIENCE = 5.0


def fetch_pack(name: str, *, exact: bool = False, progress: Progress | None = None) -> WeightPack:
    """Download pretrained weights and keep them as a pack.

    Args:
        name: ``architecture.tag`` as timm names pretrained weights, or ``architecture``.
        exact: False takes timm's own choice for the architecture where the hub has no such tag.

    Raises:
        WeightsMissing: the hub cannot be reached, or has no such weights.
        MissingExtra: timm is not installed.
        StorageError: the cache cannot be written.
    """
    if importlib.util.find_spec("timm") is None:
        raise MissingExtra(
            _("The weights {name} are fetched with timm, which is not installed here.").format(name=name),
            hint=_('Install it with: pip install "anmok[train]"'),
        )
    # Asked first, because timm takes seconds to import.
    if not _is_reachable():
        raise missing(name, _("and the model hub cannot be reached"))
    known = _known_name(name, exact=exact)
    if known is None:
        raise missing(name, _("and the model hub has none of that name"))
    with (progress or SilentProgress()).task(_("fetching {name}").format(name=known), 1) as task:
        folder = _download(known, name)
        task.advance()
    return read_pack(folder)


def _known_name(name: str, *, exact: bool) -> str | None:
    """Return the name under which timm knows such weights; None where it does not."""
    import timm

    architecture, _dot, tag = name.partition(".")
    tags = [known.partition(".")[2] for known in timm.list_pretrained(f"{architecture}.*")]
    if tag in tags:
        return name
    if not tags or (exact and tag):
        return None
    # A bare architecture means timm's own choice of weights.
    default = timm.get_pretrained_cfg(architecture)
    chosen = default.tag if default is not None and default.tag in tags else tags[0]
    return f"{architecture}.{chosen}"


def _is_reachable() -> bool:
    """Tell whether the hub accepts connections, within ``PATIENCE`` seconds, name resolution included."""
    from huggingface_hub import constants

    address = urllib.parse.urlsplit(constants.ENDPOINT)
    port = address.port or (443 if address.scheme == "https" else 80)
    reached: list[bool] = []

    def connect() -> None:
        try:
            socket.create_connection((address.hostname or "", port), timeout=PATIENCE).close()
        except OSError:
            return
        reached.append(True)

    # In a thread, because looking a name up knows no time limit.
    thread = threading.Thread(target=connect, daemon=True)
    thread.start()
    thread.join(PATIENCE)
    return bool(reached)


def _download(name: str, asked: str) -> Path:
    """Let timm download and convert the weights, then write the pack under another name and rename it."""
    import safetensors.torch
    import timm
    from huggingface_hub.utils.tqdm import disable_progress_bars

    from anmok.models.onnx_export import quiet

    home = cache_dir() / "weights"
    with explained(home):
        home.mkdir(parents=True, exist_ok=True)
        temporary = Path(tempfile.mkdtemp(prefix=f".{name}.", suffix=".part", dir=home))
    try:
        disable_progress_bars()
        try:
            with quiet():
                network: Any = timm.create_model(name, pretrained=True, cache_dir=temporary / "hub")
        except Exception as error:  # the hub's client has many kinds of errors, and all mean the same here
            reason = " ".join(str(error).split())[:200]
            raise missing(asked, _("and the model hub did not give them ({reason})").format(reason=reason)) from error
        weights = {key: value.contiguous() for key, value in network.state_dict().items()}
        return _keep(temporary, home / name, safetensors.torch.save(weights), network.pretrained_cfg)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _keep(temporary: Path, folder: Path, weights: bytes, config: dict[str, Any]) -> Path:
    name = folder.name
    size = [int(side) for side in config["input_size"]]
    facts: dict[str, Any] = {
        "name": name,
        "architecture": name.partition(".")[0],
        "architecture_args": {},
        "num_classes": int(config["num_classes"]),
        "input_size": size,
        "mean": list(config["mean"]),
        "std": list(config["std"]),
        "interpolation": config.get("interpolation") or "bicubic",
        "crop_pct": config.get("crop_pct") or 1.0,
        "licence": config.get("license") or _("not stated"),
        "source": f"{config.get('hf_hub_id') or config.get('url') or 'timm'}",
        "sha256": hashlib.sha256(weights).hexdigest(),
    }
    ready = temporary / "pack"
    with explained(folder):
        ready.mkdir()
        (ready / WEIGHTS_FILE).write_bytes(weights)
        (ready / PACK_FILE).write_text(json.dumps(facts, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    try:
        read_pack(ready)
        ready.replace(folder)
    except OSError as error:
        # Another process was quicker; what it fetched is as good.
        if not (folder / PACK_FILE).is_file():
            raise storage_error(error, folder) from error
    except WeightsMissing as error:
        raise missing(
            name, _("and what the model hub has cannot be used ({reason})").format(reason=error.message)
        ) from error
    return folder
