"""``anmok detect``: boxes read and checked, a detector trained, measured, and asked."""

from __future__ import annotations

import json
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from anmok.cli.detect_tables import draw, print_answer, show_boxes, show_figures
from anmok.cli.options import bundle_file, default_folder, json_option, lang_option, threads_option
from anmok.i18n import _, current_language

if TYPE_CHECKING:
    from anmok.detection.boxset import BoxSet


def register(app: typer.Typer) -> None:
    """Add the command group to ``app``."""
    group = typer.Typer(
        help=_("Find things in pictures: check boxes, train a detector, measure it, ask it."), no_args_is_help=True
    )
    app.add_typer(group, name="detect")
    _register_check(group)
    _register_convert(group)
    _register_train(group)
    _register_evaluate(group)
    _register_predict(group)


def _source_argument() -> Any:
    return typer.Argument(help=_("Folder or zip of pictures with boxes: Pascal VOC, COCO or YOLO."), show_default=False)


def _register_check(group: typer.Typer) -> None:
    @group.command("check", help=_("Read boxes, count them, and name what is wrong with their files."))
    def check(
        source: Annotated[str, _source_argument()],
        out: Annotated[
            Path | None, typer.Option("--out", "-o", help=_("The boxes as one .parquet file, a source for training."))
        ] = None,
        threads: Annotated[int, threads_option()] = 0,
        as_json: Annotated[bool, json_option()] = False,
        lang: Annotated[str, lang_option()] = "",
    ) -> None:
        from anmok.detection.manifest import save_boxes
        from anmok.detection.reading import count_problems

        boxes = _read(source, threads)
        if out is not None:
            save_boxes(boxes, out)
        left_out = sum(problem.left_out for problem in boxes.problems)
        if as_json:
            for problem in boxes.problems:
                row = {
                    "path": problem.path,
                    "code": problem.code,
                    "reason": problem.reason,
                    "left_out": problem.left_out,
                }
                typer.echo(json.dumps(row, ensure_ascii=False))
        else:
            show_boxes(boxes, count_problems(boxes.problems))
        raise typer.Exit(1 if left_out else 0)


def _register_convert(group: typer.Typer) -> None:
    @group.command("convert", help=_("Write pictures and boxes in another format."))
    def convert(
        source: Annotated[str, _source_argument()],
        out: Annotated[Path, typer.Option("--out", "-o", help=_("The folder to write."), show_default=False)],
        to: Annotated[str, typer.Option("--to", help=_("voc, coco or yolo."))] = "coco",
        threads: Annotated[int, threads_option()] = 0,
        lang: Annotated[str, lang_option()] = "",
    ) -> None:
        from anmok.cli.console import TerminalProgress
        from anmok.detection.writing import write_boxes

        boxes = _read(source, threads)
        with TerminalProgress() as progress:
            write_boxes(boxes, out, to, progress=progress)
        typer.echo(str(out))


def _register_train(group: typer.Typer) -> None:
    from anmok.detection.settings import DetectConfig

    standard = DetectConfig()

    @group.command(
        "train",
        help=_("Train a detector, measure it on test pictures, and leave a report and a bundle."),
        epilog=_("The same command goes on where it was stopped. 50 labelled pictures are a beginning; 300 are good."),
    )
    def train(
        source: Annotated[str, _source_argument()],
        out: Annotated[
            Path | None, typer.Option("--out", "-o", help=_("Folder for results."), show_default=False)
        ] = None,
        backbone: Annotated[
            str, typer.Option(help=_("Weights to begin with (see `anmok weights list`)."))
        ] = standard.backbone,
        side: Annotated[
            int, typer.Option(help=_("Longer side of the pictures, pixels; a multiple of 32."))
        ] = standard.side,
        epochs: Annotated[int, typer.Option(help=_("How often each picture is seen; 0: by their number."))] = 0,
        batch_size: Annotated[int, typer.Option(help=_("Pictures that a step learns from."))] = standard.batch_size,
        learning_rate: Annotated[float, typer.Option(help=_("The highest."))] = standard.learning_rate,
        pictures: Annotated[int, typer.Option(help=_("Learn from so many pictures only; 0: from all."))] = 0,
        seed: Annotated[int, typer.Option(help=_("Seed of chance."))] = 0,
        threads: Annotated[int, threads_option()] = 0,
        as_json: Annotated[bool, json_option()] = False,
        lang: Annotated[str, lang_option()] = "",
    ) -> None:
        from anmok.cli.console import TerminalProgress
        from anmok.pipeline.detect import BUNDLE, REPORT, train_detector_from

        config = DetectConfig(
            backbone=backbone,
            side=side,
            epochs=epochs,
            batch_size=batch_size,
            learning_rate=learning_rate,
            train_pictures=pictures,
            seed=seed,
        )
        folder = out or default_folder("anmok-detect", source)
        command = _command(source, folder, config, standard)
        try:
            with TerminalProgress() as progress:
                result = train_detector_from(
                    source,
                    folder,
                    config,
                    threads=threads,
                    progress=progress,
                    language=lang or current_language(),
                    command=command,
                )
        except KeyboardInterrupt as interrupt:
            typer.echo("\n" + _("Stopped. Go on with:") + f"\n    {command}", err=True)
            raise typer.Exit(130) from interrupt
        if as_json:
            typer.echo(json.dumps(result.metrics(), ensure_ascii=False))
            return
        show_figures(result.test)
        for name in (REPORT, BUNDLE):
            typer.echo(str(folder / name))


