"""Examples in docstrings and documents are run as they stand, on the built-in sample."""

from __future__ import annotations

import doctest
import importlib
import shutil
import zipfile
from pathlib import Path

import pytest

import anmok
from anmok.detection.boxset import BoxedPicture, TrueBox
from anmok.detection.formats.voc import voc_xml
from bundle.small_bundles import write_colour_bundle
from pictures import encode, photo

ROOT = Path(__file__).parents[1]
SOURCE = ROOT / "src"
MODULES = sorted(
    ".".join(path.relative_to(SOURCE).with_suffix("").parts).removesuffix(".__init__")
    for path in (SOURCE / "anmok").rglob("*.py")
    if ">>> " in path.read_text("utf-8")
)
DOCUMENTS = sorted(path.name for path in (ROOT / "docs").glob("*.md") if ">>> " in path.read_text("utf-8"))
FLAGS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE


@pytest.fixture(scope="module")
def workplace(module_cache: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with what the examples name: pictures, and models that were trained on the sample."""
    folder = tmp_path_factory.mktemp("examples")
    # As in docs/python-api.md, which finds the finished runs.
    config = anmok.CompareConfig(models=("features-2d", "handcrafted"), leaks="repair", look_over=False)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        anmok.compare("sample", Path("out"), config)
    shutil.copy(folder / "out" / "best.anmok", folder / "best.anmok")
    write_colour_bundle(folder / "colours.anmok")
    (folder / "boxes").mkdir()
    for number, label in enumerate(("ace", "king", "ace")):
        name = f"{number}.png"
        (folder / "boxes" / name).write_bytes(encode(photo(64, 64, number), "PNG"))
        boxed = BoxedPicture(name, 64, 64, (TrueBox(label, 8.0, 8.0, 40.0, 40.0),))
        (folder / "boxes" / name).with_suffix(".xml").write_text(voc_xml(boxed), encoding="utf-8")
    manifest = anmok.scan("sample")
    (folder / "photos").mkdir()
    with zipfile.ZipFile(folder / "holiday.zip", "w") as archive:
        for number, name in enumerate(("IMG_0002.jpg", "IMG_0003.jpg", "IMG_0004.jpg")):
            shutil.copy(Path(manifest.source) / manifest.classes[0] / name, folder / "photos" / name)
            archive.write(folder / "photos" / name, f"{number}.jpg")
    shutil.copy(folder / "photos" / "IMG_0002.jpg", folder / "cat.jpg")
    return folder


@pytest.fixture
def at_work(workplace: Path, shared_cache: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(workplace)
    return workplace


@pytest.mark.parametrize("module", MODULES)
def test_the_examples_of_a_module_are_true(module: str, at_work: Path) -> None:
    loaded = importlib.import_module(module)
    failed, tried = doctest.testmod(loaded, extraglobs={"Path": Path, "anmok": anmok}, optionflags=FLAGS)
    assert tried
    assert not failed


@pytest.mark.parametrize("name", DOCUMENTS)
def test_the_examples_of_a_document_are_true(name: str, at_work: Path) -> None:
    failed, tried = doctest.testfile(str(ROOT / "docs" / name), module_relative=False, optionflags=FLAGS)
    assert tried
    assert not failed


def test_what_one_begins_with_has_examples() -> None:
    begun_with = ("scan", "compare", "Predictor", "explain", "HeatMapper", "get_recipe", "class_weights")
    without = [name for name in begun_with if ">>> " not in (getattr(anmok, name).__doc__ or "")]
    assert not without
