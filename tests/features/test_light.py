"""What predicting loads stays light."""

from __future__ import annotations

import subprocess
import sys

import pytest

HEAVY = ("torch", "pandas", "sklearn", "matplotlib", "timm", "onnx", "pyarrow", "scipy", "skimage")


@pytest.mark.parametrize(
    "module", ["anmok.features.engine", "anmok.features.session", "anmok.models.registry", "anmok.cache"]
)
def test_importing_it_loads_no_heavy_library(module: str) -> None:
    code = f"import sys, {module}; print([name for name in {HEAVY!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_opening_a_session_and_running_pictures_through_it_loads_no_heavy_library() -> None:
    code = f"""
import io, sys
from PIL import Image
from anmok.features.engine import run_graph
from anmok.features.session import open_session
model = bytes.fromhex(sys.stdin.read())
stream = io.BytesIO()
Image.new("RGB", (9, 9), (10, 20, 30)).save(stream, "PNG")
session = open_session(model)
(name, rows), = run_graph([("a", stream.getvalue)], session, outputs=["embedding"], size=4, rule="squash")
assert rows[0].tolist() == [10, 20, 30], rows
print([name for name in {HEAVY!r} if name in sys.modules])
"""
    from tests.features.graphs import mean_colour

    done = subprocess.run(
        [sys.executable, "-c", code], input=mean_colour(4).hex(), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "[]"
    assert done.stderr == ""
