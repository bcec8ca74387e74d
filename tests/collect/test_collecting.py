"""Collecting as a whole: topping up, copies, licences, test sets, going on after kills, quotas, counting."""

from __future__ import annotations

import hashlib
import io
import random
import signal
import subprocess
import sys
import threading
import time
import zipfile
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from anmok.collect import Plan, QueryText, collect
from anmok.collect.state import FOLDER
from anmok.data.manifest import Manifest
from anmok.errors import UsageError
from anmok.storage import write_json
from tests.collect.conftest import plan_for, rows_of
from tests.collect.servers.world import Answer, Hosted, World

pytestmark = pytest.mark.real


def recompressed(picture: Hosted, name: str) -> Hosted:
    """The same photograph as another site would show it: smaller and compressed anew."""
    image = Image.open(io.BytesIO(picture.data))
    image = image.resize((image.width * 4 // 5, image.height * 4 // 5))
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=80)
    return Hosted(name, buffer.getvalue(), *image.size, licence=picture.licence)


def files_of(folder: Path) -> dict[str, str]:
    """Return what a collection holds, by path: all that people see, as SHA-256."""
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*")
        if path.is_file() and FOLDER not in path.parts and path.suffix not in (".csv", ".md", ".parquet")
    }


def rows_without_time(folder: Path) -> list[dict[str, Any]]:
    return Manifest.load(folder / "manifest.parquet").table.drop(columns="collected_at").to_dict("records")


def test_copies_across_sources_are_dropped_and_the_next_source_tops_up(
    world: World, real_pictures: list[Hosted], tmp_path: Path
) -> None:
    first, rest = real_pictures[:8], real_pictures[8:30]
    near, exact = recompressed(first[0], "near.jpg"), Hosted("exact.jpg", first[1].data, 150, 150)
    world.add("sea", *first)
    world.add("바다", near, exact, *rest)
    classes = {"sea": [QueryText(text="sea", sources=("openverse",)), QueryText(text="바다", sources=("commons",))]}
    into = tmp_path / "photos"
    plan = plan_for(world, classes, sources=("openverse", "commons"), per_class=20)
    collected = collect(plan, into)
    assert collected.kept == {"sea": 20}
    table = Manifest.load(into / "manifest.parquet").table
    assert sorted(table["path"].str.extract(r"/(\w+)-")[0].value_counts().to_dict().items()) == [
        ("commons", 12),
        ("openverse", 8),
    ]
    refused = {row["image_url"].rpartition("/")[2]: row for row in rows_of(into / "refused.csv")}
    assert refused["near.jpg"]["code"] == "near-duplicate"
    assert refused["exact.jpg"]["code"] == "duplicate"
    # The reason names the picture that stays.
    assert (into / refused["exact.jpg"]["reason"]).read_bytes() == first[1].data
    assert sum(world.served().values()) == 20 + len(refused)

    # Again: nothing is asked for. With more wanted: only what is missing.
    asked = len(world.asked)
    assert collect(plan, into).kept == {"sea": 20}
    assert len(world.asked) == asked
    assert collect(replace(plan, per_class=25), into).kept == {"sea": 25}
    assert set(world.served().values()) == {1}

    # What somebody took away stays away, and another one takes its place.
    victim = next(into.glob("sea/openverse-*"))
    gone = victim.read_bytes()
    victim.unlink()
    assert collect(replace(plan, per_class=25), into).kept == {"sea": 25}
    assert gone not in [path.read_bytes() for path in (into / "sea").iterdir()]


def test_only_wanted_licences_and_sizes_are_fetched(world: World, real_pictures: list[Hosted], tmp_path: Path) -> None:
    for at, one in enumerate(real_pictures[:30]):
        one.licence = ("by", "by-nc", "cc0")[at % 3]
    small = replace(real_pictures[30], licence="cc0", width=40, height=40)
    world.add("sea", small, *real_pictures[:30])
    plan = plan_for(world, {"sea": [QueryText(text="sea")]}, sources=("commons",), licences=("cc0",), per_class=50)
    collected = collect(plan, tmp_path / "photos")
    assert collected.kept == {"sea": 10}
    assert not collected.is_complete
    assert set(Manifest.load(tmp_path / "photos" / "manifest.parquet").table["licence"]) == {"CC0 1.0"}
    assert len(world.served()) == 10
    assert collected.refused == {"licence": 20, "too-small": 1}


