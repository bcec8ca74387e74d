"""The model card: what a bundle is, what it was trained on, how far to trust it, in words for people."""

from __future__ import annotations

from collections.abc import Iterator

from anmok.bundle.info import BundleInfo, Measured
from anmok.i18n import _

#: Classes named in the table; a card with thousands of rows helps nobody.
MAX_ROWS = 200


def render_card(info: BundleInfo) -> str:
    """Return the card as Markdown, in the current language."""
    parts = [_what(info), _data(info), _measures(info.measured), _limits(info), _licence(info), _making(info)]
    return "\n\n".join(parts) + "\n"


def _what(info: BundleInfo) -> str:
    text = _("Takes a photo and answers which of {count} classes it shows, with a probability for each.")
    return f"# {_plain(info.name)}\n\n" + text.format(count=len(info.labels))


def _data(info: BundleInfo) -> str:
    splits = list(info.pictures)
    lines = [
        "## " + _("Data"),
        "",
        _("Pictures by class and split; content hash {hash}.").format(hash=f"`{info.data_hash}`"),
        "",
        _row([_("class"), *splits]),
        _row(["---", *["---:"] * len(splits)]),
        *_class_rows(info, splits),
    ]
    if len(info.labels) > MAX_ROWS:
        lines += ["", _("... and {count} more classes.").format(count=len(info.labels) - MAX_ROWS)]
    return "\n".join(lines)


def _class_rows(info: BundleInfo, splits: list[str]) -> Iterator[str]:
    for index, label in enumerate(info.labels[:MAX_ROWS]):
        yield _row([_plain(label), *(str(info.pictures[split][index]) for split in splits)])


def _measures(measured: Measured | None) -> str:
    title = "## " + _("Measured")
    if measured is None:
        return f"{title}\n\n" + _("Not measured on held-out pictures yet.")
    lines = [
        title,
        "",
        _("On {count} pictures of the split {split}, with 95 % intervals.").format(
            count=measured.pictures, split=measured.split
        ),
        "",
        _row([_("metric"), _("value"), _("from"), _("to")]),
        _row(["---", "---:", "---:", "---:"]),
    ]
    for name, figure in measured.metrics.items():
        lines.append(_row([_plain(name), f"{figure.value:.4f}", f"{figure.low:.4f}", f"{figure.high:.4f}"]))
    return "\n".join(lines)


def _limits(info: BundleInfo) -> str:
    lines = [
        "## " + _("Limits"),
        "",
        "- " + _("It knows only the classes above, and only as they look in the pictures that it was trained on."),
    ]
    if info.unknown_threshold is None:
        lines.append("- " + _('It cannot say "none of these": any photo gets the name of one of its classes.'))
    if info.measured is not None and info.measured.pictures < 100:
        lines.append("- " + _("It was measured on few pictures, so the figures above are rough."))
    return "\n".join(lines)


def _licence(info: BundleInfo) -> str:
    title = "## " + _("Licence of the weights")
    if not info.weights_licence and not info.weights_source:
        return f"{title}\n\n" + _("No pretrained weights are inside; all were trained on the pictures above.")
    return f"{title}\n\n" + _("Pretrained weights: {licence} ({source}).").format(
        licence=_plain(info.weights_licence or "?"), source=_plain(info.weights_source or "?")
    )


def _making(info: BundleInfo) -> str:
    settings = ", ".join(f"{_plain(name)} = {_plain(str(value))}" for name, value in sorted(info.recipe.items()))
    lines = [
        "## " + _("How it was made"),
        "",
        _("Anmok {version}, model {model}; recipe: {settings}.").format(
            version=_plain(info.anmok_version), model=_plain(info.model), settings=settings or "-"
        ),
    ]
    if info.parity is not None:
        lines.append(
            _(
                "Run from the picture files, it gave the trained model's class on {share:.2%} of {count} pictures; "
                "no probability differed by more than {difference:.1e}."
            ).format(share=info.parity.same_class, count=info.parity.pictures, difference=info.parity.max_difference)
        )
    return "\n".join(lines)


def _row(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _plain(text: str) -> str:
    """Keep foreign text from acting as Markdown or breaking a table row."""
    one_line = " ".join(text.split())
    return "".join(f"\\{c}" if c in "\\`*_|<>[]#" else c for c in one_line)
