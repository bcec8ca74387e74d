"""The client of the documentation, as whoever copies it would use it."""

from __future__ import annotations

import importlib.util
import re
import subprocess
import sys
from collections.abc import Iterator
from http import HTTPStatus
from pathlib import Path
from types import ModuleType

import pytest

from anmok.data.sample import place_names
from tests.service.served import Served, photo

DOCS = Path(__file__).parents[2] / "docs"
RED_PLACE, GREEN_PLACE = place_names("en")[:2]


@pytest.fixture(scope="module")
def client() -> Iterator[ModuleType]:
    spec = importlib.util.spec_from_file_location("client", DOCS / "client.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    # The example in the document imports it by this name.
    sys.modules["client"] = module
    spec.loader.exec_module(module)
    yield module
    del sys.modules["client"]


def test_a_photo_is_identified_read_again_and_deleted(served: Served, client: ModuleType, tmp_path: Path) -> None:
    anmok = client.Anmok(served.address)
    (tmp_path / "g.jpg").write_bytes(photo("green", seed=70))
    answer = anmok.identify(tmp_path / "g.jpg")
    assert (answer.label, answer.name, answer.unknown) == (GREEN_PLACE, GREEN_PLACE, False)
    assert answer.top[0] == (GREEN_PLACE, answer.probability)
    assert anmok.upload(answer.upload)["class"] == GREEN_PLACE
    anmok.delete(answer)
    with pytest.raises(client.Refused) as caught:
        anmok.upload(answer.upload)
    assert caught.value.status == 404


def test_a_list_is_followed_through_its_parts(served: Served, client: ModuleType) -> None:
    anmok = client.Anmok(served.address, language="ko")
    assert [card["name"] for card in anmok._all("cards?limit=2")] == list(place_names("ko")[:3])
    assert [card["number"] for card in anmok.cards()] == [0, 1, 2]
    assert anmok.card(1)["name"] == place_names("ko")[1]
    near = list(anmok.nearby(0))
    assert [place["metres"] for place in near] == sorted(place["metres"] for place in near)
    assert {place["category"] for place in anmok.nearby(0, "lodging")} == {"lodging"}
    assert anmok.models()[0]["classes"] == list(place_names("en")[:3])


def test_the_service_s_words_reach_whoever_was_refused(served: Served, client: ModuleType) -> None:
    with pytest.raises(client.Refused, match=r".") as caught:
        client.Anmok(served.address).identify(b"Dear Anmok,")
    assert (caught.value.status, caught.value.title) == (422, HTTPStatus(422).phrase)


def test_the_example_of_the_document_runs_as_it_stands(
    served: Served,
    client: ModuleType,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("holiday.jpg").write_bytes(photo("red", seed=71))
    (example,) = re.findall(r"```python\n(.*?)```", (DOCS / "api.md").read_text("utf-8"), re.DOTALL)
    exec(example.replace("http://localhost:8000", served.address), {})
    told = capsys.readouterr().out.splitlines()
    assert told[0].startswith(RED_PLACE)
    assert told[-1].startswith("404 ")


def test_the_client_is_a_program_too(served: Served, tmp_path: Path) -> None:
    (tmp_path / "r.jpg").write_bytes(photo("red", seed=72))
    (tmp_path / "t.txt").write_text("Dear Anmok,")
    command = [sys.executable, str(DOCS / "client.py"), "--address", served.address, "r.jpg", "t.txt"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 1
    assert done.stdout.startswith(f"r.jpg\t{RED_PLACE}\t0.")
    assert done.stderr.startswith("t.txt\t")
