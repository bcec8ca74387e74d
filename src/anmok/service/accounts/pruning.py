"""What the nightly command removes: old entries of the log, and buckets of limits that are empty."""

from __future__ import annotations

from datetime import timedelta

from django.contrib.admin.models import LogEntry
from django.db.models import QuerySet
from django.utils import timezone

from anmok.service.accounts.log import note
from anmok.service.accounts.models import Entry
from anmok.service.accounts.preferences import preferences
from anmok.service.limits.buckets import sweep


def prune_log(days: float | None = None) -> int:
    """Remove what the log tells of longer ago than it shall be kept, and return how many entries; it tells of that.

    Args:
        days: None: as the owner set it, where 0 is for ever.
    """
    sweep()
    kept = preferences().log_days or None if days is None else days
    if kept is None:
        return 0
    before = timezone.now() - timedelta(days=kept)
    # Django's own list of what was done in the admin names the same things.
    LogEntry.objects.filter(action_time__lt=before).delete()
    # The log itself knows no deletion.
    old = QuerySet(Entry).filter(created__lt=before)
    removed, _by_model = old.delete()
    if removed:
        note(Entry.Action.PRUNED, "log", title=f"{removed}", changes={"before": [None, before.isoformat()]})
    return removed
