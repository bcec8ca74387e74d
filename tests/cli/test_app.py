"""The command line as a whole: help in two languages, exit codes, Ctrl-C, and quick starts."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from anmok.cli.app import COMMANDS as MODULES
from anmok.cli.app import run

#: As people type them.
COMMANDS = tuple(module.replace("_", "-") for module in MODULES)


def test_help_names_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["--help"]) == 0
    text = capsys.readouterr().out
    for name in COMMANDS:
        assert name in text


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help(capsys: pytest.CaptureFixture[str], command: str) -> None:
    assert run([command, "--help"]) == 0
    assert "Usage" in capsys.readouterr().out


@pytest.mark.parametrize("command", COMMANDS)
def test_square_brackets_of_a_help_are_shown_and_not_taken_for_markup(command: str) -> None:
    import typer
    from rich.text import Text

    from anmok.cli.app import build

    commands = [getattr(typer.main.get_command(build()), "commands")[command]]  # noqa: B009
    while commands:
        one = commands.pop()
        commands += getattr(one, "commands", {}).values()
        for text in (one.help, *(getattr(option, "help", None) for option in one.params)):
            assert Text.from_markup(text or "").plain == (text or "").replace(r"\[", "[")


def test_help_speaks_korean_when_asked() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "anmok", "compare", "--lang", "ko", "--help"], capture_output=True, text=True, check=True
    )
    assert any("가" <= letter <= "힣" for letter in done.stdout)


def test_errors_speak_korean_when_the_environment_does() -> None:
    environment = {**os.environ, "ANMOK_LANG": "ko"}
    done = subprocess.run(
        [sys.executable, "-m", "anmok", "compare", "없는-폴더"],
        capture_output=True,
        text=True,
        check=False,
        env=environment,
    )
    assert done.returncode == 2
    assert "없는-폴더" in done.stderr
    assert "What to do" not in done.stderr


def test_the_version_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    import anmok

    assert run(["--version"]) == 0
    assert capsys.readouterr().out.strip() == f"anmok {anmok.__version__}"


def test_ctrl_c_ends_with_130_and_says_how_to_go_on(tmp_path: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "anmok", "datasets", "get", "sample", "--into", str(tmp_path / "sample")],
        stderr=subprocess.PIPE,
        text=True,
        cwd=tmp_path,
    )
    deadline = time.monotonic() + 60
    while not list(tmp_path.rglob("*.jpg")) and time.monotonic() < deadline:
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    _out, message = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "Stopped" in message
    # Drawing is all or nothing: no half-filled data set is left under the name that was asked for.
    assert not (tmp_path / "sample").exists()


@pytest.mark.parametrize("words", [["--help"], ["predict", "--help"], ["compare", "--help"]], ids=" ".join)
def test_asking_for_help_loads_no_heavy_library(words: list[str]) -> None:
    code = (
        "import sys\n"
        "from anmok.cli.app import run\n"
        f"run({words!r})\n"
        "heavy = {'torch', 'pandas', 'sklearn', 'matplotlib', 'onnxruntime', 'django'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, stdout=subprocess.DEVNULL)


def test_a_full_device_for_output_is_said_and_ends_with_1() -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "anmok", "models"], stdout=full, stderr=subprocess.PIPE, text=True, check=False
        )
    assert done.returncode == 1
    assert "disk is full" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_closed_output_is_no_traceback() -> None:
    done = subprocess.run(
        [f"{sys.executable} -m anmok models >&-"], shell=True, stderr=subprocess.PIPE, text=True, check=False
    )
    assert "Traceback" not in done.stderr


def test_a_reader_that_leaves_ends_a_table_quietly() -> None:
    done = subprocess.run(
        ["bash", "-c", f"set -o pipefail; {sys.executable} -m anmok models | true"],
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )
    assert done.returncode == 0
    assert done.stderr == ""


def test_names_from_outside_do_not_steer_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["predict", "\x1b[31mnothing.anmok", "x"]) == 2
    assert "\x1b" not in capsys.readouterr().err


def test_a_task_of_unknown_length_is_finished_by_its_end_and_not_by_an_error() -> None:
    import io

    from rich.console import Console

    from anmok.cli.console import TerminalProgress

    def shown(error: Exception | None) -> str:
        text = io.StringIO()
        with TerminalProgress(Console(file=text, force_terminal=True, width=100)) as progress:
            try:
                with progress.task("Drawing"):
                    if error:
                        raise error
            except ValueError:
                pass
        return text.getvalue()

    assert "✓" in shown(None)
    assert "✓" not in shown(ValueError())


@pytest.mark.parametrize("width", [80, 160])
def test_a_remark_is_shown_at_any_width_while_work_goes_on(width: int) -> None:
    import io

    from rich.console import Console

    from anmok.cli.console import TerminalProgress

    text = io.StringIO()
    with (
        TerminalProgress(Console(file=text, force_terminal=True, width=width)) as progress,
        progress.task("small: training", 100, unit="pictures") as task,
    ):
        task.advance(50)
        task.note("epoch 1/2, loss 1.234")
        task.advance(0)
    assert "epoch 1/2, loss 1.234" in text.getvalue()


def test_the_default_folder_takes_any_name_of_a_recipe() -> None:
    from anmok.cli.options import default_folder

    assert default_folder("anmok-train", "photos", "cnn-small") == Path("anmok-train-photos-cnn-small")
    assert default_folder("anmok-train", "photos", "../my net: 망") == Path("anmok-train-photos-..-my-net-망")
    assert len(default_folder("anmok-train", "photos", "n" * 300).name) < 100
