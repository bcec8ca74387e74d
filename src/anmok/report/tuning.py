"""The page of a search: what was won, how it went, what each setting did. Nothing is computed here but places."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from anmok.i18n import _, use_language
from anmok.report import words
from anmok.report.page import render_page
from anmok.tuning.results import TrialResult, Tuning, Varied

#: The frame of a drawing, in its own units.
WIDTH, HEIGHT = 300.0, 130.0


@dataclass(frozen=True, slots=True)
class Point:
    """One trial in a drawing: where it stands, how it ended (a style class), and what a pointer is told."""

    x: float
    y: float
    style: str
    text: str


@dataclass(frozen=True, slots=True)
class Drawing:
    """Points above an axis, perhaps with a line through the best so far.

    Attributes:
        title: what lies along the axis. ends: its first and last value, or all choices.
        line: points of a polyline, as SVG takes them.
        share: importance of the setting in per cent, or "".
    """

    title: str
    points: tuple[Point, ...]
    ends: tuple[str, ...]
    line: str = ""
    share: str = ""


@dataclass(frozen=True, slots=True)
class Row:
    """One trial in the table; cells follow the varied settings."""

    trial: TrialResult
    cells: tuple[str, ...]
    loss: str
    accuracy: str
    epochs: str
    time: str
    ended: str
    best: bool


def render_tuning(tuning: Tuning, path: Path, *, language: str) -> Path:
    """Draw a search as a self-contained HTML file and return its path.

    Args:
        path: the file to write; it appears whole or not at all.
        language: ``"en"`` or ``"ko"``.

    Raises:
        StorageError: the file could not be written.
    """
    with use_language(language):
        values = _values(tuning)
    return render_page("tune.html", path, language=language, values=values, styles=("tune.css",))


def _values(tuning: Tuning) -> dict[str, object]:
    scale = _Scale.of(tuning)
    ordered = sorted(tuning.varied, key=lambda varied: -varied.importance if math.isfinite(varied.importance) else 0.0)
    return {
        "tuning": tuning,
        "won": won(tuning),
        "against": against(tuning),
        "columns": [varied.setting for varied in tuning.varied],
        "usual": [_text(varied.usual) for varied in tuning.varied],
        "rows": table_rows(tuning),
        "progress": _progress(tuning, scale),
        "settings": [_of_setting(tuning, varied, scale) for varied in ordered],
        "low": words.decimal(scale.low),
        "high": words.decimal(scale.high),
        "any_share": any(math.isfinite(varied.importance) for varied in tuning.varied),
    }


@dataclass(frozen=True, slots=True)
class _Scale:
    """Losses as heights; what lies above ``high`` stands at the upper edge."""

    low: float
    high: float

    @classmethod
    def of(cls, tuning: Tuning) -> _Scale:
        complete = sorted(trial.loss for trial in tuning.trials if trial.state == "complete")
        if not complete:
            return cls(0.0, 1.0)
        # A few hopeless trials must not press all others together.
        typical = complete[min(len(complete) - 1, math.ceil(len(complete) * 0.8))]
        spread = max(typical - complete[0], 0.05 * complete[0], 1e-6)
        return cls(max(0.0, complete[0] - 0.1 * spread), typical + 0.1 * spread)

    def height(self, loss: float) -> float:
        share = (loss - self.low) / (self.high - self.low) if math.isfinite(loss) else 1.0
        return round(HEIGHT * (1 - min(1.0, max(0.0, share))), 2)


def won(tuning: Tuning) -> str:
    """Return in a sentence what the search found."""
    winner = tuning.winner
    if winner is None:
        return _("No trial came to its end.")
    return _(
        "Trial {number} of {count} is the best: {accuracy}% of the validation pictures right, loss {loss}."
    ).format(
        number=winner.number,
        count=len(tuning.trials),
        loss=words.decimal(winner.loss),
        accuracy=words.percent(winner.accuracy),
    )


def against(tuning: Tuning) -> str:
    """Return in a sentence how the recipe's own settings did, which were tried first; "" where nothing can be said."""
    first = tuning.trials[0] if tuning.trials else None
    if first is None or first.state != "complete":
        return ""
    if first.number == tuning.best:
        return _("These are the recipe's own settings: the search found none that are better.")
    return _("The recipe's own settings: {accuracy}% right, loss {loss}.").format(
        loss=words.decimal(first.loss), accuracy=words.percent(first.accuracy)
    )


