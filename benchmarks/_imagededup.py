"""Runs imagededup over a folder, in its own environment; started by ``duplicates.py``.

    python _imagededup.py phash|cnn FOLDER [WEIGHT_PACK]

Prints one JSON object: the pairs (paths inside the folder), seconds, peak memory in bytes. Settings are imagededup's
own defaults: PHash at most 10 bits, CNN a cosine similarity of at least 0.9. Its CNN fetches weights of MobileNetV3
when it first runs; here it takes Anmok's MobileNetV2 instead, through imagededup's ``CustomModel``.
"""

from __future__ import annotations

import json
import resource
import sys
import time
from pathlib import Path
from typing import Any


def main() -> None:
    method, folder = sys.argv[1], Path(sys.argv[2])
    begin = time.perf_counter()
    if method == "phash":
        from imagededup.methods import PHash

        found = PHash(verbose=False).find_duplicates(image_dir=folder, recursive=True)
    else:
        found = cnn(Path(sys.argv[3])).find_duplicates(image_dir=folder, recursive=True)
    pairs = {tuple(sorted((one, other))) for one, others in found.items() for other in others if one != other}
    print(
        json.dumps(
            {
                "pairs": sorted(pairs),
                "seconds": time.perf_counter() - begin,
                "peak": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
            }
        )
    )


def cnn(pack: Path) -> Any:
    import timm
    from imagededup.methods import CNN
    from imagededup.utils import CustomModel
    from safetensors.torch import load_file
    from torchvision import transforms

    about = json.loads((pack / "pack.json").read_text())
    model = timm.create_model(about["architecture"], num_classes=0, **about["architecture_args"])
    model.load_state_dict(load_file(pack / "model.safetensors"), strict=False)
    model.eval()
    transform = transforms.Compose(
        [
            transforms.Resize((224, 224)),
            transforms.ToTensor(),
            transforms.Normalize(about["mean"], about["std"]),
        ]
    )
    return CNN(verbose=False, model_config=CustomModel(name="mobilenetv2", model=model, transform=transform))


if __name__ == "__main__":
    main()
