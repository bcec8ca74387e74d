"""schemathesis reads the description of the API and looks for requests to which the service does not hold to it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tests.service.served import Served
from tests.service.test_api_tokens import token

ROOT = Path(__file__).parents[2]


def test_schemathesis_finds_nothing(served: Served, tmp_path: Path) -> None:
    command = [
        *(sys.executable, "-m", "schemathesis.cli", "run", f"{served.address}/api/v1/openapi.json"),
        *("--generation-deterministic", "--max-examples", "10"),
        *("-H", f"Authorization: Bearer {token(served, 'identify', 'read', 'uploads:read', 'uploads:write')}"),
        *("--no-color", "--continue-on-failure", "--request-timeout", "60"),
    ]
    environ = {**os.environ, "SCHEMATHESIS_HOOKS": "tests.service.schema_hooks", "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, cwd=tmp_path, env=environ, capture_output=True, text=True, timeout=600, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    # Not only nothing found: it reached what lies behind tokens and numbers, too, else it would warn.
    assert "No issues found" in done.stdout, done.stdout
