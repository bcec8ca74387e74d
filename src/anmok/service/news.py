"""What is worth a line in the log."""

from __future__ import annotations

import logging
from http import HTTPStatus

#: Refusals that the service answers on purpose although their numbers blame it: too busy for now; no room, which is
#: logged with its reason where it is noticed.
ON_PURPOSE = (HTTPStatus.SERVICE_UNAVAILABLE, HTTPStatus.INSUFFICIENT_STORAGE)


class News(logging.Filter):
    """Lets through all but ordinary refusals, of which Django writes several lines each, some with a traceback.

    Whoever scans the service for holes, or leaves in the middle of an upload, would else fill the disk with them.
    """

    def filter(self, record: logging.LogRecord) -> bool:
        """Tell whether a record is written."""
        status = getattr(record, "status_code", None)
        return status is None or not (status < 500 or status in ON_PURPOSE)
