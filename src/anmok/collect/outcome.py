"""What is made of a collection, or of what a stopped one has: manifest, attribution, and the list of faults."""

from __future__ import annotations

import csv
import html
from collections import Counter
from pathlib import Path
from typing import Any

from anmok.collect.collected import CREDITS_CSV, CREDITS_MD, FAULTS, MANIFEST, Collected
from anmok.collect.plan import Plan
from anmok.collect.sources import get_source
from anmok.collect.state import RIGHT, PictureRow, State
from anmok.collect.topics import flag_off_topic
from anmok.data.cells import guard
from anmok.data.manifest import Manifest, make_table
from anmok.data.names import escape_path
from anmok.data.scancache import Facts
from anmok.i18n import _
from anmok.progress import Progress
from anmok.records import SPLITS
from anmok.storage import atomic_write

_CREDIT_COLUMNS = (
    "path",
    "class",
    "title",
    "author",
    "licence",
    "licence_url",
    "page_url",
    "image_url",
    "source",
    "query",
    "collected_at",
    "right",
)


def write_outcome(plan: Plan, state: State, folder: Path, *, progress: Progress | None, topics: bool) -> Collected:
    """Write manifest, attribution and faults, all from the state; doing it again changes nothing.

    Args:
        topics: look for pictures that are off topic.
    """
    kept = [row for row in state.pictures(states=("kept",)) if (folder / row.path).is_file()]
    kept.sort(key=lambda row: row.path)
    if kept:
        manifest = _manifest(kept, plan, folder)
        (flag_off_topic(manifest, progress) if topics else manifest).save(folder / MANIFEST)
    _write_credits(kept, plan, folder)
    refused = list(state.pictures(states=("refused",)))
    _write_faults(refused, folder)
    counts = Counter(row.label for row in kept)
    return Collected(
        folder=folder,
        manifest=folder / MANIFEST if kept else None,
        kept={one.name: counts[one.name] for one in plan.classes},
        wanted=plan.wanted,
        refused=dict(Counter(row.code for row in refused).most_common()),
        waiting=tuple(
            {"class": row.label, "source": row.source, "query": row.query, "reason": row.reason}
            for row in state.lists()
            if row.state in ("waiting", "stopped")
        ),
    )


def _manifest(kept: list[PictureRow], plan: Plan, folder: Path) -> Manifest:
    facts = [row.facts for row in kept if row.facts is not None]
    columns: dict[str, list[Any]] = {name: [getattr(one, name) for one in facts] for name in Facts._fields}
    columns |= {
        "path": [row.path for row in kept],
        "label": [row.label for row in kept],
        "split": [row.path.split("/")[0] if _has_split(row) else "" for row in kept],
        "source_url": [row.found.image_url for row in kept],
        "page_url": [row.found.page_url for row in kept],
        "author": [row.found.author for row in kept],
        "licence": [_licence_cell(row, plan) for row in kept],
        "collected_at": [row.http.get("at", "") for row in kept],
    }
    notes = [_("Collected from {sources}.").format(sources=", ".join(sorted({row.source for row in kept})))]
    notes += [_right_words(name, words) for name, words in _rights(kept, plan)]
    return Manifest(table=make_table(columns), source=escape_path(folder), name=folder.name, notes=tuple(notes))


def _right(row: PictureRow, plan: Plan) -> str:
    """Return the right by which a picture was fetched; that of the plan where none was kept with it."""
    return str(row.http.get(RIGHT, "") or plan.right.get(row.source, ""))


def _rights(kept: list[PictureRow], plan: Plan) -> list[tuple[str, str]]:
    """Return sources and rights of the kept pictures, each pair once."""
    return sorted({(row.source, _right(row, plan)) for row in kept if _right(row, plan)})


def _right_words(source: str, words: str) -> str:
    return _("{source} was used by this right: {right}").format(source=source, right=words)


def _has_split(row: PictureRow) -> bool:
    return row.path.split("/")[0] in SPLITS and row.path.count("/") == 2


def _licence_cell(row: PictureRow, plan: Plan) -> str:
    """Return the licence and, for a source that may be used by a stated right only, that right."""
    name = row.found.licence.name or _("unknown")
    right = _right(row, plan)
    return f"{name} [{right}]" if right else name


def _write_credits(kept: list[PictureRow], plan: Plan, folder: Path) -> None:
    with atomic_write(folder / CREDITS_CSV, binary=False) as stream:
        stream.write("\ufeff")
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(_CREDIT_COLUMNS)
        for row in kept:
            found = row.found
            cells = (
                row.path,
                row.label,
                found.title,
                found.author,
                found.licence.name,
                found.licence.url,
                found.page_url,
                found.image_url,
                row.source,
                row.query,
                row.http.get("at", ""),
                _right(row, plan),
            )
            writer.writerow([guard(" ".join(cell.split())) for cell in cells])
    with atomic_write(folder / CREDITS_MD, binary=False) as stream:
        stream.write("# " + _("Attribution") + "\n")
        for name in sorted({row.source for row in kept}):
            credit = get_source(name).credit
            if credit:
                stream.write(f"\n{_(credit)}\n")
        for name, words in _rights(kept, plan):
            stream.write(f"\n{_right_words(name, _plain(words))}\n")
        label = ""
        for row in kept:
            if row.label != label:
                label = row.label
                stream.write(f"\n## {_plain(label)}\n\n")
            stream.write(f"- {_credit(row)}\n")


def _credit(row: PictureRow) -> str:
    """Return one line: title, author, licence, file."""
    found = row.found
    title = _link(found.title or row.path.rpartition("/")[2], found.page_url or found.image_url)
    author = _plain(found.author) or _("unknown author")
    licence = _link(found.licence.name or _("no licence was named: all rights reserved"), found.licence.url)
    return _("{title} by {author}, {licence} ({file})").format(
        title=title, author=author, licence=licence, file=f"`{row.path.replace('`', '')}`"
    )


def _plain(text: str) -> str:
    """Return text from outside so that Markdown and HTML leave it alone."""
    text = html.escape(" ".join(text.split())[:300], quote=False)
    return "".join(f"\\{letter}" if letter in "\\`*_[]()#!|" else letter for letter in text)


def _link(text: str, url: str) -> str:
    safe = url.startswith(("http://", "https://")) and not any(letter in url for letter in " ()<>\"'\n\r\t")
    return f"[{_plain(text)}]({url})" if safe else _plain(text)


def _write_faults(refused: list[PictureRow], folder: Path) -> None:
    with atomic_write(folder / FAULTS, binary=False) as stream:
        stream.write("\ufeff")
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(("class", "source", "query", "image_url", "code", "reason"))
        for row in refused:
            cells = (row.label, row.source, row.query, row.found.image_url, row.code, row.reason)
            writer.writerow([guard(" ".join(cell.split())) for cell in cells])
