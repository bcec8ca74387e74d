"""``anmok predict``: a bundle answers for pictures. Starts quickly and works as a filter between other programs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import IO, TYPE_CHECKING, Annotated

import typer

from anmok.cli.options import bundle_argument, bundle_file, json_option, lang_option, threads_option
from anmok.errors import UsageError
from anmok.i18n import _, ngettext

if TYPE_CHECKING:
    from rich.table import Table

    from anmok.features.engine import Item
    from anmok.inference.predictor import Predictor
    from anmok.records import Prediction, PredictionFailure

    Answer = Prediction | PredictionFailure

STANDARD_INPUT = "-"
#: Bytes; no system has longer paths, and a stream without an end of a line must not fill the memory.
LONGEST_PATH = 2**16


def register(app: typer.Typer) -> None:
    """Add the command to ``app``."""

    @app.command(
        help=_("Say what pictures show, with a bundle that `anmok compare` made. PyTorch is not needed."),
        epilog=_(
            "A picture is named by its path inside the folder or zip; with several places, by the place and that path. "
            'A picture that looks like none of the classes is answered "none of these", with the nearest class. '
            "Exit code 1 says that some pictures could not be read."
        ),
    )
    def predict(
        bundle: Annotated[Path, bundle_argument()],
        places: Annotated[
            list[str],
            typer.Argument(help=_("Pictures, folders, zips; - reads paths from standard input."), metavar="PATH..."),
        ],
        top: Annotated[int, typer.Option("--top", min=1, help=_("Classes named for each picture."))] = 3,
        nul: Annotated[bool, typer.Option("-0", help=_("Paths on standard input end with a zero byte."))] = False,
        unknown: Annotated[
            bool,
            typer.Option(
                "--unknown/--no-unknown",
                help=_('Say "none of these" where a picture looks like no class; or name a class in any case.'),
            ),
        ] = True,
        threads: Annotated[int, threads_option()] = 0,
        as_json: Annotated[bool, json_option()] = False,
        lang: Annotated[str, lang_option()] = "",
    ) -> None:
        from anmok.inference.predictor import Predictor

        streams = STANDARD_INPUT in places
        if streams and len(places) > 1:
            raise UsageError(_("- stands alone: give either paths, or - to read them from standard input."))
        predictor = Predictor.open(bundle_file(bundle), threads=threads, unknown=unknown)
        try:
            if streams:
                listed = _from_standard_input(b"\0" if nul else b"\n")
                failures = _answer(predictor, listed, total=None, top=top, as_json=as_json)
            else:
                failures = _answer_places(predictor, places, top=top, as_json=as_json)
        except BrokenPipeError:
            _close_standard_output()
            failures = 0
        raise typer.Exit(1 if failures else 0)


def _answer_places(predictor: Predictor, places: Sequence[str], *, top: int, as_json: bool) -> int:
    from anmok.config import Limits
    from anmok.inference.inputs import Inputs

    with Inputs(places, limits=Limits()) as inputs:
        return _answer(predictor, inputs.items, total=len(inputs.items), top=top, as_json=as_json)


def _answer(predictor: Predictor, items: Iterable[Item], *, total: int | None, top: int, as_json: bool) -> int:
    """Print an answer for each picture; return how many could not be read."""
    answers = predictor.predict_items(items, top_k=top)
    return _print_json(answers, total) if as_json else _print_table(answers, total)


def _print_json(answers: Iterable[Answer], total: int | None) -> int:
    """Print one line a picture, each as soon as it is known."""
    import json
    import sys

    # Bytes, because JSON is UTF-8 whatever the locale says; and the bar's console must not catch them.
    stream = sys.stdout.buffer
    failures = 0
    # Where the lines themselves run over the screen, a bar would only tear them apart.
    for answer in answers if sys.stdout.isatty() else _with_bar(answers, total):
        stream.write(json.dumps(answer.to_json(), ensure_ascii=False, allow_nan=False).encode("utf-8") + b"\n")
        stream.flush()
        failures += _is_failure(answer)
    return failures


def _print_table(answers: Iterable[Answer], total: int | None) -> int:
    """Print one table at the end; what is known is also shown if the user stops the work."""
    from anmok.cli.console import stdout

    known: list[Answer] = []
    try:
        for answer in _with_bar(answers, total):
            known.append(answer)
    finally:
        if known:
            console = stdout()
            if not console.is_terminal:
                # In a file or a pipe nothing is gained from breaking long names into lines.
                console.width = 10_000
            console.print(_table(known))
            for answer in filter(_is_failure, known):
                console.print(f"! {getattr(answer, 'error', '')}", markup=False)
    return sum(map(_is_failure, known))


def _with_bar(answers: Iterable[Answer], total: int | None) -> Iterator[Answer]:
    from anmok.cli.console import TerminalProgress

    with TerminalProgress() as progress, progress.task(_("Predicting"), total, unit=_("pictures")) as task:
        for answer in answers:
            yield answer
            task.advance()


def _is_failure(answer: Answer) -> bool:
    from anmok.records import PredictionFailure

    return isinstance(answer, PredictionFailure)


def _table(answers: Sequence[Answer]) -> Table:
    from rich.bar import Bar
    from rich.table import Table
    from rich.text import Text

    from anmok.data.names import escape
    from anmok.records import Prediction, PredictionFailure

    failures = sum(map(_is_failure, answers))
    unknown = sum(isinstance(answer, Prediction) and answer.unknown for answer in answers)
    caption = ngettext("{count} picture", "{count} pictures", len(answers)).format(count=len(answers))
    if unknown:
        caption += ", " + _("{count} of them show none of the classes").format(count=unknown)
    if failures:
        caption += ", " + _("{count} of them could not be read").format(count=failures)
    # What could not be read is named below, with the reason, and here not a second time.
    table = Table(caption=caption, caption_justify="left", show_header=failures < len(answers))
    table.add_column(_("picture"), overflow="fold")
    table.add_column(_("class"), overflow="fold")
    table.add_column(_("probability"), justify="right")
    table.add_column("", width=10)
    table.add_column(_("next"), overflow="fold", style="dim")
    for answer in answers:
        # Text and not str: names of files and classes may look like rich's markup.
        if isinstance(answer, PredictionFailure):
            continue
        # A bundle may come from a stranger: the names in it must not steer the terminal.
        label = escape(answer.label)
        if answer.unknown:
            label = _("none of these; nearest: {label}").format(label=label)
        others = ", ".join(f"{escape(name)} {p:.1%}" for name, p in answer.top[1:])
        # How probable a class is among the others says nothing where it is none of them.
        bar = Bar(1, 0, 0.0 if answer.unknown else answer.probability, width=10, color="cyan")
        name = Text(label, style="yellow" if answer.unknown else "bold")
        table.add_row(Text(answer.path), name, f"{answer.probability:.1%}", bar, Text(others))
    return table


def _from_standard_input(end: bytes) -> Iterator[Item]:
    import sys

    from anmok.config import Limits
    from anmok.inference.inputs import listed_items

    return listed_items(_split(sys.stdin.buffer, end), limits=Limits())


def _close_standard_output() -> None:
    """Our reader has left (`anmok predict ... | head`): nobody is there to be told, also not by Python at its end."""
    import os
    import sys

    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _split(stream: IO[bytes], end: bytes) -> Iterator[bytes]:
    """Yield what stands before each ``end`` in a stream, as soon as it is there."""
    rest = b""
    while block := stream.read1(LONGEST_PATH):  # type: ignore[attr-defined]
        *whole, rest = (rest + block).split(end)
        yield from (path.rstrip(b"\r") if end == b"\n" else path for path in whole)
        if len(rest) > LONGEST_PATH:
            raise UsageError(
                _("Standard input holds no list of paths: there is no end of a path in {count} bytes.").format(
                    count=LONGEST_PATH
                ),
                hint=_("Give one path a line, or with -0 a NUL byte after each."),
            )
    if rest:
        yield rest.rstrip(b"\r\n")
