from __future__ import annotations

import io
import json
import os
import pty
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from anmok.bundle.format import update_bundle_info
from anmok.bundle.unknown.rule import UnknownRule
from anmok.cli import main
from bundle.small_bundles import LABELS, write_colour_bundle
from evaluation.tinted import shade, trained_bundle
from inference.picture_files import coloured_files, png, write_folder, write_zip

ANMOK = [sys.executable, "-c", "from anmok.cli import main; main()"]


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_colour_bundle(tmp_path_factory.mktemp("bundle") / "colours.anmok")


@dataclass(frozen=True)
class Ended:
    returncode: int
    stdout: bytes
    stderr: bytes


@pytest.fixture
def run(capfdbinary: pytest.CaptureFixture[bytes], monkeypatch: pytest.MonkeyPatch) -> Callable[..., Ended]:
    """Run ``anmok predict`` in this process: starting one for each test would take most of the time."""

    def call(arguments: Sequence[object], *, stdin: bytes = b"", cwd: Path | None = None) -> Ended:
        if cwd is not None:
            monkeypatch.chdir(cwd)
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin)))
        with pytest.raises(SystemExit) as leaving:
            main(["predict", *map(str, arguments)])
        printed = capfdbinary.readouterr()
        assert isinstance(leaving.value.code, int)
        return Ended(leaving.value.code, printed.out, printed.err)

    return call


def json_lines(result: Ended | subprocess.CompletedProcess[bytes]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in result.stdout.decode("utf-8").splitlines()]


def test_json_prints_one_object_a_picture_and_nothing_else(
    run: Callable[..., Ended], bundle: Path, tmp_path: Path
) -> None:
    result = run([bundle, write_folder(tmp_path, coloured_files(2)), "--json", "--top", 2])
    assert result.returncode == 0, result.stderr
    rows = json_lines(result)
    assert [row["path"] for row in rows] == sorted(coloured_files(2))
    for row in rows:
        assert list(row) == ["path", "class", "index", "probability", "unknown", "top"]
        assert row["class"] == row["path"].split("/")[0] == LABELS[row["index"]]
        assert row["unknown"] is False
        assert len(row["top"]) == 2
        assert row["top"][0] == {"class": row["class"], "probability": row["probability"]}
    assert result.stderr == b""


