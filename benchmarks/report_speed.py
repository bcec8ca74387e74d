"""How fast the largest report opens: 100 classes, 4 models, 1,000 mistakes each, on real pictures, in a real browser.

Run it as ``make bench`` does, or alone::

    ANMOK_DATA=... python benchmarks/report_speed.py

All 2,500 pictures of sports100-small are taken as test pictures. Each model's answers are made up so that exactly 1,000
of them are wrong (half of them are pictures that the others get wrong, too); everything else - metrics, tests,
calibration, thumbnails, the page - is what ``anmok compare`` makes. Each language is opened in a fresh profile, several
times; the slowest counts. axe-core looks at the page with all its parts opened (of four lists of 1,000 mistakes, one).
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import numpy as np
from axe_playwright_python.sync_playwright import Axe
from numpy.typing import NDArray
from playwright.sync_api import Browser, sync_playwright

from anmok.data.manifest import Manifest
from anmok.data.scan import scan
from anmok.evaluation.calibration import Calibration, figures
from anmok.evaluation.measure import measure
from anmok.evaluation.results import Comparison, ModelResult
from anmok.pipeline.conclusion import concluded
from anmok.pipeline.summary import summarise_data
from anmok.report.html import render_report
from anmok.report.pdf import find_browser
from anmok.training.predictions import Predictions

MODELS = ("handcrafted", "cnn-tiny", "cnn-small", "mobilenetv2")
MISTAKES = 1000
#: What a browser is started with: nothing but the page, as fast as it opens by itself.
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-dev-shm-usage",
)


def made_up(labels: NDArray[np.int64], classes: int, number: int) -> NDArray[np.float32]:
    """Return probabilities ``(N, classes)`` of which exactly ``MISTAKES`` are wrong, half of them for all."""
    common = np.random.default_rng(0).permutation(len(labels))
    dice = np.random.default_rng(number + 1)
    wrong = np.concatenate([common[: MISTAKES // 2], dice.permutation(common[MISTAKES // 2 :])[: MISTAKES // 2]])
    answers = labels.copy()
    answers[wrong] = (labels[wrong] + dice.choice([1, 2, 3, 7, 40], len(wrong))) % classes
    sure = dice.uniform(0.35, 0.99, len(labels))
    rest = dice.dirichlet(np.full(classes, 0.5), len(labels))
    probabilities = rest * (1 - sure)[:, None]
    probabilities[np.arange(len(labels)), answers] += sure
    return probabilities.astype(np.float32)


def model(name: str, number: int, manifest: Manifest) -> tuple[ModelResult, Predictions]:
    """Return one model with made-up answers for all pictures."""
    labels, paths = manifest.label_indices(), tuple(map(str, manifest.table["path"]))
    probabilities = made_up(labels, len(manifest.classes), number)
    ids = tuple(map(str, manifest.table["id"]))
    answers = Predictions(paths, ids, ("test",) * len(paths), labels, probabilities)
    evaluation = measure(manifest.classes, labels, probabilities, paths, "test", resamples=200)
    assert len(evaluation.mistakes) == MISTAKES
    measured = figures(labels, probabilities, resamples=200)
    calibration = Calibration(pictures=len(labels), temperature=1.2, fitted_on=900, before=measured, after=measured)
    history = (
        tuple(
            {
                "epoch": float(e),
                **{
                    f"{part}_{what}": 1 / (e + k)
                    for k, part in enumerate(("train", "valid"), 1)
                    for what in ("loss", "accuracy")
                },
            }
            for e in range(1, 25)
        )
        if name.startswith("cnn")
        else ()
    )
    result = ModelResult(
        name=name,
        title=name,
        recipe={"name": name, "seed": 0},
        evaluation=evaluation,
        history=history,
        seconds={"features": 20.0, "training": 10.0 * (number + 1)},
        pictures_per_second=100.0 * (number + 1),
        parity={},
        run=f"runs/{name}",
        bundle=f"runs/{name}/model.anmok",
        bundle_bytes=4_000_000 * (number + 1),
        latency_ms=4.0 * (number + 1),
        calibration=calibration,
    )
    return result, answers


def comparison(manifest: Manifest) -> Comparison:
    """Return the whole comparison, concluded as ``anmok compare`` does."""
    pairs = [model(name, number, manifest) for number, name in enumerate(MODELS)]
    given = Comparison(
        data=summarise_data(manifest, seed=0),
        models=tuple(result for result, _answers in pairs),
        left_out=(),
        best="",
        reason="",
        warnings=(),
        seconds={"total": 100.0},
        environment={},
        command="anmok compare ...",
        created="2026-01-01T00:00:00+00:00",
    )
    return concluded(given, {result.name: answers for result, answers in pairs})


def opened(browser: Browser, path: Path, *, times: int) -> tuple[dict[str, float], list[str]]:
    """Open the page in fresh profiles; return the slowest milliseconds of each moment, and what it complained of."""
    slowest: dict[str, float] = {}
    troubles: list[str] = []
    for _time in range(times):
        context = browser.new_context(viewport={"width": 1280, "height": 900})
        page = context.new_page()
        page.on("console", lambda message: troubles.append(message.text))
        page.on("pageerror", lambda error: troubles.append(str(error)))
        page.goto(path.as_uri())
        page.wait_for_timeout(300)
        moments = page.evaluate(
            """() => {
              const painted = performance.getEntriesByName("first-contentful-paint")[0].startTime;
              const way = performance.getEntriesByType("navigation")[0];
              return {painted, interactive: way.domContentLoadedEventEnd, loaded: way.loadEventEnd};
            }"""
        )
        slowest = {name: max(value, slowest.get(name, 0)) for name, value in moments.items()}
        context.close()
    return slowest, troubles


def faults(browser: Browser, path: Path) -> Counter[str]:
    """Return how many faults of each weight axe-core finds while every part of the page is open."""
    page = browser.new_page()
    page.goto(path.as_uri())
    # One of the four long lists of mistakes will do: they are alike, and each has a thousand entries to look at.
    page.evaluate(
        """() => {
          document.querySelectorAll("details.all-mistakes").forEach((part, number) => { if (number) part.remove(); });
          document.querySelectorAll("details").forEach(part => { part.open = true; });
        }"""
    )
    found = Axe().run(page, options={"resultTypes": ["violations"]}).response["violations"]
    page.close()
    return Counter({f"{fault['impact']}: {fault['id']}": len(fault["nodes"]) for fault in found})


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--times", type=int, default=5, help="how often each page is opened")
    parser.add_argument("--keep", type=Path, help="folder to leave the pages in")
    chosen = parser.parse_args()
    data = Path(os.environ.get("ANMOK_DATA") or Path(__file__).resolve().parents[2] / "shared" / "data")
    if not (data / "sports100-small.zip").is_file():
        print("the real pictures are not here: set ANMOK_DATA")
        return 0
    manifest = scan(data / "sports100-small.zip")
    table = manifest.table.assign(split="test")
    given = comparison(manifest.with_table(table))
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as driver, manifest.open_source() as source:
        browser = driver.chromium.launch(executable_path=find_browser(), args=list(FLAGS))
        print(
            "| language | bytes | drawn in, s | first paint, ms | interactive, ms | loaded, ms | console | axe-core |"
        )
        print("|---|---|---|---|---|---|---|---|")
        for language in ("en", "ko"):
            begin = time.perf_counter()
            path = (chosen.keep or Path(folder)) / f"report-{language}.html"
            render_report(given, path, read_picture=source.read, language=language)
            drawn = time.perf_counter() - begin
            moments, troubles = opened(browser, path, times=chosen.times)
            found = faults(browser, path)
            print(
                f"| {language} | {path.stat().st_size:,} | {drawn:.1f} | {moments['painted']:.0f} "
                f"| {moments['interactive']:.0f} | {moments['loaded']:.0f} | {'; '.join(troubles) or 'nothing'} "
                f"| {', '.join(f'{kind} ({count})' for kind, count in found.items()) or 'nothing'} |",
                flush=True,
            )
        browser.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
