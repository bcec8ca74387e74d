"""How well a detector finds playing cards: cards-voc.zip, the MobileNetV2 pack, this machine's cores.

    ANMOK_DATA=../shared/data ANMOK_WEIGHTS=../shared/weights python benchmarks/detect_cards.py

trains with all 296 pictures and prints mAP50 on the 67 test pictures with its interval and the minutes (wanted: 0.93 in
40 minutes on two cores), then the same with 50 pictures to learn from and choose by (wanted: 0.55). ``--part all`` or
``--part 50`` does one of them; a training that was stopped goes on. ``--epochs`` and ``--side`` try it on little.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from anmok.cli.console import TerminalProgress
from anmok.detection.settings import DetectConfig
from anmok.pipeline.detect import train_detector_from

WANTED = {"all": (0, 0.93), "50": (50, 0.55)}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--part", choices=WANTED, action="append")
    parser.add_argument("--out", type=Path, default=Path("detect-cards"))
    parser.add_argument("--epochs", type=int, default=0)
    parser.add_argument("--side", type=int, default=DetectConfig().side)
    parser.add_argument("--threads", type=int, default=2)
    arguments = parser.parse_args()
    source = Path(os.environ["ANMOK_DATA"]) / "cards-voc.zip"
    print(f"{'learned from':>14}  {'mAP50':>22}  {'mAP50-95':>22}  precision  recall  minutes  wanted")
    missed = False
    for part in arguments.part or list(WANTED):
        pictures, wanted = WANTED[part]
        config = DetectConfig(epochs=arguments.epochs, side=arguments.side, train_pictures=pictures)
        with TerminalProgress() as progress:
            result = train_detector_from(
                source, arguments.out / part, config, threads=arguments.threads, progress=progress
            )
        figures = result.test.figures
        spans = [f"{one.value:.3f} ({one.low:.3f}-{one.high:.3f})" for one in (figures["map50"], figures["map"])]
        # The history also knows the time of epochs before an interruption.
        minutes = (
            sum(row["seconds"] for row in result.history) + result.seconds["scan"] + result.seconds["export"]
        ) / 60
        verdict = "reached" if figures["map50"].value >= wanted else "MISSED"
        missed |= verdict == "MISSED"
        print(
            f"{result.train_pictures:>7} + {result.valid_pictures:<4}  {spans[0]:>22}  {spans[1]:>22}  "
            f"{figures['precision'].value:>9.3f}  {figures['recall'].value:>6.3f}  {minutes:>7.1f}  {wanted} {verdict}"
        )
    return int(missed)


if __name__ == "__main__":
    sys.exit(main())
