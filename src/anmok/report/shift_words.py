"""Domain shift in words: what is different about these pictures, and which classes suffer, the most important first."""

from __future__ import annotations

from anmok.evaluation.shift import DISTANCE, FormatShift, MeasureShift, Shift
from anmok.i18n import _, ngettext
from anmok.report import words

#: Measures and classes that are named in sentences.
NAMED = 4


def measure_title(measure: str) -> str:
    """Return what a measure is called."""
    titles = {
        "brightness": _("Brightness"),
        "contrast": _("Contrast"),
        "saturation": _("Saturation"),
        "warmth": _("Warmth"),
        "sharpness": _("Sharpness"),
        "size": _("Size"),
        "aspect": _("Aspect ratio"),
        "bits_per_pixel": _("Bits per pixel"),
        DISTANCE: _("Distance to the training pictures"),
    }
    return titles.get(measure, measure)


def measure_meaning(measure: str) -> str:
    """Return in a sentence what a measure says."""
    meanings = {
        "brightness": _("Mean of luma, 0 is black and 255 white."),
        "contrast": _("Standard deviation of luma, 0 – 127.5."),
        "saturation": _("Mean saturation, 0 is grey and 255 pure colour."),
        "warmth": _("Mean red less mean blue: above 0 is warm, below it cold."),
        "sharpness": _("Variance of the Laplacian: low where a picture is blurred."),
        "size": _("Side of a square as large as the picture, pixels."),
        "aspect": _("Width by height."),
        "bits_per_pixel": _("Size of the file for each pixel: low where it is strongly compressed."),
        DISTANCE: _("As the model sees them: distance between embeddings, 0 is the same and 2 the opposite."),
    }
    return meanings.get(measure, "")


def shift_sentences(shift: Shift) -> tuple[str, ...]:
    """Return what is different, in the language of the moment; empty where nothing is."""
    if not shift.is_told:
        return ()
    return (*_lost(shift), *_different(shift))


def shift_lines(shift: Shift | None) -> tuple[str, ...]:
    """Return the same for a terminal, under a heading; and where nothing is different, one line that says so."""
    if shift is None:
        return ()
    if not shift.is_told:
        return (_("As far as can be told these pictures are like those that the model was trained on."),)
    heading = _("Different from the pictures that the model was trained on:")
    return (heading, *(f"- {text}" for text in shift_sentences(shift)))


def _lost(shift: Shift) -> list[str]:
    said = []
    if shift.worse and shift.before is not None and shift.now is not None:
        said.append(
            _(
                "The model does worse here than on its own test pictures: of each class it recognises {now:.0%} on"
                " average ({low:.0%} to {high:.0%}), there it was {before:.0%}."
            ).format(now=shift.now.value, low=shift.now.low, high=shift.now.high, before=shift.before.value)
        )
    suffering = [one for one in shift.classes if one.suffers]
    if suffering:
        named = ", ".join(
            _("{label} ({before:.0%} to {now:.0%})").format(label=one.label, before=one.before.value, now=one.now.value)
            for one in suffering[:NAMED]
        )
        text = ngettext(
            "{count} class suffers: {names}.",
            "{count} classes suffer, most of all {names}.",
            len(suffering),
        )
        said.append(text.format(count=len(suffering), names=named))
    elif shift.now is not None and not shift.worse:
        said.append(_("No class is recognised surely less than on the model's own test pictures."))
    return said


def _different(shift: Shift) -> list[str]:
    # How the model sees them comes first: it holds all that can matter to it.
    found = sorted((one for one in shift.measures if one.matters), key=lambda one: one.measure != DISTANCE)
    said = [_measure(one) for one in found[: NAMED + 1]]
    if len(found) > NAMED + 1:
        names = ", ".join(measure_title(one.measure) for one in found[NAMED + 1 :])
        said.append(_("Also different: {names}.").format(names=names))
    if shift.formats:
        named = ", ".join(_format(one) for one in shift.formats[:NAMED])
        said.append(_("The file formats are others: {names}.").format(names=named))
    if not said:
        said.append(_("Nothing that is measured of the pictures explains it; look at them, and at their labels."))
    return said


def _measure(one: MeasureShift) -> str:
    # There are no parts of a pixel to be seen.
    number = words.count if one.measure == "size" else words.decimal
    before, now = number(one.before[2]), number(one.now[2])
    share = max(one.above, 1 - one.above)
    if one.measure == DISTANCE:
        return _(
            "To the model they look unlike the training pictures: {share:.0%} lie farther from these than"
            " validation and test pictures of the same class did (median distance {now}, there {before})."
        ).format(share=share, now=now, before=before)
    return _measure_text(one).format(now=now, before=before, share=share)


def _measure_text(one: MeasureShift) -> str:
    above, below = {
        "brightness": (
            _("They are brighter: median {now}, training pictures {before} (in {share:.0%} of all pairs)."),
            _("They are darker: median {now}, training pictures {before} (in {share:.0%} of all pairs)."),
        ),
        "contrast": (
            _("They have more contrast: median {now}, training pictures {before} (in {share:.0%} of all pairs)."),
            _("They have less contrast: median {now}, training pictures {before} (in {share:.0%} of all pairs)."),
        ),
        "saturation": (
            _("Their colours are stronger: median {now}, training pictures {before} (in {share:.0%} of all pairs)."),
            _("Their colours are paler: median {now}, training pictures {before} (in {share:.0%} of all pairs)."),
        ),
        "warmth": (
            _("Their colours are warmer: median {now}, training pictures {before} (in {share:.0%} of all pairs)."),
            _("Their colours are colder: median {now}, training pictures {before} (in {share:.0%} of all pairs)."),
        ),
        "sharpness": (
            _("They are sharper: median {now}, training pictures {before} (in {share:.0%} of all pairs)."),
            _("They are less sharp: median {now}, training pictures {before} (in {share:.0%} of all pairs)."),
        ),
        "size": (
            _("They are larger: median {now} pixels, training pictures {before} (in {share:.0%} of all pairs)."),
            _("They are smaller: median {now} pixels, training pictures {before} (in {share:.0%} of all pairs)."),
        ),
        "aspect": (
            _("They are wider: median {now} by 1, training pictures {before} (in {share:.0%} of all pairs)."),
            _("They are narrower: median {now} by 1, training pictures {before} (in {share:.0%} of all pairs)."),
        ),
        "bits_per_pixel": (
            _(
                "They are less compressed: median {now} bits a pixel, training pictures {before} (in {share:.0%} of"
                " all pairs)."
            ),
            _(
                "They are more compressed: median {now} bits a pixel, training pictures {before} (in {share:.0%} of"
                " all pairs)."
            ),
        ),
    }.get(one.measure, ("{now}, {before} ({share:.0%})",) * 2)
    return above if one.above > 0.5 else below


def _format(one: FormatShift) -> str:
    return _("{format} {now:.0%} instead of {before:.0%}").format(format=one.format, now=one.now, before=one.before)