def _register_evaluate(group: typer.Typer) -> None:
    @group.command("evaluate", help=_("Measure a detector on pictures with boxes."))
    def evaluate(
        bundle: Annotated[Path, typer.Argument(help=_("A bundle *.anmok, or its folder."), metavar="BUNDLE")],
        source: Annotated[str, _source_argument()],
        threads: Annotated[int, threads_option()] = 0,
        as_json: Annotated[bool, json_option()] = False,
        lang: Annotated[str, lang_option()] = "",
    ) -> None:
        from anmok.cli.console import TerminalProgress
        from anmok.pipeline.detect import evaluate_detector

        with TerminalProgress() as progress:
            figures = evaluate_detector(bundle_file(bundle), source, threads=threads, progress=progress)
        if as_json:
            typer.echo(json.dumps({name: one.to_json() for name, one in figures.figures.items()}))
        else:
            show_figures(figures)


def _register_predict(group: typer.Typer) -> None:
    @group.command(
        "predict",
        help=_("Find things in photos, with a detector's bundle. PyTorch is not needed."),
        epilog=_("Exit code 1 says that some pictures could not be read."),
    )
    def predict(
        bundle: Annotated[Path, typer.Argument(help=_("A bundle *.anmok, or its folder."), metavar="BUNDLE")],
        places: Annotated[list[str], typer.Argument(help=_("Pictures, folders, zips."), metavar="PATH...")],
        out: Annotated[
            Path | None, typer.Option("--out", "-o", help=_("Folder for the photos with boxes drawn on them."))
        ] = None,
        threshold: Annotated[
            float | None,
            typer.Option(min=0.0, max=1.0, help=_("Report boxes from this score on; the bundle's own if not given.")),
        ] = None,
        threads: Annotated[int, threads_option()] = 0,
        as_json: Annotated[bool, json_option()] = False,
        lang: Annotated[str, lang_option()] = "",
    ) -> None:
        from anmok.config import Limits
        from anmok.detection.predictor import DetectionPredictor
        from anmok.inference.inputs import Inputs
        from anmok.records import PredictionFailure

        predictor = DetectionPredictor.open(bundle_file(bundle), threads=threads, threshold=threshold)
        failures = 0
        with Inputs(places, limits=Limits()) as inputs:
            reads = dict(inputs.items)
            for answer in predictor.detect_items(inputs.items):
                failures += isinstance(answer, PredictionFailure)
                if out is not None and not isinstance(answer, PredictionFailure):
                    draw(answer, reads[answer.path](), out)
                if as_json:
                    typer.echo(json.dumps(answer.to_json(), ensure_ascii=False, allow_nan=False))
                else:
                    print_answer(answer)
        raise typer.Exit(1 if failures else 0)


def _read(source: str, threads: int) -> BoxSet:
    from anmok.cli.console import TerminalProgress
    from anmok.detection.reading import read_boxes

    with TerminalProgress() as progress:
        return read_boxes(source, threads=threads, progress=progress)


def _command(source: str, folder: Path, config: Any, standard: Any) -> str:
    words = ["anmok", "detect", "train", source, "--out", str(folder)]
    options = {
        "--backbone": "backbone",
        "--side": "side",
        "--epochs": "epochs",
        "--batch-size": "batch_size",
        "--learning-rate": "learning_rate",
        "--pictures": "train_pictures",
        "--seed": "seed",
    }
    for option, name in options.items():
        if getattr(config, name) != getattr(standard, name):
            words += [option, str(getattr(config, name))]
    return shlex.join(words)
