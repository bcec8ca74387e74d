from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from anmok.errors import UsageError
from anmok.models.networks import get_network
from anmok.progress import SilentProgress
from anmok.training.device import low_precision, own_random_numbers
from anmok.training.hooks import Hook
from anmok.training.loop import Loop, PictureSet, logits_of
from anmok.training.state import State
from anmok.training.workers import Workers
from tests.training.made import made_loop, network_recipe, striped


@pytest.fixture(autouse=True)
def workers() -> Iterator[Workers]:
    with Workers(2) as pool, own_random_numbers():
        torch.manual_seed(3)
        yield pool


def run(loop: Loop) -> Loop:
    loop.run(SilentProgress().task(""), lambda: None)
    return loop


def figures(loop: Loop) -> list[dict[str, float]]:
    return [{name: value for name, value in row.items() if name != "seconds"} for row in loop.history]


def same_weights(one: Loop, other: Loop) -> bool:
    pairs = zip(one.network.state_dict().items(), other.network.state_dict().items(), strict=True)
    return all(name == again and torch.equal(a, b) for (name, a), (again, b) in pairs)


def test_two_trainings_with_one_seed_are_alike_to_the_last_bit_with_any_number_of_threads() -> None:
    loops = []
    for threads in (1, 1, 2, 5):
        torch.manual_seed(7)
        with Workers(threads) as pool:
            loops.append(run(made_loop(network_recipe(epochs=2), pool)))
    for loop in loops[1:]:
        assert figures(loop) == figures(loops[0])
        assert same_weights(loop, loops[0])


def test_another_seed_gives_another_network(workers: Workers) -> None:
    loops = []
    for seed in (1, 2):
        torch.manual_seed(seed)
        loops.append(run(made_loop(network_recipe(epochs=1), workers)))
    assert not same_weights(*loops)


def test_it_learns_32_pictures_by_heart(workers: Workers) -> None:
    chance = np.random.default_rng(0)
    pixels, labels = chance.integers(0, 256, (32, 32, 32, 3), dtype=np.uint8), np.arange(32) % 2
    pictures = PictureSet(pixels, labels, np.arange(32))
    recipe = network_recipe(augmentation="none", label_smoothing=0.0, weight_decay=0.0, batch_size=16)
    loop = Loop(get_network("cnn-small")(2), recipe, pictures, pictures, workers=workers, epochs=25)
    run(loop)
    assert (logits_of(loop.network, pictures, workers).argmax(dim=1).numpy() == labels).all()
    assert loop.history[-1]["train_loss"] < 0.1


def test_it_knows_new_pictures_of_what_it_learned(workers: Workers) -> None:
    loop = run(made_loop(network_recipe(epochs=12), workers, each=16))
    assert loop.history[loop.best_epoch - 1]["valid_accuracy"] >= 0.9


def test_an_interrupted_training_ends_like_an_uninterrupted_one_to_the_last_bit(workers: Workers) -> None:
    torch.manual_seed(7)
    whole = run(made_loop(network_recipe(epochs=5), workers))
    torch.manual_seed(7)
    states: list[State] = []
    broken = made_loop(network_recipe(epochs=5), workers)
    broken.run(SilentProgress().task(""), lambda: states.append(copied(broken.state())))
    torch.manual_seed(99)
    resumed = made_loop(network_recipe(epochs=5), workers)
    resumed.restore(states[1])
    assert resumed.epoch == 2
    run(resumed)
    assert figures(resumed) == figures(whole)
    assert same_weights(resumed, whole)
    assert resumed.best_epoch == whole.best_epoch


def copied(state: State) -> State:
    """Return the state as it would come back from a file: apart from the living one, and laid out plainly."""
    tensors = {name: tensor.clone().contiguous() for name, tensor in state.tensors.items()}
    return State(tensors, {**state.facts, "history": [dict(row) for row in state.facts["history"]]})


def test_the_state_of_another_training_is_refused(workers: Workers) -> None:
    state = copied(run(made_loop(network_recipe(epochs=1), workers)).state())
    with pytest.raises(ValueError, match="1 epochs instead of 2"):
        made_loop(network_recipe(epochs=2), workers).restore(state)
    with pytest.raises(RuntimeError, match="size mismatch"):
        made_loop(network_recipe(epochs=1), workers, classes=3).restore(state)


