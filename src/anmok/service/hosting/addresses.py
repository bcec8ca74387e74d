"""Names of models in addresses: /m/NAME/ exists as long as a bundle answers under that name."""

from __future__ import annotations

from anmok.errors import AnmokError
from anmok.service.hosting.choices import NAME


class ModelName:
    """Django's converter of such a part of an address; what is no such name leads nowhere (404)."""

    regex = NAME.pattern

    def to_python(self, text: str) -> str:
        """Return the name; raises ``ValueError`` where no bundle answers under it."""
        from anmok.service.answering import served

        try:
            return served(text).name
        except AnmokError as error:
            raise ValueError(text) from error

    def to_url(self, name: str) -> str:
        """Return the name as a part of an address."""
        return name
