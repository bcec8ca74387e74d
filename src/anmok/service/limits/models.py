"""What is noted of each visitor and program that a limit counts."""

from __future__ import annotations

from django.db import models


class Bucket(models.Model):
    """One leaky bucket: whose and of which limit it is, and when it will be empty again.

    ``key`` is a hash (``buckets.key_of``): addresses of visitors are not stored. ``empty_at`` is in microseconds since
    1970; a bucket that is empty says nothing and may be removed at any time.
    """

    key = models.CharField(max_length=64, primary_key=True)
    empty_at = models.BigIntegerField(default=0)
