"""Balance: pictures in; a manifest without the surplus, or a new folder with augmented pictures, out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from anmok.clean.near_groups import with_groups
from anmok.config import BalanceConfig, BalanceRule, Limits, to_json
from anmok.data.balance import ClassChange, training_sizes, undersample
from anmok.data.balance_plan import variants_wanted
from anmok.data.manifest import Manifest
from anmok.data.scan import scan
from anmok.data.split import assign_splits
from anmok.errors import UsageError
from anmok.i18n import _
from anmok.pipeline.folder import begin_folder, keep_apart, prepare_folder, prepare_manifest
from anmok.pipeline.variant_folder import Drawing, write_folder
from anmok.progress import Progress, SilentProgress
from anmok.records import TEST, VALID
from anmok.storage import write_json

MANIFEST, RESULT = "manifest.parquet", "balance.json"
#: Rises when an old reader could misread a new ``balance.json``.
FORMAT_VERSION = 1


@dataclass(frozen=True)
class Balance:
    """What balancing did.

    Attributes:
        path: of the manifest that was written.
        manifest: its content.
        changes: one for each class, in the order of the classes; training pictures only.
        notes: what is to be told of it, in sentences.
    """

    path: Path
    manifest: Manifest
    changes: tuple[ClassChange, ...]
    notes: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        """Return the fixed JSON form of ``anmok balance --json``."""
        rows = [
            {"class": row.label, "before": row.before, "removed": row.removed, "added": row.added, "after": row.after}
            for row in self.changes
        ]
        return {
            "format_version": FORMAT_VERSION,
            "manifest": str(self.path),
            "pictures": len(self.manifest),
            "content_hash": self.manifest.content_hash,
            "ratio_before": ratio([row.before for row in self.changes]),
            "ratio_after": ratio([row.after for row in self.changes]),
            "classes": rows,
            "notes": list(self.notes),
        }


def ratio(sizes: Sequence[int]) -> float:
    """Return the size of the largest class over that of the smallest; classes without pictures do not count."""
    there = [size for size in sizes if size]
    return max(there) / min(there) if there else 1.0


def balance_source(
    source: str | Path, out: Path, config: BalanceConfig, *, progress: Progress | None = None
) -> Balance:
    """Make the classes to learn from more equal. No original is touched; valid and test stay as they are.

    A source without splits is split first, as ``compare`` would do (near copies stay together), and the manifest
    carries the split (but with ``config.whole``). Undersampling writes ``out`` where that ends in ``.parquet``, else
    ``out/manifest.parquet``.
    Oversampling makes the folder ``out`` of all pictures (hard links where that is possible) and of augmented ones,
    see ``write_folder``; the same call goes on where it was interrupted.

    Args:
        source: folder, zip, CSV, manifest, or the name of a built-in data set.

    Raises:
        UsageError: the rules do not fit the classes, or ``out`` the source.
        MissingExtra: augmentation needs PyTorch.
        StorageError: ``out`` is somebody's folder, was made with other settings, or the disk is too small.
    """
    progress = progress or SilentProgress()
    single = out.suffix.lower() == ".parquet"
    if single and config.oversample is not None:
        raise UsageError(
            _("Augmented pictures need a folder, and {path} is a manifest.").format(path=out),
            hint=_("Name a new folder with --out."),
        )
    if single:
        prepare_manifest(out, source)
    else:
        prepare_folder(out, is_ours=lambda folder: (folder / RESULT).is_file())
    before = scan(source, limits=config.limits, threads=config.threads, progress=progress)
    _spare_source(source, before, out, config)
    if not config.whole:
        before = assign_splits(together(before, config.limits, config.threads, progress), config.split)
    after = before
    for rule in config.undersample:
        after = undersample(after, rule.classes, to=rule.to, seed=config.seed)
    less = training_sizes(after)
    settings: dict[str, Any] = {}
    path = out if single else out / MANIFEST
    if config.oversample is not None:
        settings = _settings(after, config)
        after = _add_variants(after, out, config, settings, progress)
    after.save(path)
    more = training_sizes(after)
    changes = tuple(
        ClassChange(label, size, size - less.get(label, 0), more.get(label, 0) - less.get(label, 0))
        for label, size in training_sizes(before).items()
    )
    done = Balance(path, after, changes, after.notes)
    if not single:
        write_json(out / RESULT, done.to_json() | {"settings": settings})
    return done


def together(manifest: Manifest, limits: Limits, threads: int, progress: Progress) -> Manifest:
    """Return the manifest with near copies in groups, which a cut must not part; splits that are given stay."""
    if {VALID, TEST} <= set(manifest.table["split"]):
        return manifest
    return with_groups(manifest, limits=limits, threads=threads, progress=progress)


def oversample(
    manifest: Manifest,
    out: Path,
    classes: Sequence[str] = (),
    *,
    to: str | int = "max",
    policy: str = "flip-shift",
    seed: int = 0,
    progress: Progress | None = None,
) -> Manifest:
    """Make the folder ``out`` of all pictures of a split manifest and augmented ones of small training classes.

    Args:
        manifest: every picture stands in a split.
        classes: which are made larger; empty: all that are too small.
        to: a number; or ``mean``, ``median``, ``min``, ``max`` of the sizes of the classes that are not named.
        policy: the augmentation, see ``anmok.training.augmentation``.

    Returns:
        The manifest of ``out``, which is written there as ``manifest.parquet``, too.

    Raises:
        DataError: there are pictures without a split.
        UsageError, MissingExtra, StorageError: as ``balance_source``.
    """
    rule = BalanceRule(classes=tuple(classes), to=to)
    config = BalanceConfig(oversample=rule, policy=policy, seed=seed)
    prepare_folder(out, is_ours=lambda folder: (folder / RESULT).is_file())
    _spare_source("", manifest, out, config)
    settings = _settings(manifest, config)
    made = _add_variants(manifest, out, config, settings, progress or SilentProgress())
    made.save(out / MANIFEST)
    return made


def _settings(manifest: Manifest, config: BalanceConfig) -> dict[str, Any]:
    """Return all that the files of the folder depend on, as JSON gives it back."""
    rule = to_json(config.oversample)
    return {
        "content_hash": manifest.content_hash,
        "oversample": rule | {"classes": list(rule["classes"])},
        "policy": config.policy,
        "seed": config.seed,
    }


def _add_variants(
    manifest: Manifest, out: Path, config: BalanceConfig, settings: dict[str, Any], progress: Progress
) -> Manifest:
    """Write the folder in which no training class is smaller than the rule wants, and return its manifest."""
    rule = config.oversample
    assert rule is not None
    return write_folder(
        manifest,
        out,
        lambda: variants_wanted(manifest, rule, seed=config.seed),
        Drawing(policy=config.policy, seed=config.seed, limits=config.limits, threads=config.threads),
        progress=progress,
        begin=lambda: begin_folder(out / RESULT, settings),
    )


def _spare_source(source: str | Path, manifest: Manifest, out: Path, config: BalanceConfig) -> None:
    """Refuse a place for the results where they would come among the originals, or over them."""
    target = out if out.suffix.lower() == ".parquet" else out / MANIFEST
    keep_apart(source, target, manifest, out if config.oversample is not None else None)
