from __future__ import annotations

import itertools
import json
import math
import os
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from anmok.errors import DamagedPicture
from anmok.evaluation.results import Comparison
from anmok.records import Interval
from anmok.report import galleries, words
from anmok.report.html import render_report
from anmok.report.names import shown
from report.comparisons import HOSTILE, JEJU, comparison, evaluation, hundred, model, with_troubles
from report.conftest import Draw, jpeg
from report.pages import Page


def nothing_known() -> Comparison:
    """Every branch for what is missing: no metric, no history, no parity, no counts, no command, no best."""
    given = comparison(("a", "b"), models=(("handcrafted", 0.5),))
    bare = replace(given.models[0].evaluation, metrics={}, per_class=(), unreadable=("test/a/1.jpg",))
    bare = replace(bare, without_auc=("a",), unknown={"c": 3})
    only = replace(given.models[0], evaluation=bare, parity={}, seconds={}, recipe={})
    data = replace(given.data, counts={}, quarantined=(), ignored=0, samples={}, widths=(), notes=())
    return replace(given, models=(only,), data=data, best="", command="", seconds={}, environment={}, created="once")


CASES = {
    "two classes": comparison(("horse", "human"), models=(("cnn-small", 0.83), ("mobilenetv2", 0.96)), bad=0),
    "six classes with troubles": with_troubles(comparison()),
    "Korean classes": comparison(JEJU),
    "hostile names": with_troubles(comparison(HOSTILE)),
    "fifteen classes": comparison(tuple(f"class {n}" for n in range(15))),
    "a hundred classes": hundred(),
    "one perfect model": comparison(models=(("mobilenetv2", 1.0),)),
    "nothing known": nothing_known(),
    "no model at all": replace(with_troubles(comparison()), models=(), best=""),
}


@pytest.fixture(scope="module")
def file(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, noise: bytes) -> str:
    """The report of one case with pictures, drawn once for all tests that only look at it."""
    path = tmp_path_factory.mktemp("case") / "report.html"
    render_report(CASES[request.param], path, read_picture=lambda path: noise, language="en")
    return path.read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def page(file: str) -> Page:
    """The same, parsed once."""
    return Page(file)


@pytest.mark.parametrize("case", CASES)
def test_korean_page_is_well_formed(draw: Draw, case: str) -> None:
    assert draw(CASES[case], language="ko").attributes("html", "lang") == ["ko"]


@pytest.mark.parametrize("file", CASES, indirect=True)
def test_page_is_well_formed_and_its_links_lead_somewhere(page: Page) -> None:
    assert page.attributes("html", "lang") == ["en"]
    ids = [found["id"] for _tag, found in page.elements if "id" in found]
    assert len(ids) == len(set(ids))
    targets = [href for href in page.attributes("a", "href") if href.startswith("#")]
    assert len(targets) > 3
    assert {target[1:] for target in targets} <= set(ids)
    referenced = [found["aria-labelledby"] for _tag, found in page.elements if "aria-labelledby" in found]
    assert {part for labels in referenced for part in (labels or "").split()} <= set(ids)


