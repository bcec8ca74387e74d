"""Pictures that are nearly the same: hashes propose pairs, laying one over the other decides, the set sets the bar.

Looked for once for each ``Evidence``, and shared by all checks that ask.
"""

from __future__ import annotations

from dataclasses import dataclass
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray

from anmok.clean.evidence import Evidence
from anmok.clean.near_hashes import near_hashes
from anmok.clean.near_likeness import likeness
from anmok.clean.near_windows import window_hashes
from anmok.features.extraction import load_pixels
from anmok.i18n import _

#: Bits in which a copy and the nearest window of its original differ at most; see ``near_windows.SPANS``.
RADIUS = 6
#: Hashes that are looked at around one hash, pictures of one hash that are compared with those of another one, and
#: partners of one picture. Groups come from chains of pairs, so more would be found again, not found.
MOST_HASHES, MOST_OF_HASH, MOST_PARTNERS = 32, 4, 16
_CHUNK, _MANY = 2**18, 2**22  # pairs of hashes at a time, and pairs of pictures from which on they are thinned out
#: Pictures of equal hash are compared with so many that follow them in order of light and colour.
FOLLOWING = 3
#: What is less alike at 32 pixels is not read again: planted copies came to 0.79 at the least.
COARSE = 0.7
#: Side at which pairs are decided, pixels, and pairs that are compared at a time.
FINE_SIDE, BATCH = 64, 128
#: The bar lies between these. Below the lower one nothing planted fell but tiny pictures at JPEG 30-40; above the
#: higher one the eye finds no difference.
LOWEST_BAR, HIGHEST_BAR, STEPS = 0.94, 0.985, 10
#: Width of the band below the bar, as Fisher's z (atanh of the correlation), and the share of pairs that it may hold.
BAND, MOST_BELOW, FEW = 0.3, 0.25, 2


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class NearCopies:
    """Pairs of pictures with different bytes that show nearly the same.

    Attributes:
        pairs: int64 ``(P, 2)``, rows of the manifest, each row the first one of its bytes.
        alike: float32 ``(P,)``, 0-1, see ``near_likeness.likeness``; all at least ``bar``.
        nearest: float32 ``(N,)``, for each row the greatest likeness to another picture that was compared, 0 where
            none was.
        bar: from which on a pair counts, learnt from this set.
        compared: pairs that were laid over each other.
        crowded: hashes with more neighbours than were looked at.
    """

    pairs: NDArray[np.int64]
    alike: NDArray[np.float32]
    nearest: NDArray[np.float32]
    bar: float
    compared: int
    crowded: int


_found: WeakKeyDictionary[Evidence, NearCopies] = WeakKeyDictionary()


def near_copies(evidence: Evidence) -> NearCopies:
    """Return the near copies among the pictures; they are looked for when first asked for.

    Raises:
        DataError, SourceNotFound: a picture changed or went since the scan.
    """
    if evidence not in _found:
        _found[evidence] = _look_for(evidence)
    return _found[evidence]


def first_rows(ids: NDArray[np.object_]) -> NDArray[np.int64]:
    """Return the first row of each id, in the order of the ids, so that results do not hang on the order of rows."""
    return np.unique(ids.astype(str), return_index=True)[1].astype(np.int64)


def _look_for(evidence: Evidence) -> NearCopies:
    ids = evidence.manifest.table["id"].to_numpy(dtype=object)
    rows = first_rows(ids)
    thumbs = np.asarray(evidence.thumbs[rows])
    pairs, crowded = candidates(thumbs, flips=evidence.config.flips)
    pairs, alike = _verified(evidence, rows, thumbs, pairs)
    bar = learn_bar(alike)
    nearest = np.zeros(len(rows), dtype=np.float32)
    np.maximum.at(nearest, pairs.ravel(), np.repeat(alike, 2))
    codes = np.searchsorted(ids[rows].astype(str), ids.astype(str)) if len(rows) else np.zeros(0, dtype=np.int64)
    kept = alike >= bar
    return NearCopies(
        pairs=rows[pairs[kept]],
        alike=alike[kept],
        nearest=nearest[codes],
        bar=bar,
        compared=len(pairs),
        crowded=crowded,
    )


def candidates(thumbs: NDArray[np.uint8], *, flips: bool = False) -> tuple[NDArray[np.int64], int]:
    """Return int64 ``(P, 2)``, pairs of rows worth comparing, first < second, and how many hashes are crowded.

    Args:
        thumbs: uint8 ``(N, 32, 32, 3)``, in an order that hangs on their content alone.
        flips: mirrored ones, too.
    """
    if len(thumbs) < 2:
        return np.zeros((0, 2), dtype=np.int64), 0
    hashes = window_hashes(thumbs, flips=flips)
    light = _by_light(thumbs)
    whole, members = _members(hashes[0], np.arange(len(thumbs)), light)
    windows, shown = _members(hashes.ravel(), np.tile(np.arange(len(thumbs)), len(hashes)), light)
    found = near_hashes(windows, whole, radius=RADIUS, most=MOST_HASHES)
    table, limit = _following(hashes[0], light), _MANY
    for begin in range(0, len(found.queries), _CHUNK):
        some = slice(begin, begin + _CHUNK)
        queries, rows, distances = found.queries[some], found.rows[some], found.distances[some].astype(np.int64)
        blocks = [table]
        for mine in shown.T:
            for theirs in members.T:
                pairs = np.stack([mine[queries], theirs[rows], distances], axis=1)
                blocks.append(pairs[(pairs[:, :2] >= 0).all(axis=1) & (pairs[:, 0] != pairs[:, 1])])
        table = np.concatenate(blocks)
        # The nearest of all are among the nearest of each part, so thinning out early loses nothing.
        if len(table) > limit:
            table = _nearest_partners(table, len(thumbs))
            limit = max(_MANY, 2 * len(table))
    return _nearest_partners(table, len(thumbs))[:, :2], found.crowded


