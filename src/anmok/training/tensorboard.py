"""Logs for TensorBoard: loss, accuracy, learning rate and seconds by epoch, in ``RUN/tensorboard``.

As Keras does it, training and validation are two logs with the same tags, so that TensorBoard draws both lines into
one chart. The files are TensorBoard's own; PyTorch is not needed to write them.
"""

from __future__ import annotations

import contextlib
import importlib.util
import shutil
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from anmok.errors import MissingExtra
from anmok.i18n import _
from anmok.storage import explained
from anmok.training.observer import Observer

if TYPE_CHECKING:
    from anmok.training.run import Run

FOLDER = "tensorboard"
#: Which columns of the history stand in which log under which tag.
TAGS = {
    "train": {
        "loss": "train_loss",
        "accuracy": "train_accuracy",
        "learning_rate": "learning_rate",
        "seconds": "seconds",
    },
    "validation": {"loss": "valid_loss", "accuracy": "valid_accuracy"},
}


class TensorBoard(Observer):
    """Writes the logs of each training that it watches.

    A training that goes on has its logs written anew from its history, so no epoch stands there twice, also where
    the log was ahead of the last checkpoint.

    Raises:
        MissingExtra: TensorBoard is not installed.
    """

    def __init__(self) -> None:
        if importlib.util.find_spec("tensorboard") is None:
            raise MissingExtra(
                _("Logs for TensorBoard need the package tensorboard, and it is not installed."),
                hint=_("Install it with: pip install 'anmok[tensorboard]'"),
            )
        self._logs: dict[str, _Log] = {}

    def begins(self, run: Run, history: Sequence[Mapping[str, float]]) -> None:
        """Begin the logs anew, with the epochs that are done."""
        self._close()
        folder = run.folder / FOLDER
        with explained(folder):
            if folder.exists():
                shutil.rmtree(folder)
            first = int(history[0]["epoch"]) if history else 1
            self._logs = {name: _Log(folder / name, first) for name in TAGS}
            for row in history:
                self._write(row)

    def epoch_ended(self, run: Run, row: Mapping[str, float]) -> None:
        """Add an epoch."""
        with explained(run.folder / FOLDER):
            self._write(row)

    def finished(self, run: Run) -> None:
        """Close the logs; write them, where the run has epochs and none of them was watched."""
        history = run.history()
        if not self._logs and history and not (run.folder / FOLDER).exists():
            self.begins(run, history)
        self._close()

    def _write(self, row: Mapping[str, float]) -> None:
        for name, log in self._logs.items():
            log.write(int(row["epoch"]), {tag: row[column] for tag, column in TAGS[name].items()})

    def _close(self) -> None:
        logs, self._logs = self._logs, {}
        for log in logs.values():
            with contextlib.suppress(OSError):  # what could not be written was said when it was written
                log.close()


class _Log:
    """One event file. TensorBoard forgets all that it showed of this log from ``first_step`` on."""

    def __init__(self, folder: Path, first_step: int) -> None:
        from tensorboard.compat.proto.event_pb2 import Event, SessionLog
        from tensorboard.summary.writer.event_file_writer import EventFileWriter

        folder.mkdir(parents=True, exist_ok=True)
        self._writer = EventFileWriter(str(folder))
        begin = SessionLog(status=SessionLog.START)
        self._writer.add_event(Event(wall_time=time.time(), step=first_step, session_log=begin))

    def write(self, step: int, values: Mapping[str, float]) -> None:
        from tensorboard.compat.proto.event_pb2 import Event
        from tensorboard.compat.proto.summary_pb2 import Summary

        summary = Summary(value=[Summary.Value(tag=tag, simple_value=value) for tag, value in values.items()])
        self._writer.add_event(Event(wall_time=time.time(), step=step, summary=summary))
        self._writer.flush()

    def close(self) -> None:
        self._writer.close()
