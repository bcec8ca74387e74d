"""Other people's tools, each in a virtual environment of its own below ``.bench/`` (ignored by git).

Nothing of them is ever installed beside Anmok: they want other versions of the same packages.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import sysconfig
from collections.abc import Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
#: Name -> (the packages that are installed, the module that shows that they are).
ENVIRONMENTS: dict[str, tuple[tuple[str, ...], str]] = {
    # SciPy: Keras' ImageDataGenerator draws its affine maps with it.
    "keras": (("tensorflow-cpu==2.21.0", "keras==3.15.1", "scipy", "pillow", "safetensors"), "keras"),
    # Without what it takes along: PyTorch and the rest are borrowed, so that both loops run on the same PyTorch.
    "fastai": (
        (
            "--no-deps",
            "fastai==2.8.12",
            "fastcore",
            "fasttransform",
            "fastprogress<1.1",
            "fastdownload",
            "plum-dispatch",
            "beartype",
            "cloudpickle",
        ),
        "fastai.learner",
    ),
    # PyTorch, timm and Pillow are borrowed, so that both sides run the same ones; uvicorn with what makes it fast.
    "fastapi": (("fastapi==0.121.0", "uvicorn[standard]==0.38.0", "python-multipart"), "uvloop"),
}
BORROWING = frozenset({"fastai", "fastapi"})


class NotToBeHad(Exception):
    """The environment could not be made; the message says why."""


def environment(name: str) -> Path:
    """Return the Python of an environment, which is made when it is absent (minutes, some hundred megabytes).

    Raises:
        NotToBeHad: its packages could not be installed.
    """
    packages, module = ENVIRONMENTS[name]
    folder = ROOT / ".bench" / name
    python = folder / "bin" / "python"
    probe = [str(python), "-c", f"import {module}"]
    if python.exists() and subprocess.run(probe, capture_output=True, check=False).returncode == 0:
        return python
    try:
        subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True, capture_output=True, text=True)
        if name in BORROWING:
            (inside,) = folder.glob("lib/python*/site-packages")
            (inside / "project.pth").write_text(sysconfig.get_path("purelib") + "\n", encoding="utf-8")
        install = [str(python), "-m", "pip", "install", "--quiet", *packages]
        subprocess.run(install, check=True, capture_output=True, text=True)
        subprocess.run(probe, check=True, capture_output=True, text=True)
    except subprocess.CalledProcessError as error:
        last = (error.stderr or "").strip().splitlines()[-1:] or [str(error)]
        raise NotToBeHad(f"{name} could not be installed: {last[0]}") from error
    return python


def told(command: Sequence[str], **environ: str) -> dict[str, Any]:
    """Run a script and return the JSON object on its last line; what it says on the way goes to the terminal."""
    done = subprocess.run(
        list(command),
        check=True,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"} | environ,
    )
    return dict(json.loads(done.stdout.strip().splitlines()[-1]))