@pytest.mark.parametrize("file", CASES, indirect=True)
def test_tables_and_pictures_can_be_read_aloud(page: Page) -> None:
    tables = sum(tag == "table" for tag, _found in page.elements)
    assert tables == sum(tag == "caption" for tag, _found in page.elements) >= 1
    assert all(found.get("scope") in ("row", "col") for tag, found in page.elements if tag == "th")
    # Small pictures of the list of all mistakes stand beside the words that tell of them.
    assert all(("data-picture" in found) != bool(found.get("alt")) for tag, found in page.elements if tag == "img")
    for tag, found in page.elements:
        if tag == "svg":
            assert found.get("role") == "img"
            assert found.get("aria-label")
    levels = [int(tag[1]) for tag, _found in page.elements if re.fullmatch("h[1-6]", tag)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(below - above <= 1 for above, below in itertools.pairwise(levels))


@pytest.mark.parametrize("file", CASES, indirect=True)
def test_file_points_to_nothing_outside_of_itself(file: str, page: Page) -> None:
    assert not re.search(r"https?:|\burl\((?!#)|@import|@font-face", file)
    assert not {tag for tag, _found in page.elements} & {"link", "iframe", "object", "embed", "base", "form", "image"}
    for tag, found in page.elements:
        assert not [name for name in found if name.startswith("on")], tag
        assert (found.get("href") or "#").startswith("#")
        assert (found.get("src") or "data:image/jpeg;base64,").startswith("data:image/jpeg;base64,")
        assert "srcset" not in found


def test_policy_forbids_everything_but_the_script_of_the_report(draw: Draw) -> None:
    page = draw(CASES["hostile names"])
    assert page.policy.startswith("default-src 'none'")
    assert page.runs_its_own_scripts_alone()


def test_hostile_names_are_text_wherever_they_stand(draw: Draw, tmp_path: Path, noise: bytes) -> None:
    nasty = HOSTILE[0] + HOSTILE[1]
    given = with_troubles(comparison(HOSTILE))
    given = replace(
        given,
        data=replace(given.data, source=nasty, location=nasty, notes=(nasty,)),
        models=tuple(
            replace(one, name=one.name + nasty, title=nasty, run=nasty, bundle=nasty, recipe={nasty: nasty})
            for one in given.models
        ),
        best=given.best + nasty,
        reason=nasty,
        warnings=(nasty,),
        seconds={nasty: 1.0},
        environment={nasty: nasty},
        command=nasty,
        created=nasty,
    )
    harmless = draw(with_troubles(comparison()), read_picture=lambda path: noise)
    page = draw(given, read_picture=lambda path: noise)
    # The same elements as with ordinary names: nothing from outside has become markup.
    assert {tag for tag, _found in page.elements} == {tag for tag, _found in harmless.elements}
    assert len(page.programs) == 2
    for name in HOSTILE:
        assert " ".join(shown(name).split()) in page.text
    raw = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "<script>alert" not in raw
    assert not re.search("[\u202a-\u202e\u2066\u2067\u200e\u200f\x00-\x08\x0b-\x1f]", raw)
    assert raw.count("\u2068") == raw.count("\u2069") > 0


def test_templates_in_names_are_not_run(draw: Draw) -> None:
    page = draw(comparison(("{{ 7 * 7 }}", "{0} {x} %s")))
    assert "{{ 7 * 7 }}" in page.text
    assert "{0} {x} %s" in page.text


def test_names_that_are_no_unicode_text_do_not_stop_the_report(draw: Draw) -> None:
    assert "\ufffdr\ufffd" in draw(comparison(("\udcff" + "r" + "\udc80", "b"))).text


@pytest.mark.parametrize("case", ["two classes", "six classes with troubles", "a hundred classes"])
def test_every_number_of_the_comparison_is_said(draw: Draw, case: str) -> None:
    given = CASES[case]
    page = draw(given)
    wanted = [words.duration(seconds) for seconds in given.seconds.values()]
    wanted += [words.moment(given.created), given.data.content_hash, given.command, *given.environment.values()]
    for split, counts in given.data.counts.items():
        wanted += [words.split_title(split), words.count(sum(counts.values()))]
        wanted += [words.count(number) for number in counts.values()]
    for numbers in (given.data.widths, given.data.heights):
        wanted += [f"{number:,.0f}" for number in numbers]
    wanted += [f"{number:.1f}" for number in (*given.data.brightness, *given.data.contrast)]
    for one in given.models:
        wanted += [one.name, one.title, one.run, one.bundle, words.size(one.bundle_bytes)]
        wanted += [words.decimal(one.pictures_per_second), words.decimal(one.parity["max_difference"])]
        wanted += [words.duration(seconds) for seconds in one.seconds.values()]
        for name, interval in one.evaluation.metrics.items():
            wanted += [words.metric_title(name), words.figure(name, interval.value), words.span(name, interval)]
        for row in one.evaluation.per_class:
            wanted += [row.label, str(row.support)]
            for interval in (row.precision, row.recall, row.f1):
                wanted += [words.percent(interval.value), words.span("f1", interval)]
        for mistake in one.evaluation.mistakes[:24]:
            wanted += [mistake.path, mistake.true, mistake.predicted]
            wanted += [f"{words.percent(mistake.probability)}%", f"{words.percent(mistake.probability_true)}%"]
        for epoch in one.history:
            wanted += [words.decimal(epoch[key]) for key in ("train_loss", "valid_loss", "learning_rate", "seconds")]
            wanted += [words.percent(epoch["valid_accuracy"]), words.percent(epoch["train_accuracy"])]
    missing = {text for text in wanted if text not in page.text}
    assert not missing


def test_confusion_counts_stand_in_the_cells(draw: Draw) -> None:
    given = comparison(models=(("mobilenetv2", 0.8),))
    page = draw(given)
    kinds = [kind for cell in page.attributes("td", "class") for kind in cell.split()]
    assert kinds.count("hit") + kinds.count("miss") + kinds.count("none") == 36
    matrix = given.models[0].evaluation.confusion
    assert " ".join(str(number) for number in matrix[0]) in page.text.replace("buildings ", "")
    assert f"{matrix[0][0]} of {sum(matrix[0])} pictures of \u2068buildings\u2069 were recognised." in page.attributes(
        "td", "title"
    )


def test_same_comparison_gives_the_same_bytes_in_another_process(tmp_path: Path, noise: bytes) -> None:
    script = (
        "import pathlib, sys\n"
        "from anmok.report.html import render_report\n"
        "from report.comparisons import comparison, with_troubles\n"
        "noise = pathlib.Path(sys.argv[1]).read_bytes()\n"
        "given = with_troubles(comparison())\n"
        "render_report(given, pathlib.Path(sys.argv[2]), read_picture=lambda path: noise, language='en')\n"
    )
    (tmp_path / "noise.jpg").write_bytes(noise)
    subprocess.run(
        [sys.executable, "-c", script, tmp_path / "noise.jpg", tmp_path / "there.html"],
        check=True,
        env={**os.environ, "PYTHONHASHSEED": "12345", "PYTHONPATH": str(Path(__file__).parents[1])},
    )
    for name in ("one.html", "two.html"):
        given = with_troubles(comparison())
        render_report(given, tmp_path / name, read_picture=lambda path: noise, language="en")
    assert (tmp_path / "one.html").read_bytes() == (tmp_path / "two.html").read_bytes()
    assert (tmp_path / "one.html").read_bytes() == (tmp_path / "there.html").read_bytes()


def test_hundred_classes_with_a_thousand_mistakes_and_four_models_stay_below_twenty_five_megabytes(
    draw: Draw, tmp_path: Path
) -> None:
    given = hundred()
    noise = jpeg(0, 320, 320)
    assert len(given.models) == 4
    assert all(len(one.evaluation.mistakes) > 1000 for one in given.models)
    page = draw(given, read_picture=lambda path: noise)
    assert (tmp_path / "report.html").stat().st_size < 25_000_000
    # Noise compresses worst of all: every mistake is still shown, and at least one picture of each class.
    assert len(page.attributes("img", "src")) >= 4 * 24 + 100
    assert page.of_class("heat") == 8
    named = page.attributes("img", "data-picture")
    small = json.loads(next(text for text in page.scripts if text.startswith("[")))
    assert len(named) > 2000
    assert {int(number) for number in named} == set(range(len(small)))


def test_mistakes_and_quarantine_are_limited_and_say_how_many_more(draw: Draw, monkeypatch: pytest.MonkeyPatch) -> None:
    given = comparison(models=(("handcrafted", 0.4),), bad=61)
    mistakes = given.models[0].evaluation.mistakes
    assert galleries.MOST_LISTED >= 1000
    monkeypatch.setattr(galleries, "MOST_LISTED", 50)
    page = draw(given)
    assert "50 more mistakes, the surest first" in page.text
    assert f"and {len(mistakes) - 74} more; all are listed in runs/handcrafted/predictions.parquet" in page.text
    assert mistakes[23].path in page.text
    assert "61 files were left out" in page.text
    assert "and 11 more" in page.text


def marks(page: Page) -> int:
    return page.of_class("mark")


def of_accuracy(first: tuple[float, float, float], second: tuple[float, float, float]) -> Comparison:
    base = evaluation(("a", "b"), 0.9)
    results = [
        model(name, replace(base, metrics={"accuracy": Interval(*figures)}))
        for name, figures in (("one", first), ("two", second))
    ]
    return replace(comparison(("a", "b")), models=tuple(results), best="two")


def test_best_figure_is_marked_only_where_the_intervals_lie_apart(draw: Draw) -> None:
    apart = draw(of_accuracy((0.80, 0.78, 0.82), (0.90, 0.88, 0.92)))
    assert marks(apart) == 1
    overlapping = draw(of_accuracy((0.80, 0.70, 0.89), (0.90, 0.88, 0.92)))
    assert marks(overlapping) == 0
    assert "No figure is marked as best" in overlapping.text
    assert marks(draw(comparison(models=(("mobilenetv2", 0.9),)))) == 0


def test_report_without_the_source_says_so_and_shows_no_frames(draw: Draw) -> None:
    given = comparison()
    page = draw(given, read_picture=None)
    assert "The pictures were not at hand" in page.text
    assert given.data.location in page.text
    assert page.of_class("hole") == page.of_class("frame") == 0
    assert given.models[0].evaluation.mistakes[0].path in page.text


def test_picture_that_cannot_be_read_gives_an_empty_frame_and_the_others_are_shown(draw: Draw, noise: bytes) -> None:
    given = comparison(models=(("handcrafted", 0.6),))
    broken, gone, torn = (mistake.path for mistake in given.models[0].evaluation.mistakes[:3])

    def read(path: str) -> bytes:
        if path == broken:
            raise DamagedPicture("it is broken")
        if path == gone:
            raise FileNotFoundError(path)
        return noise[:500] if path == torn else noise

    page = draw(given, read_picture=read)
    assert page.of_class("hole") == 3
    assert len(page.attributes("img", "src")) == 24 - 3 + 6 * 6


def test_report_that_fails_midway_leaves_the_earlier_one(tmp_path: Path) -> None:
    path = render_report(comparison(), tmp_path / "report.html", read_picture=None, language="en")
    before = path.read_bytes()

    def stopped(path: str) -> bytes:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        render_report(with_troubles(comparison()), path, read_picture=stopped, language="en")
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_figures_that_are_no_numbers_are_dashes(draw: Draw) -> None:
    given = comparison(models=(("cnn-small", 0.8),))
    nan = Interval(math.nan, math.nan, math.nan)
    one = given.models[0]
    rows = tuple(replace(row, precision=nan) for row in one.evaluation.per_class)
    broken = replace(
        one,
        evaluation=replace(one.evaluation, metrics={**one.evaluation.metrics, "log_loss": nan}, per_class=rows),
        history=tuple({**epoch, "valid_loss": math.nan} for epoch in one.history),
        pictures_per_second=math.inf,
    )
    page = draw(replace(given, models=(broken,)))
    assert "– – –" in page.text
    assert not re.search(r"\b(nan|inf)\b", page.text)


def test_recommended_model_is_read_first(draw: Draw) -> None:
    page = draw(comparison())
    sections = [found["id"] for tag, found in page.elements if tag == "section" and found["id"].startswith("model-")]
    assert sections == ["model-3", "model-1", "model-2"]


def test_language_of_the_caller_is_left_as_it_was(draw: Draw) -> None:
    from anmok.i18n import current_language, use_language

    with use_language("ko"):
        draw(comparison(("a", "b")), language="en")
        assert current_language() == "ko"
