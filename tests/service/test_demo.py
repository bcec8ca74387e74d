"""``anmok serve`` without a bundle: five drawn places, which it knows."""

from __future__ import annotations

import io
import subprocess
import sys
from pathlib import Path

import pytest
import requests

from anmok.data.sample import draw_place, place_names
from anmok.inference.predictor import Predictor
from anmok.service.serve import DEMO
from tests.service.served import serve


def drawing(place: int, seed: int) -> bytes:
    stream = io.BytesIO()
    draw_place(place, seed=seed).save(stream, "JPEG", quality=92)
    return stream.getvalue()


def test_the_demo_bundle_knows_places_that_it_never_saw() -> None:
    predictor = Predictor.open(DEMO)
    assert predictor.labels == tuple(sorted(place_names("en")))
    items = [(place_names("en")[place], drawing(place, 90_000 + number)) for place in range(5) for number in range(8)]
    answers = list(predictor.predict_items((label, lambda data=data: data) for label, data in items))
    assert sum(answer.label == label for answer, (label, _data) in zip(answers, items, strict=True)) >= 34


def test_without_a_bundle_the_demo_answers_in_both_languages(tmp_path: Path) -> None:
    with serve(None, tmp_path / "data") as running:
        visitor = running.visitor()
        assert "tea is grown" in visitor.give(("a.jpg", drawing(0, 90_100))).text
        cards = requests.get(f"{running.address}/api/v1/cards", headers={"Accept-Language": "ko"}, timeout=60).json()
        assert [card["name"] for card in cards] == list(place_names("ko"))


@pytest.mark.parametrize("module", ["torch", "pandas", "sklearn", "matplotlib", "scipy"])
def test_the_web_process_loads_no_training_library(tmp_path: Path, module: str) -> None:
    script = f"""
import os, sys
from pathlib import Path
from anmok.service.folder import ServiceFolder
ServiceFolder(Path({str(tmp_path)!r})).prepare()
os.environ.update(ANMOK_SERVICE={str(tmp_path)!r}, ANMOK_BUNDLE={str(DEMO)!r})
os.environ["DJANGO_SETTINGS_MODULE"] = "anmok.service.settings"
import anmok.service.wsgi, anmok.service.urls
from anmok.service.answering import ask
ask("a.jpg", {drawing(0, 1)!r})
sys.exit({module!r} in sys.modules)
"""
    assert subprocess.run([sys.executable, "-c", script], check=False, timeout=120).returncode == 0


def test_djangos_own_commands_work_on_the_services_folder(tmp_path: Path) -> None:
    def manage(*words: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "anmok", "manage", "--data", str(tmp_path / "data"), *words]
        return subprocess.run(command, check=False, timeout=120, capture_output=True, text=True)

    assert "[ ] 0001_initial" in manage("showmigrations", "cards").stdout
    assert manage("migrate", "--verbosity", "0").returncode == 0
    assert "[X] 0001_initial" in manage("showmigrations", "cards").stdout
    assert manage("makemigrations", "--check", "--dry-run").returncode == 0
