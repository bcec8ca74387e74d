"""Every source with 300 pictures over its pages and a tenth of them faulty; and the plan of five places, 5 x 300.

    python benchmarks/collect_contract.py [--pictures 300]

1. What tests/collect/test_contract.py asserts with 30 pictures of each source, here with so many (100 at Google and 240
   at Openverse, where one query reaches no more): every fetchable picture once, every fault told with its reason.
2. Five classes with two queries each at two sources that share pictures: so many for train and a tenth for test, no
   picture or near copy in both, a credit with author, licence and page for each. Exit code 1 where that does not hold.

Real pictures of ANMOK_DATA behind loopback servers.
"""

from __future__ import annotations

import argparse
import io
import os
import sys
import tempfile
import time
import zipfile
from pathlib import Path

from PIL import Image

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from anmok.collect import QueryText, collect  # noqa: E402
from anmok.data.manifest import Manifest  # noqa: E402
from tests.collect.conftest import plan_for, rows_of  # noqa: E402
from tests.collect.servers.dialects import DIALECTS, KEYS  # noqa: E402
from tests.collect.servers.world import Hosted, World  # noqa: E402
from tests.collect.test_contract import hold  # noqa: E402

SETS = ("scenes6", "sports100-small", "cats-dogs", "horse-or-human")
PLACES = ("Cheonjiyeon", "Seongsan", "Hallasan", "Jusangjeolli", "Udo")


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--pictures", type=int, default=300)
    options = parser.parse_args()
    data = Path(os.environ.get("ANMOK_DATA", ""))
    if not os.environ.get("ANMOK_DATA") or not data.is_dir():
        print("skipped: set ANMOK_DATA to the folder of real pictures")
        return 0
    keys = {name: value for given in KEYS.values() for name, value in given.items()}
    os.environ.update(keys)
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        os.environ["ANMOK_CACHE"] = str(folder / "cache")
        contract(folder, load(data, len(DIALECTS) * options.pictures), list(keys.values()), options.pictures)
        return 0 if places(folder, load(data, 10 * options.pictures), options.pictures) else 1


def load(data: Path, count: int) -> list[Hosted]:
    found: dict[bytes, Hosted] = {}
    for name in SETS:
        with zipfile.ZipFile(data / f"{name}.zip") as archive:
            for entry in sorted(archive.namelist()):
                if entry.lower().endswith(".jpg") and len(found) < count:
                    content = archive.read(entry)
                    size = Image.open(io.BytesIO(content)).size
                    found.setdefault(content, Hosted(f"{len(found):05d}.jpg", content, *size))
    return list(found.values())


def contract(folder: Path, pictures: list[Hosted], keys: list[str], each: int) -> None:
    world = World()
    world.dialects.update(DIALECTS)
    with world.open():
        begin = time.perf_counter()
        faults, collected = hold(world, pictures, folder / "contract", keys, each)
        seconds = time.perf_counter() - begin
    kept = sum(collected.kept.values())
    print(
        f"contract of {len(DIALECTS)} sources: {kept} pictures, {faults} faults planted, all as wanted, {seconds:.0f} s"
    )
    print(f"left out: {collected.refused}")


def places(folder: Path, pictures: list[Hosted], each: int) -> bool:
    test = each // 10
    wanted = each + test
    world = World()
    world.dialects.update(DIALECTS)
    share = len(pictures) // len(PLACES)
    for at, place in enumerate(PLACES):
        mine = pictures[at * share : (at + 1) * share]
        world.add(f"{place} ko", *mine[: share // 2])
        world.add(f"{place} en", *mine[share // 3 :])
    classes = {place: [QueryText(text=f"{place} ko"), QueryText(text=f"{place} en")] for place in PLACES}
    with world.open():
        plan = plan_for(
            world, classes, sources=("openverse", "commons"), per_class=each, test_per_class=test,
            manners={"quotas": {"openverse": 1_000_000}},
        )  # fmt: skip
        collected = collect(plan, folder / "places", topics=False)
    table = Manifest.load(folder / "places" / "manifest.parquet").table
    counts = table.groupby(["label", "split"]).size().to_dict()
    print(f"five places: {collected.kept}, by split {counts}")
    credits = rows_of(folder / "places" / "ATTRIBUTION.csv")
    complete = all(row["author"] and row["licence"] and row["licence_url"] and row["page_url"] for row in credits)
    checks = {
        "balanced": set(collected.kept.values()) == {wanted},
        "test set drawn": all(counts.get((place, "test")) == test for place in PLACES),
        "no picture twice": not table["id"].duplicated().any() and max(world.served().values()) == 1,
        "attribution complete": complete and {row["path"] for row in credits} == set(table["path"]),
    }
    print(checks)
    return all(checks.values())


if __name__ == "__main__":
    sys.exit(main())
