"""Weight packs are found where they may lie, read with suspicion, and their absence is explained."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anmok.errors import WeightsMissing
from anmok.locations import cache_dir
from anmok.models import hub
from anmok.models.packs import all_packs, find_pack, read_pack
from tests.models.packs import fake_pack


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "USB 가중치"
    folder.mkdir()
    monkeypatch.setenv("ANMOK_WEIGHTS", str(folder))
    return folder


def changed(folder: Path, **changes: Any) -> Path:
    path = folder / "pack.json"
    facts = {**json.loads(path.read_text(encoding="utf-8")), **changes}
    path.write_text(json.dumps({name: value for name, value in facts.items() if value is not ...}), encoding="utf-8")
    return folder


def test_a_pack_is_read_as_it_was_written(home: Path) -> None:
    pack = read_pack(fake_pack(home, "net_1.tag", architecture_args={"pad_type": "same"}))
    assert (pack.name, pack.architecture, pack.architecture_args) == ("net_1.tag", "net_1", {"pad_type": "same"})
    assert (pack.input_size, pack.mean, pack.std) == (160, (0.4, 0.5, 0.6), (0.2, 0.25, 0.3))
    assert pack.read_weights() == b"weights"


def test_the_folders_of_the_variable_come_before_the_cache_and_the_first_wins(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for place in (tmp_path / "one", tmp_path / "two", cache_dir() / "weights"):
        fake_pack(place, "net.tag", source=place.name)
    monkeypatch.setenv(
        "ANMOK_WEIGHTS", os.pathsep.join([str(tmp_path / "away"), str(tmp_path / "one"), str(tmp_path / "two")])
    )
    assert find_pack("net.tag").source == "one"
    monkeypatch.delenv("ANMOK_WEIGHTS")
    assert find_pack("net.tag").source == "weights"
    assert len(all_packs()) == 1


def test_the_variable_may_name_a_pack_itself(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANMOK_WEIGHTS", str(fake_pack(home, "net.tag")))
    assert find_pack("net.tag").name == "net.tag"


def test_another_pack_of_the_same_architecture_will_do_unless_it_must_be_that_one(home: Path) -> None:
    fake_pack(home, "net.other")
    fake_pack(home, "network.tag")
    assert find_pack("net.tag").name == "net.other"
    assert find_pack("net").name == "net.other"
    with pytest.raises(WeightsMissing):
        find_pack("net.tag", exact=True)
    fake_pack(home, "net.tag")
    assert find_pack("net.tag").name == "net.tag"


def test_missing_weights_are_explained_with_three_ways(home: Path) -> None:
    with pytest.raises(WeightsMissing) as caught:
        find_pack("mobilenetv2_100.tf2_in1k")
    assert caught.value.message == (
        "The weights mobilenetv2_100.tf2_in1k are not on this machine, and the network was not asked."
    )
    for part in ("ANMOK_WEIGHTS", "USB", str(cache_dir() / "weights"), "anmok weights get mobilenetv2_100.tf2_in1k"):
        assert part in caught.value.hint


def test_without_a_network_the_hub_fails_fast_and_clean(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ANMOK_OFFLINE")
    monkeypatch.delenv("HF_HUB_OFFLINE")
    monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", "http://127.0.0.1:9")
    begin = time.monotonic()
    with pytest.raises(WeightsMissing, match="the model hub cannot be reached"):
        find_pack("mobilenetv2_100.tf2_in1k")
    assert time.monotonic() - begin < 3 * hub.PATIENCE
    assert not (cache_dir() / "weights").exists()


def test_names_that_the_hub_does_not_know_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hub, "_is_reachable", lambda: True)
    with pytest.raises(WeightsMissing, match="the model hub has none of that name"):
        hub.fetch_pack("no_such_network.tag")
    assert hub._known_name("mobilenetv2_100.tf2_in1k", exact=False) == "mobilenetv2_100.ra_in1k"
    assert hub._known_name("mobilenetv2_100.tf2_in1k", exact=True) is None
    assert hub._known_name("resnet18.a1_in1k", exact=True) == "resnet18.a1_in1k"


@pytest.mark.parametrize(
    "name", ["../net.tag", "/etc/passwd", "a/b", "net..tag", "", ".", "net.tag.x", "NET", "a" * 200, "hf-hub:x/y"]
)
def test_names_that_lead_elsewhere_are_refused(home: Path, name: str) -> None:
    with pytest.raises(WeightsMissing, match="cannot be the name"):
        find_pack(name)


@pytest.mark.parametrize(
    "changes",
    [
        {"name": "../../evil"},
        {"name": "other.tag"},
        {"architecture": "../net"},
        {"architecture": "hf-hub:someone/model"},
        {"architecture": None},
        {"architecture_args": {"checkpoint_path": "/tmp/evil.pth"}},
        {"architecture_args": {"pretrained": True}},
        {"architecture_args": {"pad_type": "a/b"}},
        {"architecture_args": {"img_size": 10**9}},
        {"architecture_args": {"img_size": [224, 224]}},
        {"architecture_args": []},
        {"num_classes": -1},
        {"num_classes": 10**12},
        {"num_classes": True},
        {"num_classes": "1000"},
        {"input_size": [3, 10**6, 10**6]},
        {"input_size": [3, 224, 192]},
        {"input_size": [1, 224, 224]},
        {"input_size": 224},
        {"mean": [0.5, 0.5]},
        {"mean": [float("nan"), 0.5, 0.5]},
        {"std": [0, 0.5, 0.5]},
        {"std": [float("inf"), 0.5, 0.5]},
        {"std": None},
        {"crop_pct": 7},
        {"interpolation": "magic"},
        {"licence": "x" * 3000},
        {"licence": "\x1b[2J"},
        {"licence": ...},
        {"sha256": "abc"},
        {"sha256": "G" * 64},
    ],
    ids=str,
)
def test_hostile_facts_are_refused_with_the_field_s_name(home: Path, changes: dict[str, Any]) -> None:
    folder = changed(fake_pack(home, "net.tag"), **changes)
    with pytest.raises(WeightsMissing, match=f"cannot be used: pack.json: {next(iter(changes))} is ") as caught:
        read_pack(folder)
    assert str(folder) in caught.value.message
    assert len(caught.value.message) < 400


@pytest.mark.parametrize(
    "data",
    [b"", b"{", b"[]", b"null", b"\xff\xfe", b"[" * 60_000, b"{" + b" " * 70_000 + b"}"],
    ids=lambda data: repr(data[:9]),
)
def test_what_is_no_pack_json_is_refused(home: Path, data: bytes) -> None:
    folder = fake_pack(home, "net.tag")
    (folder / "pack.json").write_bytes(data)
    with pytest.raises(WeightsMissing, match=r"cannot be used: pack\.json"):
        read_pack(folder)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=8,
)


@given(
    field=st.sampled_from(
        ["name", "architecture", "architecture_args", "num_classes", "input_size", "mean", "std", "sha256"]
    ),
    value=json_values,
)
def test_any_value_in_any_field_is_taken_or_refused_but_never_crashes(
    tmp_path_factory: pytest.TempPathFactory, field: str, value: Any
) -> None:
    folder = changed(fake_pack(tmp_path_factory.mktemp("p"), "net.tag"), **{field: value})
    try:
        pack = read_pack(folder)
    except WeightsMissing as error:
        refusal = error.message
    else:
        assert pack.architecture == "net"
        return
    assert field in refusal


def test_weights_that_are_not_the_named_ones_are_refused(home: Path) -> None:
    folder = fake_pack(home, "net.tag")
    (folder / "model.safetensors").write_bytes(b"others!")
    with pytest.raises(WeightsMissing, match=r"SHA-256 .* is wanted\. Copy or download the pack again"):
        read_pack(folder).read_weights()


def test_a_pack_without_weights_is_refused(home: Path) -> None:
    folder = fake_pack(home, "net.tag")
    (folder / "model.safetensors").unlink()
    with pytest.raises(WeightsMissing, match=r"model\.safetensors is missing"):
        find_pack("net.tag")
