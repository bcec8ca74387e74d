"""Looking pictures over: every check, findings to decide on in a file or a page, and a manifest of what was decided."""

from __future__ import annotations

import datetime
import difflib
import time
import unicodedata
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from anmok.clean.apply import Applied, apply_decisions, with_flags
from anmok.clean.decisions import AcceptRule, Decision, accept, carry_over
from anmok.clean.evidence import Evidence
from anmok.clean.examine import Examined, examine, quarantine_findings
from anmok.clean.findings_file import read_findings, write_findings
from anmok.clean.matching import match
from anmok.clean.outcome import Outcome, measures_of, outcome_of, retell
from anmok.config import CleanConfig, Limits
from anmok.data.manifest import Manifest
from anmok.data.manifest_file import quarantine_path
from anmok.data.names import escape, escape_path, unescape_path
from anmok.data.scan import scan
from anmok.errors import AnmokError, SourceNotFound, StorageError, UsageError
from anmok.evaluation.stored import from_json, to_json
from anmok.i18n import _, current_language, ngettext, use_language
from anmok.pipeline.folder import prepare_folder, prepare_manifest
from anmok.progress import Progress, SilentProgress
from anmok.report.clean import render_review
from anmok.storage import read_json, write_json

MANIFEST, FINDINGS, VALUES, PAGE, CLEANED = (
    "manifest.parquet",
    "findings.csv",
    "clean.json",
    "review.html",
    "cleaned.parquet",
)
#: Rises when an old reader could misread a new ``clean.json``.
FORMAT = 1


@dataclass(frozen=True, eq=False, kw_only=True)
class Cleaning:
    """What the checks found in a set of pictures.

    Attributes:
        manifest: the pictures; its ``flags`` name the checks that flagged each.
        examined: by check, the scores and flags of all pictures.
        outcome: what is stored, with all findings and what was decided about them.
    """

    manifest: Manifest
    examined: tuple[Examined, ...]
    outcome: Outcome


def clean_source(
    source: str | Path,
    out: Path | None = None,
    config: CleanConfig | None = None,
    *,
    accepting: Sequence[AcceptRule] = (),
    limits: Limits = Limits(),  # noqa: B008
    threads: int = 0,
    progress: Progress | None = None,
) -> Cleaning:
    """Run the checks over ``source``. No picture is touched.

    Leaves in ``out``: ``findings.csv``, ``review.html``, ``manifest.parquet`` (with its quarantine file) and
    ``clean.json``. What was decided in a ``findings.csv`` that is there already is kept.

    Args:
        source: folder, zip, CSV, manifest, or the name of a built-in data set.
        out: folder for the results; None writes nothing.
        accepting: what is accepted without looking, see ``decisions.parse_rule``.

    Raises:
        UsageError: a check, picture or cluster that was named is not there; the ``findings.csv`` cannot be read.
        StorageError: ``out`` holds something else, or cannot be written.
    """
    config = config or CleanConfig()
    progress = progress or SilentProgress()
    begin = time.perf_counter()
    old = _prepare(out) if out is not None else ()
    manifest = scan(source, limits=limits, threads=threads, progress=progress)
    if out is not None:
        _refuse_others(out, manifest)
    config = _resolved(config, manifest)
    evidence = Evidence(manifest, config, limits=limits, threads=threads, progress=progress)
    examined = examine(evidence, config.checks)
    findings = [finding for done in examined for finding in done.findings]
    findings += quarantine_findings(manifest.quarantined)
    ran = {done.check.name for done in examined}
    decisions = accept(_still_there(carry_over(old, findings, ran=ran), manifest, progress), accepting)
    manifest = _flagged(manifest, decisions, ran)
    measures = measures_of(manifest.table)
    outcome = Outcome(
        source=manifest.name,
        location=manifest.source,
        folder=escape_path(out) if out is not None else "",
        content_hash=manifest.content_hash,
        pictures=len(manifest),
        classes=manifest.classes,
        checks=tuple(outcome_of(done, measures) for done in examined),
        decisions=decisions,
        config=asdict(config),
        seconds=time.perf_counter() - begin,
        created=datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
    )
    if out is not None:
        _write(manifest, outcome, out, limits=limits, progress=progress)
    return Cleaning(manifest=manifest, examined=examined, outcome=outcome)


