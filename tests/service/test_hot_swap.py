"""A service whose bundles are exchanged while visitors ask: nobody is lost, and what is damaged is refused."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from anmok.data.sample import place_names
from anmok.service.hosting.hosted import version_of
from tests.bundle.small_bundles import write_colour_bundle
from tests.service.counts import counted
from tests.service.served import Served, photo, serve
from tests.service.workers import wait, workers

SEEN = {"a.anmok": "red", "b.anmok": "rouge", "birds.anmok": place_names("en")[0]}
RED = photo("red")


class Running:
    """A service of two processes with two bundles, one of which is exchanged."""

    def __init__(self, served: Served, bundles: Path) -> None:
        self.served, self.bundles, self.file = served, bundles, bundles / "named.anmok"

    def ask(self, model: str = "") -> requests.Response:
        return requests.post(
            f"{self.served.address}/api/v1/identify", params={"model": model} if model else {}, data=RED, timeout=60
        )

    def put(self, content: bytes) -> None:
        beside = self.file.with_suffix(".new")
        beside.write_bytes(content)
        beside.replace(self.file)

    def wait_for(self, name: str) -> None:
        """Wait until both processes answer from that bundle."""
        version = version_of(self.bundles / name)
        wait(lambda: self.counted("anmok_model_processes", model="main", version=version, bundle="colours") == 2)

    def counted(self, metric: str, **labels: str) -> float:
        return counted(self.served, metric, **labels)

    def manage(self, *words: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "anmok", "manage", "--data", str(self.served.folder), "bundle", *words]
        environ = {**os.environ, **self.served.environ, "COLUMNS": "300"}
        return subprocess.run(command, check=False, capture_output=True, text=True, timeout=120, env=environ)


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    folder = tmp_path_factory.mktemp("swap")
    write_colour_bundle(folder / "a.anmok")
    write_colour_bundle(folder / "b.anmok", info={"labels": ("rouge", "vert", "bleu")})
    write_colour_bundle(folder / "birds.anmok", info={"labels": place_names("en")[:3]})
    shutil.copy(folder / "a.anmok", folder / "named.anmok")
    words = ("--bundle", f"birds={folder / 'birds.anmok'}")
    with serve(folder / "named.anmok", folder / "data", *words, ANMOK_LANG="en") as served:
        yield Running(served, folder)


def test_no_request_is_lost_while_the_bundle_is_exchanged_again_and_again(running: Running) -> None:
    outcomes: Counter[str] = Counter()
    lock, stop = threading.Lock(), threading.Event()

    def visit() -> None:
        session = requests.Session()
        while not stop.is_set():
            try:
                answer = session.post(f"{running.served.address}/api/v1/identify", data=RED, timeout=60)
                outcome = answer.json()["class"] if answer.status_code == 200 else str(answer.status_code)
            except requests.RequestException as error:
                outcome = repr(error)
            with lock:
                outcomes[outcome] += 1

    visitors = [threading.Thread(target=visit) for _number in range(4)]
    for one in visitors:
        one.start()
    try:
        for name in ("b.anmok", "a.anmok", "b.anmok"):
            running.put((running.bundles / name).read_bytes())
            running.wait_for(name)
    finally:
        stop.set()
        for one in visitors:
            one.join()
    assert set(outcomes) == {"red", "rouge"}, outcomes
    assert min(outcomes.values()) > 3
    assert {running.ask().json()["class"] for _number in range(6)} == {"rouge"}


def test_a_damaged_file_is_refused_and_the_bundle_before_answers_also_in_a_process_that_starts_anew(
    running: Running,
) -> None:
    running.put((running.bundles / "a.anmok").read_bytes())
    running.wait_for("a.anmok")
    refused = running.counted("anmok_model_exchanges_total", model="main", outcome="refused")
    running.put((running.bundles / "b.anmok").read_bytes()[:-50])
    wait(lambda: running.counted("anmok_model_exchanges_total", model="main", outcome="refused") == refused + 2)
    assert running.ask().json()["class"] == "red"
    for worker in workers(running.served):
        os.kill(worker, signal.SIGKILL)
    wait(lambda: len(workers(running.served)) == 2)
    running.wait_for("a.anmok")
    assert {running.ask().json()["class"] for _number in range(6)} == {"red"}
    assert "the one before goes on" in running.served.folder.with_suffix(".log").read_text()


def test_a_bundle_is_installed_in_a_service_that_runs_and_removed_again(running: Running) -> None:
    running.put((running.bundles / "a.anmok").read_bytes())
    done = running.manage("install", str(running.bundles / "b.anmok"))
    version = version_of(running.bundles / "b.anmok")
    assert done.returncode == 0, done.stderr
    assert f"Installed main, version {version}, 3 classes" in done.stdout
    running.wait_for("b.anmok")
    assert running.ask().json()["class"] == "rouge"
    listed = running.manage("list").stdout
    assert f"main\t{version}\tinstalled" in listed
    assert f"birds\t{version_of(running.bundles / 'birds.anmok')}\tnamed by anmok serve" in listed
    broken = running.bundles / "broken.anmok"
    broken.write_bytes((running.bundles / "a.anmok").read_bytes()[:-50])
    failed = running.manage("install", str(broken))
    assert failed.returncode == 1
    assert "no usable Anmok bundle" in failed.stderr
    assert "Traceback" not in failed.stderr
    assert running.ask().json()["class"] == "rouge"
    assert running.manage("remove").returncode == 0
    running.wait_for("a.anmok")
    assert running.ask().json()["class"] == "red"


def test_several_bundles_answer_side_by_side_on_pages_of_their_own_and_by_name(running: Running) -> None:
    assert running.ask("birds").json()["class"] == SEEN["birds.anmok"]
    missing = running.ask("none")
    assert (missing.status_code, missing.headers["Content-Type"]) == (404, "application/problem+json")
    visitor = running.served.visitor()
    assert visitor.get("/m/none/").status_code == 404
    page = visitor.get("/m/birds/")
    assert 'action="/m/birds/identify/"' in page.text
    assert re.search(r'<a href="/m/birds/"[^>]*aria-current', page.text)
    data = {"csrfmiddlewaretoken": visitor.token()}
    file = {"photo": ("a.jpg", RED)}
    answer = visitor.session.post(f"{running.served.address}/m/birds/identify/", data=data, files=file, timeout=60)
    assert "tea is grown" in answer.text
    # The search bar below an answer asks who gave it, and where it looked is drawn by the same.
    assert 'action="/m/birds/identify/"' in answer.text
    assert visitor.get(f"{answer.url.removeprefix(running.served.address)}where.png").status_code == 200
    models = requests.get(f"{running.served.address}/api/v1/models", timeout=60).json()
    assert [one["name"] for one in models] == ["main", "birds"]
    assert models[1]["version"] == version_of(running.bundles / "birds.anmok")
    assert models[1]["classes"] == list(place_names("en")[:3])
