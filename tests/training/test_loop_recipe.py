"""What the settings of a recipe make of the training loop."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from anmok.models.networks import Network
from anmok.progress import SilentProgress
from anmok.training.averaging import Average
from anmok.training.best import Best
from anmok.training.device import own_random_numbers
from anmok.training.hooks import Hook
from anmok.training.learning import parts_for
from anmok.training.loop import Loop, logits_of
from anmok.training.workers import Workers
from tests.training.made import made_loop, network_recipe


@pytest.fixture(autouse=True)
def workers() -> Iterator[Workers]:
    with Workers(2) as pool, own_random_numbers():
        torch.manual_seed(3)
        yield pool


class Plain(Network):
    """Without anything that depends on how a batch is divided."""

    default_size = smallest_size = 32

    def __init__(self, classes: int = 2) -> None:
        super().__init__(classes)
        torch.manual_seed(4)
        self.first, self.last = nn.Conv2d(3, 8, 5, 4), nn.Linear(8, classes)

    def forward(self, pictures: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        feature_map = torch.relu(self.first(pictures.permute(0, 3, 1, 2).float() / 127.5 - 1))
        embedding = feature_map.amax(dim=(2, 3))
        return self.last(embedding), embedding, feature_map


def run(loop: Loop) -> Loop:
    loop.run(SilentProgress().task(""), lambda: None)
    return loop


def weights(loop: Loop) -> Tensor:
    return torch.cat([parameter.detach().flatten() for parameter in loop.network.parameters()])


def test_batches_of_one_step_teach_what_one_large_batch_teaches(workers: Workers) -> None:
    plain = {"augmentation": "none", "optimizer": "sgd", "learning_rate": 0.1, "schedule": "constant", "keep": "last"}
    loops = []
    for batch_size, accumulate in ((32, 1), (8, 4)):
        torch.manual_seed(7)
        recipe = network_recipe(batch_size=batch_size, accumulate=accumulate, epochs=3, warmup=0.0, **plain)
        loops.append(run(made_loop(recipe, workers, each=24, network=Plain())))
    assert [loop.steps for loop in loops] == [1, 1]
    torch.manual_seed(7)
    before = weights(made_loop(recipe, workers, each=24, network=Plain()))
    learned = [weights(loop) - before for loop in loops]
    assert float(learned[0].abs().max()) > 1e-3
    # Where the processor computes in bfloat16, sums of other pictures are rounded otherwise.
    assert float((learned[0] - learned[1]).norm() / learned[0].norm()) < 0.02


def test_more_batches_a_step_are_fewer_steps(workers: Workers) -> None:
    loop = made_loop(network_recipe(batch_size=4, accumulate=3), workers, each=15)
    assert (loop.batches, loop.steps) == (5, 2)


def test_the_average_follows_the_weights_as_its_formula_says() -> None:
    network = Plain()
    average, wanted = Average(network, 0.9), network.last.bias.detach().clone()
    for step in range(1, 120):
        with torch.no_grad():
            network.last.bias += 0.1
        decay = min(0.9, (1 + step) / (10 + step))
        wanted = decay * wanted + (1 - decay) * network.last.bias.detach()
        average.update([network])
    own = network.last.bias.detach().clone()
    with average.in_place(network):
        torch.testing.assert_close(network.last.bias.detach(), wanted)
    assert torch.equal(network.last.bias, own)


def test_the_average_is_what_is_measured_and_kept(workers: Workers) -> None:
    class Seen(Hook):
        """Keeps the weights of each epoch's end, which are not the average."""

        def on_epoch_end(self, loop: Loop, row: Mapping[str, float]) -> None:
            self.own = weights(loop)

    hook = Seen()
    loop = run(made_loop(network_recipe(ema=0.95, keep="last", learning_rate=0.01), workers, hooks=[hook]))
    assert float((weights(loop) - hook.own).abs().max()) > 1e-4
    labels = torch.from_numpy(loop.valid_set.labels[loop.valid_set.rows])
    now = float(cross_entropy(logits_of(loop.network, loop.valid_set, workers), labels))
    assert now == pytest.approx(loop.history[-1]["valid_loss"], abs=1e-6)


def test_with_mixing_the_loss_is_that_of_the_mixed_labels_and_it_still_learns(workers: Workers) -> None:
    recipe = network_recipe(epochs=12, mixup=0.2, cutmix=0.5, label_smoothing=0.0)
    loop = run(made_loop(recipe, workers, each=16))
    assert loop.history[loop.best_epoch - 1]["valid_accuracy"] >= 0.9
    assert all(0 <= row["train_accuracy"] <= 1 for row in loop.history)
    # No network can say of a blend for sure what it is.
    assert loop.history[-1]["train_loss"] > loop.history[-1]["valid_loss"]


