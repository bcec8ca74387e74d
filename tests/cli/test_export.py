"""`anmok export`: a finished run as a bundle, and as a run of MLflow that its own client reads back."""

from __future__ import annotations

import warnings
from pathlib import Path

import pytest

from anmok.bundle.format import read_bundle
from anmok.cli.app import run
from anmok.storage import read_json
from anmok.training.run import Run
from tests.training.made import picture_folder


@pytest.fixture(scope="module")
def trained(module_cache: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("export")
    pictures = picture_folder(folder / "stripes")
    # A head that learns by epochs on hand-made vectors: curves to export, and no PyTorch to wait for.
    words = ["--recipe", "handcrafted", "--set", "head=linear", "--epochs", "3", "--valid", "0.3"]
    assert run(["train", str(pictures), *words, "--threads", "1", "--out", str(folder / "out")]) == 0
    return folder / "out"


def test_the_bundle_of_the_best_run_is_written_where_it_is_wanted(
    trained: Path, shared_cache: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    wanted = tmp_path / "sub" / "mine.anmok"
    assert run(["export", str(trained), "--out", str(wanted)]) == 0
    assert f"anmok predict {wanted}" in capsys.readouterr().out
    assert read_bundle(wanted).info.labels == Run(next(trained.glob("runs/*"))).classes
    bundle = next(trained.glob("runs/*/model.anmok"))
    bundle.unlink()
    assert run(["export", str(bundle.parent)]) == 0
    assert bundle.exists()


def test_mlflow_has_settings_curves_figures_and_files_and_each_run_once(
    trained: Path, shared_cache: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    uri = f"sqlite:///{tmp_path}/mlflow.db"
    for told in ("MLflow: ", "was written there before"):
        assert run(["export", str(trained), "--mlflow", "--uri", uri]) == 0
        assert told in capsys.readouterr().out
    own = Run(next(trained.glob("runs/*")))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from mlflow import MlflowClient

        client = MlflowClient(tracking_uri=uri)
        experiment = client.get_experiment_by_name("stripes")
        assert experiment is not None
        (found,) = client.search_runs([experiment.experiment_id])
        losses = client.get_metric_history(found.info.run_id, "valid_loss")
        files = {file.path for file in client.list_artifacts(found.info.run_id)}
    assert found.info.status == "FINISHED"
    assert found.data.params["learning_rate"] == str(own.recipe.learning_rate)
    assert [(point.step, point.value) for point in losses] == [
        (row["epoch"], row["valid_loss"]) for row in own.history()
    ]
    figures = read_json(trained / "summary.json")["models"]["handcrafted"]["accuracy"]
    assert found.data.metrics["test_accuracy"] == figures["value"]
    assert (found.data.metrics["test_accuracy_low"], found.data.metrics["test_accuracy_high"]) == (
        figures["low"],
        figures["high"],
    )
    assert files >= {"model.anmok", "config.json", "history.csv", "recipe.toml", "report.html"}
    assert (tmp_path / "mlartifacts").is_dir()


def test_what_cannot_be_exported_is_said(trained: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def told(*words: str) -> str:
        assert run(["export", *words]) in (1, 2)
        return " ".join(capsys.readouterr().err.split())

    assert "There is no run" in told(str(tmp_path))
    assert "belong to --mlflow" in told(str(trained), "--uri", "sqlite:///x.db")
    assert "does not end in .anmok" in told(str(trained), "--out", "x.zip")
    assert "Is a directory" in told(str(trained), "--mlflow", "--uri", f"sqlite:///{tmp_path}")
    (tmp_path / "notes.txt").write_text("not a database", encoding="utf-8")
    assert "holds something else" in told(str(trained), "--mlflow", "--uri", f"sqlite:///{tmp_path}/notes.txt")
    assert "MLflow could not write" in told(str(trained), "--mlflow", "--uri", "nonsense://x")
