"""Pictures explained, the whole way: the answers, a PNG of each heat map, one page."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from anmok.config import Limits
from anmok.i18n import _, current_language
from anmok.inference.explain import Explainer, Explanation
from anmok.inference.heat_mapper import Method
from anmok.inference.inputs import Inputs
from anmok.pipeline.folder import holds_results, prepare_folder
from anmok.progress import Progress, SilentProgress
from anmok.records import PredictionFailure
from anmok.report.explain import render_explanations
from anmok.storage import write_bytes, write_json

#: Pictures that are explained where nobody says how many: what one looks through, and a page of a few megabytes.
MOST = 50
PAGE, MAPS, VALUES = "explain.html", "heat-maps", "explain.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Explained:
    """What was explained, and where it lies.

    Attributes:
        page: the HTML file. pictures: the PNG of each explanation, in the order of ``answers`` without failures.
        answers: one for each picture.
        left_out: pictures that were given beyond the limit.
    """

    page: Path
    pictures: tuple[Path, ...]
    answers: tuple[Explanation | PredictionFailure, ...]
    left_out: int

    def to_json(self) -> list[dict[str, Any]]:
        """Return plain values, one for each picture: those of ``anmok predict --json``, and ``heat_map``."""
        files = iter(self.pictures)
        return [
            answer.to_json()
            if isinstance(answer, PredictionFailure)
            else {**answer.prediction.to_json(), "heat_map": _map_to_json(answer, next(files))}
            for answer in self.answers
        ]


def explain_pictures(
    bundle: Path,
    places: Sequence[str],
    out: Path,
    *,
    label: str | None = None,
    method: Method = "auto",
    most: int = MOST,
    top_k: int = 3,
    threads: int = 0,
    progress: Progress | None = None,
    command: str = "",
) -> Explained:
    """Explain pictures and write ``explain.html``, ``explain.json`` and ``heat-maps/*.png`` into a folder.

    Args:
        places: pictures, folders, zips.
        out: the folder, empty or with an earlier result; the pictures themselves are never written to.
        label: the class to look for; None takes each picture's most probable one.
        most: pictures at most, in the order of the places.
        top_k: classes named for each picture.
        command: the command line that makes the same again, for the page.

    Raises:
        UnknownName, UsageError, BundleError, StorageError and those of opening the places.
    """
    progress = progress or SilentProgress()
    prepare_folder(out, is_ours=lambda folder: holds_results(folder, VALUES, PAGE, MAPS))
    explainer = Explainer.open(bundle, threads=threads)
    with Inputs(places, limits=Limits()) as inputs:
        items = inputs.items[:most]
        # Of a single picture one sees how far it is covered; of several, how many are finished.
        inner = progress if len(items) == 1 else None
        stream = explainer.explain_items(items, label=label, method=method, top_k=top_k, progress=inner)
        answers = tuple(_counted(stream, len(items), progress))
        left_out = len(inputs.items) - len(items)
    files = []
    for number, answer in enumerate(answers, start=1):
        if isinstance(answer, Explanation):
            files.append(out / MAPS / _file_name(number, answer))
            write_bytes(files[-1], answer.to_png())
    page = render_explanations(
        answers,
        out / PAGE,
        bundle=explainer.mapper.info.name,
        left_out=left_out,
        language=current_language(),
        command=command,
    )
    found = Explained(page=page, pictures=tuple(files), answers=answers, left_out=left_out)
    write_json(out / VALUES, {"explained": found.to_json()})
    return found


def _counted(
    answers: Iterator[Explanation | PredictionFailure], total: int, progress: Progress
) -> Iterator[Explanation | PredictionFailure]:
    with progress.task(_("Explaining"), total, unit=_("pictures")) as task:
        for answer in answers:
            yield answer
            task.advance()


def _file_name(number: int, answer: Explanation) -> str:
    """Return a name that no two pictures share and that every file system takes."""
    stem = re.sub(r"[^\w.-]+", "-", Path(answer.prediction.path).stem).strip("-.")
    return f"{number:04}-{stem[:60] or 'picture'}.png"


def _map_to_json(answer: Explanation, file: Path) -> dict[str, Any]:
    strongest = answer.heat_map.strongest
    return {
        "class": answer.heat_map.label,
        "method": answer.heat_map.method,
        "peak": round(answer.heat_map.peak, 6),
        "strongest": None if strongest is None else {"x": round(strongest[0], 4), "y": round(strongest[1], 4)},
        "file": str(file),
    }
