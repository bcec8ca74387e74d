"""A second kind of pictures mixed into the classes: found by clusters, named by the user, or learned from marks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from anmok.clean.clusters import DIMENSIONS, Clusters, centred, find_clusters, is_apart, reduced
from anmok.clean.evidence import Evidence
from anmok.clean.marks import RULE_DIMENSIONS, follow, worth_marking
from anmok.clean.off_topic_style import style_extractor, unit_rows
from anmok.clean.reductions import SIDE, reduce_pixels
from anmok.errors import UsageError
from anmok.features.extraction import extract
from anmok.i18n import _
from anmok.models.registry import get_model


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Marks:
    """What somebody said of single pictures.

    Attributes:
        rows: int64 ``(m,)``.
        is_off: bool ``(m,)``, True for off topic.
    """

    rows: NDArray[np.int64]
    is_off: NDArray[np.bool_]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Kinds:
    """The kinds of N pictures, and which of them go.

    Attributes:
        clusters: how the pictures were divided.
        dropped: numbers of the clusters that go.
        apart: the smallest cluster is a kind of its own, by ``separation``.
        separation: Ashman's D of the smallest cluster against the rest.
        odds: float64 ``(N,)``, above 0 for off topic; its unit is no probability. All below 0 where nothing goes.
        uncertain: rows whose marks would tell most.
    """

    clusters: Clusters
    dropped: tuple[int, ...]
    apart: bool
    separation: float
    odds: NDArray[np.float64]
    uncertain: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Places:
    """Where the rows of a manifest stand, in an order that does not depend on the manifest's.

    Attributes:
        rows: int64 ``(N,)``, row of the manifest at each place.
        classes, splits: int64 ``(N,)`` from 0, of each place.
    """

    rows: NDArray[np.int64]
    classes: NDArray[np.int64]
    splits: NDArray[np.int64]

    @classmethod
    def of(cls, evidence: Evidence) -> Places:
        """Order the rows by content, then name."""
        table = evidence.manifest.table
        rows = table[["id", "label", "path"]].sort_values(["id", "label", "path"]).index.to_numpy(dtype=np.int64)
        classes = np.unique(evidence.manifest.label_indices()[rows], return_inverse=True)[1]
        splits = np.unique(table["split"].to_numpy(dtype=str)[rows], return_inverse=True)[1]
        return cls(rows=rows, classes=classes.astype(np.int64), splits=splits.astype(np.int64))


def find_kinds(evidence: Evidence, places: Places, marks: Marks) -> Kinds:
    """Divide the pictures into kinds and say which go; all rows and arrays are in the order of ``places``.

    Nothing goes that the user did not ask for, by a cluster's number or by marks, unless the smallest cluster is a
    kind of its own (``clusters.is_apart``) in a network's style vectors. Hand-made features and pixels cannot tell a
    kind from a background, so there the program only shows what it found.

    Raises:
        UsageError: a cluster is to be dropped that is not there, or all are.
    """
    config = evidence.config
    is_style, vectors = _kind_vectors(evidence, places)
    centred_vectors = centred(vectors, places.classes, places.splits) if config.off_topic == "embedding" else vectors
    clusters = find_clusters(reduced(centred_vectors, DIMENSIONS, seed=config.seed), config.clusters, seed=config.seed)
    apart, distance = is_apart(clusters, seed=config.seed)
    dropped = _dropped(config.drop_clusters, len(clusters.centres), apart and is_style)
    pseudo = np.isin(clusters.labels, dropped) if dropped else None
    margin = _margins(clusters, dropped or (len(clusters.centres) - 1,))

    def ruled(told: Marks) -> NDArray[np.float64]:
        points = _rule_points(evidence, places, centred_vectors, is_style)
        return follow(points, pseudo, told.rows, told.is_off)

    odds, uncertain = _decided(margin, pseudo, marks, ruled), margin
    if pseudo is not None or len(marks.rows):
        uncertain = odds if len(marks.rows) else ruled(marks)
    return Kinds(
        clusters=clusters,
        dropped=dropped,
        apart=apart,
        separation=distance,
        odds=odds,
        uncertain=worth_marking(uncertain, places.classes, marks.rows.tolist()),
    )


def _decided(
    margin: NDArray[np.float64],
    pseudo: NDArray[np.bool_] | None,
    marks: Marks,
    ruled: Callable[[Marks], NDArray[np.float64]],
) -> NDArray[np.float64]:
    """Return the odds: of the rule where there are marks, else of the clusters that go, else below 0."""
    if len(marks.rows):
        return ruled(marks)
    if pseudo is None:
        return np.full(len(margin), -np.inf)
    # The margin has the sign of the cluster, but for ties of rounding.
    return np.where(pseudo, np.maximum(margin, 1e-9), np.minimum(margin, -1e-9))


def _kind_vectors(evidence: Evidence, places: Places) -> tuple[bool, NDArray[np.float64]]:
    """Return what kinds are looked for in, and whether that is a network's style vectors."""
    config = evidence.config
    if config.off_topic != "embedding":
        return False, reduce_pixels(evidence.pixels(SIDE), config.off_topic, seed=config.seed)[places.rows]
    style = style_extractor(evidence.extractor)
    if style is None:
        return False, unit_rows(evidence.vectors[places.rows])
    vectors = extract(
        evidence.manifest, style, limits=evidence.limits, threads=evidence.threads, progress=evidence.progress
    )
    return True, unit_rows(vectors[places.rows])


def _rule_points(evidence: Evidence, places: Places, kinds: NDArray[np.float64], is_style: bool) -> NDArray[np.float64]:
    """Return what the linear rule sees: beside the kind's vectors what is shown, and hand-made features, alike."""
    views = [kinds]
    if is_style:
        handcrafted = get_model("handcrafted").extractor(progress=evidence.progress)
        made = extract(
            evidence.manifest, handcrafted, limits=evidence.limits, threads=evidence.threads, progress=evidence.progress
        )
        views += [
            centred(unit_rows(view[places.rows]), places.classes, places.splits) for view in (evidence.vectors, made)
        ]
    lengths = [float(np.sqrt((view**2).sum(axis=1).mean())) or 1.0 for view in views]
    together = np.concatenate([view / length for view, length in zip(views, lengths, strict=True)], axis=1)
    return reduced(together, RULE_DIMENSIONS, seed=evidence.config.seed)


def _dropped(asked: tuple[int, ...], count: int, proposes: bool) -> tuple[int, ...]:
    unknown = [number for number in asked if not 0 <= number < count]
    if unknown:
        raise UsageError(
            _("There is no cluster {number}; {count} were found, counted from 0.").format(
                number=unknown[0], count=count
            ),
            hint=_("Look at the pictures of each cluster in the report, and name one of those."),
        )
    if asked and len(set(asked)) == count:
        raise UsageError(
            _("All clusters are to be dropped, so no picture would remain."),
            hint=_("Leave at least one cluster."),
        )
    if asked:
        return tuple(sorted(set(asked)))
    return (count - 1,) if proposes else ()


def _margins(clusters: Clusters, dropped: tuple[int, ...]) -> NDArray[np.float64]:
    """Return how much nearer each point is to a centre that goes than to one that stays, in its own deviations."""
    stays = [number for number in range(len(clusters.centres)) if number not in dropped]
    if not stays:
        return np.zeros(len(clusters.points))
    squares = ((clusters.points[:, None] - clusters.centres[None]) ** 2).sum(axis=2)
    margin = squares[:, stays].min(axis=1) - squares[:, list(dropped)].min(axis=1)
    scaled: NDArray[np.float64] = margin / (margin.std() or 1.0)
    return scaled