def test_the_weights_of_the_best_epoch_are_kept(workers: Workers) -> None:
    # A rate that is far too high at the end of the warm-up makes the best epoch an early one in some seeds.
    loop = run(made_loop(network_recipe(epochs=6, learning_rate=0.05, warmup=0.9), workers))
    losses = [row["valid_loss"] for row in loop.history]
    assert loop.best_epoch == 1 + int(np.argmin(losses))
    assert loop.best_epoch < 6
    labels = torch.from_numpy(loop.valid_set.labels[loop.valid_set.rows])
    now = float(cross_entropy(logits_of(loop.network, loop.valid_set, workers), labels))
    assert now == pytest.approx(min(losses), abs=1e-6)


def test_without_improvement_it_stops_after_patience(workers: Workers) -> None:
    recipe = network_recipe(epochs=30, learning_rate=1e-30, patience=3)
    loop = made_loop(recipe, workers)
    for network in loop._replicas.members:
        for module in network.modules():
            if isinstance(module, torch.nn.BatchNorm2d):
                module.momentum = 0.0  # or its averages alone would change the validation loss
    run(loop)
    assert loop.best_epoch == 1
    assert len(loop.history) == 4


def test_losses_of_the_history_are_plain_cross_entropy_whatever_is_smoothed_or_weighted(workers: Workers) -> None:
    losses = []
    for smoothing, weights in ((0.0, None), (0.3, torch.tensor([1.0, 5.0]))):
        torch.manual_seed(7)
        recipe = network_recipe(epochs=1, learning_rate=1e-30, label_smoothing=smoothing, batch_size=64)
        losses.append(run(made_loop(recipe, workers, class_weights=weights)).history[0]["train_loss"])
    assert losses[0] == pytest.approx(losses[1], abs=1e-6)


