"""A report as PDF, printed by a Chromium that is on this machine; nothing is fetched and nothing is sent."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from anmok import storage
from anmok.errors import AnmokError, MissingExtra
from anmok.i18n import _

#: Programs that print as Chromium does, in the order in which they are looked for on PATH; ``CHROMIUM`` names another.
NAMES = (
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
    "microsoft-edge",
    "microsoft-edge-stable",
    "brave-browser",
)
#: No update, no report of use, no name that can be looked up: whatever stood in the page, it could reach nothing.
QUIET = (
    "--headless",
    "--disable-gpu",
    "--no-first-run",
    "--no-default-browser-check",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-extensions",
    "--disable-dev-shm-usage",
    "--host-resolver-rules=MAP * ~NOTFOUND",
)
#: Seconds after which printing is given up; a report of 100 classes takes a tenth of it.
TIMEOUT = 300


def find_browser() -> str:
    """Return the path of a browser that can print.

    Raises:
        MissingExtra: there is none.
    """
    wanted = os.environ.get("CHROMIUM", "")
    found = next(filter(None, map(shutil.which, (wanted,) if wanted else NAMES)), None)
    if found is None:
        raise MissingExtra(
            _("A PDF is printed by Chromium, and none was found on this machine (looked for: {names}).").format(
                names=wanted or ", ".join(NAMES)
            ),
            hint=_(
                "Install one (Debian, Ubuntu: sudo apt install chromium), or set CHROMIUM to the program; or open"
                " report.html in any browser and print it to a file."
            ),
        )
    return found


def print_pdf(page: Path, pdf: Path) -> Path:
    """Print an HTML file of Anmok as PDF and return the PDF's path; it appears whole or not at all.

    Raises:
        MissingExtra: there is no browser to print with.
        StorageError: the file could not be written.
        AnmokError: the browser failed, or took too long.
    """
    program = find_browser()
    # Parts of a browser that was given up may still write into its profile.
    with tempfile.TemporaryDirectory(prefix="anmok-pdf-", ignore_cleanup_errors=True) as folder:
        made = Path(folder) / "report.pdf"
        command = [program, *QUIET, f"--user-data-dir={folder}/profile", "--no-pdf-header-footer"]
        if hasattr(os, "geteuid") and os.geteuid() == 0:
            # Chromium refuses to start for root with its sandbox; the page is our own and runs no script but ours.
            command.append("--no-sandbox")
        try:
            run = subprocess.run(  # noqa: S603 - a browser found on PATH, with a file of ours
                [*command, f"--print-to-pdf={made}", page.resolve().as_uri()],
                capture_output=True,
                timeout=TIMEOUT,
                check=False,
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise _failed(program, page, str(error)) from error
        if run.returncode or not made.is_file():
            last = run.stderr.decode("utf-8", "replace").strip().splitlines()
            raise _failed(program, page, last[-1] if last else _("it gave no reason"))
        storage.write_bytes(pdf, made.read_bytes())
    return pdf


def _failed(program: str, page: Path, reason: str) -> AnmokError:
    return AnmokError(
        _("{program} could not print {page}: {reason}").format(program=program, page=page, reason=reason),
        hint=_("Open the page in a browser and print it to a file."),
    )