def test_a_plan_of_places_gives_balanced_classes_and_a_test_set_apart(
    world: World, real_pictures: list[Hosted], tmp_path: Path
) -> None:
    places = ["천지연 폭포", "Hallasan", "성산 일출봉"]
    for at, place in enumerate(places):
        mine = real_pictures[at * 40 : (at + 1) * 40]
        world.add(f"{place} 제주", *mine[:15], recompressed(mine[0], f"copy{at}.jpg"))
        world.add(f"{place} Jeju", *mine[10:])
    classes = {place: [QueryText(text=f"{place} 제주"), QueryText(text=f"{place} Jeju")] for place in places}
    into = tmp_path / "photos"
    collected = collect(plan_for(world, classes, per_class=24, test_per_class=6), into)
    assert collected.kept == dict.fromkeys(places, 30)
    table = Manifest.load(into / "manifest.parquet").table
    counts = table.groupby(["split", "label"]).size().to_dict()
    assert counts == {**{("train", place): 24 for place in places}, **{("test", place): 6 for place in places}}
    assert not table["id"].duplicated().any()
    credits = rows_of(into / "ATTRIBUTION.csv")
    assert {row["path"] for row in credits} == set(table["path"])
    assert all(row["author"] and row["licence"] and row["page_url"] for row in credits)
    text = (into / "ATTRIBUTION.md").read_text(encoding="utf-8")
    assert text.count("https://creativecommons.org/licenses/by/2.0/") == 90
    assert all(f"## {place}" in text for place in places)


def test_strangers_among_the_pictures_are_flagged_and_stay(
    world: World, real_pictures: list[Hosted], data_dir: Path, real_weights: Path, shared_cache: Path, tmp_path: Path
) -> None:
    with zipfile.ZipFile(data_dir / "cards-voc.zip") as archive:
        names = sorted(name for name in archive.namelist() if name.lower().endswith(".jpg"))[:2]
        cards = [Hosted(f"card-{at}.jpg", archive.read(name), 640, 480) for at, name in enumerate(names)]
    world.add("street", *real_pictures[600:640], *cards)
    into = tmp_path / "photos"
    collect(plan_for(world, {"street": [QueryText(text="street")]}, per_class=42), into)
    manifest = Manifest.load(into / "manifest.parquet")
    flagged = manifest.table[manifest.table["flags"] == "off-topic"]
    assert {row["source_url"].rpartition("/")[2] for row in flagged.to_dict("records")} >= {"card-0.jpg"}
    assert len(flagged) <= 6
    assert len(manifest) == 42
    assert any("off topic" in note for note in manifest.notes)


def start(folder: Path, plan: Plan) -> subprocess.Popen[bytes]:
    """Start the process that crawls, alone, so that it can be killed at any moment."""
    hidden = folder / FOLDER
    hidden.mkdir(parents=True, exist_ok=True)
    write_json(hidden / "job.json", {"plan": plan.to_json(), "dry": False})
    command = [sys.executable, "-m", "anmok.collect.child", str(hidden)]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)


def test_killed_at_any_moment_it_ends_as_if_nothing_had_been(
    world: World, real_pictures: list[Hosted], tmp_path: Path
) -> None:
    mine = real_pictures[:70]
    world.add("sea", *mine, *(recompressed(one, f"copy-{one.name}") for one in mine[:5]))
    world.add("forest", *real_pictures[70:120])
    mine[3].faults.extend([Answer(b"", 404)] * 99)
    classes = {"sea": [QueryText(text="sea")], "forest": [QueryText(text="forest")]}
    plan = plan_for(world, classes, per_class=45)
    collect(plan, tmp_path / "undisturbed")
    world.asked.clear()
    folder, draw = tmp_path / "killed", random.Random(4)
    for _kill in range(3):
        # After a number of files that chance decides, and a little later.
        wanted = sum(world.served().values()) + draw.randint(1, 25)
        process = start(folder, plan)
        deadline = time.monotonic() + 60
        while sum(world.served().values()) < wanted and process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.002)
        time.sleep(draw.random() * 0.02)
        process.send_signal(signal.SIGKILL)
        process.communicate()
    # What was under way at a kill is asked for again, and nothing else.
    most_again = 3 * 2 * plan.manners.in_all
    collect(plan, folder)
    assert files_of(folder) == files_of(tmp_path / "undisturbed")
    assert rows_without_time(folder) == [
        {**row, "path": row["path"]} for row in rows_without_time(tmp_path / "undisturbed")
    ]
    assert sum(world.served().values()) - len(world.served()) <= most_again
    assert max(world.served().values()) <= 4


