"""``anmok serve``: the web page that answers for photos."""

from __future__ import annotations

import os
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from anmok.cli.options import bundle_file, lang_option
from anmok.errors import MissingExtra, UsageError
from anmok.i18n import _

if TYPE_CHECKING:
    from anmok.service.serve import ServeOptions


def register(app: typer.Typer) -> None:
    """Add the command to ``app``."""

    @app.command(help=_("Start the web page that says what a photo shows; a database and an API come with it."))
    def serve(
        bundle: Annotated[
            list[str] | None,
            typer.Option(
                "--bundle",
                metavar="[NAME=]FILE",
                help=_(
                    "The bundle that answers, or the folder of a comparison; without it five drawn places on Jeju. "
                    "Give it again for further ones, which answer at /m/NAME/."
                ),
            ),
        ] = None,
        data: Annotated[
            Path, typer.Option("--data", help=_("Folder for the database, the photos and the secret key."))
        ] = Path("anmok-service"),
        host: Annotated[str, typer.Option("--host", help=_("Address to listen on; 0.0.0.0 for all."))] = "127.0.0.1",
        port: Annotated[int, typer.Option("--port", min=1, max=65535, help=_("Port to listen on."))] = 8000,
        names: Annotated[
            str, typer.Option("--hosts", help=_("Further names that visitors use, separated by commas."))
        ] = "",
        workers: Annotated[int, typer.Option("--workers", min=1, max=64, help=_("Processes that answer."))] = 2,
        queue: Annotated[
            int,
            typer.Option(
                "--queue", min=1, max=500, help=_("Photos that a process takes on at a time; others must come again.")
            ),
        ] = 24,
        together: Annotated[
            int,
            typer.Option(
                "--together",
                min=1,
                max=64,
                help=_("Photos that go through the model together; more than 1 pays on a GPU alone."),
            ),
        ] = 1,
        lang: Annotated[str, lang_option()] = "",
    ) -> None:
        require_service()
        from anmok.service.hosting.choices import check_choices, parse_choice
        from anmok.service.hosting.shared_counts import share_between_processes
        from anmok.service.serve import DEMO, ServeOptions, prepare, run

        choices = check_choices([parse_choice(text, find=bundle_file) for text in bundle or [str(DEMO)]])
        options = ServeOptions(
            bundle=choices[0].path,
            name=choices[0].name,
            others=choices[1:],
            folder=data,
            host=host,
            port=port,
            hosts=tuple(name.strip() for name in names.split(",") if name.strip()),
            workers=workers,
            queue=queue,
            together=together,
            database=os.environ.get("DATABASE_URL", ""),
        )
        if host not in ("127.0.0.1", "localhost", "::1") and not options.hosts and "ANMOK_HOSTS" not in os.environ:
            raise UsageError(
                _("{host} is open to others, but no name was given under which they may ask.").format(host=host),
                hint=_("Name them: --hosts example.org,192.0.2.7"),
            )
        with share_between_processes(data):
            prepare(options)
            run(options, ready=lambda: _say(options))


def _say(options: ServeOptions) -> None:
    from anmok.service.hosting.store import BundleStore

    typer.echo(_("The page is at http://localhost:{port}/ (Ctrl-C stops it).").format(port=options.port))
    typer.echo(_("Database and photos lie in {folder}.").format(folder=options.folder))
    named = {choice.name for choice in options.choices}
    for name in BundleStore(options.folder).installed():
        if name in named:
            text = _("{name} answers from the installed bundle; to undo that: anmok manage bundle remove --name {name}")
            typer.echo(text.format(name=name))
        else:
            typer.echo(_("The installed bundle {name} answers, too: /m/{name}/").format(name=name))


def require_service() -> None:
    """Make sure that the service's packages are here.

    Raises:
        MissingExtra: they are not; says what to install.
    """
    if find_spec("django") is None or find_spec("gunicorn") is None:
        raise MissingExtra(_("The web service is not installed."), hint=_('Install it: pip install "anmok[service]"'))
