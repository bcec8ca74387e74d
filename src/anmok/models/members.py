"""The models that come with Anmok, but for the pretrained ones, which stand in ``backbone_members``."""

from __future__ import annotations

from anmok.config import ResizeRule
from anmok.features.extractor import Extractor
from anmok.i18n import marked as _
from anmok.models.registry import ExtractorMaker, ModelSpec, register_model
from anmok.progress import Progress


def _handcrafted(image_size: int, resize: ResizeRule, progress: Progress | None) -> Extractor:
    from anmok.features.handcrafted import handcrafted_extractor

    return handcrafted_extractor(image_size=image_size, resize=resize)


def _two_features(image_size: int, resize: ResizeRule, progress: Progress | None) -> Extractor:
    from anmok.features.plane_graph import plane_extractor

    return plane_extractor(image_size=image_size, resize=resize)


def register_handmade(name: str, title: str, about: str, make: ExtractorMaker) -> ModelSpec:
    """Register features that people thought of, with the recipe of the same name."""
    return register_model(
        ModelSpec(
            name=name,
            title=title,
            about=about,
            kind="extractor",
            needs_torch=False,
            recipe=name,
            make_extractor=make,
        )
    )


def register_network_model(name: str, title: str, about: str) -> ModelSpec:
    """Register a network that is trained whole, by the class and with the recipe of the same name."""
    return register_model(ModelSpec(name=name, title=title, about=about, kind="network", needs_torch=True, recipe=name))


register_handmade(
    "handcrafted",
    _("Handcrafted features"),
    _("edge directions, texture and colours that people thought of; learns in seconds, needs nothing"),
    _handcrafted,
)
register_handmade(
    "features-2d",
    _("Two features"),
    _("brightness and saturation, two numbers that people thought of; what every other model has to beat"),
    _two_features,
)
register_network_model(
    "cnn-small", _("Small CNN"), _("a small network that learns from your pictures alone; likes many of them")
)
register_network_model(
    "cnn-tiny", _("Tiny CNN"), _("a network for very small pictures (24 to 64 pixels) that learns in a minute or two")
)
register_network_model(
    "cifar10-cnn",
    _("CIFAR-10 CNN"),
    _("two convolutions and a dense layer, as a course teaches them, for small pictures"),
)
register_network_model(
    "cats-dogs-cnn", _("Cats-and-dogs CNN"), _("two convolutions and a wide dense layer, as a course teaches them")
)
register_network_model(
    "places-cnn", _("Places CNN"), _("three convolutions and a dense layer, as a service for places might use them")
)
register_network_model(
    "sports-cnn-1",
    _("Sports CNN, round 1"),
    _("three convolutions, then the answer; a study's first try at 100 sports"),
)
register_network_model(
    "sports-cnn-2",
    _("Sports CNN, round 2"),
    _("four convolutions, then the answer; a study's second try at 100 sports"),
)
register_network_model(
    "sports-cnn-3",
    _("Sports CNN, round 3"),
    _("four convolutions for larger pictures; a study's third try at 100 sports"),
)
register_network_model(
    "illustrations-cnn",
    _("Illustrations CNN"),
    _("nine convolutions with batch norm and a dense layer, from a camp that sorted drawings"),
)
