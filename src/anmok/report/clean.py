"""The review page: every finding with its picture and a tick box; saves ``findings.csv`` from the browser."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from anmok.clean.decisions import UNREADABLE, Decision
from anmok.clean.findings_file import COLUMNS, cells
from anmok.clean.outcome import CheckOutcome, Outcome, usual_action
from anmok.clean.registry import Check, all_checks
from anmok.data.cells import unguard
from anmok.data.names import unescape_path
from anmok.i18n import _, ngettext, use_language
from anmok.records import ACTIONS
from anmok.report import clean_words, words
from anmok.report.clean_plots import Bars, bars
from anmok.report.clean_topics import Topics, topics
from anmok.report.names import exact
from anmok.report.page import data_block, render_page
from anmok.report.pictures import Thumbnail, Thumbnails

#: Characters that all thumbnails may take together; rows of text take the rest of what can be mailed.
BUDGET = 9_000_000
#: Findings of one check that are shown with their pictures; the others are rows of text.
MOST_PICTURED = 120
#: Rows that a page holds; more are decided in ``findings.csv`` itself.
MOST_ROWS = 20_000
SIDE = 160
#: Per cent; from which certainty on the page offers to tick many at once.
SURE = 95


@dataclass(frozen=True, slots=True)
class Card:
    """One finding with its picture. ``row`` is its place in the data of the page."""

    row: int
    decision: Decision
    certainty: str
    picture: Thumbnail
    other: Thumbnail | None


@dataclass(frozen=True, slots=True)
class Section:
    """One check that found something.

    Attributes:
        name, title, about: of the check. anchor: of the section.
        count: flagged pictures, in words. action: what is usually proposed, in words.
        flagged: the same as a number. surest: the greatest certainty, per cent. top: the same, 0-1.
        seconds: that the check took. took: the same as a number.
        least: per cent, the certainty of the least sure finding. begin: where the slider stands at first.
        cards: the surest findings, with pictures. rest: how many more the page holds as rows of text.
        learnt: names and values of thresholds that no histogram shows.
        bars: histograms. topics: clusters of the off-topic check.
    """

    name: str
    title: str
    about: str
    anchor: str
    count: str
    flagged: int
    action: str
    surest: str
    top: float
    seconds: str
    took: float
    least: int
    begin: int
    cards: tuple[Card, ...]
    rest: int
    learnt: tuple[tuple[str, str], ...]
    bars: tuple[Bars, ...]
    topics: Topics | None


def render_review(outcome: Outcome, path: Path, *, read_picture: Callable[[str], bytes] | None, language: str) -> Path:
    """Draw the review page and return its path.

    Args:
        outcome: with sentences in ``language`` (``outcome.retell``).
        path: the file to write; it appears whole or not at all.
        read_picture: gives the bytes of a picture by its path; None where the source is not at hand.
        language: ``"en"`` or ``"ko"``.

    Raises:
        StorageError: the file could not be written.
    """
    with use_language(language):
        values = _values(outcome, read_picture)
    return render_page(
        "clean.html", path, language=language, values=values, scripts=["review.js"], styles=["clean.css"]
    )


def _values(outcome: Outcome, read_picture: Callable[[str], bytes] | None) -> dict[str, object]:
    rows = _on_page(outcome)
    checks = {check.name: check for check in all_checks()}
    # Kinds of pictures are shown also where none was called off topic: the reader may see it otherwise.
    found = [done for done in outcome.checks if done.check in checks and (done.flagged or "clusters" in done.about)]
    budget = BUDGET // max(1, len(found))
    sections = tuple(
        _section(
            outcome,
            checks[done.check],
            done,
            [(place, row) for place, row in enumerate(rows) if row.found and row.finding.check == done.check],
            Thumbnails(read_picture, budget=budget),
        )
        for done in found
    )
    earlier = sum(not row.found for row in rows)
    left = len([row for row in outcome.decisions if row.finding.check != UNREADABLE]) - len(rows)
    return {
        "outcome": outcome,
        "sections": sections,
        "silent": tuple(_(checks[done.check].title) for done in outcome.checks if done not in found),
        "unreadable": tuple(row.finding for row in outcome.decisions if row.finding.check == UNREADABLE),
        "earlier": earlier,
        "left": left,
        "total": len(rows),
        "seconds": words.duration(outcome.seconds),
        "created": words.moment(outcome.created),
        "command": exact(command(outcome)),
        "actions": tuple((action, clean_words.action(action)) for action in ACTIONS),
        "data": data_block("review-data", _data(outcome, rows)),
    }


def command(outcome: Outcome) -> str:
    """Return the command that applies the file which the page saves."""
    folder = unescape_path(outcome.folder) if outcome.folder else None
    source = str(folder / "manifest.parquet") if folder else str(unescape_path(outcome.location))
    made = str(folder / "cleaned.parquet") if folder else "cleaned.parquet"
    return shlex.join(["anmok", "clean", source, "--apply", "findings.csv", "-o", made])


def _on_page(outcome: Outcome) -> list[Decision]:
    """Return the rows that the page holds: of each check the surest, and never what the scan has left out already."""
    rows = [row for row in outcome.decisions if row.finding.check != UNREADABLE]
    if len(rows) <= MOST_ROWS:
        return rows
    decided = [row for row in rows if row.accept or not row.found]
    each = max(0, MOST_ROWS - len(decided)) // max(1, len(outcome.checks))
    taken: dict[str, int] = {}
    kept = []
    for row in rows:
        taken[row.finding.check] = taken.get(row.finding.check, 0) + 1
        if row.accept or not row.found or taken[row.finding.check] <= each:
            kept.append(row)
    return kept


def _section(
    outcome: Outcome, check: Check, done: CheckOutcome, rows: Sequence[tuple[int, Decision]], thumbnails: Thumbnails
) -> Section:
    shown = topics(outcome, done, thumbnails)
    cards = _cards(rows, thumbnails)
    certainties = [row.certainty for _place, row in rows] or [0.0]
    return Section(
        name=check.name,
        title=_capital(_(check.title)),
        about=_(check.about),
        anchor=f"check-{check.name}",
        count=ngettext("{count} picture", "{count} pictures", done.flagged).format(count=words.count(done.flagged)),
        flagged=done.flagged,
        action=clean_words.action(usual_action(check.name)),
        surest=words.percent(max(certainties)),
        top=max(certainties),
        seconds=words.duration(done.seconds),
        took=round(done.seconds, 3),
        least=int(100 * min(certainties)),
        begin=SURE if max(certainties) >= SURE / 100 else int(100 * min(certainties)),
        cards=cards,
        rest=len(rows) - len(cards),
        learnt=_learnt(done),
        bars=tuple(bars(histogram) for histogram in done.histograms),
        topics=shown,
    )


def _learnt(done: CheckOutcome) -> tuple[tuple[str, str], ...]:
    drawn = {threshold for histogram in done.histograms for threshold in histogram.thresholds}
    return tuple(
        (clean_words.measure(name), words.decimal(value))
        for name, value in done.thresholds.items()
        if value not in drawn
    )


def _cards(rows: Sequence[tuple[int, Decision]], thumbnails: Thumbnails) -> tuple[Card, ...]:
    """Return findings with their pictures until the budget or the most that one looks at is reached."""
    cards: list[Card] = []
    for place, row in rows[:MOST_PICTURED]:
        picture = thumbnails.of(row.finding.path, SIDE)
        other = thumbnails.of(row.finding.other, SIDE) if row.finding.other else None
        if "budget" in (picture.trouble, other.trouble if other else ""):
            break
        cards.append(Card(place, row, words.percent(row.certainty), picture, other))
    return tuple(cards)


def _data(outcome: Outcome, rows: Sequence[Decision]) -> dict[str, object]:
    """Return what the script reads. The cells are unguarded: the script guards what it saves."""
    return {
        "key": outcome.content_hash[:16] + outcome.folder,
        "columns": COLUMNS,
        "rows": [[unguard(cell) for cell in cells(row)] for row in rows],
        "found": [int(row.found) for row in rows],
        "texts": clean_words.for_script(),
        "actions": {action: clean_words.action(action) for action in ACTIONS},
    }


def _capital(title: str) -> str:
    return title[:1].upper() + title[1:]
