"""The table of ``anmok clean``: what each check found."""

from __future__ import annotations

from collections import Counter

from rich.box import SIMPLE_HEAD
from rich.table import Table

from anmok.clean.decisions import UNREADABLE
from anmok.clean.outcome import Outcome, usual_action
from anmok.clean.registry import get_check
from anmok.i18n import _
from anmok.report import clean_words, words


def findings_table(outcome: Outcome) -> Table:
    """Return checks by what they found: flagged pictures, the surest one, what is proposed, what is accepted."""
    title = _("{source}: what the checks found in {pictures} pictures")
    table = Table(
        title=title.format(source=outcome.source, pictures=outcome.pictures),
        title_justify="left",
        padding=(0, 1, 0, 0),
        box=SIMPLE_HEAD,
        show_edge=False,
    )
    table.add_column(_("check"), overflow="fold")
    for heading in (_("flagged"), _("Surest, %").lower()):
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column(_("proposes"), no_wrap=True)
    for heading in (_("accepted"), _("seconds")):
        table.add_column(heading, justify="right", no_wrap=True)
    accepted = Counter(row.finding.check for row in outcome.decisions if row.accept == "yes")
    surest: dict[str, float] = {}
    for row in outcome.decisions:
        if row.found:
            surest[row.finding.check] = max(row.certainty, surest.get(row.finding.check, 0.0))
    for done in outcome.checks:
        name, found = done.check, done.flagged > 0
        table.add_row(
            f"{name} [dim]{_(get_check(name).title)}[/]",
            f"[bold]{done.flagged:,}[/]" if found else "–",
            words.percent(surest[name]) if found else "–",
            clean_words.action(usual_action(name)) if found else "–",
            f"{accepted[name]:,}" if accepted[name] else "–",
            f"{done.seconds:.1f}",
        )
    unreadable = sum(row.finding.check == UNREADABLE for row in outcome.decisions)
    if unreadable:
        left = _("left out already")
        table.add_row(f"{UNREADABLE} [dim]{left}[/]", f"[bold]{unreadable:,}[/]", "–", "–", "–", "–")
    return table
