"""Text that every database compares letter by letter."""

from __future__ import annotations

from typing import Any

from django.db import models


class ExactCharField(models.CharField):
    """A ``CharField`` that tells ``cat`` from ``Cat`` on MySQL and MariaDB too, as SQLite and Python do.

    Their usual collation takes the two for one, so that a second class could not have a card of its own.
    """

    def db_parameters(self, connection: Any) -> dict[str, Any]:
        """Return what Django writes the column's definition from."""
        parameters = super().db_parameters(connection)
        if connection.vendor == "mysql":
            parameters["collation"] = "utf8mb4_bin"
        return parameters
