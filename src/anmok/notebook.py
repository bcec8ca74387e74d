"""How values show themselves in a notebook: Jupyter asks each for HTML, and ``report.notebook`` draws it.

A value lies below the room that draws, so that room is looked up only when a notebook asks: the one place, beside the
package's front door, where a lower room names a higher one.
"""

from __future__ import annotations

from importlib import import_module


class ShownInNotebooks:
    """Base of values that a notebook shows as a small table or picture; plain text elsewhere stays ``repr``."""

    __slots__ = ()

    def _repr_html_(self) -> str:
        """Return a piece of HTML that holds all it shows; what Jupyter calls."""
        html: str = import_module("anmok.report.notebook").html_of(self)
        return html
