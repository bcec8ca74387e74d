"""``anmok compare`` on real pictures, in a process of its own as users run it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any


def anmok(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", "anmok", *words], capture_output=True, text=True, check=False)


def compare(source: Path, models: str, out: Path, *words: str) -> dict[str, Any]:
    done = anmok("compare", str(source), "--models", models, "--out", str(out), *words)
    assert done.returncode == 0, done.stderr
    for name in ("report.html", "best.anmok", "summary.json", "runs"):
        assert (out / name).exists(), name
    return dict(json.loads((out / "summary.json").read_text(encoding="utf-8")))


def accuracy(summary: dict[str, Any], model: str) -> float:
    return float(summary["models"][model]["accuracy"]["value"])