def test_the_crawl_ends_with_the_process_that_started_it(
    world: World, real_pictures: list[Hosted], tmp_path: Path
) -> None:
    for one in real_pictures[:40]:
        one.faults.append(Answer(one.data, wait=20))
    world.add("sea", *real_pictures[:40])
    process = start(tmp_path / "photos", plan_for(world, {"sea": [QueryText(text="sea")]}, per_class=40))
    deadline = time.monotonic() + 60
    while not world.served() and time.monotonic() < deadline:
        time.sleep(0.01)
    assert process.stdin is not None
    # And nobody else can speak to it: it listens nowhere.
    log = (tmp_path / "photos" / FOLDER / "log.txt").read_text(encoding="utf-8")
    assert "listening" not in log.lower()
    process.stdin.close()
    assert process.wait(timeout=10) == 3
    assert process.stdout is not None
    process.stdout.close()


def test_a_quota_holds_across_runs_and_the_rest_waits(
    world: World, real_pictures: list[Hosted], tmp_path: Path
) -> None:
    world.add("sea", *real_pictures[:100])
    plan = plan_for(world, {"sea": [QueryText(text="sea")]}, per_class=90, manners={"quotas": {"openverse": 3}})
    collected = collect(plan, tmp_path / "photos")
    assert collected.kept == {"sea": 60}
    assert len(world.calls("openverse")) == 3
    assert [row["source"] for row in collected.waiting] == ["openverse"]
    # Another folder, the same day: the quota is the machine's.
    assert collect(plan, tmp_path / "others").kept == {"sea": 0}
    assert len(world.calls("openverse")) == 3
    # With room again it goes on where it was.
    roomy = replace(plan, manners=replace(plan.manners, quotas={"openverse": 10}))
    assert collect(roomy, tmp_path / "photos").kept == {"sea": 90}
    assert [one.params["page"] for one in world.calls("openverse")] == ["1", "2", "3", "4", "5"]


def test_a_server_that_says_when_is_left_alone_until_then(
    world: World, real_pictures: list[Hosted], tmp_path: Path
) -> None:
    world.add("sea", *real_pictures[:12])
    real_pictures[0].faults.append(Answer(b"", 429, {"Retry-After": "2"}))
    plan = plan_for(world, {"sea": [QueryText(text="sea")]}, per_class=12, manners={"per_host": 1})
    assert collect(plan, tmp_path / "photos").kept == {"sea": 12}
    times = [one.at for one in world.asked if one.path.startswith("/files/")]
    gaps = [later - earlier for earlier, later in pairwise(times)]
    assert max(gaps) >= 1.9


def test_connections_to_one_host_are_few(world: World, real_pictures: list[Hosted], tmp_path: Path) -> None:
    under_way, most, lock = [0], [0], threading.Lock()
    world.add("sea", *real_pictures[:30])

    def page(picture: Hosted) -> Any:
        def answer(_asked: object) -> Answer:
            with lock:
                under_way[0] += 1
                most[0] = max(most[0], under_way[0])
            time.sleep(0.03)
            with lock:
                under_way[0] -= 1
            return Answer(picture.data)

        return answer

    for one in real_pictures[:30]:
        world.pages[f"/slow/{one.name}"] = page(one)
        world.pictures[one.name] = one
    listed = tmp_path / "urls.txt"
    listed.write_text("\n".join(f"{world.base}/slow/{one.name}" for one in real_pictures[:30]))
    plan = plan_for(
        world,
        {"sea": [QueryText(text=str(listed))]},
        sources=("urls",),
        per_class=30,
        manners={"per_host": 3},
        allow=(f"127.0.0.1:{world.port}",),
    )
    assert collect(plan, tmp_path / "photos").kept == {"sea": 30}
    assert 2 <= most[0] <= 3


def test_a_dry_run_counts_and_downloads_nothing(world: World, real_pictures: list[Hosted], tmp_path: Path) -> None:
    world.add("sea", *real_pictures[:50])
    classes = {"sea": [QueryText(text="sea")], "moon": [QueryText(text="moon")]}
    plan = plan_for(world, classes, licences=("by",))
    collected = collect(plan, tmp_path / "photos", dry_run=True)
    assert [(row["label"], row["total"], row["fit"]) for row in collected.counts] == [("sea", 50, 20), ("moon", 0, 0)]
    assert not world.served()
    assert not (tmp_path / "photos").exists()


