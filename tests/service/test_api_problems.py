"""Whatever refuses a program, it gets the same kind of error: application/problem+json, as RFC 9457 has it."""

from __future__ import annotations

import io
import socket
from urllib.parse import urlsplit

import pytest
import requests

from tests.service.served import Served, photo

NOBODY = "00000000-0000-4000-8000-000000000000"
JPEG = {"Content-Type": "image/jpeg"}
MULTIPART = {"Content-Type": "multipart/form-data"}
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


def is_problem(answer: requests.Response, status: int) -> bool:
    assert answer.status_code == status, answer.text
    assert answer.headers["Content-Type"] == "application/problem+json"
    values = answer.json()
    assert set(values) == {"type", "title", "status", "detail"}
    assert values["status"] == status
    assert values["title"]
    return True


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "nothing", 404),
        ("GET", "", 404),
        ("GET", "../nothing", 404),
        ("GET", f"uploads/{NOBODY}", 404),
        ("DELETE", f"uploads/{NOBODY}", 404),
        ("GET", "cards/99", 404),
        ("GET", "cards/99/nearby", 404),
        ("GET", "uploads/x", 422),
        ("GET", "cards/x", 422),
        ("GET", f"cards/{2**63}", 422),
        ("GET", "cards?limit=0", 422),
        ("GET", "cards?limit=101", 422),
        ("GET", "cards?offset=-1", 422),
        ("GET", "cards/0/nearby?category=x", 422),
        ("POST", "cards", 405),
        ("GET", "identify", 405),
        ("PUT", f"uploads/{NOBODY}", 405),
        ("POST", "openapi.json", 405),
        ("POST", "docs", 405),
    ],
)
def test_what_is_not_there_or_not_possible(served: Served, method: str, path: str, status: int) -> None:
    answer = requests.request(method, f"{served.address}/api/v1/{path}", timeout=60)
    assert is_problem(answer, status)
    if status == 405:
        allowed = answer.headers["Allow"]
        assert allowed
        assert allowed in answer.json()["detail"]


@pytest.mark.parametrize(
    ("headers", "body", "status"),
    [
        ({**JPEG, "Accept": "text/html"}, photo("red"), 406),
        ({**JPEG, "Accept": "image/*;q=0.5"}, photo("red"), 406),
        ({"Content-Type": "text/plain"}, photo("red"), 415),
        (FORM, b"photo=x", 415),
        ({"Content-Type": "application/json"}, b"{}", 415),
        ({"Content-Type": "multipart/mixed; boundary=x"}, b"--x--", 415),
        (MULTIPART, b"x", 400),
        ({"Content-Type": "multipart/form-data; boundary=x"}, b"--x--\r\n", 422),
        (JPEG, b"", 422),
        (JPEG, b"no picture", 422),
        (JPEG, photo("red")[:200], 422),
    ],
)
def test_bodies_that_are_no_photo(served: Served, headers: dict[str, str], body: bytes, status: int) -> None:
    answer = requests.post(f"{served.address}/api/v1/identify", data=body, headers=headers, timeout=60)
    assert is_problem(answer, status)
    assert answer.json()["detail"]


@pytest.mark.parametrize("megabytes", [21, 61])
@pytest.mark.parametrize("multipart", [False, True], ids=["raw", "multipart"])
def test_bodies_that_are_too_large(served: Served, megabytes: int, multipart: bool) -> None:
    data = photo("red") + bytes(megabytes * 2**20)
    sent = {"files": {"photo": io.BytesIO(data)}} if multipart else {"data": data, "headers": JPEG}
    assert is_problem(requests.post(f"{served.address}/api/v1/identify", timeout=60, **sent), 413)


def test_two_photos_in_one_request_are_one_too_many(served: Served) -> None:
    files = [("photo", photo("red", seed=23)), ("photo", photo("red", seed=24))]
    answer = requests.post(f"{served.address}/api/v1/identify", files=files, timeout=60)
    assert is_problem(answer, 422)
    assert answer.json()["detail"].startswith("2 files")


def test_a_host_that_is_not_the_services_own(served: Served) -> None:
    answer = requests.get(f"{served.address}/api/v1/models", headers={"Host": "elsewhere.example"}, timeout=60)
    assert is_problem(answer, 400)


def test_errors_speak_the_language_that_was_asked_for(served: Served) -> None:
    headers = {"Accept-Language": "ko"}
    answer = requests.get(f"{served.address}/api/v1/nothing", headers=headers, timeout=60)
    assert is_problem(answer, 404)
    assert answer.headers["Content-Language"] == "ko"
    assert not answer.json()["detail"].isascii()


def test_ordinary_refusals_leave_no_line_in_the_log(served: Served) -> None:
    log = served.folder.with_suffix(".log")
    before = log.read_text("utf-8")
    address = f"{served.address}/api/v1/identify"
    for headers, body in ((JPEG, b"no picture"), (MULTIPART, b"x"), (FORM, b"x"), (JPEG, bytes(61 * 2**20))):
        assert requests.post(address, data=body, headers=headers, timeout=60).status_code >= 400
    assert requests.get(f"{served.address}/wp-login.php", timeout=60).status_code == 404
    assert requests.get(served.address, headers={"Host": "elsewhere.example"}, timeout=60).status_code == 400
    assert requests.post(f"{served.address}/identify/", timeout=60).status_code == 403
    # Whoever leaves in the middle of an upload.
    url = urlsplit(served.address)
    with socket.create_connection((url.hostname, url.port), timeout=60) as leaves:
        head = f"POST /api/v1/identify HTTP/1.1\r\nHost: {url.netloc}\r\nContent-Type: image/jpeg\r\n"
        leaves.sendall(f"{head}Content-Length: 100000\r\n\r\nonly this".encode())
    assert requests.get(f"{served.address}/healthz", timeout=60).status_code == 200
    assert log.read_text("utf-8") == before
