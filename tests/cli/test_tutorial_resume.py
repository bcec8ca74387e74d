"""docs/tutorial-resume.md, followed: train, save, load, go on; the loss goes on falling from where it was."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from anmok.cli.app import run
from anmok.training.run import Run
from tests.training.made import picture_folder

TUTORIAL = Path(__file__).resolve().parents[2] / "docs" / "tutorial-resume.md"


def test_the_tutorials_commands_work_and_the_loss_goes_on_falling(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, shared_cache: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    commands = [shlex.split(line)[1:] for line in re.findall(r"^\$ (anmok .+)$", TUTORIAL.read_text("utf-8"), re.M)]
    assert [words[0] for words in commands] == ["train"] * 3
    monkeypatch.chdir(tmp_path)
    # The page's own commands, with fewer pictures and smaller ones, so that a test can follow it.
    source = picture_folder(tmp_path / "stripes", each=20)
    smaller = ["--image-size", "16", "--valid", "0.3", "--no-precheck", "--threads", "1"]
    begin, go_on, again = ([str(source) if word == "digits" else word for word in words] for words in commands)
    assert run([*begin, *smaller]) == 0
    printed = capsys.readouterr().out
    assert f"anmok {shlex.join(go_on)}" in printed.replace("\n", "")
    assert run([*go_on, "--threads", "1"]) == 0
    histories = sorted((Run(folder).history() for folder in tmp_path.glob("digits-cnn/runs/*")), key=len)
    assert [len(history) for history in histories] == [3, 6]
    assert histories[1][:3] == histories[0]
    losses = [row["train_loss"] for row in histories[1]]
    assert losses[3] < losses[2] * 1.05
    assert losses[5] < losses[2]
    capsys.readouterr()
    assert run(again) == 2
    assert "is finished" in capsys.readouterr().err
