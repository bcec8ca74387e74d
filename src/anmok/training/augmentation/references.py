"""The policies of the published projects whose recipes Anmok ships, with their own numbers.

Their pixels differ from Keras' by less than a grey level: here a changed picture is rounded to whole numbers.
"""

from __future__ import annotations

from torchvision.transforms import v2

from anmok.i18n import marked as _
from anmok.training.augmentation.colour import Brightness
from anmok.training.augmentation.geometry import Affine, OneOfFive
from anmok.training.augmentation.registry import register_policy

# Three of the five projects wrote shear_range=0.2 or 0.15 and meant, as with their shifts and zooms, a share. Keras
# takes shear_range in degrees: 0.2 degrees move the edge of a picture of 224 pixels by 0.4 pixels, which is no change
# at all. (Other ranges of the same class are shares, so the mistake is easy to make.) A policy here does what their
# code did, so that a figure can be compared; who wants the shear that was meant writes shear=11.3 (arc tangent of 0.2).


@register_policy(
    "horse-human",
    _("One of five changes by chance: a turn by a multiple of 45°, zoom, shear or shift within 20%, or mirroring."),
)
def _horse_human() -> v2.Transform:
    # "Shear within 20 %" is a share here: this project drew its copies with code of its own, not with Keras' ranges.
    return OneOfFive(share=0.2)


@register_policy("dog-preview", _("Turns up to 90°, shifts and zooms within 20%, and darkens by up to 20%."))
def _dog_preview() -> v2.Transform:
    return v2.Compose([Affine(rotation=90, shift=0.2, zoom=(0.8, 1.2)), Brightness(0.8, 1.0)])


@register_policy("cats-dogs", _("Zooms within 20% and mirrors; its shear of 0.2 degrees is too small to be seen."))
def _cats_dogs() -> v2.Transform:
    return Affine(shear=0.2, zoom=(0.8, 1.2), flip=True)


@register_policy(
    "sports-efficientnetb0",
    _("Turns up to 20°, shifts within 20%, zooms within 30%, mirrors, and changes the brightness within 25%."),
)
def _sports_efficientnetb0() -> v2.Transform:
    geometry = Affine(rotation=20, shift=0.2, shear=0.2, zoom=(0.7, 1.3), flip=True)
    return v2.Compose([geometry, Brightness(0.75, 1.25)])


@register_policy("sports-mobilenetv2", _("Turns up to 30°, shifts within 20%, zooms within 15%, and mirrors."))
def _sports_mobilenetv2() -> v2.Transform:
    return Affine(rotation=30, shift=0.2, shear=0.15, zoom=(0.85, 1.15), flip=True)


@register_policy(
    "illustrations", _("Turns up to 10°, shifts within 10%, zooms within 20%, and mirrors also top and bottom.")
)
def _illustrations() -> v2.Transform:
    return Affine(rotation=10, shift=0.1, shear=0.2, zoom=(0.8, 1.2), flip=True, flip_vertical=True)
