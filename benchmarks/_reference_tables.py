"""Draws docs/results-training.md from stored figures; computes nothing but the paired test."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from _reference_rows import Row

HEAD = """# Results of training

Written by `make results` (`benchmarks/reference.py`) from what it measured; not edited by hand. Other figures stand in
[results.md](results.md). Published figures are of the sources' own pictures, of which the sets here are small parts or
stand-ins, so the two columns cannot be compared digit by digit; what was measured side by side stands at the end.
Seconds are from pictures to a trained model (decoding and vectors included, nothing cached before); *load* is the mean
number of programs that wanted a core, before and after: where it is above the number of cores, seconds say little.
"""


def page(rows: Sequence[Row], results: Mapping[str, Any], others: Mapping[str, Any]) -> str:
    """Return the whole page.

    Args:
        results: what ``reference.py`` stored, by row.
        others: the figures of other benchmarks, by the name of the benchmark.
    """
    measured = {row.name for row in rows if "accuracy" in results.get(row.name, {})}
    parts = [HEAD, _recipes(rows, results, measured), _left_out(rows, results, measured)]
    parts.append(_bounds(rows, results, others))
    return "\n".join(part for part in parts if part)


def _recipes(rows: Sequence[Row], results: Mapping[str, Any], measured: set[str]) -> str:
    lines = [
        "## Every recipe\n",
        "| recipe | pictures: train + valid, measured | published | accuracy (95 %) "
        "| macro F1 | epochs | seconds | load | date |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for row in rows:
        if row.name not in measured:
            continue
        told = results[row.name]
        before, after = told["load"]
        pictures = f"{told['train']:,} + {told['valid']:,}, {told['test']:,}"
        lines.append(
            f"| {_title(row)} | {row.source}: {pictures} | {row.published} "
            f"| {_figure(told['accuracy'])} | {told['macro_f1'][0]:.3f} | {told['epochs'] or ''} "
            f"| {told['seconds']:.0f} | {before:.1f}, {after:.1f} | {told['date']} |"
        )
    machines = sorted({_machine(results[name]["machine"]) for name in measured})
    return "\n".join([*lines, "", *(f"Machine: {machine}." for machine in machines), ""])


def _left_out(rows: Sequence[Row], results: Mapping[str, Any], measured: set[str]) -> str:
    missing = [row for row in rows if row.name not in measured]
    if not missing:
        return ""
    lines = ["Not measured:\n"]
    for row in missing:
        reason = results.get(row.name, {}).get("left_out", "it was not run yet.")
        lines.append(f"- {_title(row)} on {row.source}: {reason}")
    return "\n".join([*lines, ""])


def _bounds(rows: Sequence[Row], results: Mapping[str, Any], others: Mapping[str, Any]) -> str:
    lines = ["## What was wanted\n", "| what | wanted | measured | reached |", "|---|---|---|---|"]
    lines += _cifar10(others.get("cifar10_keras"))
    by_name = {row.name: row for row in rows}
    for row in rows:
        told = results.get(row.name, {})
        if row.wanted:
            figure = _figure(told["accuracy"]) if "accuracy" in told else "not measured"
            reached = _yes(told["accuracy"][0] >= row.wanted) if "accuracy" in told else ""
            lines.append(f"| {_title(row)} on {row.source} | ≥ {row.wanted} | {figure} | {reached} |")
    for row in rows:
        if row.against:
            lines.append(_paired(row, by_name[row.against], results))
    lines += _sports(others.get("sports_keras"))
    lines += _speed(others.get("training_speed"))
    lines.append("| a GPU is kept busy in full fine-tuning | ≥ 80 % | not measured: no GPU here | |")
    return "\n".join([*lines, ""])


def _cifar10(told: Mapping[str, Any] | None) -> list[str]:
    near, ahead = "cifar10-cnn against the same network in Keras", "our small network against cifar10-cnn, same time"
    if told is None:
        return [f"| {near} | within 3 points | not measured | |", f"| {ahead} | ≥ 12 points more | not measured | |"]
    figures = (
        f"{told['tiny']:.4f} and {told['ours']:.4f} in {told['tiny_seconds']:.0f} s and {told['ours_seconds']:.0f} s"
    )
    second = f"| {ahead} | ≥ 12 points more | {figures} | {_yes(told['ahead'])} |"
    if told["keras"] is None:
        return [f"| {near} | within 3 points | not measured | |", second]
    keras = f"{told['ours']:.4f}, Keras {told['keras']:.4f}"
    return [f"| {near} | within 3 points | {keras} | {_yes(told['near'])} |", second]


def _sports(told: Mapping[str, Any] | None) -> list[str]:
    title = "sports-mobilenetv2: time to reference accuracy against the published recipe in Keras"
    if told is None:
        return [f"| {title} | ≥ 50 times faster | not measured | |"]
    figures = (
        f"Keras {told['keras_accuracy']:.3f} after {told['keras_seconds']:.0f} s, ours {told['ours_accuracy']:.3f} "
        f"after {told['ours_seconds']:.1f} s: {told['ratio']:.0f} times"
    )
    return [f"| {title} | ≥ 50 times faster | {figures} | {_yes(told['met'])} |"]


def _speed(told: Mapping[str, Any] | None) -> list[str]:
    title = "training from scratch against the better of Keras and fastai"
    if told is None:
        return [f"| {title} | ≥ 1.5 times | not measured | |"]
    return [
        f"| {title}: {case['network']} | ≥ 1.5 times | "
        + ", ".join(f"{side} {speed:.0f}/s" for side, speed in case["medians"].items())
        + f": {case['ratio']:.2f} times | {_yes(case['ratio'] >= 1.5)} |"
        for case in told["cases"]
        if case["ratio"] is not None
    ]


def _paired(row: Row, other: Row, results: Mapping[str, Any]) -> str:
    """Return the line of a paired comparison: McNemar's exact test on the same test pictures."""
    title = f"{_title(row)} on {row.source} against {_title(other)}"
    ours, theirs = results.get(row.name, {}), results.get(other.name, {})
    if "accuracy" not in ours or "accuracy" not in theirs:
        return f"| {title} | above, by the paired test | not measured | |"
    from scipy.stats import binomtest

    from anmok.evaluation.paired import ALPHA

    wrong, others_wrong = set(ours["mistakes"]), set(theirs["mistakes"])
    won, lost = len(others_wrong - wrong), len(wrong - others_wrong)
    p = float(binomtest(won, won + lost, 0.5).pvalue) if won + lost else 1.0
    figures = f"{_figure(ours['accuracy'])} and {_figure(theirs['accuracy'])}; {won} : {lost}, p {p:.2g}"
    return f"| {title} | above, by the paired test | {figures} | {_yes(won > lost and p < ALPHA)} |"


def _title(row: Row) -> str:
    return row.base or row.name


def _figure(interval: Sequence[float]) -> str:
    value, low, high = interval
    return f"{value:.3f} ({low:.3f}–{high:.3f})"


def _machine(environment: Mapping[str, str]) -> str:
    return ", ".join(f"{name} {value}" for name, value in sorted(environment.items()))


def _yes(met: bool) -> str:
    return "yes" if met else "**no**"
