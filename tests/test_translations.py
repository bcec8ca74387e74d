"""The Korean catalogue is whole and fits its English; Korean comes out where asked for; both READMEs say the same."""

from __future__ import annotations

import ast
import importlib.util
import re
import subprocess
import sys
from collections.abc import Iterator
from importlib.machinery import SourceFileLoader
from pathlib import Path
from types import ModuleType

import pytest
from babel.messages.catalog import Catalog
from babel.messages.pofile import read_po

from anmok.config import Limits
from anmok.data.scan import scan
from anmok.data.sources import open_source
from anmok.errors import EmptySource, SourceNotFound, WeightsMissing
from anmok.features.engine import stream_pixels
from anmok.i18n import _, ngettext, use_language
from anmok.models.packs import find_pack
from anmok.progress import SilentProgress
from anmok.report import words

ROOT = Path(__file__).resolve().parents[1]
SOURCE = ROOT / "src" / "anmok"
SCRIPT = ROOT / "scripts" / "messages"

HANGUL = re.compile("[가-힣]")
#: What changes with the last sound of the word before it, which nobody knows of a name that is put in.
PARTICLE = re.compile(r"(\{[^}]*\})['\"`]*(?:을|를|이|가|은|는|으로|로|과|와|이나|나|이라고|라고)(?![가-힣])")


@pytest.fixture(scope="module")
def messages() -> ModuleType:
    """The script as a module; it has no suffix."""
    loader = SourceFileLoader("messages", str(SCRIPT))
    spec = importlib.util.spec_from_loader("messages", loader)
    assert spec is not None
    module = importlib.util.module_from_spec(spec)
    loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def catalogue(messages: ModuleType) -> Catalog:
    """The catalogue as it lies in the repository."""
    with messages.PO.open("rb") as stream:
        return read_po(stream, locale="ko", domain="anmok")


def both(message_catalogue: Catalog) -> Iterator[tuple[str, str]]:
    """Yield each English text (of plural ones the plural) with its Korean."""
    for message in message_catalogue:
        if message.id:
            english = message.id if isinstance(message.id, str) else message.id[-1]
            korean = message.string if isinstance(message.string, str) else message.string[0]
            yield english, korean


# the catalogue --------------------------------------------------------------------------------------------------------


