"""Pictures that have no business in the set: a second kind among all (photos among drawings), and single strangers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from anmok.clean.clusters import APART, indices_note
from anmok.clean.evidence import Evidence
from anmok.clean.off_topic_kinds import Kinds, Marks, Places, find_kinds
from anmok.clean.off_topic_strangers import FAR, Strangers, find_strangers
from anmok.clean.off_topic_style import unit_rows
from anmok.clean.registry import CheckResult, register_check
from anmok.data.names import escape
from anmok.errors import UsageError
from anmok.i18n import gettext
from anmok.i18n import marked as _

#: Pictures of each cluster that are shown, the nearest to its centre.
SHOWN = 12


def _reason(values: Mapping[str, Any]) -> str:
    why = values["why"]
    if why == "marked":
        return gettext("It was marked as off topic.")
    if why == "rule":
        return gettext("It is like the pictures that were marked as off topic.")
    if why == "kind":
        text = gettext("It is of another kind than most pictures: of the {size} pictures of cluster {cluster}.")
        return text.format(size=values["size"], cluster=values["cluster"])
    text = gettext("It is like no other picture: {ratio:.2f} times as far from its neighbours as is usual in {label}.")
    return text.format(ratio=values["ratio"], label=escape(values["label"]))


@register_check(
    name="off-topic",
    title=_("Off topic"),
    about=_("A second kind of pictures mixed into the classes, and single pictures that are like no other."),
    needs="vectors",
    action="remove",
    reason=_reason,
)
def find_off_topic(evidence: Evidence) -> CheckResult:
    """Flag pictures of a kind that goes, and strangers.

    ``values``: ``why`` (``marked``, ``rule``, ``kind``, ``stranger``), ``label``; of a kind ``cluster`` and ``size``;
    of a stranger ``ratio``. ``about``: ``method``, ``silhouette``, ``davies_bouldin`` (None where there is one kind
    only), ``note`` on what they do not tell, ``separation``, ``apart``, ``dropped``, ``clusters`` (``number``,
    ``size``, ``shares`` of each class, ``examples``: paths, the nearest to the centre first), ``uncertain``: paths of
    the pictures most worth marking, ``kinds`` and ``strangers``: how many were flagged as such.

    Raises:
        UsageError: a mark names no picture of the manifest, or one both ways; a cluster is dropped that is not there.
        MissingExtra: the autoencoder needs PyTorch.
    """
    marks = _marks(evidence)
    if not len(evidence.manifest):
        empty = np.zeros(0)
        return CheckResult(scores=empty, flags=empty.astype(bool), others=empty.astype(np.int64))
    places = Places.of(evidence)
    place_of = np.argsort(places.rows)
    told = Marks(rows=place_of[marks.rows], is_off=marks.is_off)
    kinds = find_kinds(evidence, places, told)
    is_kind = kinds.odds > 0
    # A kind is at home among its own: else the few of them would be strangers in each class, one by one.
    homes = np.unique(places.classes * 2 + is_kind, return_inverse=True)[1].astype(np.int64)
    strangers = find_strangers(unit_rows(evidence.vectors[places.rows]), homes, seed=evidence.config.seed)
    deviations = strangers.deviations.copy()
    deviations[told.rows] = 0
    badness = np.maximum(_kind_badness(kinds.odds), np.where(deviations > 0, deviations / (deviations + FAR), 0))
    badness[told.rows] = told.is_off
    flags = is_kind | (deviations > FAR)
    return CheckResult(
        scores=(1 - badness)[place_of],
        flags=flags[place_of],
        others=np.full(len(flags), -1, dtype=np.int64),
        values=_values(evidence, places, kinds, told=told, strangers=strangers, flags=flags),
        thresholds={"separation": APART, "distance_ratio": strangers.limit},
        about=_about(evidence, places, kinds, is_kind, deviations > FAR),
    )


def _kind_badness(odds: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return 0 to 1, above 0.5 where the odds are above 0."""
    return 0.5 + 0.5 * np.tanh(odds / 2)


def _marks(evidence: Evidence) -> Marks:
    config = evidence.config
    row_of = {path: row for row, path in enumerate(evidence.manifest.table["path"].tolist())}
    both = set(config.off_topic_marks) & set(config.on_topic_marks)
    if both:
        raise UsageError(gettext("{path} is marked as off topic and as right.").format(path=escape(min(both))))
    answers = dict.fromkeys(config.off_topic_marks, True) | dict.fromkeys(config.on_topic_marks, False)
    for path in answers:
        if path not in row_of:
            raise UsageError(
                gettext("{path} is marked, but there is no such picture.").format(path=escape(path)),
                hint=gettext("Marks name pictures by their paths in the source, as the findings do."),
            )
    return Marks(
        rows=np.array([row_of[path] for path in answers], dtype=np.int64),
        is_off=np.array(list(answers.values()), dtype=bool),
    )


def _values(
    evidence: Evidence, places: Places, kinds: Kinds, *, told: Marks, strangers: Strangers, flags: NDArray[np.bool_]
) -> dict[int, dict[str, Any]]:
    labels, sizes = evidence.manifest.table["label"].tolist(), kinds.clusters.sizes()
    marked = set(told.rows[told.is_off].tolist())
    values: dict[int, dict[str, Any]] = {}
    for place in np.flatnonzero(flags).tolist():
        row, cluster = int(places.rows[place]), int(kinds.clusters.labels[place])
        said: dict[str, Any] = {"label": labels[row]}
        if place in marked:
            said["why"] = "marked"
        elif kinds.odds[place] > 0 and cluster in kinds.dropped:
            said |= {"why": "kind", "cluster": cluster, "size": int(sizes[cluster])}
        elif kinds.odds[place] > 0:
            said["why"] = "rule"
        else:
            said |= {"why": "stranger", "ratio": round(float(strangers.ratios[place]), 4)}
        values[row] = said
    return values


def _about(
    evidence: Evidence, places: Places, kinds: Kinds, is_kind: NDArray[np.bool_], is_strange: NDArray[np.bool_]
) -> dict[str, Any]:
    table, clusters = evidence.manifest.table, kinds.clusters
    paths = table["path"].to_numpy(dtype=object)[places.rows]
    labels = table["label"].to_numpy(dtype=object)[places.rows]
    totals = {str(label): int((labels == label).sum()) for label in np.unique(labels)}
    shown = []
    for number, centre in enumerate(clusters.centres):
        members = np.flatnonzero(clusters.labels == number)
        far = ((clusters.points[members] - centre) ** 2).sum(axis=1)
        nearest = members[np.argsort(far, kind="stable")[:SHOWN]]
        shares = {label: round(float((labels[members] == label).sum() / total), 4) for label, total in totals.items()}
        shown.append(
            {
                "number": number,
                "size": len(members),
                "shares": shares,
                "examples": [str(path) for path in paths[nearest]],
            }
        )
    return {
        "method": evidence.config.off_topic,
        "silhouette": clusters.silhouette,
        "davies_bouldin": clusters.davies_bouldin,
        "note": indices_note(),
        "separation": round(kinds.separation, 4),
        "apart": kinds.apart,
        "dropped": list(kinds.dropped),
        "clusters": shown,
        "uncertain": [str(path) for path in paths[list(kinds.uncertain)]],
        "kinds": int(is_kind.sum()),
        "strangers": int((is_strange & ~is_kind).sum()),
    }