def table_rows(tuning: Tuning) -> list[Row]:
    """Return all trials, the best first; those that were stopped after those that went to the end."""
    return [_row(tuning, trial) for trial in sorted(tuning.trials, key=_rank)]


def _rank(trial: TrialResult) -> tuple[int, float, int]:
    order = {"complete": 0, "pruned": 1, "broken": 2}
    return order[trial.state], trial.loss if math.isfinite(trial.loss) else math.inf, trial.number


def _row(tuning: Tuning, trial: TrialResult) -> Row:
    ended = {
        "complete": _("to the end"),
        "pruned": _("stopped: others were better by then"),
        "broken": _("could not be trained"),
    }
    return Row(
        trial=trial,
        cells=tuple(_text(trial.settings.get(varied.setting, "–")) for varied in tuning.varied),
        loss=words.decimal(trial.loss),
        accuracy=words.percent(trial.accuracy),
        epochs=str(len(trial.losses)) if trial.losses else words.MISSING,
        time=words.duration(trial.seconds),
        ended=trial.reason or ended[trial.state],
        best=trial.number == tuning.best,
    )


def _text(value: Any) -> str:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
    return str(value) if isinstance(value, int) else words.decimal(value)


def _told(trial: TrialResult) -> str:
    settings = ", ".join(f"{name} {_text(value)}" for name, value in trial.settings.items())
    return f"{trial.number}: {words.decimal(trial.loss)} ({settings})"


def _style(tuning: Tuning, trial: TrialResult) -> str:
    return "best" if trial.number == tuning.best else trial.state


def _progress(tuning: Tuning, scale: _Scale) -> Drawing:
    count = max(1, len(tuning.trials))
    points, line, best = [], [], math.inf
    for place, trial in enumerate(tuning.trials):
        x = round(WIDTH * (place + 0.5) / count, 2)
        points.append(Point(x, scale.height(trial.loss), _style(tuning, trial), _told(trial)))
        if trial.state == "complete":
            if math.isfinite(best):
                line.append(f"{x},{scale.height(best)}")
            best = min(best, trial.loss)
            line.append(f"{x},{scale.height(best)}")
    if line:
        line.append(f"{WIDTH},{scale.height(best)}")
    return Drawing(_("Trial"), tuple(points), ("1", str(len(tuning.trials))), " ".join(line))


def _of_setting(tuning: Tuning, varied: Varied, scale: _Scale) -> Drawing:
    points = tuple(
        Point(
            round(WIDTH * _place(varied, trial.settings[varied.setting]), 2),
            scale.height(trial.loss),
            _style(tuning, trial),
            _told(trial),
        )
        for trial in tuning.trials
        if varied.setting in trial.settings
    )
    ends = tuple(map(_text, varied.choices)) or (words.decimal(varied.low), words.decimal(varied.high))
    share = words.percent(varied.importance) if math.isfinite(varied.importance) else ""
    return Drawing(varied.setting, points, ends, share=share)


def _place(varied: Varied, value: Any) -> float:
    """Return where a value stands, 0-1 of the width."""
    if varied.choices:
        places = [_text(choice) for choice in varied.choices]
        return (places.index(_text(value)) + 0.5) / len(places)
    low, high, at = ((math.log(v) if varied.log else v) for v in (varied.low, varied.high, float(value)))
    # Trials at the very ends of a range are drawn whole.
    return 0.02 + 0.96 * (at - low) / (high - low)