def test_every_text_has_its_korean_and_the_compiled_file_is_in_step() -> None:
    done = subprocess.run([sys.executable, str(SCRIPT), "--check"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_the_check_finds_missing_and_fuzzy_texts_and_other_placeholders(messages: ModuleType) -> None:
    catalogue = Catalog(locale="ko")
    catalogue.add("fine {name}", "좋은 {name}")
    catalogue.add("missing {name}", "")
    catalogue.add("other {name}", "다른 {path}")
    catalogue.add("lost %(name)s", "잃은 이름")
    catalogue.add("guessed", "짐작", flags=["fuzzy"])
    catalogue.add(("{n} dog", "{n} dogs"), ("개",))
    found = "\n".join(messages.troubles(catalogue))
    for wrong in ("missing", "other", "lost", "guessed", "dog"):
        assert wrong in found
    assert "fine" not in found


def test_numbers_are_written_as_in_english(catalogue: Catalog) -> None:
    for english, korean in both(catalogue):
        assert sorted(set(re.findall(r"\{[^}]*\}", korean))) == sorted(set(re.findall(r"\{[^}]*\}", english))), english


def test_spaces_and_line_breaks_at_the_ends_are_kept(catalogue: Catalog) -> None:
    for english, korean in both(catalogue):
        assert english[0].isspace() == korean[0].isspace(), english
        assert english[-1].isspace() == korean[-1].isspace(), english


def test_options_commands_and_names_in_backticks_are_left_as_they_are(catalogue: Catalog) -> None:
    for english, korean in both(catalogue):
        for word in re.findall(r"`[^`]+`|(?<![\w-])--[a-z][a-z-]+|\b[A-Z]{2,}_[A-Z]+\b|\bpip install [^\n]*", english):
            assert word in korean, english


def test_no_particle_hangs_on_a_name_that_is_put_in(catalogue: Catalog) -> None:
    wrong = [
        korean
        for _english, korean in both(catalogue)
        for placeholder in PARTICLE.findall(korean)
        if not placeholder.endswith("%}")  # a percentage always ends in the same sound
    ]
    assert not wrong


def test_sentences_keep_one_level_of_politeness(catalogue: Catalog) -> None:
    for english, korean in both(catalogue):
        assert not re.search(r"(요|한다|이다|된다|없다|있다)\.(\s|$)|세요", korean), english


def test_the_collector_sees_every_text_in_the_sources(catalogue: Catalog) -> None:
    # Before Python 3.12 it is blind inside f-strings, and what it does not see stays English without a word.
    unseen, called = [], ("_", "gettext_lazy", "ngettext")
    for path in sorted(SOURCE.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in called):
                continue
            text = node.args[0]
            if isinstance(text, ast.Constant) and text.value not in catalogue:
                unseen.append(f"{path.relative_to(SOURCE)}:{node.lineno}: {text.value!r}")
    assert not unseen


# in use ---------------------------------------------------------------------------------------------------------------


def test_what_a_person_reads_first_is_korean() -> None:
    with use_language("ko"):
        assert words.metric_title("balanced_accuracy") == "균형 정확도"
        assert words.split_title("valid") == "검증"
        assert words.duration(725) == "12분 5초"
        statement = _("About {count} of 100 new pictures like these are recognised.").format(count=91)
        assert statement == "이와 비슷한 새 사진 100장 가운데 약 91장을 맞힙니다."
        assert ngettext("{count} picture", "{count} pictures", 1).format(count=1) == "사진 1장"
        assert ngettext("{count} picture", "{count} pictures", 7).format(count=7) == "사진 7장"
    assert words.metric_title("balanced_accuracy") == "Balanced accuracy"


def test_errors_say_in_korean_what_came_and_what_to_do(tmp_path: Path) -> None:
    with use_language("ko"):
        with pytest.raises(SourceNotFound) as missing:
            open_source(tmp_path / "없는폴더")
        with pytest.raises(WeightsMissing) as weights:
            find_pack("mobilenetv2_100", download=False)
    assert "없는폴더" in missing.value.message
    assert "없습니다" in missing.value.message
    assert "전체 경로를 지정하십시오" in missing.value.hint
    assert weights.value.message.startswith("mobilenetv2_100 가중치가 이 컴퓨터에 없습니다")
    assert "ANMOK_WEIGHTS" in weights.value.hint
    assert HANGUL.search(weights.value.hint)


def test_what_the_threads_of_a_scan_say_is_korean_too(tmp_path: Path) -> None:
    for label in ("고양이", "개"):
        (tmp_path / label).mkdir()
        (tmp_path / label / "메모.jpg").write_text("사진이 아닙니다", encoding="utf-8")
    with use_language("ko"), pytest.raises(EmptySource) as nothing:
        scan(str(tmp_path), limits=Limits(), threads=2, progress=SilentProgress())
    assert "텍스트 파일" in nothing.value.message


def test_what_the_threads_of_a_prediction_say_is_korean_too() -> None:
    with use_language("ko"):
        ((_name, error),) = stream_pixels(
            [("메모.jpg", lambda: b"text")], size=8, rule="squash", limits=Limits(), threads=2
        )
    assert "텍스트 파일" in str(error)


@pytest.mark.parametrize("arguments", [["compare", "--help"], ["predict", "--help"], ["report", "--help"]])
def test_help_is_korean_where_it_is_asked_for(arguments: list[str]) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "anmok", *arguments, "--lang", "ko"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "터미널과 보고서의 언어" in done.stdout


# both READMEs ---------------------------------------------------------------------------------------------------------


class Readme:
    """The parts of a README that do not depend on its language."""

    def __init__(self, name: str) -> None:
        self.text = (ROOT / name).read_text(encoding="utf-8")
        lines = self.text.splitlines()
        self.headings = [len(line) - len(line.lstrip("#")) for line in lines if line.startswith("#")]
        self.code = [_command(line) for line in lines if line.startswith("    ")]
        self.rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if line.startswith("|")]
        # Each README names the other one.
        self.links = [link for link in re.findall(r"\]\(([^)]*)\)", self.text) if not link.startswith("README")]


def _command(line: str) -> str:
    """Return a line of code without its remark: after a #, or after two spaces, or behind the first name of a map."""
    line = line.strip()
    if line.startswith(("src/", "docs/", "tests/")):
        return line.split()[0]
    return re.split(r"\s+#|\s{2,}", line)[0]


@pytest.fixture(scope="module")
def readmes() -> tuple[Readme, Readme]:
    """The English and the Korean README."""
    return Readme("README.md"), Readme("README.ko.md")


def test_both_readmes_have_the_same_headings(readmes: tuple[Readme, Readme]) -> None:
    english, korean = readmes
    assert english.headings == korean.headings


def test_both_readmes_show_the_same_commands_and_the_same_map(readmes: tuple[Readme, Readme]) -> None:
    english, korean = readmes
    assert english.code == korean.code


def test_both_readmes_have_the_same_tables(readmes: tuple[Readme, Readme]) -> None:
    english, korean = readmes
    assert [len(row) for row in english.rows] == [len(row) for row in korean.rows]
    for ours, theirs in zip(english.rows, korean.rows, strict=True):
        # Commands and figures are the same; words are not.
        assert [cell for cell in ours if re.match(r"`|[\d.–-]+", cell)] == [
            cell for cell in theirs if re.match(r"`|[\d.–-]+", cell)
        ]


def test_both_readmes_point_to_the_same_places_and_to_each_other(readmes: tuple[Readme, Readme]) -> None:
    english, korean = readmes
    # Pictures of a report exist in both languages.
    assert english.links == [link.replace(".ko.png", ".png") for link in korean.links]
    assert "(README.ko.md)" in english.text
    assert "(README.md)" in korean.text
