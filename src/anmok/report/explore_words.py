"""Exploration in words: measures, their units, and sentences about what stands out."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

from anmok.explore.results import Imbalance, StandOut
from anmok.i18n import _
from anmok.report import words

#: From so many times as many pictures on, a class is said to be over-full.
IMBALANCED = 3.0
#: Classes that stand out alike and are named; all are marked in the table of distributions.
MOST_NAMED = 12
#: Measures in the unit of a pixel's channel.
_OF_BYTES = ("brightness", "mean_pixel", "contrast", "saturation")


def measure_title(measure: str) -> str:
    """Return what a measure is called in tables."""
    titles = {
        "brightness": _("Brightness"),
        "mean_pixel": _("Mean pixel"),
        "contrast": _("Contrast"),
        "saturation": _("Saturation"),
        "sharpness": _("Sharpness"),
        "entropy": _("Entropy"),
        "aspect": _("Aspect"),
        "width": _("Width"),
        "height": _("Height"),
        "bytes": _("File size"),
    }
    return titles.get(measure, measure)


def measure_meaning(measure: str) -> str:
    """Return in a sentence what a measure says; empty where we have no words."""
    meanings = {
        "brightness": _("Mean of luma (ITU-R 601), 0 is black and 255 white."),
        "mean_pixel": _("Mean of all three channels, 0 – 255: brightness without the eye's preference for green."),
        "contrast": _("Standard deviation of luma (RMS contrast): 0 is a plain surface."),
        "saturation": _("How colourful, 0 is grey and 255 a pure colour: (max - min) / max of the channels, averaged."),
        "sharpness": _("Variance of the Laplacian at 96 pixels: low where a picture is blurred, enlarged or smooth."),
        "entropy": _("Bits of information in the tones: few in logos and plain grounds, at most 8."),
        "aspect": _("Width divided by height: below 1 is upright."),
        "width": _("Pixels as stored, after turning the picture upright."),
        "height": _("Pixels as stored, after turning the picture upright."),
        "bytes": _("As stored; depends on size, detail and compression."),
    }
    return meanings.get(measure, "")


def measure_unit(measure: str) -> str:
    """Return the unit that stands below a measure's title; empty where the figures have their own or none."""
    if measure in _OF_BYTES:
        return _("0 – 255")
    if measure in ("width", "height"):
        return _("pixels")
    return _("bits") if measure == "entropy" else ""


def measure_figure(measure: str, value: float) -> str:
    """Return a value as tables write it."""
    if not math.isfinite(value):
        return words.MISSING
    if measure == "bytes":
        return words.size(value)
    if measure in ("width", "height"):
        return words.count(value)
    if measure in _OF_BYTES:
        return f"{value:.0f}"
    return f"{value:.2f}" if measure in ("aspect", "entropy") else words.decimal(value)


def headline(one: StandOut) -> str:
    """Return the sentence that names what stands out, with the placeholders of ``values``."""
    if one.code == "kind":
        if one.measure == "mode":
            return _("{share}% of {name} are stored in the colour mode {value}, of {rest} {others}%.")
        return _("{share}% of {name} are {value} files, of {rest} {others}%.")
    more, less = (_parts() if one.code == "part" else _wholes())[one.measure]
    return more if one.more else less


def trait(one: StandOut) -> str:
    """Return what several groups have in common that stand out alike, with the placeholder ``value`` for kinds."""
    if one.code == "kind":
        return _("Stored in the colour mode {value}") if one.measure == "mode" else _("Stored as {value}")
    more, less = _traits()[one.measure]
    text = more if one.more else less
    return _("{trait}, but only a part of each class").format(trait=text) if one.code == "part" else text


