"""The kinds of pictures that the off-topic check found: montages, shares per class, the indices, what to mark.

Drawn from ``CheckResult.about`` of a check that has ``clusters`` there::

    {"method": "embedding", "silhouette": 0.4, "davies_bouldin": 1.1, "marked": 0,
     "clusters": [{"number": 0, "pictures": 210, "dropped": false, "shares": {"cat": 0.6}, "montage": ["cat/1.png"]}],
     "worth_marking": ["cat/7.png"]}
"""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

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
    """One kind of pictures: its number, how many, whether it is to go, shares of classes in per cent, and a montage."""

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
        silhouette, davies_bouldin: the indices, ``""`` where they were not computed.
        worth: the pictures that are worth marking.
        command: looks again; marks and ``--drop-cluster`` are added to it.
    """

    method: str
    topics: tuple[Topic, ...]
    silhouette: str
    davies_bouldin: str
    worth: tuple[tuple[str, Thumbnail], ...]
    command: Markup


def topics(outcome: Outcome, done: CheckOutcome, thumbnails: Thumbnails) -> Topics | None:
    """Return the kinds that a check tells of; None where it tells of none."""
    about = done.about
    clusters = about.get("clusters")
    if not isinstance(clusters, list | tuple) or not clusters:
        return None
    return Topics(
        method=method_title(str(about.get("method", ""))),
        topics=tuple(_topic(cluster, thumbnails) for cluster in clusters if isinstance(cluster, Mapping)),
        silhouette=_figure(about.get("silhouette")),
        davies_bouldin=_figure(about.get("davies_bouldin")),
        worth=_montage(about.get("worth_marking"), thumbnails),
        command=exact(_command(outcome)),
    )


def _topic(cluster: Mapping[str, Any], thumbnails: Thumbnails) -> Topic:
    shares = sorted(dict(cluster.get("shares", {})).items(), key=lambda item: (-item[1], item[0]))
    count = int(cluster["pictures"])
    return Topic(
        number=int(cluster["number"]),
        count=ngettext("{count} picture", "{count} pictures", count).format(count=words.count(count)),
        dropped=bool(cluster.get("dropped")),
        shares=tuple((label, words.percent(share)) for label, share in shares[:MOST_SHARES]),
        shares_more=max(0, len(shares) - MOST_SHARES),
        montage=_montage(cluster.get("montage"), thumbnails),
    )


def _montage(paths: object, thumbnails: Thumbnails) -> tuple[tuple[str, Thumbnail], ...]:
    if not isinstance(paths, list | tuple):
        return ()
    return tuple((str(path), thumbnails.of(str(path), SIDE)) for path in paths[:MOST_SHOWN])


def _figure(value: object) -> str:
    return words.decimal(value) if isinstance(value, float | int) else ""


def _command(outcome: Outcome) -> str:
    """Return the command that makes the same run again, so that marks can be added to it."""
    config = outcome.config
    line = ["anmok", "clean", str(unescape_path(outcome.location))]
    if outcome.folder:
        line += ["-o", str(unescape_path(outcome.folder))]
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
        "embedding": _("vectors of a network, centred per class"),
        "random": _("pixels, randomly projected"),
        "pca": _("pixels, principal components"),
        "autoencoder": _("pixels, squeezed by an autoencoder"),
    }
    return titles.get(name, name)
