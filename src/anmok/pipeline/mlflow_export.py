"""A finished run as a run of MLflow: settings, figures by epoch, test figures with their intervals, and the files."""

from __future__ import annotations

import importlib.util
import logging
import math
import os
import tempfile
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import anmok
from anmok.config import to_json
from anmok.config.recipe_text import recipe_text
from anmok.errors import MissingExtra, StorageError, UsageError
from anmok.evaluation.results import HEADLINE_METRICS
from anmok.i18n import _
from anmok.pipeline.finished import how_to_finish
from anmok.storage import explained, read_json
from anmok.training.run import HISTORY_COLUMNS, Run

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Metric

#: A database file where the command is run; MLflow's own default, too.
DEFAULT_URI = "sqlite:///mlflow.db"
_SQLITE = "sqlite:///"
#: The tag by which a run that was exported before is found again.
TAG = "anmok.run"
#: Files of a run that go along, where they are there.
FILES = ("model.anmok", "config.json", "history.csv", "metrics.json", "predictions.parquet")


@dataclass(frozen=True, slots=True, kw_only=True)
class Exported:
    """Where a run stands in MLflow.

    Attributes:
        was_there: it had been exported before, and nothing was written now.
    """

    uri: str
    experiment: str
    run_id: str
    was_there: bool


def export_to_mlflow(run: Run, *, experiment: str, uri: str = DEFAULT_URI, report: Path | None = None) -> Exported:
    """Write a finished run to MLflow; once only, however often this is called.

    Args:
        experiment: name under which MLflow lists it; made if it is missing.
        uri: ``sqlite:///FILE`` for a database file, or the address of a server.
        report: the report that tells of the run; it goes along.

    Raises:
        MissingExtra: MLflow is not installed.
        UsageError: the run is not finished, or the address is none that MLflow knows.
        StorageError: MLflow could not write.
    """
    if importlib.util.find_spec("mlflow") is None:
        raise MissingExtra(
            _("Writing to MLflow needs its client, and it is not installed."),
            hint=_("Install it with: pip install 'anmok[mlflow]'"),
        )
    if not run.is_finished:
        raise UsageError(
            _("The run {folder} is not finished, so there is nothing to export.").format(folder=run.folder),
            hint=how_to_finish(run.folder.resolve().parent.parent),
        )
    if uri.startswith(_SQLITE):
        _prepare_file(Path(uri.removeprefix(_SQLITE)))
    with _mlflow_errors(uri):
        from mlflow import MlflowClient

        client = MlflowClient(tracking_uri=uri)
        number = _experiment(client, experiment, uri)
        found = client.search_runs([number], filter_string=f"tags.`{TAG}` = '{run.id}'")
        for old in found:
            if old.info.status == "FINISHED":
                return Exported(uri=uri, experiment=experiment, run_id=old.info.run_id, was_there=True)
            client.delete_run(old.info.run_id)  # an export that was interrupted
        run_id = _write(client, number, run, report)
    return Exported(uri=uri, experiment=experiment, run_id=run_id, was_there=False)


def _prepare_file(path: Path) -> None:
    """Say at once what is wrong with a database file: MLflow would try again for minutes."""
    with explained(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("a+b") as file:
            file.seek(0)
            begin = file.read(16)
    if begin and not begin.startswith(b"SQLite format 3"):
        raise StorageError(
            _("{path} holds something else than a database of MLflow.").format(path=path),
            hint=_("Name another file: --uri sqlite:///FILE."),
        )


def _experiment(client: MlflowClient, name: str, uri: str) -> str:
    known = client.get_experiment_by_name(name)
    if known is not None:
        return str(known.experiment_id)
    location = None
    if uri.startswith(_SQLITE):
        # Beside the database: MLflow's own default depends on where it is asked.
        location = (Path(uri.removeprefix(_SQLITE)).resolve().parent / "mlartifacts").as_uri()
    return str(client.create_experiment(name, artifact_location=location))


def _write(client: MlflowClient, experiment: str, run: Run, report: Path | None) -> str:
    from mlflow.entities import Param

    tags = {TAG: run.id, "anmok.data": run.data_hash, "anmok.version": anmok.__version__}
    begun = client.create_run(experiment, run_name=run.id, tags=tags)
    run_id = str(begun.info.run_id)
    settings = {**to_json(run.recipe), "image_size": run.image_size, "classes": len(run.classes)}
    params = [Param(name, str(value)) for name, value in settings.items()]
    client.log_batch(run_id, params=params)
    metrics = list(_metrics(run))
    for first in range(0, len(metrics), 1000):  # MLflow takes no more at once
        client.log_batch(run_id, metrics=metrics[first : first + 1000])
    for name in FILES:
        if (run.folder / name).is_file():
            client.log_artifact(run_id, str(run.folder / name))
    if report is not None and report.is_file():
        client.log_artifact(run_id, str(report))
    with tempfile.TemporaryDirectory(prefix="anmok-mlflow-") as folder:
        path = Path(folder) / "recipe.toml"
        path.write_text(recipe_text(run.recipe), encoding="utf-8")
        client.log_artifact(run_id, str(path))
    # Last: a run that is not finished was interrupted while it was written.
    client.set_terminated(run_id)
    return run_id


def _metrics(run: Run) -> Iterator[Metric]:
    from mlflow.entities import Metric

    now = int(time.time() * 1000)
    for row in run.history():
        for name in HISTORY_COLUMNS[1:]:
            if math.isfinite(row[name]):
                yield Metric(name, row[name], now, int(row["epoch"]))
    for stage, seconds in run.seconds.items():
        yield Metric(f"seconds_{stage}", seconds, now, 0)
    if not run.metrics_path.is_file():
        return
    measured: dict[str, Any] = read_json(run.metrics_path)["evaluation"]
    for name in HEADLINE_METRICS:
        for end, value in (measured["metrics"].get(name) or {}).items():
            if isinstance(value, int | float) and end in ("value", "low", "high"):
                yield Metric(f"test_{name}" if end == "value" else f"test_{name}_{end}", float(value), now, 0)
    yield Metric("test_pictures", float(measured["pictures"]), now, 0)


@contextmanager
def _mlflow_errors(uri: str) -> Iterator[None]:
    """Keep MLflow quiet and at home, and turn its errors into ours."""
    # It tells its makers of its use by default; what is trained here is nobody else's business.
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of its own libraries, about each other
        from mlflow.exceptions import MlflowException
        from sqlalchemy.exc import SQLAlchemyError

        # After the import, which sets levels of its own.
        for name in ("mlflow", "alembic"):
            logging.getLogger(name).setLevel(logging.ERROR)
        try:
            yield
        except (MlflowException, SQLAlchemyError, OSError) as error:
            reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
            raise StorageError(
                _("MLflow could not write to {uri}: {reason}").format(uri=_without_password(uri), reason=reason),
                hint=_("Check the address; a file is named {example}.").format(example=DEFAULT_URI),
            ) from error


def _without_password(uri: str) -> str:
    parts = urlsplit(uri)
    return uri.replace(f":{parts.password}@", ":***@") if parts.password else uri
