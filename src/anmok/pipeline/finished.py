"""A finished run from the folder that a person names: the run's own, or the folder of results that it lies in."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from pathlib import Path

from anmok.data.manifest import Manifest
from anmok.errors import SourceNotFound, UsageError
from anmok.i18n import _
from anmok.pipeline.compare import MANIFEST, ORDER
from anmok.storage import read_json
from anmok.training.run import Run


@dataclass(frozen=True, slots=True, kw_only=True)
class Finished:
    """A finished run and what lies around it.

    Attributes:
        manifest: the file with the pictures that it learned from.
        report: the report that tells of it; need not be there.
    """

    run: Run
    manifest: Path
    report: Path

    @property
    def source(self) -> str:
        """Name of the pictures, without a path."""
        return Manifest.load(self.manifest).name


def find_finished(folder: Path) -> Finished:
    """Return the run in ``folder``, or the best one of the results in ``folder``.

    Raises:
        SourceNotFound: there is no run.
        UsageError: it is not finished.
        StorageError: what lies there is damaged.
    """
    run = _best(folder) if (folder / "runs").is_dir() else Run(folder)
    if run is None or not (run.folder / "config.json").is_file():
        raise SourceNotFound(
            _("There is no run in {folder}.").format(folder=folder),
            hint=_("Name a folder in runs/, or the folder that `anmok train` or `anmok compare` wrote to."),
        )
    out = run.folder.resolve().parent.parent
    if not run.is_finished:
        raise UsageError(
            _("The run {folder} is not finished.").format(folder=run.folder),
            hint=how_to_finish(out),
        )
    if not (out / MANIFEST).is_file():
        raise SourceNotFound(
            _("The manifest {path} is missing, so nobody knows what the run learned from.").format(path=out / MANIFEST),
            hint=_("Leave the run in the runs/ of the folder that it was made in."),
        )
    return Finished(run=run, manifest=out / MANIFEST, report=out / "report.html")


def how_to_finish(out: Path) -> str:
    """Return what to do about a run in ``out/runs`` that is not finished; only a training is named by its folder."""
    if (out / ORDER).is_file():
        return _("Train it to the end first: anmok train --resume {folder}").format(folder=shlex.quote(str(out)))
    return _("Train it to the end first: the same command goes on where it stopped.")


def _best(folder: Path) -> Run | None:
    """Return the run of the recommended model; where nothing was compared, the only run that is there."""
    runs = [Run(path.parent) for path in sorted((folder / "runs").glob("*/config.json"))]
    if (folder / "comparison.json").is_file():
        comparison = read_json(folder / "comparison.json").get("comparison", {})
        named = {model.get("name"): model.get("run", "") for model in comparison.get("models", ())}
        place = folder / str(named.get(comparison.get("best"), ""))
        return next((run for run in runs if run.folder == place), None)
    return runs[0] if len(runs) == 1 else None
