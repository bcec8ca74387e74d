"""What the document about running the service tells people to type and to copy is what there is."""

from __future__ import annotations

import configparser
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
DEPLOY = (ROOT / "docs" / "deploy.md").read_text(encoding="utf-8")
CONTAINER = (ROOT / "Containerfile").read_text(encoding="utf-8").replace("\\\n", " ")
UNITS = dict(
    re.findall(r"`/etc/systemd/system/(anmok[a-z.-]*)`:\n\n```ini\n(.*?)```", DEPLOY, re.DOTALL),
)


def anmok(*words: str, **environ: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "anmok", *words]
    environment = {**os.environ, "COLUMNS": "200", **environ}
    return subprocess.run(command, check=False, capture_output=True, text=True, timeout=120, env=environment)


def test_djangos_own_check_of_a_deployment_finds_nothing(tmp_path: Path) -> None:
    words = ["manage", "--data", str(tmp_path / "data"), "check", "--deploy", "--fail-level", "WARNING"]
    done = anmok(*words, ANMOK_HTTPS="1", ANMOK_HOSTS="example.org", DATABASE_URL="")
    assert done.returncode == 0, done.stderr
    assert "no issues" in done.stdout


def test_commands_in_the_document_and_the_container_know_their_options(tmp_path: Path) -> None:
    serve = anmok("serve", "--help").stdout
    commands = anmok("manage", "--data", str(tmp_path / "data"), "help", "--commands").stdout.split()
    written = re.findall(r"anmok (serve|manage) ([^`'\n]+)", DEPLOY)
    (entry,) = re.findall(r"^ENTRYPOINT (\[.*\])$", CONTAINER, re.MULTILINE)
    written.append(("serve", " ".join(json.loads(entry)[2:])))
    assert len(written) >= 8
    for command, rest in written:
        words = shlex.split(rest)
        if command == "serve":
            assert {word for word in words if word.startswith("--")} <= set(re.findall(r"--[a-z-]+", serve)), rest
        else:
            assert words[0] == "--data"
            assert words[2] in commands, rest


@pytest.mark.parametrize("name", sorted(UNITS))
def test_units_are_what_systemd_reads(name: str, tmp_path: Path) -> None:
    unit = configparser.RawConfigParser(strict=False, interpolation=None)
    unit.optionxform = str  # type: ignore[assignment,method-assign]
    unit.read_string(UNITS[name])
    assert "Unit" in unit
    if shutil.which("systemd-analyze") is None:
        return
    # Programs of this machine stand for those that would be installed.
    for other, text in UNITS.items():
        (tmp_path / other).write_text(text.replace("/opt/anmok/bin/anmok", sys.executable))
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", str(tmp_path / name)],
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
        env={**os.environ, "SYSTEMD_UNIT_PATH": f"{tmp_path}:"},
    )
    complaints = [line for line in done.stderr.splitlines() if "anmok" in line]
    assert not complaints, complaints


def test_there_are_a_service_and_a_timer_for_the_night() -> None:
    assert set(UNITS) == {"anmok.service", "anmok-night.service", "anmok-night.timer"}


def test_the_container_copies_what_there_is_and_installs_what_the_project_names() -> None:
    for words in re.findall(r"^COPY (?!--from)(.+)$", CONTAINER, re.MULTILINE):
        for source in words.split()[:-1]:
            assert (ROOT / source).exists(), source
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    (extra,) = re.findall(r'"\.\[(\w+)\]"', CONTAINER)
    assert extra in project["optional-dependencies"]
    pinned = (ROOT / "requirements" / "run.txt").read_text(encoding="utf-8")
    for requirement in project["optional-dependencies"][extra]:
        (package,) = re.findall(r"^[a-z0-9-]+", requirement)
        assert f"\n{package}==" in pinned, package
    python = re.findall(r"python:(\d+\.\d+)-slim", CONTAINER)
    assert len(set(python)) == 1
    assert "USER anmok" in CONTAINER


def test_limits_in_the_document_are_those_of_the_code() -> None:
    from anmok.service import connections

    table = DEPLOY.split("## Slow and large senders")[1].split("## MariaDB")[0]
    for number in (
        f"{connections.HEAD_SECONDS:.0f} s, {connections.HEAD_BYTES // 1024} KB",
        f"{connections.BODY_SECONDS:.0f} s in all, {connections.STILL_SECONDS:.0f} s without",
        f"more than {connections.MEMORY_BYTES // 1024} KB",
        f"where {connections.FREE_BYTES // 2**20} MB stay free",
        f"{connections.STILL_SECONDS:.0f} s without a byte, {connections.ANSWER_SECONDS:.0f} s in all",
        f"{connections.MOST_CONNECTIONS} a process",
    ):
        assert number in table, number
