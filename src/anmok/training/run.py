"""The run folder: all that is left of one training, in files that one can open.

runs/<id>/
    config.json          recipe, data hash, classes, what the model sees, Anmok's version, environment
    history.csv          one row an epoch (no rows for heads on vectors)
    checkpoint/          model.safetensors + checkpoint.json; last.safetensors while a network is in training
    predictions.parquet  the training framework's own probabilities for valid and test pictures
    metrics.json         written by evaluation
    model.anmok          written by bundle
    finished.json        there once training ended; seconds by stage

Every file appears whole or not at all. Nothing is a pickle.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
import re
import shutil
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, TypeGuard

import numpy as np
from numpy.typing import NDArray

from anmok.config import Recipe, from_mapping, to_json
from anmok.config.recipe import MOST
from anmok.errors import AnmokError, StorageError
from anmok.i18n import _
from anmok.storage import atomic_write, explained, read_json, write_json, write_text

#: Rises when a training of the new version must not be taken for one of the old.
RUN_FORMAT = 2
#: What no figure of a training can reach; a drawing of more would fail.
LARGEST_FIGURE = 1e100
HISTORY_COLUMNS = (
    "epoch",
    "train_loss",
    "train_accuracy",
    "valid_loss",
    "valid_accuracy",
    "learning_rate",
    "seconds",
)


@dataclass(frozen=True, slots=True)
class Predictions:
    """What a trained model says of the pictures that it did not learn from.

    Attributes:
        paths, ids, splits: of each picture; splits are ``"valid"`` or ``"test"``.
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


