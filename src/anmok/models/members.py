"""The models that come with Anmok. A backbone is one line: its name, title, weight pack and what it is like."""

from __future__ import annotations

from functools import partial

from anmok.config import ResizeRule
from anmok.features.extractor import Extractor
from anmok.models.registry import ModelSpec, register_model
from anmok.progress import Progress


def _(message: str) -> str:
    """Mark a text for translation and leave it as it is: the language is chosen when it is shown."""
    return message


def _handcrafted(image_size: int, resize: ResizeRule, progress: Progress | None) -> Extractor:
    from anmok.features.handcrafted import handcrafted_extractor

    return handcrafted_extractor(image_size=image_size, resize=resize)


def _backbone(pack_name: str, image_size: int, resize: ResizeRule, progress: Progress | None) -> Extractor:
    from anmok.models.backbones import backbone_extractor
    from anmok.models.packs import find_pack

    pack = find_pack(pack_name, progress=progress)
    return backbone_extractor(pack, image_size=image_size, resize=resize, progress=progress)


def register_backbone(name: str, title: str, weights: str, about: str) -> ModelSpec:
    """Register a pretrained network whose vectors a head learns from; ``weights`` names its pack."""
    return register_model(
        ModelSpec(
            name=name,
            title=title,
            about=about,
            kind="extractor",
            needs_torch=True,
            weights=weights,
            recipe=name,
            make_extractor=partial(_backbone, weights),
        )
    )


register_model(
    ModelSpec(
        name="handcrafted",
        title=_("Handcrafted features"),
        about=_("edge directions, texture and colours that people thought of; learns in seconds, needs nothing"),
        kind="extractor",
        needs_torch=False,
        recipe="handcrafted",
        make_extractor=_handcrafted,
    )
)
register_model(
    ModelSpec(
        name="cnn-small",
        title=_("Small CNN"),
        about=_("a small network that learns from your pictures alone; likes many of them"),
        kind="network",
        needs_torch=True,
        recipe="cnn-small",
    )
)
register_backbone(
    "mobilenetv2",
    "MobileNetV2",
    "mobilenetv2_100.tf2_in1k",
    _("a small network that saw a million pictures before; only its last layer learns"),
)
