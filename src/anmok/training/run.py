"""The run folder: all that is left of one training, in files that one can open.

runs/<id>/
    config.json          recipe, data hash, classes, what the model sees, Anmok's version, environment
    history.csv          one row an epoch (no rows for heads on vectors)
    checkpoint/          model.safetensors + checkpoint.json; last.safetensors while a network is in training
    predictions.parquet  the training framework's own probabilities for valid and test pictures
    out_of_fold.parquet  logistic heads: the same for all train and valid pictures, each by a head that did not see it
    metrics.json         written by evaluation
    answers.parquet      the bundle's own probabilities for test pictures, written by evaluation
    model.anmok          written by bundle
    finished.json        there once training ended; seconds by stage, and what vectors at hand spared

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

from anmok.config import Recipe, from_mapping, to_json
from anmok.config.recipe import MOST
from anmok.errors import AnmokError, StorageError
from anmok.i18n import _
from anmok.records import VALID
from anmok.storage import explained, read_json, write_json, write_text
from anmok.training.predictions import Predictions, read_predictions, write_predictions

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
    def out_of_fold_path(self) -> Path:
        """Probabilities for all pictures that were learned from, by heads that did not see them."""
        return self.folder / "out_of_fold.parquet"

    @property
    def answers_path(self) -> Path:
        """The bundle's probabilities, after temperature."""
        return self.folder / "answers.parquet"

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
        values = read_json(self.require(path))
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
        """Seconds by stage (``features``, ``training``) of a finished run: what it would take anew on this machine."""
        return self._finished()[0]

    @property
    def seconds_spared(self) -> float:
        """Of the seconds for features: those of vectors that were at hand, as they took when they were made."""
        return self._finished()[1]

    def _finished(self) -> tuple[Mapping[str, float], float]:
        path = self.require(self.folder / "finished.json")
        try:
            values = read_json(path)
            seconds = {str(name): float(value) for name, value in values["seconds"].items()}
            return seconds, float(values.get("spared", 0.0))
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
        """Read ``predictions.parquet``: what the training framework said."""
        return self._read_predictions(self.predictions_path)

    def write_predictions(self, predictions: Predictions) -> None:
        """Write ``predictions.parquet``."""
        write_predictions(self.predictions_path, predictions)

    def calibration_predictions(self) -> Predictions:
        """Read what calibration may use: probabilities before any temperature, of no test picture, as of new pictures.

        Of logistic heads these are the out-of-fold answers for train and valid pictures, of networks (and of runs
        of an older Anmok) the answers for valid pictures.
        """
        if self.out_of_fold_path.is_file():
            return self._read_predictions(self.out_of_fold_path)
        return self.predictions().of_split(VALID)

    def write_out_of_fold(self, predictions: Predictions) -> None:
        """Write ``out_of_fold.parquet``."""
        write_predictions(self.out_of_fold_path, predictions)

    def answers(self) -> Predictions:
        """Read ``answers.parquet``: what the bundle said of test pictures, after temperature."""
        return self._read_predictions(self.answers_path)

    def write_answers(self, answers: Predictions) -> None:
        """Write ``answers.parquet``."""
        write_predictions(self.answers_path, answers)

    def _read_predictions(self, path: Path) -> Predictions:
        hint = _("Delete the folder {folder} and train again.").format(folder=self.folder)
        return read_predictions(path, len(self.classes), hint=hint)

    def write_config(self, config: Mapping[str, Any]) -> None:
        """Write ``config.json``."""
        write_json(self.folder / "config.json", dict(config))
        self.__dict__.pop("config", None)
        self.__dict__.pop("recipe", None)

    def finish(self, seconds: Mapping[str, float], *, spared: float = 0.0) -> None:
        """Mark the run as finished: the last thing that training writes.

        Args:
            seconds: by stage, as it would take anew. spared: of ``features``, for vectors that were at hand.
        """
        write_json(self.folder / "finished.json", {"seconds": dict(seconds), "spared": spared})

    def require(self, path: Path) -> Path:
        """Return a file of the run that must be there.

        Raises:
            StorageError: it is missing; says what to do.
        """
        if not path.is_file():
            raise StorageError(
                _("{path} is missing.").format(path=path),
                hint=_("Delete the folder {folder} and train again.").format(folder=self.folder),
            )
        return path

    def clear(self) -> None:
        """Remove the folder with all that is in it."""
        if self.folder.exists():
            with explained(self.folder):
                # The marker goes first: a kill in the middle must not leave a run that calls itself finished.
                (self.folder / "finished.json").unlink(missing_ok=True)
                shutil.rmtree(self.folder)


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
