"""Leaky buckets in the database: so much may be taken at once, and flows back evenly over the period.

This is the generic cell rate algorithm (ITU-T I.371, "virtual scheduling"): of each bucket only the moment is stored at
which it will be empty. Looking and taking are one UPDATE with a condition, which SQLite and MariaDB each do in one go:
whatever number of processes ask at once, no more than the limit gets through.
"""

from __future__ import annotations

import hashlib
import hmac
import itertools
import time
from dataclasses import dataclass

from django.conf import settings
from django.db.models import BigIntegerField, Case, F, Q, Value, When

from anmok.service.limits.models import Bucket

#: Microseconds of a second.
_SECOND = 1_000_000
#: A bucket that is to be empty later than this after its period was filled by a clock that has been set back.
_SLACK = 60 * _SECOND
#: New buckets of this process between two sweeps, and buckets that one DELETE removes.
_SWEEP_EVERY, _AT_ONCE = 500, 500
_made = itertools.count(1)


@dataclass(frozen=True, slots=True)
class Limit:
    """At most ``most`` in ``seconds``: as many at once, and then one more each ``seconds / most``."""

    most: int
    seconds: int

    @property
    def share(self) -> int:
        """Microseconds until one more flows back."""
        return max(self.seconds * _SECOND // self.most, 1)


class LimitReached(Exception):
    """Someone asks too often. ``seconds``: when it is worth to ask again; whole, 1 or more."""

    def __init__(self, seconds: int) -> None:
        super().__init__(f"try again in {seconds} s")
        self.seconds = seconds


def spend(name: str, who: str, limit: Limit, count: int = 1) -> None:
    """Take ``count`` from the bucket of a limit for a visitor or program, or nothing where it does not hold so many.

    Args:
        name: of the limit, for example ``"photos"``.
        who: whom it counts; stored as a hash.
        count: 1 or more; more than ``limit.most`` counts as that, since it could else never be had.

    Raises:
        LimitReached: too much was taken already.
    """
    key, now = key_of(name, who), time.time_ns() // 1000
    cost, period = min(count, limit.most) * limit.share, limit.most * limit.share
    filled = Case(
        When(Q(empty_at__lt=now) | Q(empty_at__gt=now + period + _SLACK), then=Value(now)),
        default=F("empty_at"),
        output_field=BigIntegerField(),
    )
    has_room = Q(empty_at__lte=now + period - cost) | Q(empty_at__gt=now + period + _SLACK)
    bucket = Bucket.objects.filter(key=key)
    while not bucket.filter(has_room).update(empty_at=filled + cost):
        there = bucket.values_list("empty_at", flat=True).first()
        if there is None:
            # Someone else may make it at the same moment: then it is theirs that is filled.
            Bucket.objects.bulk_create([Bucket(key=key)], ignore_conflicts=True)
            if next(_made) % _SWEEP_EVERY == 0:
                sweep()
        elif now + period - cost < there <= now + period + _SLACK:
            raise LimitReached(max(-(-(there + cost - period - now) // _SECOND), 1))


def give_back(name: str, who: str, limit: Limit, count: int = 1) -> None:
    """Put back what was taken for something that shall not count."""
    Bucket.objects.filter(key=key_of(name, who)).update(empty_at=F("empty_at") - count * limit.share)


def sweep() -> int:
    """Remove buckets that are empty, which say nothing, and return how many. Safe while others take from them."""
    now, removed = time.time_ns() // 1000, 0
    keys = list(Bucket.objects.filter(empty_at__lt=now).values_list("key", flat=True)[:100_000])
    # By key, and few at once: a DELETE by time would hold every bucket on MariaDB until it is done.
    for start in range(0, len(keys), _AT_ONCE):
        some = sorted(keys[start : start + _AT_ONCE])
        removed += Bucket.objects.filter(key__in=some, empty_at__lt=now).delete()[0]
    return removed


def key_of(name: str, who: str) -> str:
    """Return the hash under which a bucket is kept. The secret key goes in: nobody can try all addresses."""
    return hmac.new(settings.SECRET_KEY.encode(), f"{name}\n{who}".encode(), hashlib.sha256).hexdigest()
