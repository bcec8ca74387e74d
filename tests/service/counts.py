"""What a running service has counted, read as Prometheus reads it."""

from __future__ import annotations

import requests
from prometheus_client.parser import text_string_to_metric_families

from tests.service.served import Served


def token(served: Served) -> str:
    return (served.folder / "metrics-token").read_text().strip()


def counted(served: Served, name: str, **labels: str) -> float:
    """Return the value of the one series with exactly these labels; 0 where there is none."""
    answer = requests.get(f"{served.address}/metrics", headers={"Authorization": f"Bearer {token(served)}"}, timeout=60)
    assert answer.status_code == 200, answer.text
    samples = [one for family in text_string_to_metric_families(answer.text) for one in family.samples]
    found = [one.value for one in samples if one.name == name and one.labels == labels]
    assert len(found) <= 1, f"{name} stands there {len(found)} times"
    return found[0] if found else 0.0
