"""What is told of times: a training from features at hand is not called quicker than it would be anew."""

from __future__ import annotations

from dataclasses import replace

from anmok.cli.compare import _about_times
from anmok.report import timing
from report.comparisons import comparison


def test_models_whose_features_were_at_hand_are_named_in_report_and_terminal() -> None:
    plain = comparison()
    first, *others = plain.models
    spared = replace(plain, models=(replace(first, seconds_spared=4.5), *others))
    assert first.name in timing.build(spared).spared
    assert others[0].name not in timing.build(spared).spared
    (told,) = _about_times(spared)
    assert told.endswith(f": {first.name}.")


def test_nothing_is_said_where_everything_was_computed() -> None:
    assert timing.build(comparison()).spared == ""
    assert _about_times(comparison()) == ()
