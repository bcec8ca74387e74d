"""What a model said of pictures, as a table in a file: one row a picture, one column of probabilities."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from anmok.errors import StorageError
from anmok.i18n import _, ngettext
from anmok.records import SPLITS
from anmok.storage import atomic_write, explained

#: How far a row of probabilities may be from 1 together: float32 of some thousand classes is nearer.
SUM_TOLERANCE = 1e-3


@dataclass(frozen=True, slots=True)
class Predictions:
    """What a trained model says of the pictures that it did not learn from.

    Attributes:
        paths, ids, splits: of each picture; splits are ``"valid"`` or ``"test"``; ``"train"`` only out-of-fold.
        labels: int64 ``(N,)``, indices into the run's classes.
        probabilities: float32 ``(N, K)``, rows sum to 1; softmax of the logits without any temperature. For valid
            pictures of a logistic head they are out-of-fold (see ``heads``), so that calibration may use them.
    """

    paths: tuple[str, ...]
    ids: tuple[str, ...]
    splits: tuple[str, ...]
    labels: NDArray[np.int64]
    probabilities: NDArray[np.float32]

    def __post_init__(self) -> None:
        counts = {len(self.paths), len(self.ids), len(self.splits), len(self.labels), len(self.probabilities)}
        if len(counts) != 1 or self.probabilities.ndim != 2:
            raise ValueError(f"predictions of different lengths {sorted(counts)} or shape {self.probabilities.shape}")

    def of_split(self, split: str) -> Predictions:
        """Return the rows of one split."""
        rows = np.flatnonzero(np.array([name == split for name in self.splits], dtype=bool))
        return Predictions(
            tuple(self.paths[row] for row in rows),
            tuple(self.ids[row] for row in rows),
            tuple(self.splits[row] for row in rows),
            self.labels[rows],
            self.probabilities[rows],
        )


def read_predictions(path: Path, classes: int, *, hint: str) -> Predictions:
    """Read what ``write_predictions`` wrote.

    Args:
        classes: how many are wanted.
        hint: what to do about a damaged file.

    Raises:
        StorageError: it cannot be read or is damaged.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    if not path.is_file():
        raise StorageError(_("{path} is missing.").format(path=path), hint=hint)
    with explained(path):
        try:
            table = pq.read_table(path)
            column = table["probabilities"].combine_chunks()
            flat = np.array(column.flatten(), dtype=np.float32)
            probabilities = flat.reshape(len(table), column.type.list_size)
            _check_answers(probabilities, table["label"].to_numpy(), classes)
            _check_pictures(*(table[name].to_pylist() for name in ("path", "id", "split")))
        except (pa.ArrowInvalid, AttributeError, KeyError, TypeError, ValueError) as error:
            raise StorageError(_("{path} is damaged: {reason}.").format(path=path, reason=error), hint=hint) from error
    return Predictions(
        tuple(table["path"].to_pylist()),
        tuple(table["id"].to_pylist()),
        tuple(table["split"].to_pylist()),
        table["label"].to_numpy().astype(np.int64),
        probabilities,
    )


def write_predictions(path: Path, predictions: Predictions) -> None:
    """Write a Parquet file, which appears whole or not at all.

    Raises:
        StorageError: disk full, no permission.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    flat = pa.array(np.ascontiguousarray(predictions.probabilities, dtype=np.float32).ravel())
    table = pa.table(
        {
            "path": pa.array(predictions.paths, pa.string()),
            "id": pa.array(predictions.ids, pa.string()),
            "split": pa.array(predictions.splits, pa.string()),
            "label": pa.array(predictions.labels, pa.int64()),
            "probabilities": pa.FixedSizeListArray.from_arrays(flat, predictions.probabilities.shape[1]),
        }
    )
    with atomic_write(path) as stream:
        pq.write_table(table, stream)


def _check_answers(probabilities: NDArray[np.float32], labels: NDArray[Any], classes: int) -> None:
    """Raise ``ValueError`` unless there is a number for each class, and each label is one of them."""
    if probabilities.shape[1] != classes:
        raise ValueError(f"probabilities of {probabilities.shape[1]} classes instead of {classes}")
    broken = int((~np.isfinite(probabilities)).any(axis=1).sum())
    if broken:
        raise ValueError(
            ngettext(
                "the probabilities of {count} picture are no numbers (NaN)",
                "the probabilities of {count} pictures are no numbers (NaN)",
                broken,
            ).format(count=broken)
        )
    if (probabilities < 0).any() or (np.abs(probabilities.sum(axis=1) - 1) > SUM_TOLERANCE).any():
        raise ValueError("probabilities below 0, or that are not 1 together")
    if not np.isin(labels, np.arange(classes)).all():
        raise ValueError("labels of other classes")


def _check_pictures(paths: list[str | None], ids: list[str | None], splits: list[str | None]) -> None:
    """Raise ``ValueError`` unless each row is another picture of a split."""
    if None in paths or None in ids or not set(splits) <= set(SPLITS):
        raise ValueError("rows without a path, an id or a split")
    if len(set(paths)) < len(paths):
        raise ValueError("the same picture twice")
