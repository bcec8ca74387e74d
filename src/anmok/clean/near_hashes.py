"""Which 64-bit hashes differ in few bits: exact, without comparing all pairs, in bounded memory.

Multi-index hashing after M. Norouzi, A. Punjani, D. Fleet, Fast Search in Hamming Space with Multi-Index Hashing (CVPR
2012). The bits are dealt to three parts. Two hashes that differ in at most r bits differ in few bits in at least one
part; so for each part only those hashes are compared that stand in the buckets of the query's part and of its
neighbours. Beyond the paper: the bits that vary most are dealt out first, so that hashes which agree in most bits do
not all fall into one bucket.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

#: Three parts of 21 or 22 bits: their tables of buckets take 16 MB each, and a million hashes leave most buckets empty.
PARTS, BITS = 3, 64
#: Pairs that are compared, or waiting to be thinned out, at a time.
_CHUNK, _WAITING = 2**21, 2**22


@dataclass(frozen=True, slots=True, eq=False)
class Neighbours:
    """Pairs within the radius, sorted by query, then distance, then row.

    Attributes:
        queries, rows: int64 ``(P,)``, places in the queries and in the database.
        distances: uint8 ``(P,)``, bits in which the two differ.
        crowded: queries with as many neighbours as were asked for, so that there may be others, not nearer ones.
    """

    queries: NDArray[np.int64]
    rows: NDArray[np.int64]
    distances: NDArray[np.uint8]
    crowded: int


def near_hashes(
    queries: NDArray[np.uint64], database: NDArray[np.uint64], *, radius: int, most: int = 64
) -> Neighbours:
    """Return for each query the hashes of the database that differ from it in at most ``radius`` bits.

    Exact up to ``most``. Give each hash once (``np.unique``): equal ones are each other's neighbours, all of them. A
    query that stands in the database is its own neighbour. A million of each takes about ten seconds with radius 6
    and about half a minute with 8; memory does not depend on how the hashes lie.

    Args:
        queries: uint64 ``(M,)``.
        database: uint64 ``(N,)``.
        radius: bits, 0-64; time grows quickly beyond 11.
        most: neighbours that are kept for each query, the nearest ones.
    """
    if not 0 <= radius <= BITS or most < 1:
        raise ValueError(f"radius {radius} and most {most}; 0-{BITS} and at least 1 are wanted")
    found = _Nearest(len(queries), radius, most)
    order = _by_variation(database)
    for part in range(PARTS):
        bits = order[part::PARTS]
        # Two hashes too far apart in every part differ in more than radius bits: see the paper, section 2.
        reach = radius // PARTS - (part > radius % PARTS)
        index = _Index(_take(database, bits), len(bits))
        keys = _take(queries, bits)
        for mask in _masks(len(bits), reach):
            for rows_q, rows_d in index.matches(keys ^ mask):
                found.add(rows_q, rows_d, np.bitwise_count(queries[rows_q] ^ database[rows_d]))
    return found.close()


def components(count: int, pairs: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return int64 ``(count,)``: the number of each item's group, where ``pairs`` ``(P, 2)`` link items."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    edges = coo_array((np.ones(len(pairs), dtype=np.int8), (pairs[:, 0], pairs[:, 1])), shape=(count, count))
    numbers: NDArray[np.int64] = connected_components(edges, directed=False)[1].astype(np.int64)
    return numbers


def _by_variation(hashes: NDArray[np.uint64]) -> NDArray[np.int64]:
    """Return the 64 places of bits, those first whose value varies most."""
    if not len(hashes):
        return np.arange(BITS)
    ones = np.array([np.count_nonzero(hashes & np.uint64(1 << bit)) for bit in range(BITS)])
    return np.argsort(np.abs(ones / len(hashes) - 0.5), kind="stable")


def _take(hashes: NDArray[np.uint64], bits: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return int64 numbers made of these bits of each hash."""
    taken = np.zeros(len(hashes), dtype=np.uint64)
    for place, bit in enumerate(bits.tolist()):
        taken |= ((hashes >> np.uint64(bit)) & np.uint64(1)) << np.uint64(place)
    return taken.astype(np.int64)


