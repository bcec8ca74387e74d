"""The model card: what a bundle is, what it was trained on, how far to trust it, in words for people."""

from __future__ import annotations

from anmok.bundle.data_card import render_data_card
from anmok.bundle.info import BundleInfo, Measured
from anmok.bundle.markdown import plain, row
from anmok.bundle.unknown.registry import get_score
from anmok.bundle.unknown.rule import UnknownRule
from anmok.i18n import _, ngettext


def render_card(info: BundleInfo) -> str:
    """Return the model card and below it the data card, as Markdown, in the current language."""
    parts = [
        _what(info),
        _measures(info.measured),
        _limits(info),
        _licence(info),
        _making(info),
        render_data_card(info),
    ]
    return "\n\n".join(parts) + "\n"


def _what(info: BundleInfo) -> str:
    text = _("Takes a photo and answers which of {count} classes it shows, with a probability for each.")
    return f"# {plain(info.name)}\n\n" + text.format(count=len(info.labels))


def _measures(measured: Measured | None) -> str:
    title = "## " + _("Measured")
    if measured is None:
        return f"{title}\n\n" + _("Not measured on test pictures yet.")
    lines = [
        title,
        "",
        _("On {count} pictures of the split {split}, with 95% intervals.").format(
            count=measured.pictures, split=measured.split
        ),
        "",
        row([_("metric"), _("value"), _("from"), _("to")]),
        row(["---", "---:", "---:", "---:"]),
    ]
    for name, figure in measured.metrics.items():
        lines.append(row([plain(name), f"{figure.value:.4f}", f"{figure.low:.4f}", f"{figure.high:.4f}"]))
    return "\n".join(lines)


def _limits(info: BundleInfo) -> str:
    lines = [
        "## " + _("Limits"),
        "",
        "- " + _("It knows only its classes, and only as they look in the pictures that it was trained on."),
    ]
    if info.unknown is None:
        lines.append("- " + _('It cannot say "none of these": any photo gets the name of one of its classes.'))
    else:
        lines.append("- " + _refusals(info.unknown))
    if info.measured is not None and info.measured.pictures < 100:
        lines.append("- " + _("It was measured on few pictures, so the figures above are rough."))
    return "\n".join(lines)


def _refusals(rule: UnknownRule) -> str:
    text = _('It says "none of these" by this score: {score}.').format(score=_(get_score(rule.score).title))
    if rule.set_on:
        text += " " + ngettext(
            "{count} calibration picture of its classes set the threshold; it accepts {share:.0%} of those.",
            "{count} calibration pictures of its classes set the threshold; it accepts {share:.0%} of those.",
            rule.set_on,
        ).format(count=rule.set_on, share=rule.accepts)
    if rule.is_rough:
        text += " " + _("Those are few, so it may refuse or accept clearly more.")
    return text + " " + _("Pictures that look much like its classes and show something else are still misnamed.")


def _licence(info: BundleInfo) -> str:
    title = "## " + _("Licence of the weights")
    if not info.weights_licence and not info.weights_source:
        return f"{title}\n\n" + _(
            "No pretrained weights are inside; all were trained on the pictures of the data card."
        )
    return f"{title}\n\n" + _("Pretrained weights: {licence} ({source}).").format(
        licence=plain(info.weights_licence or "?"), source=plain(info.weights_source or "?")
    )


def _making(info: BundleInfo) -> str:
    settings = ", ".join(f"{plain(name)} = {plain(str(value))}" for name, value in sorted(info.recipe.items()))
    lines = [
        "## " + _("How it was made"),
        "",
        _("Anmok {version}, model {model}; recipe: {settings}.").format(
            version=plain(info.anmok_version), model=plain(info.model), settings=settings or "-"
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
