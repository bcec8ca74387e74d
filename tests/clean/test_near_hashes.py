"""The search finds every hash within the radius, without comparing all pairs, and in bounded memory."""

import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from anmok.clean.near_hashes import components, near_hashes

# Hashes that differ in few bits, so that there is something to find; and any others.
close = st.builds(
    lambda base, flips: base ^ sum(1 << bit for bit in set(flips)),
    st.sampled_from([0, 2**64 - 1, 0x5A]),
    st.lists(st.integers(0, 63), max_size=7),
)
hashes = st.lists(close | st.integers(0, 2**64 - 1), max_size=30, unique=True)


def array(values: list[int]) -> np.ndarray:
    return np.array(values, dtype=np.uint64)


def by_hand(queries: list[int], database: list[int], radius: int) -> set[tuple[int, int, int]]:
    return {
        (q, d, (one ^ other).bit_count())
        for q, one in enumerate(queries)
        for d, other in enumerate(database)
        if (one ^ other).bit_count() <= radius
    }


@settings(max_examples=60)
@given(hashes, hashes, st.integers(0, 10))
def test_it_finds_what_comparing_all_pairs_finds(queries: list[int], database: list[int], radius: int) -> None:
    found = near_hashes(array(queries), array(database), radius=radius)
    triples = list(zip(found.queries.tolist(), found.rows.tolist(), found.distances.tolist(), strict=True))
    assert len(triples) == len(set(triples))
    assert set(triples) == by_hand(queries, database, radius)
    assert triples == sorted(triples, key=lambda triple: (triple[0], triple[2], triple[1]))


@settings(max_examples=30)
@given(hashes, st.integers(0, 8), st.integers(1, 4))
def test_of_many_neighbours_the_nearest_are_kept_and_it_says_so(values: list[int], radius: int, most: int) -> None:
    found = near_hashes(array(values), array(values), radius=radius, most=most)
    everything = by_hand(values, values, radius)
    for query in range(len(values)):
        kept = found.distances[found.queries == query].tolist()
        assert kept == sorted(distance for q, _d, distance in everything if q == query)[:most]
    full = sum(sum(q == query for q, _d, _n in everything) >= most for query in range(len(values)))
    assert found.crowded == full


def test_hashes_that_are_all_alike_take_no_memory_of_all_pairs() -> None:
    # All of 15 bits' values: each has thousands of neighbours, 100 million pairs within the radius.
    values = np.arange(2**15, dtype=np.uint64)[::3] << np.uint64(17)
    tracemalloc.start()
    found = near_hashes(values, values, radius=6, most=8)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 600e6
    assert found.crowded == len(values)
    assert np.bincount(found.queries).tolist() == [8] * len(values)


def test_nothing_among_nothing_and_wrong_settings_are_refused() -> None:
    none = array([])
    assert len(near_hashes(none, none, radius=3).queries) == 0
    assert len(near_hashes(array([5]), none, radius=3).queries) == 0
    for wrong in (-1, 65):
        with pytest.raises(ValueError, match="radius"):
            near_hashes(none, none, radius=wrong)


def test_groups_are_what_pairs_link_directly_or_through_others() -> None:
    numbers = components(6, np.array([[0, 1], [1, 2], [4, 5]]))
    assert numbers[0] == numbers[1] == numbers[2]
    assert numbers[4] == numbers[5]
    assert len(set(numbers.tolist())) == 3
