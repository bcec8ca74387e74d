"""Which language is spoken, by whom and how long."""

from __future__ import annotations

import contextvars
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo
from hypothesis import given
from hypothesis import strategies as st

from anmok import i18n
from anmok.i18n import LANGUAGES, _, current_language, language_of, ngettext, use_language

VARIABLES = ("ANMOK_LANG", "LANGUAGE", "LC_ALL", "LC_MESSAGES", "LANG")


@pytest.fixture
def catalogue(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A Korean catalogue of two messages, so that the test does not hang on the wording of the real one."""
    korean = Catalog(locale="ko")
    korean.add("{n} cats", "고양이 {n}마리")
    korean.add(("{n} dog", "{n} dogs"), ("개 {n}마리",))
    target = tmp_path / "ko" / "LC_MESSAGES" / "anmok.mo"
    target.parent.mkdir(parents=True)
    with target.open("wb") as stream:
        write_mo(stream, korean)
    monkeypatch.setattr(i18n, "LOCALE_DIR", tmp_path)
    i18n._catalogue.cache_clear()
    yield
    i18n._catalogue.cache_clear()


@pytest.mark.parametrize(
    ("environment", "language"),
    [
        ({}, "en"),
        ({"LANG": "ko_KR.UTF-8"}, "ko"),
        ({"LANG": "C.UTF-8"}, "en"),
        ({"LANG": "fr_FR"}, "en"),
        ({"LANG": "ko_KR.UTF-8", "LC_ALL": "en_US.UTF-8"}, "en"),
        ({"LANG": "en_US.UTF-8", "LANGUAGE": "ko:en"}, "ko"),
        ({"LC_ALL": "en_US.UTF-8", "ANMOK_LANG": "ko"}, "ko"),
        ({"ANMOK_LANG": "", "LANG": "ko_KR"}, "ko"),
        ({"ANMOK_LANG": "KO"}, "ko"),
    ],
)
def test_the_environment_says_which_language(environment: dict[str, str], language: str) -> None:
    assert language_of(environment) == language


@given(st.dictionaries(st.sampled_from(VARIABLES), st.text(max_size=8)))
def test_any_environment_gives_a_known_language(environment: dict[str, str]) -> None:
    assert language_of(environment) in LANGUAGES


def test_the_environment_is_asked_at_each_call(monkeypatch: pytest.MonkeyPatch) -> None:
    assert current_language() == "en"
    monkeypatch.setenv("ANMOK_LANG", "ko")
    assert current_language() == "ko"


def test_a_language_holds_inside_its_block_and_not_beyond() -> None:
    with use_language("ko"):
        with use_language("en"):
            assert current_language() == "en"
        assert current_language() == "ko"
        with pytest.raises(KeyError), use_language("en"):
            raise KeyError
        assert current_language() == "ko"
    assert current_language() == "en"


def test_an_unknown_language_is_refused_with_the_known_ones() -> None:
    with pytest.raises(ValueError, match="choose one of en, ko"), use_language("fr"):
        pass


def test_each_thread_speaks_its_own_language() -> None:
    """A web service answers a Korean and an English visitor at the same time."""
    seen: dict[str, str] = {}
    meet = threading.Barrier(2)

    def visit(language: str) -> None:
        with use_language(language):
            meet.wait()
            seen[language] = current_language()
            meet.wait()

    threads = [threading.Thread(target=contextvars.Context().run, args=(visit, name)) for name in LANGUAGES]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert seen == {"en": "en", "ko": "ko"}


@pytest.mark.usefixtures("catalogue")
def test_the_catalogue_is_spoken_and_what_it_lacks_stays_english() -> None:
    assert _("{n} cats") == "{n} cats"
    assert ngettext("{n} dog", "{n} dogs", 2) == "{n} dogs"
    with use_language("ko"):
        assert _("{n} cats") == "고양이 {n}마리"
        assert ngettext("{n} dog", "{n} dogs", 1) == ngettext("{n} dog", "{n} dogs", 2) == "개 {n}마리"
        assert _("no catalogue holds this sentence") == "no catalogue holds this sentence"
        assert ngettext("{n} rare thing", "{n} rare things", 1) == "{n} rare thing"
    assert _("{n} cats") == "{n} cats"


def test_the_catalogue_of_the_package_can_be_read() -> None:
    with use_language("ko"):
        assert _("no catalogue holds this sentence") == "no catalogue holds this sentence"
    assert (i18n.LOCALE_DIR / "ko" / "LC_MESSAGES" / "anmok.mo").is_file()
