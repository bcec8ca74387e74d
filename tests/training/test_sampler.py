"""The balanced sampler shows each class equally often, each picture in its turn, and goes on where it stopped."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from anmok.config import Recipe
from anmok.errors import UsageError
from anmok.progress import SilentProgress
from anmok.training.device import own_random_numbers
from anmok.training.loop import Loop, PictureSet
from anmok.training.sampler import Balanced, Shuffle, get_sampler
from anmok.training.state import State
from anmok.training.workers import Workers
from tests.training.made import network_recipe, picture_array

LABELS = np.array([0] * 50 + [1] * 7 + [2] * 3)


@pytest.fixture(autouse=True)
def workers() -> Iterator[Workers]:
    with Workers(2) as pool, own_random_numbers():
        torch.manual_seed(3)
        yield pool


def uneven_loop(workers: Workers, **changes: object) -> Loop:
    """A loop on 16 pictures of one class and 4 of another; seed torch before."""
    from anmok.models.networks import get_network

    pixels, labels = picture_array(16, 2)
    rows = np.arange(len(labels))
    train, valid = PictureSet(pixels, labels, rows[:20]), PictureSet(pixels, labels, rows[12:28])
    recipe = network_recipe(sampler="balanced", **changes)
    return Loop(get_network("cnn-small")(2), recipe, train, valid, workers=workers, epochs=recipe.epochs)


@given(st.lists(st.integers(0, 5), min_size=1, max_size=60), st.integers(0, 3))
def test_every_epoch_has_as_many_pictures_and_each_class_as_often(labels: list[int], seed: int) -> None:
    torch.manual_seed(seed)
    sampler = Balanced(np.array(labels))
    for _epoch in range(3):
        order = sampler.epoch_order()
        assert len(order) == len(labels)
        counts = np.bincount(np.array(labels)[order])[np.unique(labels)]
        assert counts.max() - counts.min() <= 1


def test_pictures_of_a_large_class_all_have_their_turn_and_those_of_a_small_one_equally_often() -> None:
    sampler = Balanced(LABELS)
    seen = np.concatenate([sampler.epoch_order() for _epoch in range(5)])
    times = np.bincount(seen, minlength=60)
    # 60 pictures an epoch, 20 of each class: 100 of the first class in 5 epochs, so each of its 50 twice.
    assert (times[:50] == 2).all()
    assert set(times[50:57]) <= {14, 15}
    assert set(times[57:]) <= {33, 34}


def test_the_classes_are_mixed_within_an_epoch() -> None:
    order = LABELS[Balanced(LABELS).epoch_order()]
    assert (np.diff(order) != 0).mean() > 0.4


def test_a_shuffle_shows_each_picture_once_and_draws_as_it_always_did() -> None:
    torch.manual_seed(5)
    order = get_sampler(Recipe(name="a", model="b"), LABELS).epoch_order()
    torch.manual_seed(5)
    np.testing.assert_array_equal(order, torch.randperm(60).numpy())


def test_a_sampler_goes_on_where_it_stopped() -> None:
    whole = Balanced(LABELS)
    torch.manual_seed(1)
    epochs = [whole.epoch_order() for _epoch in range(4)]
    torch.manual_seed(1)
    broken = Balanced(LABELS)
    for _epoch in range(2):
        broken.epoch_order()
    kept = {name: tensor.clone() for name, tensor in broken.tensors().items()}
    chance = torch.get_rng_state()
    broken.epoch_order()
    resumed = Balanced(LABELS)
    resumed.restore(kept)
    torch.set_rng_state(chance)
    for wanted in epochs[2:]:
        np.testing.assert_array_equal(resumed.epoch_order(), wanted)


def test_what_is_not_of_these_pictures_is_not_taken_back() -> None:
    sampler = Balanced(LABELS)
    sampler.epoch_order()
    with pytest.raises(ValueError, match="not of these pictures"):
        Balanced(LABELS[:-1]).restore(sampler.tensors())
    with pytest.raises(ValueError, match="not of these pictures"):
        Balanced(LABELS[::-1].copy()).restore(sampler.tensors())
    with pytest.raises(KeyError):
        sampler.restore({})
    with pytest.raises(ValueError, match="remembers nothing"):
        Shuffle(LABELS).restore(sampler.tensors())


def test_an_interrupted_training_with_it_ends_like_an_uninterrupted_one_to_the_last_bit(workers: Workers) -> None:
    torch.manual_seed(7)
    whole = uneven_loop(workers, epochs=5)
    whole.run(SilentProgress().task(""), lambda: None)
    torch.manual_seed(7)
    states: list[State] = []
    broken = uneven_loop(workers, epochs=5)
    broken.run(SilentProgress().task(""), lambda: states.append(copied(broken.state())))
    torch.manual_seed(99)
    resumed = uneven_loop(workers, epochs=5)
    resumed.restore(states[1])
    resumed.run(SilentProgress().task(""), lambda: None)
    for one, other in zip(resumed.history, whole.history, strict=True):
        assert {**one, "seconds": 0} == {**other, "seconds": 0}
    assert resumed.best_epoch == whole.best_epoch
    for name, tensor in whole.network.state_dict().items():
        assert torch.equal(tensor, resumed.network.state_dict()[name])


def copied(state: State) -> State:
    tensors = {name: tensor.clone() for name, tensor in state.tensors.items()}
    return State(tensors, {**state.facts, "history": [dict(row) for row in state.facts["history"]]})


def test_recipes_refuse_to_balance_twice_or_where_there_are_no_epochs() -> None:
    with pytest.raises(UsageError, match=r"balances its classes twice.*Keep one"):
        network_recipe(sampler="balanced", class_weights="balanced")
    with pytest.raises(UsageError, match=r"head on vectors.*class_weights = 'balanced'"):
        Recipe(name="a", model="mobilenetv2", sampler="balanced")
