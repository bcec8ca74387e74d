"""A folder with augmented copies of the training pictures beside them, for whoever wants files and not a recipe."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from anmok.config import Limits, SplitConfig
from anmok.data.balance_plan import copies_wanted
from anmok.data.manifest import Manifest
from anmok.data.scan import scan
from anmok.data.split import assign_splits
from anmok.errors import DataError, UsageError
from anmok.i18n import _
from anmok.pipeline.balance import together
from anmok.pipeline.folder import begin_folder, keep_apart, prepare_folder
from anmok.pipeline.variant_folder import Drawing, write_folder
from anmok.progress import Progress, SilentProgress
from anmok.records import TRAIN
from anmok.storage import write_json

MANIFEST, RESULT = "manifest.parquet", "augmented.json"
#: Rises when an old reader could misread a new ``augmented.json``.
FORMAT_VERSION = 1


@dataclass(frozen=True)
class Augmented:
    """What was written.

    Attributes:
        path: of the manifest.
        manifest: originals, then copies.
        originals, added: pictures to learn from that were there, and that were drawn.
        notes: what is to be told of it, in sentences.
    """

    path: Path
    manifest: Manifest
    originals: int
    added: int
    notes: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        """Return the fixed JSON form of ``anmok augment --json``."""
        return {
            "format_version": FORMAT_VERSION,
            "manifest": str(self.path),
            "pictures": len(self.manifest),
            "train_before": self.originals,
            "added": self.added,
            "content_hash": self.manifest.content_hash,
            "notes": list(self.notes),
        }


def augment_source(
    source: str | Path,
    out: Path,
    *,
    policy: str,
    copies: int = 1,
    split: SplitConfig = SplitConfig(),  # noqa: B008
    seed: int = 0,
    limits: Limits = Limits(),  # noqa: B008
    threads: int = 0,
    progress: Progress | None = None,
) -> Augmented:
    """Make the folder ``out`` of all pictures (hard links where that is possible) and ``copies`` of each to learn from.

    Valid and test pictures get none, and no original is touched. A source without splits is split first, as ``compare``
    would do. Of equal files one is copied. The same call goes on where it was interrupted; see ``write_folder``.

    Args:
        source: folder, zip, CSV, manifest, or the name of a built-in data set.
        policy: the augmentation.
        copies: of each training picture, at least 1.

    Raises:
        UsageError: ``copies`` is below 1, the policy changes nothing, or ``out`` does not fit the source.
        UnknownName: there is no such policy.
        DataError: there is no training picture, or an original has changed.
        MissingExtra: PyTorch is not installed.
        StorageError: ``out`` is somebody's folder, was made with other settings, or the disk is too small.
    """
    if copies < 1:
        raise UsageError(_("{count} copies are asked for; at least 1 is wanted.").format(count=copies))
    progress = progress or SilentProgress()
    prepare_folder(out, is_ours=lambda folder: (folder / RESULT).is_file())
    before = scan(source, limits=limits, threads=threads, progress=progress)
    keep_apart(source, out / MANIFEST, before, out)
    before = assign_splits(together(before, limits, threads, progress), split)
    originals = int((before.table["split"] == TRAIN).sum())
    if not originals:
        raise DataError(
            _("No picture stands in the split {split}, so there is nothing to augment.").format(split=TRAIN),
            hint=_("Copies are drawn of training pictures alone: valid and test must stay as the world is."),
        )
    settings = {"content_hash": before.content_hash, "policy": policy, "copies": copies, "seed": seed}
    after = write_folder(
        before,
        out,
        lambda: copies_wanted(before, copies),
        Drawing(policy=policy, seed=seed, limits=limits, threads=threads),
        progress=progress,
        begin=lambda: begin_folder(out / RESULT, settings),
    )
    after.save(out / MANIFEST)
    done = Augmented(out / MANIFEST, after, originals, len(after) - len(before), after.notes)
    write_json(out / RESULT, done.to_json() | {"settings": settings})
    return done
