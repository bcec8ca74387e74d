"""What ``import anmok`` offers: the list is written, complete and light."""

from __future__ import annotations

import subprocess
import sys

import pytest

import anmok


@pytest.mark.parametrize("name", anmok.__all__)
def test_every_public_name_is_there_and_documented(name: str) -> None:
    assert getattr(anmok, name).__doc__


def test_the_list_is_sorted_and_shown_to_who_looks() -> None:
    assert sorted(anmok.__all__, key=lambda name: (name.islower(), name)) == anmok.__all__
    assert set(anmok.__all__) <= set(dir(anmok))


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no_such_thing"):
        anmok.no_such_thing  # noqa: B018


def test_importing_anmok_imports_nothing_heavy() -> None:
    code = "import sys, anmok; heavy = {'numpy', 'torch', 'pandas', 'PIL'} & set(sys.modules); assert not heavy, heavy"
    subprocess.run([sys.executable, "-c", code], check=True)
