"""A per cent sign stands at its number without a space, in English as in Korean: `91%` everywhere, never `91 %`."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from babel.messages.pofile import read_po

from anmok.report.names import sentence, unbroken

SOURCE = Path(__file__).resolve().parents[1] / "src" / "anmok"
DOCUMENTS = sorted((*SOURCE.parents[1].glob("*.md"), *(SOURCE.parents[1] / "docs").glob("*.md")))
#: A number, or what is put in for one, and a sign that stands apart from it; Jinja's own signs are none.
APART = re.compile(r"(?:(?<![a-z])\d|\})(?:[ \u00a0]|&nbsp;)%(?!\})")


def texts(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Yield what a module could show: all its texts but docstrings; of an f-string ``{}`` for each value."""
    parts = {id(part) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for part in node.values}
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            parts.add(id(node.value))  # a docstring
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            whole = "".join(str(part.value) if isinstance(part, ast.Constant) else "{}" for part in node.values)
            yield node.lineno, whole
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in parts:
            yield node.lineno, node.value


def test_no_text_of_the_code_or_a_page_sets_the_sign_apart() -> None:
    found = [
        f"{path.relative_to(SOURCE)}:{line}: {text[:80]}"
        for path in sorted(SOURCE.rglob("*.py"))
        for line, text in texts(ast.parse(path.read_text("utf-8")))
        if APART.search(text)
    ]
    for path in sorted(path for ending in ("html", "js") for path in SOURCE.rglob(f"*.{ending}")):
        for match in APART.finditer(path.read_text("utf-8")):
            found.append(f"{path.relative_to(SOURCE)}: {match.string[match.start() - 40 : match.end()]}")
    assert not found, "\n".join(found)


def test_no_korean_text_does() -> None:
    with (SOURCE / "locale" / "ko" / "LC_MESSAGES" / "anmok.po").open("rb") as stream:
        catalogue = read_po(stream, locale="ko", domain="anmok")
    korean = [
        text
        for message in catalogue
        if message.id
        for text in ([message.string] if isinstance(message.string, str) else message.string)
    ]
    assert len(korean) > 500
    assert not [text for text in korean if APART.search(text)]


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_no_document_does(path: Path) -> None:
    assert not [line for line in path.read_text("utf-8").splitlines() if APART.search(line)]


def test_the_search_finds_what_it_shall() -> None:
    shown = "x = f'{a} %'\n'''91 % of a docstring'''\ny = _('91\\u00a0% of them')\nz = '{share} %'\nw = 7 % 3\n"
    assert sorted(line for line, text in texts(ast.parse(shown)) if APART.search(text)) == [1, 3, 4]
    assert not APART.search("{{ loop.index0 % 10 }} {% if a > 1 %} 91% {share:.0%}")
    assert unbroken(sentence("{a}% right", a=91)) == "91% right"