def test_a_source_whose_terms_forbid_wants_a_stated_right(world: World, keys: list[str], tmp_path: Path) -> None:
    plan = plan_for(world, {"sea": [QueryText(text="sea")]}, sources=("naver",))
    with pytest.raises(UsageError, match=r"may not be stored.*--right naver="):
        collect(plan, tmp_path / "photos")
    assert not world.asked


def test_without_its_key_a_source_says_where_to_put_one(world: World, tmp_path: Path) -> None:
    plan = plan_for(world, {"sea": [QueryText(text="sea")]}, sources=("pexels",), right={"pexels": "agreed"})
    with pytest.raises(UsageError, match=r"PEXELS_API_KEY.*mode 600"):
        collect(plan, tmp_path / "photos")


def test_two_at_once_do_not_share_a_folder(world: World, real_pictures: list[Hosted], tmp_path: Path) -> None:
    for one in real_pictures[:5]:
        one.faults.append(Answer(one.data, wait=3))
    world.add("sea", *real_pictures[:5])
    plan = plan_for(world, {"sea": [QueryText(text="sea")]}, per_class=5)
    first = threading.Thread(target=collect, args=(plan, tmp_path / "photos"))
    first.start()
    deadline = time.monotonic() + 60
    while not world.served() and time.monotonic() < deadline:
        time.sleep(0.01)
    with pytest.raises(UsageError, match="Another process"):
        collect(plan, tmp_path / "photos")
    first.join()


def test_a_random_test_set_holds_nothing_that_train_has(
    world: World, real_pictures: list[Hosted], keys: list[str], tmp_path: Path
) -> None:
    train = tmp_path / "train" / "sea"
    train.mkdir(parents=True)
    for one in real_pictures[:20]:
        (train / one.name).write_bytes(one.data)
    copies = [recompressed(one, f"copy-{one.name}") for one in real_pictures[:10]]
    world.add("sea", *copies, *real_pictures[10:60])
    plan = plan_for(
        world,
        {"sea": [QueryText(text="sea")]},
        sources=("unsplash",),
        right={"unsplash": "tests of our own"},
        random=True,
        per_class=30,
        apart_from=(str(tmp_path / "train"),),
        manners={"quotas": {"unsplash": 1000}},
    )
    into = tmp_path / "test"
    assert collect(plan, into).kept == {"sea": 30}
    assert {one.path for one in world.calls("unsplash")} > {"/unsplash/photos/random"}
    # Each download is reported, and later where the quota is spent at the time.
    reported = [one.path for one in world.calls("unsplash") if one.path.endswith("/download")]
    assert len(reported) == len(set(reported)) == sum(world.served().values())
    taken = {path.read_bytes() for path in (into / "sea").iterdir()}
    assert not taken & {one.data for one in (*copies, *real_pictures[:20])}
    refused = rows_of(into / "refused.csv")
    assert {row["code"] for row in refused} == {"duplicate", "near-duplicate"}
    assert all(row["reason"].startswith("train/sea/") for row in refused)
    licences = set(Manifest.load(into / "manifest.parquet").table["licence"])
    assert licences == {"Unsplash License [tests of our own]"}


def test_downloads_that_could_not_be_reported_are_reported_in_the_next_run(
    world: World, real_pictures: list[Hosted], keys: list[str], tmp_path: Path
) -> None:
    world.add("sea", *real_pictures[:12])
    plan = plan_for(
        world,
        {"sea": [QueryText(text="sea")]},
        sources=("unsplash",),
        right={"unsplash": "tests of our own"},
        per_class=12,
        manners={"quotas": {"unsplash": 5}},
    )
    assert collect(plan, tmp_path / "photos", topics=False).kept == {"sea": 12}
    assert len(world.calls("unsplash")) == 5
    roomy = replace(plan, manners=replace(plan.manners, quotas={"unsplash": 100}))
    collect(roomy, tmp_path / "photos", topics=False)
    reported = [one.path for one in world.calls("unsplash") if one.path.endswith("/download")]
    assert len(reported) == len(set(reported)) == 12
    assert len(world.served()) == sum(world.served().values()) == 12
