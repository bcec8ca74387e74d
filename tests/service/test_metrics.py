"""What is counted, over all processes; who may read it; what the probes say; what a full queue answers."""

from __future__ import annotations

import io
import os
import re
import signal
import stat
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests
from PIL import Image

from tests.bundle.small_bundles import write_colour_bundle
from tests.service.counts import counted, token
from tests.service.served import Served, photo, serve
from tests.service.workers import wait, workers

#: What the serving process must never load.
HEAVY = ("torch", "torchvision", "timm", "pandas", "sklearn", "matplotlib", "scipy")


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A service of two processes."""
    folder = tmp_path_factory.mktemp("counts")
    with serve(write_colour_bundle(folder / "a.anmok"), folder / "data", ANMOK_LANG="en") as served:
        yield served


@pytest.fixture(scope="module")
def narrow(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A service of one process that takes on one photo at a time, and says what it imports."""
    folder = tmp_path_factory.mktemp("narrow")
    bundle = write_colour_bundle(folder / "a.anmok")
    words = ("--workers", "1", "--queue", "1")
    with serve(bundle, folder / "data", *words, ANMOK_LANG="en", PYTHONPROFILEIMPORTTIME="1") as served:
        yield served


def identify(served: Served, data: bytes) -> requests.Response:
    return requests.post(f"{served.address}/api/v1/identify", data=data, timeout=120)


def test_counts_are_those_of_all_processes_whichever_is_asked_and_outlive_a_killed_one(two: Served) -> None:
    answers = {"model": "main", "label": "red", "unknown": "false"}
    requested = {"endpoint": "/api/v1/identify", "method": "POST", "status": "200"}
    # More at once than one process answers alone, on connections of their own.
    with ThreadPoolExecutor(8) as visitors:
        assert {
            one.status_code for one in visitors.map(lambda seed: identify(two, photo("red", seed=seed)), range(24))
        } == {200}
    assert identify(two, b"no picture").status_code == 422
    for _number in range(6):
        assert counted(two, "anmok_answers_total", **answers) == 24
        assert counted(two, "anmok_requests_total", **requested) == 24
        assert counted(two, "anmok_requests_total", **requested | {"status": "422"}) == 1
        assert counted(two, "anmok_request_seconds_count", endpoint="/api/v1/identify") == 25
        assert counted(two, "anmok_model_seconds_count", model="main") == 24
        assert counted(two, "anmok_photos_waiting") == 0
        assert counted(two, "anmok_photos_room") == 48
    before = workers(two)
    os.kill(before[0], signal.SIGKILL)
    wait(lambda: len(set(workers(two)) - set(before)) == 1)
    wait(lambda: counted(two, "anmok_photos_room") == 48)
    assert counted(two, "anmok_answers_total", **answers) == 24


def test_addresses_that_lead_nowhere_are_counted_together(two: Served) -> None:
    for number in range(3):
        requests.get(f"{two.address}/nowhere/{number}", timeout=60)
    assert counted(two, "anmok_requests_total", endpoint="none", method="GET", status="404") == 3


@pytest.mark.parametrize(
    "headers",
    [{}, {"Authorization": "Bearer x"}, {"Authorization": "Bearer "}, {"X-Forwarded-For": "127.0.0.1"}],
    ids=["nothing", "another token", "an empty token", "a claim"],
)
def test_counts_are_told_to_nobody_without_the_token_also_on_this_machine(two: Served, headers: dict[str, str]) -> None:
    answer = requests.get(f"{two.address}/metrics", headers=headers, timeout=60)
    assert answer.status_code == 401
    assert "anmok_" not in answer.text
    assert stat.S_IMODE((two.folder / "metrics-token").stat().st_mode) == 0o600
    assert len(token(two)) >= 40


def test_probes_answer_under_the_machines_number_and_take_no_changes(two: Served) -> None:
    named = requests.get(f"{two.address}/healthz", headers={"Host": "10.0.0.7"}, timeout=60)
    assert (named.status_code, named.json()["status"]) == (200, "ready")
    assert requests.get(f"{two.address}/readyz", timeout=60).json() == {"status": "ready", "waiting": 0, "room": 24}
    assert requests.post(f"{two.address}/readyz", timeout=60).status_code == 405


def large() -> bytes:
    """A photo that takes a second or more."""
    stream = io.BytesIO()
    Image.new("RGB", (8800, 8800), "red").save(stream, "PNG", compress_level=1)
    return stream.getvalue()


def test_a_full_queue_says_when_to_come_again_to_people_and_programs_and_to_who_shares_out_the_work(
    narrow: Served,
) -> None:
    visitor = narrow.visitor()
    answered = visitor.give(("b.jpg", photo("red", seed=1))).url.removeprefix(narrow.address)
    held = large()
    with ThreadPoolExecutor(1) as other:
        slow = other.submit(identify, narrow, held)
        end = time.monotonic() + 60
        while (readiness := requests.get(f"{narrow.address}/readyz", timeout=60)).status_code == 200:
            assert time.monotonic() < end
            assert not slow.done()
        program = identify(narrow, photo("red"))
        page = visitor.give(("a.jpg", photo("red")))
        # As dear as an answer.
        heat_map = visitor.get(f"{answered}where.png")
        assert not slow.done(), "the large photo was too quick for this test"
        assert slow.result().status_code == 200
    assert readiness.json() == {"status": "busy", "waiting": 1, "room": 1}
    assert (program.status_code, page.status_code, heat_map.status_code) == (503, 503, 503)
    assert visitor.get(f"{answered}where.png").status_code == 200
    assert int(program.headers["Retry-After"]) == int(page.headers["Retry-After"]) >= 1
    assert (program.headers["Content-Type"], program.json()["status"]) == ("application/problem+json", 503)
    assert "Many photos are waiting" in page.text
    assert identify(narrow, photo("red")).status_code == 200
    assert counted(narrow, "anmok_photos_refused_total") == 3


def test_the_serving_processes_import_nothing_of_training(narrow: Served) -> None:
    assert identify(narrow, photo("red")).status_code == 200
    log = narrow.folder.with_suffix(".log").read_text()
    imported = set(re.findall(r"^import time:\s+\d+ \|\s+\d+ \|\s+(\S+)$", log, re.MULTILINE))
    # Both of them said so: the one that starts, and the one that answers.
    assert {"anmok.service.serve", "anmok.service.hosting.host", "onnxruntime"} <= imported
    assert not {name for name in imported if name.partition(".")[0] in HEAVY}
