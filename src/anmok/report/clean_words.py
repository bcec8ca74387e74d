"""Words of the review page: what actions and measures are called, and the sentences that its script says."""

from __future__ import annotations

from anmok.i18n import _


def action(name: str) -> str:
    """Return what an action is called on buttons and in tables."""
    names = {
        "remove": _("remove"),
        "relabel": _("relabel"),
        "group": _("keep together"),
        "review": _("only look"),
    }
    return names.get(name, name)


def measure(name: str) -> str:
    """Return what a measure of pictures is called."""
    names = {
        "certainty": _("Certainty of this check, all pictures"),
        "brightness": _("Brightness"),
        "contrast": _("Contrast"),
        "width": _("Width, pixels"),
        "height": _("Height, pixels"),
        "size": _("Size: root of width times height, pixels"),
        "elongation": _("Longer side divided by the shorter"),
        "bright_parts": _("Brightness of the bright parts"),
        "dark_parts": _("Brightness of the dark parts"),
        "entropy": _("Different tones, bits"),
        "bytes": _("Size of the file, bytes"),
        "likeness": _("likeness (1 is the same)"),
        "probability_label": _("probability of the label"),
        "separation": _("separation of the kinds"),
        "distance_ratio": _("distance to the neighbours, times what is usual"),
        "colourfulness": _("colourfulness"),
        "ground_share": _("share of the plain background"),
        "sharpness": _("Sharpness"),
        "saturation": _("Saturation"),
    }
    return names.get(name, name)


def for_script() -> dict[str, str]:
    """Return the sentences with which the script fills the page; ``{...}`` are filled there."""
    return {
        "none": _("Nothing is ticked yet."),
        "some": _("{count} ticked: {parts}"),
        "part": _("{action} {count}"),
        "idle": _("{count} ticked, but their action is “only look”: choose another one, or nothing is done."),
        "missing": _("{count} to relabel without a class: choose one, or they cannot be applied."),
        "would": _("ticks {count}"),
        "more": _("Show {count} more"),
        "saved": _("Saved as findings.csv in the folder of your downloads. Now run:"),
        "unsaved": _("Ticks are kept in this browser; save them to apply them."),
        "kept": _("Ticks of an earlier visit are shown."),
        "tick": _("Tick {path}"),
        "what": _("What to do with {path}"),
        "class": _("New class of {path}"),
        "certain": _("{percent}% certain"),
    }