def test_class_weights_push_towards_the_dear_class(workers: Workers) -> None:
    # Each picture under both labels: only what an error costs can decide. (One picture alone would not do: batch
    # normalisation blows up the rounding of what does not vary, which differs between machines.)
    pixels, labels = np.stack([striped(0, number // 2) for number in range(16)]), np.arange(16) % 2
    pictures = PictureSet(pixels, labels, np.arange(16))
    recipe = network_recipe(augmentation="none", label_smoothing=0.0, batch_size=16, learning_rate=0.005)
    answers = []
    for weights in (None, torch.tensor([1.0, 9.0])):
        torch.manual_seed(7)
        loop = Loop(
            get_network("cnn-small")(2), recipe, pictures, pictures, workers=workers, epochs=20, class_weights=weights
        )
        # After each epoch, since the weights that are kept in the end are those with the least plain loss.
        after: list[float] = []

        def keep(loop: Loop = loop, after: list[float] = after) -> None:
            answer = torch.softmax(logits_of(loop.network, pictures, workers), dim=1)
            after.append(float(answer[:, 1].mean()))

        loop.run(SilentProgress().task(""), keep)
        answers.append(after[-1])
    assert answers[0] == pytest.approx(0.5, abs=0.1)
    assert answers[1] > 0.75


def test_training_that_breaks_down_is_said_with_the_way_out(workers: Workers) -> None:
    with pytest.raises(UsageError, match=r"small broke down in epoch \d+.*learning_rate"):
        run(made_loop(network_recipe(epochs=3, learning_rate=1e12, warmup=0.0), workers))


def test_a_training_that_its_very_last_step_breaks_is_said_too_and_not_kept(workers: Workers) -> None:
    loop = made_loop(
        network_recipe(epochs=1, batch_size=500, optimizer="sgd", learning_rate=1e12, momentum=0.0), workers
    )
    with torch.no_grad():  # so large already that one step is enough
        for parameter in loop.network.parameters():
            parameter.mul_(1e8)
    with pytest.raises(UsageError, match=r"small broke down in epoch 1.*learning_rate"):
        run(loop)


def test_a_training_leaves_the_random_numbers_of_others_alone(workers: Workers) -> None:
    torch.manual_seed(1)
    wanted = torch.rand(3)
    torch.manual_seed(1)
    with own_random_numbers():
        run(made_loop(network_recipe(epochs=1), workers))
    assert torch.equal(torch.rand(3), wanted)


def test_measuring_is_done_in_float32_and_leaves_the_network_in_its_mode(workers: Workers) -> None:
    loop = made_loop(network_recipe(), workers)
    loop.network.train()
    logits = logits_of(loop.network, loop.valid_set, workers)
    assert loop.network.training
    assert logits.dtype == torch.float32
    places = np.arange(len(loop.valid_set))
    loop.network.eval()
    with torch.inference_mode():
        plain = loop.network(loop.valid_set.batch(places, torch.device("cpu"))[0])[0]
        with low_precision(torch.device("cpu")):
            coarse = loop.network(loop.valid_set.batch(places, torch.device("cpu"))[0])[0]
    torch.testing.assert_close(logits, plain, rtol=1e-5, atol=1e-5)
    # Coarse answers are good enough to learn from, or training in them would be pointless.
    torch.testing.assert_close(coarse.float(), plain, rtol=0.1, atol=0.1)


class Average(Hook):
    """Measures and keeps a moving average of the weights; also a witness of the order of the calls."""

    def __init__(self) -> None:
        self.calls: list[str] = []
        self.average: dict[str, Tensor] = {}
        self.own: dict[str, Tensor] = {}

    def on_train_begin(self, loop: Loop) -> None:
        self.calls.append("train begin")

    def on_epoch_begin(self, loop: Loop) -> None:
        assert loop.network.training
        self.calls.append("epoch begin")

    def on_batch(self, loop: Loop, pictures: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
        assert pictures.dtype == torch.uint8
        assert pictures.shape[1:] == (32, 32, 3)
        torch.testing.assert_close(targets.sum(dim=1), torch.ones(len(pictures)))
        self.calls.append("batch")
        return pictures, targets

    def on_step_end(self, loop: Loop) -> None:
        self.calls.append("step end")
        for name, parameter in loop.network.named_parameters():
            before = self.average.setdefault(name, parameter.detach().clone())
            before.lerp_(parameter.detach(), 0.5)

    def on_validation_begin(self, loop: Loop) -> None:
        self.calls.append("validation begin")
        self.own = {name: parameter.detach().clone() for name, parameter in loop.network.named_parameters()}
        loop.network.load_state_dict(self.average, strict=False)

    def on_validation_end(self, loop: Loop) -> None:
        self.calls.append("validation end")
        loop.network.load_state_dict(self.own, strict=False)

    def on_epoch_end(self, loop: Loop, row: Mapping[str, float]) -> None:
        assert row["epoch"] == loop.epoch
        self.calls.append("epoch end")

    def on_train_end(self, loop: Loop) -> None:
        self.calls.append("train end")

    def tensors(self) -> Mapping[str, Tensor]:
        return self.average

    def restore(self, tensors: Mapping[str, Tensor]) -> None:
        self.average = {name: tensor.clone() for name, tensor in tensors.items()}


def test_hooks_are_called_at_their_time_and_measured_weights_are_the_kept_ones(workers: Workers) -> None:
    hook = Average()
    loop = run(made_loop(network_recipe(epochs=1, batch_size=5), workers, hooks=[hook]))
    assert hook.calls == [
        "train begin",
        "epoch begin",
        *["batch", "step end"] * 2,
        "validation begin",
        "validation end",
        "epoch end",
        "train end",
    ]
    for name, parameter in loop.network.named_parameters():
        assert torch.equal(parameter, hook.average[name])
        assert not torch.equal(parameter, hook.own[name])


def test_what_a_hook_remembers_outlives_an_interruption(workers: Workers) -> None:
    torch.manual_seed(7)
    whole = run(made_loop(network_recipe(epochs=3), workers, hooks=[Average()]))
    torch.manual_seed(7)
    states: list[State] = []
    broken = made_loop(network_recipe(epochs=3), workers, hooks=[Average()])
    broken.run(SilentProgress().task(""), lambda: states.append(copied(broken.state())))
    resumed = made_loop(network_recipe(epochs=3), workers, hooks=[Average()])
    resumed.restore(states[0])
    run(resumed)
    assert figures(resumed) == figures(whole)


def test_a_hook_that_says_nothing_changes_nothing(workers: Workers) -> None:
    torch.manual_seed(7)
    plain = run(made_loop(network_recipe(epochs=2), workers))
    torch.manual_seed(7)
    hooked = run(made_loop(network_recipe(epochs=2), workers, hooks=[Hook(), Hook()]))
    assert same_weights(plain, hooked)


def test_pictures_may_be_memory_mapped_and_read_only(workers: Workers) -> None:
    loop = made_loop(network_recipe(epochs=1), workers)
    frozen = loop.train_set.pixels.copy()
    frozen.flags.writeable = False
    loop.train_set = dataclasses.replace(loop.train_set, pixels=frozen)
    run(loop)
    assert len(loop.history) == 1