@pytest.mark.parametrize(("keep", "best"), [("best-loss", 2), ("best-accuracy", 3), ("last", 4)], ids=str)
def test_the_epoch_that_the_recipe_asks_for_is_kept(keep: str, best: int) -> None:
    labels = torch.tensor([0, 0, 1, 1])
    # Logits for class 1, by epoch: 1 and 2 are wrong or sure of half, 3 and 4 are right of all but unsure.
    epochs = [[2.0, 2.0, -2.0, -2.0], [-5.0, 0.1, 5.0, -0.1], [-0.1, -0.1, 0.1, 0.1], [-0.05, -0.05, 0.05, 0.05]]
    chosen, network = Best(network_recipe(keep=keep)), Plain()
    for number, values in enumerate(epochs, start=1):
        with torch.no_grad():
            network.last.bias.fill_(number)
        logits = torch.stack([torch.zeros(4), torch.tensor(values)], dim=1)
        chosen.judge(number, network, logits, labels)
    assert chosen.epoch == best
    assert set(chosen.weights["last.bias"].tolist()) == {float(best)}


def test_patience_counts_epochs_without_a_smaller_loss_whatever_is_kept() -> None:
    labels, network = torch.tensor([0, 1]), Plain()
    chosen = Best(network_recipe(keep="last", patience=2))
    waited = []
    for epoch, sure in enumerate((1.0, 2.0, 1.5, 1.4), start=1):
        chosen.judge(epoch, network, torch.tensor([[sure, 0.0], [0.0, sure]]), labels)
        waited.append(chosen.has_waited(epoch))
    assert waited == [False, False, False, True]
    assert chosen.epoch == 4


def test_what_is_frozen_stays_to_the_last_bit_and_in_evaluation_mode(workers: Workers) -> None:
    class HalfFrozen(Plain):
        def __init__(self) -> None:
            super().__init__()
            self.norm = nn.BatchNorm2d(3)
            self.norm.requires_grad_(False)
            self.first.requires_grad_(False)

        def train(self, mode: bool = True) -> HalfFrozen:
            super().train(mode)
            self.norm.eval()
            return self

        def forward(self, pictures: Tensor) -> tuple[Tensor, Tensor, Tensor]:
            normed = self.norm(pictures.permute(0, 3, 1, 2).float())
            return super().forward(normed.permute(0, 2, 3, 1))

    network = HalfFrozen()
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    loop = run(made_loop(network_recipe(keep="last", batch_size=32), workers, each=24, network=network))
    changed = {name for name, tensor in loop.network.state_dict().items() if not torch.equal(tensor, before[name])}
    assert changed == {"last.weight", "last.bias"}


def test_the_learning_rate_of_the_history_follows_the_schedule(workers: Workers) -> None:
    recipe = network_recipe(schedule="inverse-time", decay=0.5, warmup=0.0, learning_rate=0.01, epochs=3, batch_size=5)
    loop = run(made_loop(recipe, workers))
    assert loop.steps == 2
    rates = [row["learning_rate"] for row in loop.history]
    np.testing.assert_allclose(rates, [0.01 / (1 + 0.5 * step) for step in (1, 3, 5)])


@pytest.mark.parametrize(
    ("batch_size", "image_size", "parts"),
    [
        (1, 224, 1),
        (8, 224, 1),
        (16, 224, 2),
        (20, 128, 2),
        (32, 32, 2),
        (64, 64, 2),
        (64, 32, 2),
        (32, 128, 4),
        (256, 224, 4),
    ],
)
def test_small_batches_and_small_pictures_have_fewer_parts(batch_size: int, image_size: int, parts: int) -> None:
    assert parts_for(batch_size, image_size, torch.device("cpu")) == parts
    assert parts_for(batch_size, image_size, torch.device("cuda")) == 1


def test_saved_and_gone_on_with_the_loss_goes_on_falling_from_where_it_was(workers: Workers) -> None:
    """The story of reference C: train, save, load, train on."""
    recipe = network_recipe(epochs=8, augmentation="none", schedule="constant", warmup=0.0, learning_rate=5e-4)
    torch.manual_seed(7)
    first = made_loop(recipe, workers, each=16)
    states = []

    def keep() -> None:
        if first.epoch == 3:
            tensors = {name: tensor.clone() for name, tensor in first.state().tensors.items()}
            states.append(type(first.state())(tensors, {**first.state().facts, "history": list(first.history)}))
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        first.run(SilentProgress().task(""), keep)
    second = made_loop(recipe, workers, each=16)
    untrained = logits_of(second.network, second.valid_set, workers)
    second.restore(states[0])
    assert not torch.equal(logits_of(second.network, second.valid_set, workers), untrained)
    run(second)
    losses = [row["train_loss"] for row in second.history]
    assert losses[:3] == [row["train_loss"] for row in first.history]
    assert losses[3] < losses[0]
    assert losses[3] < losses[2] * 1.2  # from where it was, not from the begin
    assert min(losses[3:]) < min(losses[:3])
