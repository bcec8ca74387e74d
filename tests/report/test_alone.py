"""The report of a single training is told as one: nothing is compared and nothing recommended."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from anmok.report.html import render_report
from report.comparisons import comparison


def test_the_report_of_one_model_recommends_nothing(tmp_path: Path) -> None:
    several = comparison()
    best = next(model for model in several.models if model.name == several.best)
    alone = replace(several, models=(best,), left_out=())
    pages = [
        render_report(made, tmp_path / f"{number}.html", read_picture=None, language="en").read_text(encoding="utf-8")
        for number, made in enumerate((alone, several))
    ]
    for words in (
        "Recommended model",
        "The models side by side",
        "comparison again",
        "comparison report",
        ">recommended<",
    ):
        assert words not in pages[0]
        assert words in pages[1]
    assert "Anmok training report" in pages[0]
