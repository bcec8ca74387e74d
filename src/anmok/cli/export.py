"""``anmok export``: a finished run as a bundle, or into MLflow."""

from __future__ import annotations

import json
import os
import shlex
import shutil
from pathlib import Path
from typing import Annotated

import typer

from anmok.cli.options import json_option, lang_option, threads_option
from anmok.errors import StorageError, UsageError
from anmok.i18n import _


def register(app: typer.Typer) -> None:
    """Add the command to ``app``."""

    @app.command(help=_("Export a finished run as a bundle that answers as it was trained to; or write it to MLflow."))
    def export(
        run: Annotated[
            Path, typer.Argument(metavar="RUN", help=_("Folder of a run, or of results: then the best one."))
        ],
        out: Annotated[
            Path | None, typer.Option("--out", "-o", help=_("The bundle to write; in the run's folder if not given."))
        ] = None,
        mlflow: Annotated[
            bool, typer.Option("--mlflow", help=_("Write settings, figures and files to MLflow instead."))
        ] = False,
        uri: Annotated[
            str, typer.Option("--uri", metavar="URI", help=_("Of MLflow; sqlite:///mlflow.db if not given."))
        ] = "",
        experiment: Annotated[str, typer.Option(help=_("Of MLflow; the name of the pictures if not given."))] = "",
        threads: Annotated[int, threads_option()] = 0,
        as_json: Annotated[bool, json_option()] = False,
        lang: Annotated[str, lang_option()] = "",
    ) -> None:
        if not mlflow and (uri or experiment):
            raise UsageError(
                _("--uri and --experiment belong to --mlflow."), hint=_("Add --mlflow, or leave them out.")
            )
        if mlflow and out is not None:
            raise UsageError(
                _("--out names a bundle, and --mlflow writes none."),
                hint=_("Give one of the two; both in two commands."),
            )
        if mlflow:
            _to_mlflow(run, uri, experiment, as_json=as_json)
        else:
            _to_bundle(run, out, threads, as_json=as_json)


def _to_bundle(folder: Path, out: Path | None, threads: int, *, as_json: bool) -> None:
    from anmok.bundle.export import export_run
    from anmok.cli.console import TerminalProgress
    from anmok.data.manifest import Manifest
    from anmok.pipeline.finished import find_finished
    from anmok.storage import atomic_write, explained

    found = find_finished(folder)
    if out is not None and out.suffix != ".anmok":
        raise UsageError(_("{path} does not end in .anmok, as bundles do.").format(path=out))
    with TerminalProgress() as progress:
        manifest = Manifest.load(found.manifest)
        bundle = export_run(found.run, manifest, threads=threads, progress=progress)
    if out is not None:
        if out.is_dir():
            raise StorageError(_("{path} is a folder.").format(path=out), hint=_("Name a file with --out."))
        with explained(out), bundle.open("rb") as source, atomic_write(out) as target:
            shutil.copyfileobj(source, target)
        bundle = out
    if as_json:
        typer.echo(json.dumps({"run": found.run.id, "bundle": str(bundle)}, ensure_ascii=False))
        return
    typer.echo(_("Bundle: {path}").format(path=bundle))
    typer.echo(_("Try it: {command}").format(command=f"anmok predict {shlex.quote(str(bundle))} PHOTO.jpg"))


def _to_mlflow(folder: Path, uri: str, experiment: str, *, as_json: bool) -> None:
    from anmok.cli.console import TerminalProgress
    from anmok.pipeline.finished import find_finished
    from anmok.pipeline.mlflow_export import DEFAULT_URI, export_to_mlflow

    found = find_finished(folder)
    where = uri or os.environ.get("MLFLOW_TRACKING_URI", "") or DEFAULT_URI
    with TerminalProgress() as progress, progress.task(_("writing to MLflow"), 1) as task:
        done = export_to_mlflow(found.run, experiment=experiment or found.source, uri=where, report=found.report)
        task.advance()
    if as_json:
        row = {"uri": done.uri, "experiment": done.experiment, "run_id": done.run_id, "was_there": done.was_there}
        typer.echo(json.dumps(row, ensure_ascii=False))
        return
    if done.was_there:
        typer.echo(_("{run} was written there before; nothing was changed.").format(run=found.run.id))
    typer.echo(
        _("MLflow: {uri}, experiment {experiment}, run {run}").format(
            uri=done.uri, experiment=done.experiment, run=done.run_id
        )
    )
    if where.startswith("sqlite:"):
        command = f"mlflow ui --backend-store-uri {shlex.quote(where)}"
        typer.echo(_("Look at it: {command} (MLflow's own server: pip install mlflow)").format(command=command))
