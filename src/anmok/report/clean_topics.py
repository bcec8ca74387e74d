"""The kinds of pictures that the off-topic check found: montages, shares per class, the indices, what to mark.

Drawn from ``CheckResult.about`` of a check that has ``clusters`` there; ``clean.off_topic`` says what it holds.
"""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Set
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from anmok.clean.clusters import indices_note
from anmok.clean.outcome import CheckOutcome, Outcome
from anmok.data.names import unescape_path
from anmok.i18n import _, ngettext
from anmok.report import words
from anmok.report.names import exact
from anmok.report.pictures import Thumbnail, Thumbnails

#: Pictures of one montage, and the classes whose shares are written out.
MOST_SHOWN, MOST_SHARES = 24, 12
SIDE = 96


@dataclass(frozen=True, slots=True)
class Topic:
    """One kind of pictures.

    Attributes:
        shares: of each class, the per cent of its pictures that are of this kind.
        montage: the pictures nearest to its centre.
    """

    number: int
    count: str
    dropped: bool
    shares: tuple[tuple[str, str], ...]
    shares_more: int
    montage: tuple[tuple[str, Thumbnail], ...]


@dataclass(frozen=True, slots=True)
class Topics:
    """What the section about kinds of pictures shows.

    Attributes:
        method: how they were looked for.
        topics: the kinds.
        silhouette, davies_bouldin: the indices, ``""`` where they were not computed. note: what they do not say.
        worth: the pictures that are worth marking.
        command: looks again; marks and ``--drop-cluster`` are added to it.
    """

    method: str
    topics: tuple[Topic, ...]
    silhouette: str
    davies_bouldin: str
    note: str
    worth: tuple[tuple[str, Thumbnail], ...]
    command: Markup


def topics(outcome: Outcome, done: CheckOutcome, thumbnails: Thumbnails) -> Topics | None:
    """Return the kinds that a check tells of; None where it tells of none."""
    about = done.about
    clusters = about.get("clusters")
    if not isinstance(clusters, list | tuple) or not clusters:
        return None
    dropped = set(about.get("dropped", ()))
    return Topics(
        method=method_title(str(about.get("method", ""))),
        topics=tuple(_topic(cluster, dropped, thumbnails) for cluster in clusters if isinstance(cluster, Mapping)),
        silhouette=_figure(about.get("silhouette")),
        davies_bouldin=_figure(about.get("davies_bouldin")),
        note=indices_note(),
        worth=_montage(about.get("uncertain"), thumbnails),
        command=exact(_command(outcome)),
    )


def _topic(cluster: Mapping[str, Any], dropped: Set[int], thumbnails: Thumbnails) -> Topic:
    shares = sorted(dict(cluster.get("shares", {})).items(), key=lambda item: (-item[1], item[0]))
    number, count = int(cluster["number"]), int(cluster["size"])
    return Topic(
        number=number,
        count=ngettext("{count} picture", "{count} pictures", count).format(count=words.count(count)),
        dropped=number in dropped,
        shares=tuple((label, words.percent(share)) for label, share in shares[:MOST_SHARES]),
        shares_more=max(0, len(shares) - MOST_SHARES),
        montage=_montage(cluster.get("examples"), thumbnails),
    )


def _montage(paths: object, thumbnails: Thumbnails) -> tuple[tuple[str, Thumbnail], ...]:
    if not isinstance(paths, list | tuple):
        return ()
    return tuple((str(path), thumbnails.of(str(path), SIDE)) for path in paths[:MOST_SHOWN])


def _figure(value: object) -> str:
    return words.decimal(value) if isinstance(value, float | int) else ""


def _command(outcome: Outcome) -> str:
    """Return the command that makes the same run again, so that marks can be added to it.

    It names the manifest of this run where there is one: the pictures of a cleaned manifest are not all of its folder.
    """
    config = outcome.config
    line = ["anmok", "clean"]
    if outcome.folder:
        folder = unescape_path(outcome.folder)
        line += [str(folder / "manifest.parquet"), "-o", str(folder)]
    else:
        line.append(str(unescape_path(outcome.location)))
    for name, option in (("vectors", "--vectors"), ("off_topic", "--off-topic"), ("clusters", "--clusters")):
        if name in config:
            line += [option, str(config[name])]
    for name, option in (("off_topic_marks", "--mark-off"), ("on_topic_marks", "--mark-on")):
        for path in config.get(name, ()):
            line += [option, str(path)]
    return shlex.join(line)


def method_title(name: str) -> str:
    """Return in words how kinds of pictures were looked for."""
    titles = {
        "embedding": _("vectors, centred per class"),
        "random": _("pixels, randomly projected"),
        "pca": _("pixels, principal components"),
        "autoencoder": _("pixels, squeezed by an autoencoder"),
    }
    return titles.get(name, name)
