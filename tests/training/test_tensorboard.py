"""Logs for TensorBoard, read back by its own reader: every epoch once, however often the training went on."""

from __future__ import annotations

from pathlib import Path

import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from anmok.training.run import HISTORY_COLUMNS, Run
from anmok.training.tensorboard import FOLDER, TAGS, TensorBoard


def row(epoch: int, shift: float = 0.0) -> dict[str, float]:
    return {name: epoch if name == "epoch" else place + 1 / epoch + shift for place, name in enumerate(HISTORY_COLUMNS)}


def points(run: Run, log: str, tag: str) -> list[tuple[int, float]]:
    return [(event.step, event.value) for event in read(run, log).Scalars(tag)]


def read(run: Run, log: str) -> EventAccumulator:
    return EventAccumulator(str(run.folder / FOLDER / log)).Reload()


def test_every_tag_holds_its_column_by_epoch(tmp_path: Path) -> None:
    run, watcher = Run(tmp_path / "run"), TensorBoard()
    watcher.begins(run, [])
    for epoch in (1, 2, 3):
        watcher.epoch_ended(run, row(epoch))
    watcher.finished(run)
    for log, tags in TAGS.items():
        assert set(read(run, log).Tags()["scalars"]) == set(tags)
        for tag, column in tags.items():
            assert points(run, log, tag) == [(epoch, pytest.approx(row(epoch)[column])) for epoch in (1, 2, 3)]


def test_epochs_that_a_killed_training_had_logged_but_not_saved_are_not_doubled(tmp_path: Path) -> None:
    run, killed, again = Run(tmp_path / "run"), TensorBoard(), TensorBoard()
    killed.begins(run, [])
    for epoch in (1, 2, 3):
        killed.epoch_ended(run, row(epoch, shift=0.5 * (epoch == 3)))
    again.begins(run, [row(1), row(2)])
    for epoch in (3, 4):
        again.epoch_ended(run, row(epoch))
    again.finished(run)
    expected = [(epoch, pytest.approx(row(epoch)["train_loss"])) for epoch in (1, 2, 3, 4)]
    assert points(run, "train", "loss") == expected


def test_a_run_that_was_finished_before_gets_its_logs_from_its_history(tmp_path: Path) -> None:
    run = Run(tmp_path / "run")
    run.write_history([row(1), row(2)])
    TensorBoard().finished(run)
    assert [step for step, _loss in points(run, "validation", "loss")] == [1, 2]