def _traits() -> dict[str, tuple[str, str]]:
    """Return by measure what those have in common that have more, and less, of it."""
    return {
        "brightness": (_("Brighter than the rest"), _("Darker than the rest")),
        "contrast": (_("More contrast than the rest"), _("Less contrast than the rest")),
        "saturation": (_("More colourful than the rest"), _("Less colourful than the rest")),
        "sharpness": (_("Sharper than the rest"), _("Less sharp than the rest")),
        "entropy": (_("Richer in tones than the rest"), _("Poorer in tones than the rest")),
        "aspect": (_("Wider in shape than the rest"), _("More upright in shape than the rest")),
        "width": (_("More pixels to the picture than the rest"), _("Fewer pixels to the picture than the rest")),
        "height": (_("Higher in pixels than the rest"), _("Lower in pixels than the rest")),
        "bytes": (_("Larger files than the rest"), _("Smaller files than the rest")),
    }


def _wholes() -> dict[str, tuple[str, str]]:
    """Return by measure the sentences for more and for less of it."""
    return {
        "brightness": (_("{name} is brighter than {rest}."), _("{name} is darker than {rest}.")),
        "contrast": (_("{name} has more contrast than {rest}."), _("{name} has less contrast than {rest}.")),
        "saturation": (_("{name} is more colourful than {rest}."), _("{name} is less colourful than {rest}.")),
        "sharpness": (_("{name} is sharper than {rest}."), _("{name} is less sharp than {rest}.")),
        "entropy": (_("{name} is richer in tones than {rest}."), _("{name} is poorer in tones than {rest}.")),
        "aspect": (_("{name} is wider in shape than {rest}."), _("{name} is more upright in shape than {rest}.")),
        "width": (
            _("{name} has more pixels to the picture than {rest}."),
            _("{name} has fewer pixels to the picture than {rest}."),
        ),
        "height": (_("{name} is higher in pixels than {rest}."), _("{name} is lower in pixels than {rest}.")),
        "bytes": (_("{name} has larger files than {rest}."), _("{name} has smaller files than {rest}.")),
    }


def _parts() -> dict[str, tuple[str, str]]:
    return {
        "brightness": (
            _("A part of {name}, {share}%, is brighter than nearly all of {rest}."),
            _("A part of {name}, {share}%, is darker than nearly all of {rest}."),
        ),
        "contrast": (
            _("A part of {name}, {share}%, has more contrast than nearly all of {rest}."),
            _("A part of {name}, {share}%, has less contrast than nearly all of {rest}."),
        ),
        "saturation": (
            _("A part of {name}, {share}%, is more colourful than nearly all of {rest}."),
            _("A part of {name}, {share}%, is less colourful than nearly all of {rest}."),
        ),
        "sharpness": (
            _("A part of {name}, {share}%, is sharper than nearly all of {rest}."),
            _("A part of {name}, {share}%, is less sharp than nearly all of {rest}."),
        ),
        "entropy": (
            _("A part of {name}, {share}%, is richer in tones than nearly all of {rest}."),
            _("A part of {name}, {share}%, is poorer in tones than nearly all of {rest}."),
        ),
        "aspect": (
            _("A part of {name}, {share}%, is wider in shape than nearly all of {rest}."),
            _("A part of {name}, {share}%, is more upright in shape than nearly all of {rest}."),
        ),
        "width": (
            _("A part of {name}, {share}%, has more pixels than nearly all of {rest}."),
            _("A part of {name}, {share}%, has fewer pixels than nearly all of {rest}."),
        ),
        "height": (
            _("A part of {name}, {share}%, is higher in pixels than nearly all of {rest}."),
            _("A part of {name}, {share}%, is lower in pixels than nearly all of {rest}."),
        ),
        "bytes": (
            _("A part of {name}, {share}%, has larger files than nearly all of {rest}."),
            _("A part of {name}, {share}%, has smaller files than nearly all of {rest}."),
        ),
    }


def detail(one: StandOut) -> str:
    """Return the figures behind the sentence, with the placeholders of ``values``; empty where it says them itself."""
    if one.code == "whole":
        return _("Median {own}, otherwise {others}; {share}% of its pictures lie beyond that.")
    if one.code == "part":
        return _("They lie beyond {others}, which only 2.5% of the others do.")
    return ""


