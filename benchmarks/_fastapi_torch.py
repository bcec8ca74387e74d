"""The usual way to serve a model: FastAPI, and PyTorch as it is. Its own environment; started by ``service_speed.py``.

    python -m uvicorn _fastapi_torch:app --port N [--workers N]

The environment names ANMOK_HEAD (an .npz: weight, bias, temperature, labels, image_size) and ANMOK_WEIGHTS. The
backbone is Anmok's module of the same weights (PYTHONPATH names the sources), run eagerly. ANMOK_THREADS: of PyTorch;
0 leaves what it takes by itself. Nothing is kept or noted: it only answers.
"""

from __future__ import annotations

import os

import numpy as np
import torch
from fastapi import FastAPI, UploadFile
from PIL import Image

from anmok.models.backbones import backbone_module
from anmok.models.packs import find_pack

if threads := int(os.environ.get("ANMOK_THREADS") or 0):
    torch.set_num_threads(threads)
head = np.load(os.environ["ANMOK_HEAD"])
size, labels = int(head["image_size"]), [str(label) for label in head["labels"]]
weight, bias = torch.from_numpy(head["weight"]), torch.from_numpy(head["bias"])
temperature = float(head["temperature"])
backbone = backbone_module(find_pack(str(head["pack"])), image_size=size).eval()
app = FastAPI()


@app.get("/healthz")
def healthz() -> dict[str, str]:
    return {"status": "ready"}


@app.post("/identify")
def identify(photo: UploadFile) -> dict[str, object]:
    picture = Image.open(photo.file).convert("RGB").resize((size, size), Image.Resampling.BICUBIC)
    with torch.inference_mode():
        embedding = backbone(torch.from_numpy(np.array(picture))[None])[0]
        probabilities = torch.softmax((embedding @ weight.T + bias) / temperature, dim=1)[0]
    best = probabilities.argsort(descending=True)[:5].tolist()
    top = [{"class": labels[index], "probability": float(probabilities[index])} for index in best]
    return {"class": top[0]["class"], "index": best[0], "probability": top[0]["probability"], "top": top}