@dataclass(frozen=True)
class Run:
    """One training in its folder. Equal folders are equal runs; the files are read when asked for."""

    folder: Path

    @property
    def id(self) -> str:
        """The folder's name."""
        return self.folder.name

    @property
    def checkpoint_folder(self) -> Path:
        """Where the weights lie."""
        return self.folder / "checkpoint"

    @property
    def predictions_path(self) -> Path:
        """The framework's own probabilities."""
        return self.folder / "predictions.parquet"

    @property
    def metrics_path(self) -> Path:
        """What evaluation measured."""
        return self.folder / "metrics.json"

    @property
    def bundle_path(self) -> Path:
        """The exported model."""
        return self.folder / "model.anmok"

    @cached_property
    def config(self) -> Mapping[str, Any]:
        """``config.json``; raises ``StorageError`` where it is missing or damaged."""
        path = self.folder / "config.json"
        values = read_json(path)
        if not _is_config(values):
            raise StorageError(
                _("{path} is not the configuration of a run.").format(path=path),
                hint=_("Delete the folder {folder} and train again.").format(folder=self.folder),
            )
        return values

    @cached_property
    def recipe(self) -> Recipe:
        """How the model was made."""
        return from_mapping(Recipe, self.config["recipe"], where=str(self.folder / "config.json"))

    @property
    def data_hash(self) -> str:
        """Content hash of the manifest that was learned from."""
        return str(self.config["data_hash"])

    @property
    def continues(self) -> str:
        """Id of the finished run whose last epoch this one began after; "" for one that began from nothing."""
        return str(self.config.get("continues", ""))

    @property
    def classes(self) -> tuple[str, ...]:
        """Class names in the order of labels and probabilities."""
        return tuple(map(str, self.config["classes"]))

    @property
    def image_size(self) -> int:
        """Side of the square that the model sees, pixels."""
        return int(self.config["image_size"])

    @property
    def is_finished(self) -> bool:
        """Tell whether training ended well."""
        return (self.folder / "finished.json").is_file()

    @property
    def seconds(self) -> Mapping[str, float]:
        """Seconds by stage (``features``, ``training``) of a finished run."""
        path = self.folder / "finished.json"
        try:
            return {str(name): float(value) for name, value in read_json(path)["seconds"].items()}
        except (AttributeError, KeyError, TypeError, ValueError, OverflowError) as error:
            raise StorageError(
                _("{path} is damaged: {reason}.").format(path=path, reason=error),
                hint=_("Delete the folder {folder} and train again.").format(folder=self.folder),
            ) from error

    def history(self) -> tuple[Mapping[str, float], ...]:
        """Return one mapping an epoch (``HISTORY_COLUMNS``); empty for heads on vectors."""
        path = self.folder / "history.csv"
        if not path.exists():
            return ()
        try:
            with explained(path):
                text = path.read_text(encoding="utf-8")
            rows = tuple(
                {name: float(row[name]) for name in HISTORY_COLUMNS} for row in csv.DictReader(io.StringIO(text))
            )
            for number, row in enumerate(rows, start=1):
                if row["epoch"] != number or not all(abs(value) < LARGEST_FIGURE for value in row.values()):
                    raise ValueError(f"row {number}")
            return rows
        except (KeyError, TypeError, ValueError, csv.Error) as error:
            raise StorageError(
                _("{path} is damaged: {reason}.").format(path=path, reason=error),
                hint=_("Delete the folder {folder} and train again.").format(folder=self.folder),
            ) from error

    def write_history(self, rows: Sequence[Mapping[str, float]]) -> None:
        """Write ``history.csv`` anew with all rows."""
        text = io.StringIO()
        writer = csv.DictWriter(text, HISTORY_COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows({**row, "epoch": int(row["epoch"])} for row in rows)
        write_text(self.folder / "history.csv", text.getvalue())

    def predictions(self) -> Predictions:
        """Read ``predictions.parquet``."""
        import pyarrow as pa
        import pyarrow.parquet as pq

        with explained(self.predictions_path):
            try:
                table = pq.read_table(self.predictions_path)
                column = table["probabilities"].combine_chunks()
                flat = np.array(column.flatten(), dtype=np.float32)
                probabilities = flat.reshape(len(table), column.type.list_size)
                _check_answers(probabilities, table["label"].to_numpy(), len(self.classes))
            except (pa.ArrowInvalid, AttributeError, KeyError, TypeError, ValueError) as error:
                raise StorageError(
                    _("{path} is damaged: {reason}.").format(path=self.predictions_path, reason=error),
                    hint=_("Delete the folder {folder} and train again.").format(folder=self.folder),
                ) from error
        return Predictions(
            tuple(table["path"].to_pylist()),
            tuple(table["id"].to_pylist()),
            tuple(table["split"].to_pylist()),
            table["label"].to_numpy().astype(np.int64),
            probabilities,
        )

    def write_predictions(self, predictions: Predictions) -> None:
        """Write ``predictions.parquet``."""
        import pyarrow as pa
        import pyarrow.parquet as pq

        flat = pa.array(np.ascontiguousarray(predictions.probabilities, dtype=np.float32).ravel())
        table = pa.table(
            {
                "path": pa.array(predictions.paths, pa.string()),
                "id": pa.array(predictions.ids, pa.string()),
                "split": pa.array(predictions.splits, pa.string()),
                "label": pa.array(predictions.labels, pa.int64()),
                "probabilities": pa.FixedSizeListArray.from_arrays(flat, len(self.classes)),
            }
        )
        with atomic_write(self.predictions_path) as stream:
            pq.write_table(table, stream)

    def write_config(self, config: Mapping[str, Any]) -> None:
        """Write ``config.json``."""
        write_json(self.folder / "config.json", dict(config))
        self.__dict__.pop("config", None)
        self.__dict__.pop("recipe", None)

    def finish(self, seconds: Mapping[str, float]) -> None:
        """Mark the run as finished: the last thing that training writes."""
        write_json(self.folder / "finished.json", {"seconds": dict(seconds)})

    def clear(self) -> None:
        """Remove the folder with all that is in it."""
        if self.folder.exists():
            with explained(self.folder):
                # The marker goes first: a kill in the middle must not leave a run that calls itself finished.
                (self.folder / "finished.json").unlink(missing_ok=True)
                shutil.rmtree(self.folder)


def _check_answers(probabilities: NDArray[np.float32], labels: NDArray[Any], classes: int) -> None:
    """Raise ``ValueError`` unless there is a number for each class, and each label is one of them."""
    if probabilities.shape[1] != classes or not np.isfinite(probabilities).all():
        raise ValueError(f"probabilities of {probabilities.shape[1]} classes instead of {classes}")
    if not np.isin(labels, np.arange(classes)).all():
        raise ValueError("labels of other classes")


def _is_config(values: Any) -> TypeGuard[Mapping[str, Any]]:
    """Tell whether a file from a stranger, too, has what is read from ``config.json`` without another look."""
    if not isinstance(values, dict):
        return False
    size, classes = values.get("image_size"), values.get("classes")
    return (
        isinstance(values.get("recipe"), dict)
        and isinstance(values.get("data_hash"), str)
        and isinstance(values.get("continues", ""), str)
        and isinstance(size, int)
        and 1 <= size <= MOST["image_size"]
        and isinstance(classes, list)
        and len(classes) > 0
        and all(isinstance(name, str) for name in classes)
    )


def run_id(recipe: Recipe, data_hash: str, continues: str = "") -> str:
    """Return the name of the run folder: the recipe's name and a short hash of recipe, data and run format.

    Args:
        continues: id of the run whose last epoch this one begins after.
    """
    key = json.dumps([RUN_FORMAT, to_json(recipe), data_hash, *([continues] if continues else [])], sort_keys=True)
    name = re.sub(r"[^\w.-]+", "-", unicodedata.normalize("NFC", recipe.name)).strip(".-")[:60] or "run"
    return f"{name}-{hashlib.sha256(key.encode()).hexdigest()[:10]}"


def find_run(folder: Path, recipe: Recipe, data_hash: str, continues: str = "") -> tuple[Run, bool]:
    """Return the run of this recipe and data below ``folder``, and whether it was begun before.

    A folder of that name that holds something else, or a damaged configuration, counts as not begun.
    """
    run = Run(folder / run_id(recipe, data_hash, continues))
    try:
        begun = run.data_hash == data_hash and run.recipe == recipe and run.continues == continues
    except AnmokError:
        begun = False
    return run, begun