def short(one: StandOut) -> str:
    """Return the figure that stands behind the name of one of several groups that stand out alike."""
    if one.code == "whole":
        return _("{own} instead of {others}").format(
            own=measure_figure(one.measure, one.own), others=measure_figure(one.measure, one.others)
        )
    return f"{one.share * 100:.0f}%"


def hint(one: StandOut) -> str:
    """Return what to look for, or what follows."""
    if one.among == "split":
        return _(
            "Figures on that split may differ from those on the others. If new photos will be like these, a model "
            "needs such pictures to learn from."
        )
    if one.code == "kind":
        return _("A model may learn the traces of the file type instead of the content: store all classes alike.")
    more, less = _hints().get(one.measure, ("", ""))
    return more if one.more else less


def _hints() -> dict[str, tuple[str, str]]:
    size = _("Look whether these come from another source: a model may learn the size instead of the content.")
    shape = _(
        "Where pictures are squashed to a square, these are distorted in another way: consider cropping or padding."
    )
    return {
        "brightness": (
            _("Look for drawings or goods on white ground among photos, or for overexposed pictures."),
            _("Look for photos among drawings, or for pictures taken at night or indoors."),
        ),
        "contrast": (
            _("Look for line drawings, text or screenshots, or for hard light."),
            _("Look for fog and haze, or for pictures that show little."),
        ),
        "saturation": (
            _("Look for drawings, filters or coloured light."),
            _("Look for black-and-white pictures or scans among colour ones."),
        ),
        "sharpness": (
            _("Look for fine textures, noise, or pictures that were sharpened."),
            _("Look for blurred or enlarged pictures, or for smooth surfaces such as sky and water."),
        ),
        "entropy": (
            _("Look for photos among drawings."),
            _("Look for drawings, logos or plain grounds."),
        ),
        "aspect": (shape, shape),
        "width": (size, size),
        "height": (size, size),
        "bytes": (
            _("Look for rich detail, or for a source that compresses less."),
            _("Look for plain or strongly compressed pictures, or for another source."),
        ),
    }


def values(one: StandOut, shown: Callable[[str], Any]) -> dict[str, Any]:
    """Return what the sentences' placeholders stand for.

    Args:
        shown: makes a class name fit for where it is shown.
    """

    def group(name: str) -> Any:
        return words.split_title(name) if one.among == "split" else shown(name)

    if one.code == "kind":
        own, others = words.percent(one.own), words.percent(one.others)
    else:
        own, others = measure_figure(one.measure, one.own), measure_figure(one.measure, one.others)
    return {
        "name": group(one.group),
        "rest": group(one.against) if one.against else _("the rest"),
        "own": own,
        "others": others,
        "share": f"{one.share * 100:.0f}",
        "value": shown(one.value),
    }


def plain_sentences(told: Sequence[Sequence[StandOut]]) -> list[str]:
    """Return a line of text for each lot of groups that stand out alike, for the terminal."""
    lines = []
    for alike in told:
        first = alike[0]
        if len(alike) > 1:
            told_trait = trait(first).format(**values(first, str))
            names = ", ".join(str(values(one, str)["name"]) for one in alike[:MOST_NAMED])
            if len(alike) > MOST_NAMED:
                names += " " + _("and {count} more").format(count=len(alike) - MOST_NAMED)
            line = _("{trait}: {names}.").format(trait=told_trait, names=names)
        else:
            line = headline(first).format(**values(first, str))
        lines.append(f"{line} {hint(first)}")
    return lines


def imbalance_text(imbalance: Imbalance) -> str:
    """Return a sentence with the placeholders ``largest``, ``smallest`` and ``ratio``; empty where it is no matter."""
    if imbalance.ratio < IMBALANCED:
        return ""
    return _(
        "{largest} has {ratio} times as many pictures as {smallest}: a model will answer {largest} too often. "
        "`anmok balance` evens that out."
    )