def apply_findings(
    findings: Path,
    out: Path,
    source: str | Path | None = None,
    *,
    accepting: Sequence[AcceptRule] = (),
    limits: Limits = Limits(),  # noqa: B008
    threads: int = 0,
    progress: Progress | None = None,
) -> Applied:
    """Do what is accepted in a file of findings, and write a new manifest; undo is using the old one.

    Args:
        findings: as ``clean`` or the review page wrote it, perhaps edited.
        out: the manifest to write, ``….parquet``.
        source: the pictures; None takes ``manifest.parquet`` beside the findings.
        accepting: what is accepted in addition.

    Raises:
        UsageError: the file cannot be read, or names what the manifest does not have; ``out`` is the source.
        StorageError: ``out`` would overwrite something that is no manifest.
    """
    decisions = accept(read_findings(findings), accepting)
    if source is None:
        source = findings.parent / MANIFEST
        if not source.is_file():
            raise SourceNotFound(
                _("There is no {name} beside {path}.").format(name=MANIFEST, path=escape(str(findings))),
                hint=_("Name the pictures, or the manifest that `anmok clean` wrote: anmok clean SOURCE --apply FILE"),
            )
    prepare_manifest(out, source)
    manifest = scan(source, limits=limits, threads=threads, progress=progress)
    applied = apply_decisions(manifest, decisions, file=findings)
    applied.manifest.save(out)
    return applied


def redraw(folder: Path, path: Path | None = None, *, language: str) -> Path:
    """Draw the review page of an earlier run again, in another language; nothing is computed.

    Raises:
        StorageError: there is no readable ``clean.json``.
    """
    values = read_json(folder / VALUES)
    if not isinstance(values, dict) or values.get("format") != FORMAT:
        raise StorageError(
            _("{path} is of another version of Anmok.").format(path=escape(str(folder / VALUES))),
            hint=_("Run anmok clean again."),
        )
    try:
        outcome = from_json(Outcome, values.get("outcome"), where=str(folder / VALUES))
    except StorageError as error:
        raise StorageError(error.message, hint=_("Run anmok clean again.")) from error
    with use_language(language):
        outcome = retell(outcome)
    if (folder / FINDINGS).is_file():
        saved = {row.key: row for row in read_findings(folder / FINDINGS)}
        rows = tuple(_decided(row, saved.get(row.key)) for row in outcome.decisions)
        outcome = replace(outcome, decisions=rows)
    return _draw(outcome, path or folder / PAGE, limits=Limits(), language=language)


def _decided(row: Decision, saved: Decision | None) -> Decision:
    """Return the row with what the file says is decided about it."""
    if saved is None:
        return row
    done = replace(row.finding, action=saved.finding.action, suggested=saved.finding.suggested)
    return replace(row, accept=saved.accept, finding=done)


def _write(manifest: Manifest, outcome: Outcome, out: Path, *, limits: Limits, progress: Progress) -> None:
    manifest.save(out / MANIFEST)
    # Findings before the page: what the page shows can then always be applied.
    write_findings(out / FINDINGS, outcome.decisions)
    write_json(out / VALUES, {"format": FORMAT, "outcome": to_json(outcome)})
    with progress.task(_("Drawing the review page"), 1, unit=_("steps")) as task:
        _draw(outcome, out / PAGE, limits=limits, language=current_language())
        task.advance()


def _draw(outcome: Outcome, path: Path, *, limits: Limits, language: str) -> Path:
    from anmok.data.sources import open_source

    try:
        pictures = open_source(unescape_path(outcome.location), limits=limits)
    except AnmokError:
        # The findings are all stored, so a source that was moved away costs the thumbnails only; the page says so.
        return render_review(outcome, path, read_picture=None, language=language)
    with pictures:
        return render_review(outcome, path, read_picture=pictures.read, language=language)


