"""Commands that write a manifest write it over manifests only: never over a picture, a table, or their own source."""

import shutil
from pathlib import Path

import pandas as pd
import pytest

from anmok.cli.app import run
from anmok.data.manifest import Manifest
from tests.data.made import pictures_of, write_tree

COMMANDS = (["scan"], ["split", "--no-near"], ["balance", "--undersample", "to=3"])


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    return write_tree(tmp_path / "pictures", pictures_of({"a": 8, "b": 8}))


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: str(command[0]))
def test_neither_pictures_nor_somebodys_tables_are_overwritten(
    command: list[str], pictures: Path, tmp_path: Path
) -> None:
    table, disguised = tmp_path / "mine.parquet", tmp_path / "picture.parquet"
    pd.DataFrame({"x": [1]}).to_parquet(table)
    shutil.copy(pictures / "a/000.png", disguised)
    for out in (pictures / "a/000.png", table, disguised):
        before = out.read_bytes()
        assert run([*command, str(pictures), "-o", str(out)]) != 0
        assert out.read_bytes() == before


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: str(command[0]))
def test_a_manifest_may_be_written_again_also_where_it_is_damaged(
    command: list[str], pictures: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out.parquet"
    for content in (b"", b"PAR1 cut short", None):
        if content is not None:
            out.write_bytes(content)
        assert run([*command, str(pictures), "-o", str(out)]) == 0
        assert len(Manifest.load(out)) >= 6


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: str(command[0]))
def test_a_manifest_is_not_written_over_itself(command: list[str], pictures: Path, tmp_path: Path) -> None:
    source = tmp_path / "all.parquet"
    assert run(["scan", str(pictures), "-o", str(source)]) == 0
    before = source.read_bytes()
    link = tmp_path / "link.parquet"
    link.symlink_to(source)
    for out in (source, link):
        assert run([*command, str(source), "-o", str(out)]) == 2
        assert source.read_bytes() == before


def test_class_names_are_shown_as_they_are(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source = write_tree(tmp_path / "pictures", pictures_of({"[red]a": 2, "b[/bold]c": 2}))
    assert run(["scan", str(source), "-o", str(tmp_path / "out.parquet")]) == 0
    shown = capsys.readouterr().out
    assert "[red]a" in shown
    assert "b[/bold]c" in shown
