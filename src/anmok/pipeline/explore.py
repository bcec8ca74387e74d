"""Know the pictures before anything is trained on them: tables, distributions, what stands out, a map; one page."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from anmok.clean.evidence import choose_extractor
from anmok.config import ExploreConfig, Limits
from anmok.data.manifest import Manifest
from anmok.data.manifest_file import quarantine_path
from anmok.data.scan import scan
from anmok.data.thumbs import load_thumbs
from anmok.errors import DataError, SourceNotFound
from anmok.evaluation.stored import read_result, write_result
from anmok.explore.averages import as_text, average_pictures
from anmok.explore.choice import choose_rows, choose_samples
from anmok.explore.distributions import count_classes, count_kinds, measure_all
from anmok.explore.layout import components, in_unit_square, neighbour_layout
from anmok.explore.results import Exploration, PictureMap
from anmok.explore.standouts import find_imbalance, find_stand_outs
from anmok.features.extraction import extract, load_pixels
from anmok.features.extractor import Extractor
from anmok.i18n import _, current_language, use_language
from anmok.pipeline.clock import Clock
from anmok.pipeline.folder import prepare_folder
from anmok.pipeline.picture_table import write_picture_table
from anmok.progress import Progress, SilentProgress
from anmok.report.explore import render_exploration
from anmok.storage import PART

MANIFEST, PAGE, RESULT, TABLE = "manifest.parquet", "explore.html", "explore.json", "pictures.csv"
#: Rises when an old reader could misread a new ``explore.json``.
FORMAT_VERSION = 1
#: Pictures of each class that are shown.
SAMPLES = 6
#: Side of the pictures on the map, pixels: thousands of them go into one file.
MAP_SIDE = 56
#: Stages of an exploration.
STAGES = ("scan", "statistics", "map", "report")


def explore_source(
    source: str | Path,
    out: Path,
    config: ExploreConfig | None = None,
    *,
    progress: Progress | None = None,
    command: str = "",
) -> Exploration:
    """Look at the pictures of ``source`` and leave in ``out`` a page, tables and all values.

    That is ``explore.html``, ``explore.json``, ``pictures.csv`` (a line for each picture) and ``manifest.parquet`` with
    its quarantine file. What an earlier, perhaps interrupted, call has read is not read again.

    Args:
        source: folder, zip, CSV, manifest, or the name of a built-in data set.
        command: the command line to print under "how to reproduce".

    Raises:
        EmptySource, SourceNotFound, UnknownSource: there is nothing to look at.
        DataError: a picture changed since the scan.
        StorageError: ``out`` holds something else, or cannot be written.
    """
    config = config or ExploreConfig()
    progress = progress or SilentProgress()
    prepare_folder(out, is_ours=_is_ours)
    clock = Clock(dict.fromkeys(STAGES, 0.0))
    with clock.stage("scan"):
        manifest = scan(source, limits=config.limits, threads=config.threads, progress=progress)
        # The table first: a folder with a manifest alone is somebody's own (see `_is_ours`).
        write_picture_table(manifest, out / TABLE)
        manifest.save(out / MANIFEST)
    with clock.stage("map"):
        # A network that is made ready for the first time takes much memory for a moment: before all else that does.
        extractor = None if config.map == "none" else choose_extractor(config.vectors, progress)
    with clock.stage("statistics"):
        thumbs = load_thumbs(manifest, limits=config.limits, threads=config.threads, progress=progress)
        found = describe(manifest, thumbs, seed=config.seed)
        del thumbs
    with clock.stage("map"):
        shown = choose_rows(manifest, most=config.sample, seed=config.seed)
        sample = manifest.with_table(manifest.table.iloc[shown])
        if extractor is not None:
            found = replace(found, map=lay_out(sample, manifest.classes, extractor, config, progress))
    found = replace(
        found,
        command=command,
        created=datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
    )
    with clock.stage("report"):
        draw(found, manifest, out / PAGE, limits=config.limits, threads=config.threads, progress=progress)
    found = replace(found, seconds=clock.total())
    # The values come last: who waits for them finds everything else.
    write_result(out / RESULT, "exploration", found, version=FORMAT_VERSION)
    return found


def describe(manifest: Manifest, thumbs: NDArray[np.uint8], *, seed: int) -> Exploration:
    """Return all that is known from the manifest and small pictures; the map comes later.

    Args:
        thumbs: uint8 ``(N, S, S, 3)``, rows in the manifest's order.
    """
    labels = manifest.label_indices()
    counts = count_classes(manifest)
    totals = [(label, sum(of_split[label] for of_split in counts.values())) for label in manifest.classes]
    averages = average_pictures(thumbs, labels, manifest.classes)
    return Exploration(
        source=manifest.name,
        location=manifest.source,
        content_hash=manifest.content_hash,
        classes=manifest.classes,
        counts=counts,
        measured=measure_all(manifest),
        kinds=count_kinds(manifest),
        stand_outs=find_stand_outs(manifest),
        imbalance=find_imbalance(totals),
        samples=choose_samples(manifest, each=SAMPLES, seed=seed),
        averages={label: as_text(picture) for label, picture in averages.items()},
        average_side=thumbs.shape[1],
        map=PictureMap(),
        notes=manifest.notes,
        quarantined=manifest.quarantined,
        ignored=manifest.ignored,
        seed=seed,
    )


def lay_out(
    sample: Manifest, classes: Sequence[str], extractor: Extractor, config: ExploreConfig, progress: Progress
) -> PictureMap:
    """Return the map of a sample of pictures.

    Args:
        extractor: what makes the vectors that are laid out.
        sample: the pictures of the map.
        classes: of the whole manifest, by whose places labels are numbered.
    """
    vectors = extract(sample, extractor, limits=config.limits, threads=config.threads, progress=progress)
    with progress.task(_("Laying out the map"), 2, unit=_("steps")) as task:
        placed, explained = components(vectors, seed=config.seed)
        task.advance()
        near = in_unit_square(neighbour_layout(placed, seed=config.seed)) if config.map == "tsne" else ()
        task.advance()
    table = sample.table
    numbers = {label: number for number, label in enumerate(classes)}
    return PictureMap(
        method=config.map,
        extractor=extractor.name,
        paths=tuple(table["path"].tolist()),
        labels=tuple(numbers[label] for label in table["label"]),
        splits=tuple(table["split"].tolist()),
        ratios=tuple((table["width"] / table["height"]).round(3).tolist()),
        components=in_unit_square(placed[:, :2]),
        explained=explained,
        neighbours=near,
    )


def draw(
    found: Exploration,
    manifest: Manifest,
    page: Path,
    *,
    limits: Limits = Limits(),  # noqa: B008
    threads: int = 0,
    progress: Progress | None = None,
) -> Path:
    """Draw the page of ``found`` in the language of the moment, with pictures from the source."""
    row_of = {path: row for row, path in enumerate(manifest.table["path"])}
    table = manifest.table.iloc[[row_of[path] for path in found.map.paths]]
    pixels = None
    if len(table):
        sample = manifest.with_table(table)
        pixels = load_pixels(sample, MAP_SIDE, "squash", limits=limits, threads=threads, progress=progress)
    progress = progress or SilentProgress()
    samples = sum(map(len, found.samples.values()))
    with (
        manifest.open_source(limits=limits) as source,
        progress.task(_("Drawing the page"), samples, unit=_("pictures")) as task,
    ):

        def read(path: str) -> bytes:
            task.advance()
            return source.read(path)

        return render_exploration(found, page, read_picture=read, map_pixels=pixels, language=current_language())


def read_exploration(folder: Path) -> Exploration:
    """Read what ``explore_source`` left in ``folder``.

    Raises:
        StorageError: ``explore.json`` is not there, is damaged, or was written by a newer Anmok.
    """
    return read_result(Exploration, folder / RESULT, "exploration", version=FORMAT_VERSION)


def redraw(folder: Path, out: Path | None = None, *, language: str, progress: Progress | None = None) -> Path:
    """Draw the page in ``folder`` again from its values; nothing is computed anew.

    Where the pictures are not there any more, the page is drawn without them, and ``progress`` is told.

    Args:
        out: the file to write; ``explore.html`` in the folder if not given.

    Raises:
        StorageError: the values cannot be read.
    """
    found, manifest, page = read_exploration(folder), Manifest.load(folder / MANIFEST), out or folder / PAGE
    with use_language(language):
        try:
            return draw(found, manifest, page, progress=progress)
        except (SourceNotFound, DataError) as error:
            text = _("The page has no pictures: {reason}").format(reason=error.message)
            (progress or SilentProgress()).say(text)
            return render_exploration(found, page, read_picture=None, map_pixels=None, language=language)


def _is_ours(folder: Path) -> bool:
    ours = {MANIFEST, quarantine_path(Path(MANIFEST)).name, PAGE, RESULT, TABLE}
    names = {path.name for path in folder.iterdir()}
    if RESULT in names:
        return True
    # What a run leaves that was killed: its first files, and nothing else.
    begun = all(name in ours or PART.search(name) for name in names)
    return begun and (TABLE in names or not names & ours)