def _prepare(out: Path) -> tuple[Decision, ...]:
    """Make sure of the results' folder before long work; return what was decided there before."""
    ours = {MANIFEST, FINDINGS, VALUES, PAGE, CLEANED}
    ours |= {quarantine_path(Path(name)).name for name in (MANIFEST, CLEANED)}

    def is_ours(folder: Path) -> bool:
        # Killed before its last file was written, a run leaves some of ours and nothing else.
        names = {path.name for path in folder.iterdir() if not path.name.endswith(".part")}
        return VALUES in names or names <= ours

    prepare_folder(out, is_ours=is_ours)
    return read_findings(out / FINDINGS) if (out / FINDINGS).is_file() else ()


def _refuse_others(out: Path, manifest: Manifest) -> None:
    """Refuse a folder with decisions about other pictures: two folders called photos have one default result folder."""
    if not (out / FINDINGS).is_file() or not (out / MANIFEST).is_file():
        return
    before = Manifest.load(out / MANIFEST)
    if before.source != manifest.source:
        raise StorageError(
            _("The folder {path} holds decisions about other pictures, those of {other}.").format(
                path=out, other=escape(before.source)
            ),
            hint=_("Name another folder with --out."),
        )


def _resolved(config: CleanConfig, manifest: Manifest) -> CleanConfig:
    """Return the settings with marks as the manifest's paths; people type them also as the shell completes them."""
    known = set(manifest.table["path"])
    off, on = (
        tuple(_marked(text, known, manifest) for text in marks)
        for marks in (config.off_topic_marks, config.on_topic_marks)
    )
    both = sorted(set(off) & set(on))
    if both:
        raise UsageError(_("{path} is marked as off topic and as right.").format(path=both[0]))
    return replace(config, off_topic_marks=off, on_topic_marks=on)


def _marked(text: str, known: set[str], manifest: Manifest) -> str:
    base = unescape_path(manifest.source)
    tries = [text, escape(text)]
    for absolute in (Path(text).absolute(), Path(text).resolve()):
        if absolute.is_relative_to(base):
            tries.append(escape(absolute.relative_to(base).as_posix()))
    found = next((path for path in tries if path in known), None)
    if found is None:  # the same letters in another Unicode form, as file systems and keyboards mix them
        forms = {unicodedata.normalize("NFC", text) for text in tries}
        found = next((path for path in sorted(known) if unicodedata.normalize("NFC", path) in forms), None)
    if found is None:
        close = difflib.get_close_matches(text, known, n=1, cutoff=0.6) if len(known) <= 20_000 else []
        raise UsageError(
            _("{path} was marked, but there is no such picture.").format(path=escape(text)),
            hint=_("Did you mean {names}?").format(names=close[0])
            if close
            else _("Name pictures by their paths, as in findings.csv or the pictures.csv of anmok explore."),
        )
    return found


def _still_there(rows: Sequence[Decision], manifest: Manifest, progress: Progress) -> tuple[Decision, ...]:
    """Return the rows whose pictures are there; an earlier decision about a picture that was deleted is done."""
    known = set(manifest.table["path"]) | {row.path for row in manifest.quarantined}
    kept = tuple(row for row in rows if row.finding.path in known)
    gone = len(rows) - len(kept)
    if gone:
        text = ngettext(
            "{count} row of the earlier findings is about a picture that is not there any more; it is left out.",
            "{count} rows of the earlier findings are about pictures that are not there any more; they are left out.",
            gone,
        )
        progress.say(text.format(count=gone))
    return kept


def _flagged(manifest: Manifest, decisions: Sequence[Decision], ran: set[str]) -> Manifest:
    """Return the manifest with ``flags`` of this run; those of checks that did not run stay."""
    table = manifest.table.copy()
    table["flags"] = [",".join(name for name in flags.split(",") if name not in ran) for flags in table["flags"]]
    unaccepted = [replace(row, accept="") for row in decisions if row.found]
    table["flags"] = with_flags(table, match(manifest, unaccepted, file=Path(FINDINGS)))
    return replace(manifest, table=table)
