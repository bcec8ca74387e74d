from __future__ import annotations

import json
from pathlib import Path

import pytest

from anmok.cli.app import run as main
from anmok.models.registry import all_models
from tests.models.packs import fake_pack


def test_every_model_stands_in_the_table_and_is_told_to_programs(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["models"]) == 0
    table = capsys.readouterr().out
    assert main(["models", "--json"]) == 0
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [row["name"] for row in rows] == [spec.name for spec in all_models()]
    for row in rows:
        assert row["name"] in table
    facts = next(row for row in rows if row["name"] == "resnet50")
    assert (facts["parameters"], facts["depth"], facts["top1"], facts["top5"]) == (25_610_152, 107, 0.749, 0.921)
    assert (facts["licence"], facts["weights_here"]) == ("BSD-3-Clause", None)
    assert facts["strategies"] == ["frozen", "partial", "full"]
    assert next(row for row in rows if row["name"] == "cnn-small")["strategies"] == ["scratch"]


def test_what_nobody_published_stays_empty_and_weights_that_are_here_are_marked(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake_pack(tmp_path, "vgg16.tv_in1k")
    monkeypatch.setenv("ANMOK_WEIGHTS", str(tmp_path))
    main(["models"])
    lines = {line.split()[0]: line.split() for line in capsys.readouterr().out.splitlines() if line.strip()}
    assert lines["vgg16"] == ["vgg16", "528", "138.4", "16", "224", "71.3", "90.1", "BSD-3", "yes"]
    assert lines["dinov2-small"][-3:] == ["–", "Apache-2.0", "–"]


def test_wide_tells_whose_accuracy_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    main(["models", "--wide"])
    told = capsys.readouterr().out
    assert "convnext_tiny.in12k_ft_in1k" in told
    assert "these weights, 288 pixels" in told
    assert "Keras' weights, 299 pixels" in told
