"""Augmentation to be looked at: one picture, drawn in variants by each policy, as a page and a sheet."""

from __future__ import annotations

import hashlib
import importlib.util
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from anmok.config import Limits
from anmok.data.folders import FileSource
from anmok.data.manifest import Manifest
from anmok.data.names import escape
from anmok.data.readers import read_listing
from anmok.data.source import Entry, Source
from anmok.data.sources import open_source
from anmok.errors import EmptySource, MissingExtra, PictureError, UsageError
from anmok.i18n import _, current_language
from anmok.images import Decoded, decode
from anmok.pipeline.folder import prepare_folder
from anmok.progress import Progress, SilentProgress
from anmok.records import TRAIN
from anmok.storage import write_json

if TYPE_CHECKING:
    from anmok.training.augmentation.preview import Preview

PAGE, SHEET, RESULT = "augment.html", "augment.png", "augment.json"
#: Rises when an old reader could misread a new ``augment.json``.
FORMAT_VERSION = 1
#: Pictures that are tried where none is named, before the source is given up.
TRIED = 20


@dataclass(frozen=True)
class AugmentPreview:
    """What a preview left.

    Attributes:
        page, sheet: the HTML page and the PNG with all pictures.
        preview: the pictures themselves.
    """

    page: Path
    sheet: Path
    preview: Preview

    def to_json(self) -> dict[str, Any]:
        """Return the fixed JSON form of ``anmok augment --preview --json``."""
        found = self.preview
        return {
            "format_version": FORMAT_VERSION,
            "page": str(self.page),
            "sheet": str(self.sheet),
            "picture": found.picture,
            "width": found.width,
            "height": found.height,
            "size": found.size,
            "resize": found.rule,
            "seed": found.seed,
            "policies": [{"policy": row.policy, "variants": len(row.variants)} for row in found.rows],
        }


def augment_preview(
    source: str | Path,
    out: Path,
    *,
    policies: Sequence[str] = (),
    picture: str = "",
    recipe: str | Path = "",
    count: int = 8,
    seed: int = 0,
    limits: Limits = Limits(),  # noqa: B008
    progress: Progress | None = None,
    command: str = "",
) -> AugmentPreview:
    """Draw one picture of a source in ``count`` variants by each policy, and leave a page and a sheet in ``out``.

    Args:
        source: folder, zip, CSV, manifest, name of a built-in data set, or one picture.
        policies: names; empty: that of the recipe if one is named that changes anything, else all but ``none``.
        picture: its path in the source; empty: the first training picture that can be read.
        recipe: name or TOML file; its size, resize rule and backbone are shown.
        command: the command line to print under "how to reproduce".

    Raises:
        UsageError: ``count`` is below 1, or the picture is not in the source.
        UnknownName: there is no such policy or recipe.
        PictureError: the picture that was named cannot be read.
        EmptySource: the source holds no picture that can be read.
        MissingExtra: PyTorch is not installed.
        StorageError: ``out`` holds something else, or cannot be written.
    """
    require_torch()
    from anmok.models.recipes import get_recipe
    from anmok.report.augment import render_preview, write_sheet
    from anmok.training.augmentation.preview import preview

    if count < 1:
        raise UsageError(_("{count} variants are asked for; at least 1 is wanted.").format(count=count))
    progress = progress or SilentProgress()
    chosen = get_recipe(recipe) if recipe else None
    names = tuple(dict.fromkeys(policies)) or _proposed(chosen.augmentation if chosen else "none")
    prepare_folder(out, is_ours=lambda folder: (folder / RESULT).is_file())
    name, data, decoded = find_picture(source, picture, limits=limits, progress=progress)
    key = hashlib.sha256(data).hexdigest()
    found = preview(name, decoded.pixels, key=key, policies=names, count=count, recipe=chosen, seed=seed)
    made = AugmentPreview(out / PAGE, out / SHEET, found)
    # First, so that the folder is known as ours whatever happens next.
    write_json(out / RESULT, made.to_json())
    write_sheet(found, made.sheet)
    render_preview(found, made.page, language=current_language(), command=command)
    return made


def require_torch() -> None:
    """Raise ``MissingExtra`` where PyTorch is not installed."""
    if importlib.util.find_spec("torch") is None:
        raise MissingExtra(
            _("Augmented pictures are drawn by PyTorch, which is not installed."),
            hint=_("Install it with: pip install 'anmok[train]'"),
        )


def _proposed(policy: str) -> tuple[str, ...]:
    from anmok.training.augmentation import policy_names

    return (policy,) if policy != "none" else tuple(name for name in policy_names() if name != "none")


def find_picture(source: str | Path, picture: str, *, limits: Limits, progress: Progress) -> tuple[str, bytes, Decoded]:
    """Return the name, the bytes and the pixels of the picture that was named, or of the first that can be read."""
    with _pictures_of(source, limits, progress) as (opened, paths):
        if picture:
            if picture not in paths:
                raise UsageError(
                    _("There is no picture {picture} in {source}.").format(picture=escape(picture), source=opened.name),
                    hint=_("Name it as it lies in the source, for example --picture {example}.").format(
                        example=paths[0] if paths else "cats/1.jpg"
                    ),
                )
            data = opened.read(picture)
            return picture, data, decode(data, name=picture, limits=limits)
        for path in paths[:TRIED]:
            try:
                data = opened.read(path)
                return path, data, decode(data, name=path, limits=limits)
            except PictureError as error:
                progress.say(error.message)
        raise EmptySource(
            _("There is no picture in {places}.").format(places=opened.name),
            hint=_("Pictures are JPEG, PNG, WebP, GIF, BMP, TIFF, HEIC or AVIF files."),
        )


@contextmanager
def _pictures_of(source: str | Path, limits: Limits, progress: Progress) -> Iterator[tuple[Source, list[str]]]:
    """Open a source and list the paths of its pictures, those to learn from first; nothing is decoded."""
    path = Path(source)
    if path.suffix.lower() == ".parquet" and path.is_file():
        manifest = Manifest.load(path)
        table = manifest.table
        order = (table["split"] != TRAIN).to_numpy().argsort(kind="stable")
        with manifest.open_source(limits=limits) as opened:
            yield opened, table["path"].iloc[order].tolist()
        return
    with open_source(source, limits=limits, progress=progress) as opened:
        if isinstance(opened, FileSource):  # one picture, which needs no label here
            yield opened, [entry.path for entry in opened.entries() if isinstance(entry, Entry)]
            return
        items = read_listing(opened).items
        learned = [item.path for item in items if item.split == TRAIN]
        yield opened, learned + [item.path for item in items if item.split != TRAIN]
