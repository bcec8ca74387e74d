"""Builds the Typer app from the command modules, and turns errors into sentences and exit codes."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path

import typer

import anmok
from anmok.errors import AnmokError
from anmok.i18n import _
from anmok.storage import storage_error
from anmok.training.memory import is_out_of_memory

#: Typer turns Ctrl-C into this exit code (128 + SIGINT, as shells count).
INTERRUPTED = 130
#: Modules of this package with ``register(app)``, in the order of ``anmok --help``.
COMMANDS = (
    "demo",
    "compare",
    "train",
    "tune",
    "predict",
    "detect",
    "explain",
    "evaluate",
    "thresholds",
    "report",
    "serve",
    "manage",
    "export",
    "explore",
    "learning_curve",
    "features2d",
    "clean",
    "collect",
    "scan",
    "split",
    "balance",
    "augment",
    "checks",
    "datasets",
    "recipes",
    "models",
    "weights",
)


def build() -> typer.Typer:
    """Return the app in the current language."""
    app = typer.Typer(
        name="anmok",
        help=_("Pictures in; an honest comparison of models, and one that answers for new pictures, out."),
        no_args_is_help=True,
        add_completion=True,
        pretty_exceptions_enable=False,
        rich_markup_mode="rich",
        context_settings={"help_option_names": ["-h", "--help"]},
    )

    @app.callback(invoke_without_command=True)
    def version(
        version: bool = typer.Option(False, "--version", help=_("Print the version and leave."), is_eager=True),
    ) -> None:
        if version:
            typer.echo(f"anmok {anmok.__version__}")
            raise typer.Exit

    for name in COMMANDS:
        import_module(f"anmok.cli.{name}").register(app)
    return app


#: Commands that write what they found at their end; all others keep what they have on the way.
BEGIN_ANEW = frozenset({"evaluate", "explain", "predict", "report", "thresholds"})


class Stopped(Exception):
    """Ctrl-C, of which everything was said already: how far the work came and how it goes on."""


def run(arguments: Sequence[str]) -> int:
    """Run one command; return its exit code."""
    _give_streams()
    command, told = typer.main.get_command(build()), False
    try:
        result = command.main(args=list(arguments), prog_name="anmok", standalone_mode=False)
    except Stopped:
        result, told = INTERRUPTED, True
    except AnmokError as error:
        complain(error)
        return error.exit_code
    except typer.TyperException as error:
        # Usage errors know how to show themselves, with the usage line; typer does not export their class.
        show = getattr(error, "show", None)
        if show is None:
            typer.echo(error.format_message(), err=True)
        else:
            show()
        return error.exit_code
    except BrokenPipeError:
        # The reader of our output has left (`anmok ... | head`); nobody is there to be told.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except (MemoryError, RuntimeError) as error:
        if not is_out_of_memory(error):
            raise
        complain(
            AnmokError(
                _("There is not enough memory for this."),
                hint=_("Close other programs, or choose a smaller model, batch_size or image_size."),
            )
        )
        return 1
    except OSError as error:
        # Rooms explain their own files; what is left is a terminal, pipe or file that takes no more of our output.
        complain(storage_error(error, Path("standard output")))
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    if result == INTERRUPTED and not told:
        typer.echo("\n" + _how_it_goes_on(arguments), err=True)
    return result if isinstance(result, int) else 0


def _how_it_goes_on(arguments: Sequence[str]) -> str:
    if arguments and arguments[0] in BEGIN_ANEW:
        return _("Stopped. The same command begins anew.")
    return _("Stopped. What was finished is kept: the same command goes on from there.")


def _give_streams() -> None:
    """Replace streams that our caller has closed (``>&-``) by ones that take everything."""
    sys.stdout = sys.stdout or Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115
    sys.stderr = sys.stderr or Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115


def complain(error: AnmokError) -> None:
    """Print an error for a person: the message, then what to do, on standard error."""
    from anmok.cli.console import harmless, stderr

    # The words stand outside of f-strings, where the collector of texts cannot see them.
    error_word, what_to_do = _("Error"), _("What to do")
    console = stderr()
    console.print(f"[bold red]{error_word}:[/] ", end="")
    console.print(harmless(error.message), markup=False, highlight=False)
    if error.hint:
        console.print(f"[bold]{what_to_do}:[/] ", end="")
        console.print(harmless(error.hint), markup=False, highlight=False)
