"""What each augmentation policy costs, as a share of a training step of MobileNetV2 on the same pictures.

    python benchmarks/augmentation.py [--batch 64] [--size 224] [--repeats 3]

One thread, processor time (so that other programs on the machine do not count), policies and steps in turn; the least
of the repeats is printed.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable

import timm
import torch
from torch.nn.functional import cross_entropy

from anmok.training.augmentation import get_policy, policy_names


def main() -> None:
    """Print one line for each policy."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--size", type=int, default=224)
    parser.add_argument("--repeats", type=int, default=3)
    options = parser.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(0)
    # As the loop has them: rows of pictures with their channels last.
    stored = torch.randint(0, 256, (options.batch, options.size, options.size, 3), dtype=torch.uint8)
    pictures = stored.permute(0, 3, 1, 2)
    policies = {name: get_policy(name) for name in policy_names()}
    step = _step(pictures)
    costs: dict[str, list[float]] = {name: [] for name in ("", *policies)}
    for _repeat in range(options.repeats):
        costs[""].append(_seconds(step))
        for name, policy in policies.items():
            costs[name].append(_seconds(lambda policy=policy: policy(pictures)))
    whole = min(costs.pop(""))
    print(f"training step of MobileNetV2, {options.batch} pictures of {options.size} pixels: {whole:.2f} s")
    for name, seconds in costs.items():
        print(f"{name:24}{1000 * min(seconds):8.0f} ms{100 * min(seconds) / whole:8.1f} %")


def _step(pictures: torch.Tensor) -> Callable[[], object]:
    network = timm.create_model("mobilenetv2_100").train().to(memory_format=torch.channels_last)
    labels = torch.randint(0, 1000, (len(pictures),))
    optimizer = torch.optim.AdamW(network.parameters(), fused=True)

    def step() -> None:
        optimizer.zero_grad()
        cross_entropy(network(pictures.float() / 255), labels).backward()
        optimizer.step()

    return step


def _seconds(work: Callable[[], object]) -> float:
    begin = time.process_time()
    work()
    return time.process_time() - begin


if __name__ == "__main__":
    main()
