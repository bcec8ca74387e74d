"""What tokens open of the API: all photos, and the deletion of any."""

from __future__ import annotations

import os
import subprocess
import sys

import requests

from tests.service.served import Served, photo


def token(served: Served, *scopes: str) -> str:
    script = (
        "from anmok.service.accounts.tokens import make_token; from anmok.service.accounts.scopes import Scope; "
        f"print(make_token('test', [Scope(one) for one in {scopes!r}])[1])"
    )
    command = [sys.executable, "-m", "anmok", "manage", "--data", str(served.folder), "shell", "-v", "0", "-c", script]
    done = subprocess.run(command, check=True, capture_output=True, text=True, env={**os.environ, **served.environ})
    return done.stdout.split()[-1]


def test_a_token_reads_all_photos_and_deletes_any_and_nobody_does_so_without(served: Served) -> None:
    address = f"{served.address}/api/v1"
    numbers = [
        requests.post(f"{address}/identify", data=photo("red", seed=seed), timeout=60).json()["upload"]
        for seed in (95, 96)
    ]
    assert requests.get(f"{address}/uploads", timeout=60).status_code == 401
    shown = {"Authorization": f"Bearer {token(served, 'read', 'uploads:read', 'uploads:write')}"}
    listed = requests.get(f"{address}/uploads?limit=2", headers=shown, timeout=60)
    assert [one["upload"] for one in listed.json()] == numbers[::-1]
    assert int(listed.headers["X-Total-Count"]) >= 2
    assert requests.delete(f"{address}/uploads/{numbers[0]}", timeout=60).status_code == 403
    assert requests.delete(f"{address}/uploads/{numbers[0]}", headers=shown, timeout=60).status_code == 204
    left = requests.get(f"{address}/uploads?limit=1", headers=shown, timeout=60).json()
    assert [one["upload"] for one in left] == numbers[1:]
