"""What a bundle remembers of its training pictures."""

from __future__ import annotations

import dataclasses
import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from anmok.bundle.info import Measured, info_from_json
from anmok.bundle.origin import Origin, Spread, origin_from_json, origin_to_json, spreads_of
from bundle.test_info import FULL

K = len(FULL.labels)


def some_origin() -> Origin:
    values = np.random.default_rng(0).normal(size=30)
    spreads = spreads_of(values, np.arange(30) % K, K)
    return Origin(measures={"brightness": spreads, "size": spreads}, formats={"JPEG": 30}, distances=spreads)


def test_a_bundle_gives_back_the_origin_and_the_counts_that_it_was_given() -> None:
    measured = Measured("test", 9, {}, recognised=tuple(range(K)), of_class=(K,) * K)
    info = dataclasses.replace(FULL, origin=some_origin(), measured=measured)
    assert info_from_json(json.dumps(info.to_json()).encode()) == info


def test_a_bundle_of_an_older_version_still_opens_without_them() -> None:
    values = FULL.to_json()
    del values["origin"]
    if values["measured"]:
        del values["measured"]["recognised"], values["measured"]["of_class"]
    info = info_from_json(json.dumps(values).encode())
    assert info.origin is None
    assert info.measured is None or info.measured.of_class == ()


@pytest.mark.parametrize(
    "change",
    [
        {"measures": {"brightness": [[3, 1, 2]]}},  # too few quantiles
        {"measures": {"brightness": [[0]]}, "distances": [[0], [0], [0], [0], [0]]},  # of other classes
        {"measures": {"brightness": [[2, *range(10, -1, -1)]]}},  # falling
        {"measures": {"brightness": [[-1]]}},
        {"measures": {"brightness": [[2.5, *range(11)]]}},
        {"formats": {"JPEG": -3}},
        {"formats": {"JPEG": "many"}},
        {"surprise": 1},
    ],
)
def test_an_origin_that_no_export_wrote_is_refused(change: dict) -> None:
    values = FULL.to_json()
    values["origin"] = {"measures": {}, "formats": {}, "distances": []} | change
    with pytest.raises(ValueError, match="origin"):
        info_from_json(json.dumps(values).encode())


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=50))
def test_a_spread_survives_json_and_places_its_own_values_around_the_middle(values: list[float]) -> None:
    spread = Spread.of(np.array(values))
    origin = Origin(measures={"x": (spread,)}, formats={})
    assert origin_from_json(json.loads(json.dumps(origin_to_json(origin)))) == origin
    places = spread.places(values)
    assert ((places >= 0) & (places <= 1)).all()
    ordered = spread.places(np.sort(values))
    assert (np.diff(ordered) >= 0).all()


def test_new_pictures_of_the_same_kind_lie_evenly_among_the_old_ones() -> None:
    rng = np.random.default_rng(1)
    spread = Spread.of(rng.lognormal(size=400))
    places = spread.places(rng.lognormal(size=4000))
    assert places.mean() == pytest.approx(0.5, abs=0.03)
    assert places.std() == pytest.approx(np.sqrt(1 / 12), abs=0.02)


def test_a_measure_that_never_varies_tells_below_same_and_above() -> None:
    spread = Spread.of(np.full(20, 300.0))
    assert spread.places([32.0, 300.0, 1000.0]).tolist() == [0.0, 0.5, 1.0]
