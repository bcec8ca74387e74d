"""A finished training goes on for more epochs, from its last epoch: weights, optimiser, order and random numbers."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from anmok.errors import StorageError, UsageError
from anmok.i18n import _
from anmok.training.run import Run
from anmok.training.state import load_state

if TYPE_CHECKING:
    from anmok.training.loop import Loop


def go_on_from(loop: Loop, start: Run) -> None:
    """Bring a new loop to where the finished run ``start`` ended.

    With a constant learning rate (or one that falls with the number of steps alone), and without a warm-up, the result
    is to the last bit that of all epochs in one go. A schedule that knows the end begins to rise again where it had
    come to nothing.

    Raises:
        UsageError: the run kept nothing to go on from, or what it kept is of another network or recipe.
        StorageError: what it kept is damaged.
    """
    state = load_state(start)
    if state is None:
        raise UsageError(
            _("The run {run} did not keep what going on from it needs.").format(run=start.id),
            hint=_("Runs of `anmok train` keep it; train this recipe by it first."),
        )
    try:
        loop.restore(dataclasses.replace(state, facts={**state.facts, "epochs": loop.epochs}))
    except (LookupError, ArithmeticError, AttributeError, TypeError, ValueError, RuntimeError) as error:
        raise StorageError(
            _("The training cannot go on from the run {run}: {reason}").format(run=start.id, reason=error),
            hint=_("Train all epochs anew: anmok train with --epochs."),
        ) from error
