"""The data card: which pictures a bundle learned from and was measured on, and what is not known of them.

Its questions are those of Gebru et al., Datasheets for datasets, 2021, as far as Anmok can answer them.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from anmok.bundle.info import BundleInfo
from anmok.bundle.markdown import plain, row
from anmok.bundle.origin import Origin, Spread
from anmok.i18n import _

#: Classes named in the table; a card with thousands of rows helps nobody.
MAX_ROWS = 200


def render_data_card(info: BundleInfo) -> str:
    """Return the card as Markdown, in the current language."""
    parts = ["# " + _("Data card: {name}").format(name=plain(info.name)), _counts(info)]
    if info.origin is not None:
        parts += [_measured(info.origin), _formats(info.origin)]
    return "\n\n".join([*parts, _unknown()])


def _counts(info: BundleInfo) -> str:
    splits = list(info.pictures)
    lines = [
        "## " + _("Pictures"),
        "",
        _("Pictures by class and split; content hash {hash}.").format(hash=f"`{info.data_hash}`"),
        "",
        row([_("class"), *splits]),
        row(["---", *["---:"] * len(splits)]),
        *_class_rows(info, splits),
        row([_("all"), *(str(sum(info.pictures[split])) for split in splits)]),
    ]
    if len(info.labels) > MAX_ROWS:
        lines += ["", _("... and {count} more classes.").format(count=len(info.labels) - MAX_ROWS)]
    return "\n".join(lines)


def _class_rows(info: BundleInfo, splits: list[str]) -> Iterator[str]:
    for index, label in enumerate(info.labels[:MAX_ROWS]):
        yield row([plain(label), *(str(info.pictures[split][index]) for split in splits)])


def _measured(origin: Origin) -> str:
    lines = [
        "## " + _("What the training pictures are like"),
        "",
        row([_("measure"), _("least"), _("median"), _("greatest")]),
        row(["---", "---:", "---:", "---:"]),
    ]
    for name, spreads in origin.measures.items():
        known = [spread for spread in spreads if spread.pictures]
        if known:
            least, greatest = min(s.quantiles[0] for s in known), max(s.quantiles[-1] for s in known)
            lines.append(row([plain(name), f"{least:.4g}", f"{_median(known):.4g}", f"{greatest:.4g}"]))
    lines += [
        "",
        _(
            "Brightness and contrast go from 0 to 255, size is in pixels (the side of a square as large as the"
            " picture), aspect is width by height, warmth is mean red less mean blue."
        ),
    ]
    return "\n".join(lines)


def _median(spreads: list[Spread]) -> float:
    """Return the median over all classes: each class's quantiles weigh as much as it has pictures."""
    values = np.concatenate([spread.quantiles for spread in spreads])
    weights = np.concatenate([[spread.pictures] * len(spread.quantiles) for spread in spreads])
    order = np.argsort(values)
    below = np.cumsum(weights[order])
    return float(values[order][np.searchsorted(below, below[-1] / 2)])


def _formats(origin: Origin) -> str:
    counts = ", ".join(f"{plain(name)} {count}" for name, count in origin.formats.items())
    return "## " + _("File formats of the training pictures") + "\n\n" + (counts or "-")


def _unknown() -> str:
    lines = [
        "## " + _("What Anmok does not know"),
        "",
        "- " + _("Who made the pictures, under which licence, and whether people on them agreed."),
        "- " + _("Who set the labels, and how. `anmok clean` finds doubtful ones."),
        "- " + _("How pictures that it will meet differ from these. `anmok evaluate` on them tells."),
    ]
    return "\n".join(lines)