def _masks(width: int, reach: int) -> Iterator[int]:
    """Go through all numbers of ``width`` bits of which at most ``reach`` are set."""
    for flips in range(min(reach, width) + 1):
        for bits in combinations(range(width), flips):
            yield sum(1 << bit for bit in bits)


class _Index:
    """Rows by key, as one sorted array with the place where each key begins."""

    def __init__(self, keys: NDArray[np.int64], width: int) -> None:
        self._rows = np.argsort(keys, kind="stable")
        ends = np.cumsum(np.bincount(keys, minlength=1 << width))
        self._begins = np.concatenate([[0], ends])

    def matches(self, keys: NDArray[np.int64]) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64]]]:
        """Yield places of keys and rows that have that key, a bounded number at a time."""
        begins = self._begins[keys]
        counts = self._begins[keys + 1] - begins
        filled = np.flatnonzero(counts)
        begins, counts = begins[filled], counts[filled]
        ends = np.cumsum(counts)
        first = 0
        while first < len(filled):
            # At least one query; its bucket is at most the database.
            before = ends[first] - counts[first]
            last = max(first + 1, int(np.searchsorted(ends, before + _CHUNK, side="right")))
            some = counts[first:last]
            places = np.arange(some.sum()) + np.repeat(begins[first:last] - (ends[first:last] - some - before), some)
            yield np.repeat(filled[first:last], some), self._rows[places]
            first = last


class _Nearest:
    """Collects pairs within the radius; each once, and of each query only the nearest."""

    def __init__(self, queries: int, radius: int, most: int) -> None:
        self._most = most
        # What a query still takes: once it has enough, only what is nearer than its farthest.
        self._reach = np.full(queries, radius, dtype=np.int16)
        self._crowded = np.zeros(queries, dtype=bool)
        self._waiting: list[tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.uint8]]] = []
        self._count = 0
        self._limit = _WAITING

    def add(self, queries: NDArray[np.int64], rows: NDArray[np.int64], distances: NDArray[np.uint8]) -> None:
        near = np.flatnonzero(distances <= self._reach[queries])
        if len(near):
            self._waiting.append((queries[near], rows[near], distances[near]))
            self._count += len(near)
            if self._count > self._limit:
                self._thin_out()
                # Where all that is left must stay, thinning out again and again would be in vain.
                self._limit = max(_WAITING, 2 * self._count)

    def close(self) -> Neighbours:
        if not self._waiting:
            none = np.zeros(0, dtype=np.int64)
            return Neighbours(none, none, none.astype(np.uint8), 0)
        self._thin_out()
        queries, rows, distances = self._waiting[0]
        return Neighbours(queries, rows, distances, int(self._crowded.sum()))

    def _thin_out(self) -> None:
        queries, rows, distances = (np.concatenate(parts) for parts in zip(*self._waiting, strict=True))
        order = np.lexsort((rows, distances, queries))
        queries, rows, distances = queries[order], rows[order], distances[order]
        # The same pair has the same distance, so that copies of it stand side by side.
        new = np.ones(len(queries), dtype=bool)
        new[1:] = (queries[1:] != queries[:-1]) | (rows[1:] != rows[:-1])
        queries, rows, distances = queries[new], rows[new], distances[new]
        begins = np.flatnonzero(np.r_[True, queries[1:] != queries[:-1]])
        rank = np.arange(len(queries)) - np.repeat(begins, np.diff(np.r_[begins, len(queries)]))
        full = rank == self._most - 1
        self._crowded[queries[full]] = True
        self._reach[queries[full]] = distances[full].astype(np.int16) - 1
        kept = rank < self._most
        self._waiting = [(queries[kept], rows[kept], distances[kept])]
        self._count = int(kept.sum())
