"""A pack becomes a graph once, with its own preprocessing inside, and only if it answers as PyTorch does."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from anmok.errors import MissingExtra, ParityError, StorageError, UsageError, WeightsMissing
from anmok.features.session import open_session
from anmok.locations import cache_dir
from anmok.models import backbones, onnx_export
from anmok.models.backbones import backbone_extractor, backbone_module
from anmok.models.packs import WeightPack, read_pack
from tests.models.packs import make_pack
from tests.pictures import photo


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> WeightPack:
    return read_pack(make_pack(tmp_path_factory.mktemp("packs")))


@pytest.fixture(scope="session")
def tiny_vit(tmp_path_factory: pytest.TempPathFactory) -> WeightPack:
    return read_pack(make_pack(tmp_path_factory.mktemp("packs"), "test_vit"))


@pytest.fixture(scope="module")
def graphs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Exported graphs of this file alone: some are damaged here."""
    return tmp_path_factory.mktemp("graphs")


@pytest.fixture
def kept_graphs(graphs: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Let this test use the graphs that others of this file exported."""
    monkeypatch.setenv("ANMOK_CACHE", str(graphs))
    return graphs


def pictures_of(size: int, count: int = 3) -> np.ndarray[Any, np.dtype[np.uint8]]:
    return np.stack([np.asarray(photo(size, size, seed)) for seed in range(count)])


def test_preprocessing_is_the_pack_s_and_inside_the_module(tiny: WeightPack) -> None:
    module = backbone_module(tiny)
    pictures = pictures_of(160)
    by_hand = (pictures.astype(np.float32) / 255 - np.array(tiny.mean)) / np.array(tiny.std)
    values = torch.from_numpy(by_hand.transpose(0, 3, 1, 2).astype(np.float32))
    with torch.inference_mode():
        features = module.network.forward_features(values)
        wanted = module.network.forward_head(features, pre_logits=True)
        embedding, feature_map = module(torch.from_numpy(pictures))
    assert pictures.dtype == np.uint8
    torch.testing.assert_close(embedding, wanted, atol=1e-4, rtol=1e-3)
    torch.testing.assert_close(feature_map, features, atol=1e-4, rtol=1e-3)
    # What is not the network's own must not go into its checkpoints.
    assert all(name.startswith("network.") for name in module.state_dict())


def test_the_graph_answers_as_pytorch_and_is_made_once(
    tiny: WeightPack, kept_graphs: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    extractor = backbone_extractor(tiny)
    assert capfd.readouterr() == ("", "")
    pictures = pictures_of(160)
    with torch.inference_mode():
        wanted = [tensor.numpy() for tensor in backbone_module(tiny)(torch.from_numpy(pictures))]
    got = open_session(extractor.onnx).run(["embedding", "feature_map"], {"pictures": pictures})
    for mine, theirs in zip(got, wanted, strict=True):
        np.testing.assert_allclose(mine, theirs, atol=1e-4 * np.abs(theirs).max())
    assert (extractor.input_size, extractor.dim) == (160, 256)
    monkeypatch.setattr(backbones, "backbone_module", lambda *_args, **_kwargs: pytest.fail("exported again"))
    assert backbone_extractor(tiny) == extractor


def test_once_exported_neither_pytorch_nor_the_weights_are_needed(
    tiny: WeightPack, kept_graphs: Path, tmp_path: Path
) -> None:
    extractor = backbone_extractor(tiny)
    code = """
import sys
from pathlib import Path
from anmok.models.backbones import backbone_extractor
from anmok.models.packs import read_pack
print(backbone_extractor(read_pack(Path(sys.argv[1]))).sha256)
print([name for name in ("torch", "timm", "onnx", "pandas") if name in sys.modules])
"""
    # A folder of modules that cannot be imported stands for a machine on which they are not installed.
    for name in ("torch", "timm"):
        (tmp_path / f"{name}.py").write_text("raise ImportError('not installed')")
    done = subprocess.run(
        [sys.executable, "-c", code, str(tiny.folder)],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
    )
    assert done.stdout.split("\n")[:2] == [extractor.sha256, "[]"], done.stderr


def test_a_network_of_patches_gives_a_map_too_and_takes_other_sizes(tiny_vit: WeightPack) -> None:
    own = backbone_module(tiny_vit)
    with torch.inference_mode():
        embedding, feature_map = own(torch.from_numpy(pictures_of(160)))
    assert tuple(embedding.shape) == (3, 64)
    assert tuple(feature_map.shape) == (3, 64, 10, 10)
    extractor = backbone_extractor(tiny_vit, image_size=96)
    vectors, maps = open_session(extractor.onnx).run(["embedding", "feature_map"], {"pictures": pictures_of(96)})
    assert extractor.input_size == 96
    assert vectors.shape == (3, 64)
    assert maps.shape == (3, 64, 6, 6)


def test_the_places_of_a_map_are_those_of_the_picture(tiny_vit: WeightPack) -> None:
    # A change in one corner of the picture is felt most in that corner of the map.
    module = backbone_module(tiny_vit)
    plain = np.full((1, 160, 160, 3), 100, dtype=np.uint8)
    marked = plain.copy()
    marked[:, 128:144, 16:32] = 255
    with torch.inference_mode():
        difference = (module(torch.from_numpy(marked))[1] - module(torch.from_numpy(plain))[1]).abs().sum(dim=1)[0]
    assert divmod(int(difference.argmax()), 10) == (8, 1)


def test_a_size_that_a_network_cannot_take_is_refused(tiny_vit: WeightPack) -> None:
    # Smaller than one of its patches.
    with pytest.raises(UsageError, match=r"cannot look at pictures of 7 pixels.*takes 160 pixels"):
        backbone_module(tiny_vit, image_size=7)


def test_weights_of_another_network_are_refused(tmp_path: Path) -> None:
    folder = make_pack(tmp_path, num_classes=10)
    with pytest.raises(WeightsMissing, match="its weights do not fit test_efficientnet"):
        backbone_module(read_pack(folder))


def test_weights_that_are_no_safetensors_are_refused(tmp_path: Path) -> None:
    import hashlib

    data = b"\xff" * 100
    folder = make_pack(tmp_path, sha256=hashlib.sha256(data).hexdigest())
    (folder / "model.safetensors").write_bytes(data)
    with pytest.raises(WeightsMissing, match="cannot be used"):
        backbone_module(read_pack(folder))


def test_an_architecture_that_timm_does_not_know_is_refused(tmp_path: Path) -> None:
    folder = make_pack(tmp_path)
    facts = json.loads((folder / "pack.json").read_text())
    facts |= {"name": "unheard_of.random", "architecture": "unheard_of"}
    (folder / "pack.json").write_text(json.dumps(facts))
    with pytest.raises(WeightsMissing, match=r"do not fit unheard_of \(Unknown model"):
        backbone_module(read_pack(folder))


def test_without_pytorch_the_cure_is_named(tiny: WeightPack, monkeypatch: pytest.MonkeyPatch) -> None:
    find_spec = importlib.util.find_spec

    def without(name: str, package: str | None = None) -> Any:
        return None if name == "torch" else find_spec(name, package)

    monkeypatch.setattr(importlib.util, "find_spec", without)
    with pytest.raises(MissingExtra, match=r"not installed here.*anmok\[train\]"):
        backbone_extractor(tiny)
    assert not any((cache_dir() / "backbones").glob("*/*"))


def test_a_graph_that_answers_differently_is_refused_and_not_kept(
    tiny: WeightPack, monkeypatch: pytest.MonkeyPatch
) -> None:
    export = onnx_export.export_graph

    def wrong(module: Any, **options: Any) -> Any:
        graph = export(module, **options)
        scale = next(t for t in graph.graph.initializer if t.dims[:] == [1, 3, 1, 1])
        values = np.frombuffer(scale.raw_data, dtype=np.float32) * np.float32(1.05)
        scale.raw_data = values.tobytes()
        return graph

    monkeypatch.setattr(onnx_export, "export_graph", wrong)
    with pytest.raises(ParityError, match="does not give PyTorch's answers"):
        backbone_extractor(tiny)
    assert list((cache_dir()).glob("backbones/*/*")) == []


@pytest.mark.parametrize("file", ["model.onnx", "extractor.json"])
@pytest.mark.parametrize("damage", [b"", b"{}", None], ids=["empty", "braces", "gone"])
def test_a_damaged_graph_in_the_cache_is_made_again(
    tiny: WeightPack, file: str, damage: bytes | None, monkeypatch: pytest.MonkeyPatch, kept_graphs: Path
) -> None:
    extractor = backbone_extractor(tiny)
    graph = extractor.onnx.read_bytes()
    # Exporting takes seconds and is shown above; here only that it is done.
    monkeypatch.setattr(backbones, "_exported", lambda *_args: graph)
    path = extractor.onnx.with_name(file)
    path.unlink() if damage is None else path.write_bytes(damage)
    assert backbone_extractor(tiny) == extractor
    assert extractor.onnx.read_bytes() == graph
    assert json.loads(extractor.onnx.with_name("extractor.json").read_text())["sha256"] == extractor.sha256
    assert [item.name for item in extractor.onnx.parent.parent.iterdir() if item.name.startswith(".")] == []


def test_a_cache_that_cannot_be_written_is_an_error_in_words(
    tiny: WeightPack, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("ANMOK_CACHE", str(tmp_path / "file"))
    monkeypatch.setattr(backbones, "_exported", lambda *_args: b"")
    monkeypatch.setattr(backbones, "_check", lambda *_args: 256)
    with pytest.raises(StorageError):
        backbone_extractor(tiny)


def test_the_exporter_s_words_stay_off_the_terminal(capfd: pytest.CaptureFixture[str]) -> None:
    import logging
    import warnings

    with onnx_export.quiet():
        sys.stdout.write("chatter")
        warnings.warn("chatter", stacklevel=1)
        logging.getLogger("torch.onnx").warning("chatter")
    assert capfd.readouterr() == ("", "")