@pytest.fixture(scope="module")
def refusing(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Remembers shades of red and green, and refuses what is far from them."""
    rule = UnknownRule(score="neighbours", settings={"neighbours": 3}, threshold=0.7, accepts=0.95)
    path = trained_bundle(tmp_path_factory.mktemp("refusing") / "shades.anmok", {"red": 30, "green": 30})
    update_bundle_info(path, unknown=rule)
    return path


@pytest.fixture
def strangers(tmp_path: Path) -> Path:
    return write_folder(tmp_path / "in", {"blue.png": png(shade("blue", 0)), "red.png": png(shade("red", 40))})


def test_none_of_these_is_answered_with_the_nearest_class_and_its_score(
    run: Callable[..., Ended], refusing: Path, strangers: Path
) -> None:
    blue, red = json_lines(run([refusing, strangers, "--json"]))
    assert list(blue) == ["path", "class", "index", "probability", "unknown", "top", "unknown_score"]
    assert (blue["unknown"], red["unknown"], red["class"]) == (True, False, "red")
    assert blue["unknown_score"] > 0.7 >= red["unknown_score"]
    assert blue["class"] == blue["top"][0]["class"]


def test_people_read_none_of_these_and_the_nearest_class(
    run: Callable[..., Ended], refusing: Path, strangers: Path
) -> None:
    printed = run([refusing, strangers]).stdout.decode()
    lines = {line.split()[1]: line for line in printed.splitlines() if ".png" in line}
    assert "none of these; nearest: " in lines["blue.png"]
    assert "none of these" not in lines["red.png"]
    assert "1 of them show" in printed


def test_the_folder_of_a_comparison_stands_for_its_best_bundle(
    run: Callable[..., Ended], refusing: Path, strangers: Path, tmp_path: Path
) -> None:
    shutil.copy(refusing, tmp_path / "best.anmok")
    assert json_lines(run([tmp_path, strangers, "--json"])) == json_lines(run([refusing, strangers, "--json"]))


def test_with_no_unknown_every_picture_gets_a_class(run: Callable[..., Ended], refusing: Path, strangers: Path) -> None:
    rows = json_lines(run([refusing, strangers, "--json", "--no-unknown"]))
    assert [row["unknown"] for row in rows] == [False, False]
    assert "unknown_score" not in rows[0]
    assert "none of these" not in run([refusing, strangers, "--no-unknown"]).stdout.decode()


def test_a_picture_that_cannot_be_read_gives_its_error_and_exit_code_1(
    run: Callable[..., Ended], bundle: Path, tmp_path: Path
) -> None:
    files = coloured_files(1) | {"broken.png": b"nothing"}
    result = run([bundle, write_zip(tmp_path / "in.zip", files), "--json"])
    assert result.returncode == 1
    rows = {row["path"]: row for row in json_lines(result)}
    assert set(rows) == set(files)
    assert list(rows["broken.png"]) == ["path", "error"]
    assert rows["blue/0.png"]["class"] == "blue"


def test_a_single_file_is_named_as_it_was_typed(run: Callable[..., Ended], bundle: Path, tmp_path: Path) -> None:
    write_folder(tmp_path, coloured_files(1))
    rows = json_lines(run([bundle, "red/0.png", "--json"], cwd=tmp_path))
    assert [(row["path"], row["class"]) for row in rows] == [("red/0.png", "red")]


def test_several_places_are_told_apart_by_their_names(run: Callable[..., Ended], bundle: Path, tmp_path: Path) -> None:
    write_folder(tmp_path / "one", coloured_files(1))
    write_zip(tmp_path / "two.zip", coloured_files(1))
    rows = json_lines(run([bundle, "one", "two.zip", "one/red/0.png", "--json"], cwd=tmp_path))
    inside = sorted(coloured_files(1))
    wanted = [*(f"one/{path}" for path in inside), *(f"two.zip/{path}" for path in inside), "one/red/0.png"]
    assert [row["path"] for row in rows] == wanted


@pytest.mark.parametrize(("option", "end"), [([], b"\n"), ([], b"\r\n"), (["-0"], b"\0")], ids=["lines", "crlf", "nul"])
def test_paths_come_from_standard_input(
    run: Callable[..., Ended], bundle: Path, tmp_path: Path, option: list[str], end: bytes
) -> None:
    write_folder(tmp_path, coloured_files(2))
    names = ["green/1.png", "missing.png", "red/0.png"]
    listed = end.join(map(os.fsencode, names)) + end
    result = run([bundle, "-", "--json", *option], stdin=listed, cwd=tmp_path)
    rows = json_lines(result)
    assert [row["path"] for row in rows] == names
    assert [row.get("class") for row in rows] == ["green", None, "red"]
    assert result.returncode == 1


def test_a_name_with_a_newline_is_found_with_nul_ends(run: Callable[..., Ended], bundle: Path, tmp_path: Path) -> None:
    name = "two\nlines.png"
    (tmp_path / name).write_bytes(coloured_files(1)["red/0.png"])
    rows = json_lines(run([bundle, "-", "-0", "--json"], stdin=os.fsencode(name), cwd=tmp_path))
    assert [row["class"] for row in rows] == ["red"]


def test_korean_names_are_printed_as_utf8_whatever_the_locale(bundle: Path, tmp_path: Path) -> None:
    (tmp_path / "천지연 폭포.png").write_bytes(coloured_files(1)["blue/0.png"])
    environment = os.environ | {"PYTHONIOENCODING": "ascii"}
    words = [*ANMOK, "predict", str(bundle), str(tmp_path), "--json"]
    result = subprocess.run(words, capture_output=True, check=True, env=environment)
    assert [row["path"] for row in json_lines(result)] == ["천지연 폭포.png"]
    assert "천지연".encode() in result.stdout


def test_a_name_that_is_no_unicode_does_not_stop_the_others(
    run: Callable[..., Ended], bundle: Path, tmp_path: Path
) -> None:
    files = coloured_files(1)
    write_folder(tmp_path, files)
    Path(os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9.png")).write_bytes(files["red/0.png"])
    result = run([bundle, tmp_path, "--json"])
    assert result.returncode == 0, result.stderr
    assert len(json_lines(result)) == 4


def test_people_get_a_table_with_class_probability_and_the_next_ones(
    run: Callable[..., Ended], bundle: Path, tmp_path: Path
) -> None:
    files = coloured_files(1) | {"broken.png": b"nothing"}
    result = run([bundle, write_folder(tmp_path, files)])
    text = result.stdout.decode()
    row = next(line for line in text.splitlines() if "red/0.png" in line)
    assert row.count("%") == 3
    assert "green" in row
    assert "blue" in row
    assert text.count("broken.png") == 1
    assert "! broken.png is" in text
    assert "4 pictures, 1 of them" in text
    assert result.returncode == 1


def test_the_table_speaks_korean_on_request_without_breaking(
    run: Callable[..., Ended], bundle: Path, tmp_path: Path
) -> None:
    result = run([bundle, write_folder(tmp_path, coloured_files(1)), "--lang", "ko"])
    assert result.returncode == 0
    assert "red/0.png" in result.stdout.decode()


def test_long_names_are_not_cut_off_in_a_pipe(run: Callable[..., Ended], bundle: Path, tmp_path: Path) -> None:
    name = "/".join(["a-rather-long-folder-name"] * 6) + "/picture.png"
    result = run([bundle, write_folder(tmp_path, {name: coloured_files(1)["red/0.png"]})])
    assert name in result.stdout.decode()


def test_names_that_look_like_markup_or_steer_a_terminal_are_harmless(
    run: Callable[..., Ended], tmp_path: Path
) -> None:
    labels = ("[red]bold[/]", "\x1b[31mesc", "blue")
    bundle = write_colour_bundle(tmp_path / "b.anmok", info={"labels": labels})
    files = {"[bold]a.png": coloured_files(1)["red/0.png"], "b.png": coloured_files(1)["green/0.png"]}
    text = run([bundle, write_folder(tmp_path / "in", files)]).stdout.decode()
    assert "[bold]a.png" in text
    assert "[red]bold[/]" in text
    assert "\x1b" not in text


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["{missing}", "{folder}"], "no-such.anmok"),
        (["{bundle}", "{missing}"], "no-such.anmok"),
        (["{bundle}"], "PATH"),
        (["{bundle}", "{folder}", "-"], "-"),
        (["{bundle}", "{folder}", "--top", "0"], "--top"),
        (["{bundle}", "{folder}", "--threads", "-1"], "--threads"),
    ],
    ids=["no-bundle", "no-place", "no-path", "dash-and-path", "top-0", "threads-negative"],
)
def test_bad_usage_is_explained_with_exit_code_2(
    run: Callable[..., Ended], bundle: Path, tmp_path: Path, arguments: list[str], named: str
) -> None:
    places = {"bundle": bundle, "folder": write_folder(tmp_path, coloured_files(1)), "missing": "no-such.anmok"}
    result = run([word.format(**places) for word in arguments])
    assert result.returncode == 2
    assert named in result.stderr.decode()
    assert result.stdout == b""
    assert b"Traceback" not in result.stderr


def test_a_damaged_bundle_is_named_with_exit_code_1(run: Callable[..., Ended], bundle: Path, tmp_path: Path) -> None:
    bad = tmp_path / "bad.anmok"
    bad.write_bytes(bundle.read_bytes()[:-100])
    result = run([bad, write_folder(tmp_path / "in", coloured_files(1)), "--json"])
    assert result.returncode == 1
    assert "bad.anmok" in result.stderr.decode()
    assert b"Traceback" not in result.stderr


def test_a_folder_without_pictures_is_said_so(run: Callable[..., Ended], bundle: Path, tmp_path: Path) -> None:
    result = run([bundle, write_folder(tmp_path, {"notes.txt": b"x"}), "--json"])
    assert result.returncode == 1
    assert "no picture" in result.stderr.decode()
    assert result.stdout == b""


@pytest.mark.parametrize("options", [["--json"], []], ids=["json", "table"])
def test_a_reader_that_leaves_early_ends_it_quietly(bundle: Path, tmp_path: Path, options: list[str]) -> None:
    folder = write_folder(tmp_path, coloured_files(60))
    words = [*ANMOK, "predict", str(bundle), str(folder), *options]
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.read(10)
        process.stdout.close()
        assert process.stderr.read() == b""
    if options:
        assert process.returncode == 0


def test_lines_are_flushed_while_more_paths_are_awaited(bundle: Path, tmp_path: Path) -> None:
    folder = write_folder(tmp_path, coloured_files(30))
    words = [*ANMOK, "predict", str(bundle), "-", "--json"]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        # More than the batches that are read ahead; the input stays open.
        names = [str(folder / path) for path in coloured_files(30)] * 4
        process.stdin.write("\n".join(names).encode() + b"\n")
        process.stdin.flush()
        guard = threading.Timer(60, process.kill)
        guard.start()
        first = process.stdout.readline()
        guard.cancel()
        process.stdin.close()
        rest = process.stdout.read()
    assert json.loads(first)["path"] == names[0]
    assert len(rest.splitlines()) == len(names) - 1


def test_ctrl_c_leaves_whole_lines_and_no_traceback(bundle: Path, tmp_path: Path) -> None:
    folder = write_folder(tmp_path, coloured_files(30))
    names = [str(folder / path) for path in coloured_files(30)] * 2
    words = [*ANMOK, "predict", str(bundle), "-", "--json"]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdin.write("\n".join(names).encode() + b"\n")
        process.stdin.flush()
        first = process.stdout.readline()
        process.send_signal(signal.SIGINT)
        rest = process.stdout.read()
        complaint = process.stderr.read().decode()
    assert process.returncode == 130
    assert [json.loads(line)["path"] for line in (first + rest).splitlines()] == names[: 1 + len(rest.splitlines())]
    assert "Traceback" not in complaint


def test_a_bar_is_drawn_on_a_terminal_only_and_never_in_the_json(bundle: Path, tmp_path: Path) -> None:
    folder = write_folder(tmp_path, coloured_files(5))
    parent, child = pty.openpty()
    words = [*ANMOK, "predict", str(bundle), str(folder), "--json"]
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=child, env=os.environ | {"TERM": "xterm"}) as process:
        assert process.stdout is not None
        output = process.stdout.read()
    os.close(child)
    shown = os.read(parent, 65536).decode()
    os.close(parent)
    assert len([json.loads(line) for line in output.splitlines()]) == 15
    assert "15/15" in shown


def test_the_command_imports_nothing_heavy(bundle: Path, tmp_path: Path) -> None:
    heavy = ["torch", "torchvision", "timm", "django", "matplotlib", "pandas", "sklearn", "pyarrow", "scipy"]
    code = (
        "import sys\n"
        "from anmok.cli import main\n"
        "try:\n"
        "    main()\n"
        "except SystemExit as leaving:\n"
        "    assert leaving.code == 0\n"
        f"print([name for name in {heavy!r} if name in sys.modules], file=sys.stderr)\n"
    )
    folder = write_folder(tmp_path, coloured_files(1))
    words = [sys.executable, "-c", code, "predict", str(bundle), str(folder), "--json"]
    result = subprocess.run(words, capture_output=True, check=True)
    assert len(result.stdout.splitlines()) == 3
    assert result.stderr.strip() == b"[]"