def _by_light(thumbs: NDArray[np.uint8]) -> NDArray[np.int64]:
    """Return (N,) int64: the place of each picture in the order of brightness, then colour."""
    red, green, blue = thumbs.mean(axis=(1, 2)).T
    places = np.empty(len(thumbs), dtype=np.int64)
    places[np.lexsort((blue, red, green, red + green + blue))] = np.arange(len(thumbs))
    return places


def _members(
    hashes: NDArray[np.uint64], pictures: NDArray[np.int64], light: NDArray[np.int64]
) -> tuple[NDArray[np.uint64], NDArray[np.int64]]:
    """Return the distinct hashes, sorted, and for each some of its pictures, (U, 4), -1 where it has fewer."""
    order = np.lexsort((light[pictures], hashes))
    values, begins, counts = np.unique(hashes[order], return_index=True, return_counts=True)
    members = np.full((len(values), MOST_OF_HASH), -1, dtype=np.int64)
    for place in range(MOST_OF_HASH):
        # Of many, from the darkest to the lightest at even distances.
        steps = np.where(counts <= MOST_OF_HASH, place, place * (counts - 1) // (MOST_OF_HASH - 1))
        there = place < counts
        members[there, place] = pictures[order[(begins + steps)[there]]]
    return values, members


def _following(hashes: NDArray[np.uint64], light: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return (P, 3): pictures of equal hash that follow each other closely in order of light, and the distance 0."""
    order = np.lexsort((light, hashes))
    blocks = []
    for step in range(1, FOLLOWING + 1):
        one, other = order[:-step], order[step:]
        equal = hashes[one] == hashes[other]
        blocks.append(np.stack([one[equal], other[equal], np.zeros(equal.sum(), dtype=np.int64)], axis=1))
    return np.concatenate(blocks)


def _nearest_partners(table: NDArray[np.int64], count: int) -> NDArray[np.int64]:
    """Return each pair once, smaller row first, with its least distance, if one is among the other's nearest."""
    table = np.concatenate([np.sort(table[:, :2], axis=1), table[:, 2:]], axis=1)
    table = table[np.lexsort((table[:, 2], table[:, 1], table[:, 0]))]
    new = np.ones(len(table), dtype=bool)
    new[1:] = (table[1:, :2] != table[:-1, :2]).any(axis=1)
    table = table[new]
    # Both ways round; ties are settled by the other picture's place, so not by the order of search.
    ends = np.concatenate([table[:, 0], table[:, 1]])
    others = np.concatenate([table[:, 1], table[:, 0]])
    order = np.lexsort((others, np.tile(table[:, 2], 2), ends))
    begins = np.searchsorted(ends[order], np.arange(count))
    rank = np.empty(len(ends), dtype=np.int64)
    rank[order] = np.arange(len(ends)) - begins[ends[order]]
    near = (rank < MOST_PARTNERS).reshape(2, -1).any(axis=0)
    return table[near]


def _verified(
    evidence: Evidence, rows: NDArray[np.int64], thumbs: NDArray[np.uint8], pairs: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Return the pairs that are somewhat alike, and how much, seen at 64 pixels; only those pictures are read again."""
    flips = evidence.config.flips
    title = _("Comparing pictures that may be copies")
    with evidence.progress.task(title, len(pairs), unit=_("pairs")) as task:
        coarse = _compared(thumbs, pairs, flips=flips, finer=0)
        task.advance(len(pairs))
    pairs = pairs[coarse >= COARSE]
    places, numbers = np.unique(pairs, return_inverse=True)
    if not len(places):
        return pairs, np.zeros(0, dtype=np.float32)
    some = evidence.manifest.with_table(evidence.manifest.table.iloc[rows[places]])
    fine = load_pixels(
        some, FINE_SIDE, "squash", limits=evidence.limits, threads=evidence.threads, progress=evidence.progress
    )
    return pairs, _compared(fine, numbers.reshape(-1, 2), flips=flips, finer=4)


def _compared(pictures: NDArray[np.uint8], pairs: NDArray[np.int64], *, flips: bool, finer: int) -> NDArray[np.float32]:
    alike = np.zeros(len(pairs), dtype=np.float32)
    for begin in range(0, len(pairs), BATCH):
        some = slice(begin, begin + BATCH)
        first, second = pictures[pairs[some, 0]], pictures[pairs[some, 1]]
        alike[some] = likeness(first, second, finer=finer)
        if flips:
            mirrored = likeness(first[:, :, ::-1], second, finer=finer)
            alike[some] = np.maximum(alike[some], mirrored)
    return alike


def learn_bar(alike: NDArray[np.float32]) -> float:
    """Return the likeness from which on a pair counts as a copy: where the pairs of this set thin out.

    Copies come close to 1, different pictures stay far below, and between them there is next to nothing - but in sets
    of pictures that are all alike (frames of a film, digits), likeness falls off without a gap, and says less. So the
    bar is the lowest one below which, in a band, there are few pairs against those above it; and the highest one
    where there is no such gap.
    """
    fisher = np.arctanh(np.minimum(alike.astype(np.float64), 0.9999))
    for bar in np.linspace(LOWEST_BAR, HIGHEST_BAR, STEPS):
        place = np.arctanh(bar)
        above = np.count_nonzero(fisher >= place)
        below = np.count_nonzero((fisher < place) & (fisher >= place - BAND))
        if below <= max(FEW, MOST_BELOW * above):
            return float(bar)
    return HIGHEST_BAR
