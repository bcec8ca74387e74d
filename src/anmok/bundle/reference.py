"""What a bundle remembers of the pictures that it was trained on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, eq=False)
class Reference:
    """Embeddings of training pictures.

    Attributes:
        embeddings: finite float16 or float32 ``(R, D)``, as the graph gives them (not normalised).
        labels: int32 ``(R,)``, class numbers in the order of the bundle's labels.
    """

    embeddings: NDArray[np.floating[Any]]
    labels: NDArray[np.int32]
