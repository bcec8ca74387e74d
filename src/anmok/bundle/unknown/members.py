"""The scores that come with Anmok, in the order in which they are shown."""

from __future__ import annotations

#: Modules of this package; importing one registers its score.
MODULES = ("neighbours", "mahalanobis", "energy", "probability")
