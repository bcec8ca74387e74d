"""``anmok detect``: boxes read and checked, a detector trained, measured, and asked."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from anmok.cli.options import bundle_file, default_folder, json_option, lang_option, threads_option
from anmok.i18n import _, current_language, ngettext

if TYPE_CHECKING:
    from anmok.detection.boxset import BoxSet
    from anmok.detection.measures import Figures
    from anmok.detection.predictor import Detection
    from anmok.records import Interval, PredictionFailure


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
            _show_boxes(boxes, count_problems(boxes.problems))
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
        _show_figures(result.test)
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
            _show_figures(figures)


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
                    _draw(answer, reads[answer.path](), out)
                if as_json:
                    typer.echo(json.dumps(answer.to_json(), ensure_ascii=False, allow_nan=False))
                else:
                    _print_answer(answer)
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


def _show_boxes(boxes: BoxSet, problems: Mapping[str, int]) -> None:
    from rich.markup import escape
    from rich.table import Table

    from anmok.cli.console import harmless, stdout
    from anmok.detection.statistics import describe

    found = describe(boxes)
    table = Table(title=escape(harmless(boxes.name)), title_justify="left")
    for title in (_("class"), _("boxes"), _("pictures"), _("median size")):
        table.add_column(title, justify="left" if title == _("class") else "right", overflow="fold")
    for row in found.classes:
        table.add_row(escape(harmless(row.label)), str(row.boxes), str(row.pictures), f"{row.median_side:.0%}")
    console = stdout()
    console.print(table)
    text = ngettext(
        "{count} picture, {empty} of them with nothing in it.",
        "{count} pictures, {empty} of them with nothing in them.",
        len(boxes),
    )
    console.print(text.format(count=len(boxes), empty=found.empty))
    for code, count in problems.items():
        console.print(f"{count} × {code}", markup=False)
    for problem in boxes.problems[:10]:
        console.print(harmless(f"{'!' if problem.left_out else '-'} {problem.reason}"), markup=False)
    if len(boxes.problems) > 10:
        console.print(_("… and {count} more.").format(count=len(boxes.problems) - 10))


def _show_figures(figures: Figures) -> None:
    from rich.markup import escape
    from rich.table import Table

    from anmok.cli.console import harmless, stdout

    caption = ngettext("{count} picture", "{count} pictures", figures.pictures).format(count=figures.pictures)
    caption += ", " + _("score from {threshold} on").format(threshold=f"{figures.threshold:.3f}")
    table = Table(caption=caption, caption_justify="left")
    table.add_column(_("class"), overflow="fold")
    for title in (_("boxes"), "mAP50", "mAP50-95", _("precision"), _("recall")):
        table.add_column(title, justify="right")
    for one in figures.classes:
        cells = [_cell(interval) for interval in (one.map50, one.map, one.precision, one.recall)]
        table.add_row(escape(harmless(one.label)), str(one.true), *cells)
    table.add_section()
    names: Sequence[str] = ("map50", "map", "precision", "recall")
    table.add_row(
        _("all"), str(sum(one.true for one in figures.classes)), *(_cell(figures.figures[name]) for name in names)
    )
    stdout().print(table)


def _cell(interval: Interval | None) -> str:
    return "–" if interval is None else f"{interval.value:.1%} ({interval.low:.0%}–{interval.high:.0%})"


def _print_answer(answer: Detection | PredictionFailure) -> None:
    from anmok.cli.console import harmless
    from anmok.records import PredictionFailure

    if isinstance(answer, PredictionFailure):
        typer.echo(harmless(f"! {answer.error}"))
        return
    found = ", ".join(f"{box.label} {box.score:.2f}" for box in answer.boxes) or _("nothing found")
    typer.echo(harmless(f"{answer.path}: {found}"))


def _draw(answer: Detection, data: bytes, folder: Path) -> None:
    """Write the photo with its boxes under its own path, as a JPEG; nothing outside of ``folder``."""
    from anmok.data.names import unescape
    from anmok.detection.drawing import draw_boxes
    from anmok.images import decode
    from anmok.storage import write_bytes

    parts = [part for part in answer.path.replace(":", "/").split("/") if part not in ("", ".", "..")]
    path = folder.joinpath(*map(unescape, parts))
    pixels = decode(data, name=answer.path).pixels
    write_bytes(path.with_name(path.name + ".boxes.jpg"), draw_boxes(pixels, answer.boxes, answer.indices))
