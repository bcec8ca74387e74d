"""The pretrained networks that come with Anmok: the twelve of the reference projects, and five of today.

Code and weights of all may be used in products. Where the facts come from:

- Parameters, depth: counted in timm's networks (``tests/models/test_backbone_members.py``), as Keras counts them. Those
  of ResNet, Inception and Inception-ResNet differ by less than 0.2 % from Keras' own, which gives their convolutions
  biases or leaves out a factor of batch normalisation.
- Accuracy of the twelve: Keras' own table (keras.io/api/applications, 2025), measured with Keras' weights; timm's
  weights of the same network differ by about a point. Of the five: timm's ``results/results-imagenet.csv`` and the
  model card of MobileNetV4 (Hugging Face, ``timm/mobilenetv4_conv_medium.e500_r256_in1k``), at the pixels that stand
  there; DINOv2: a linear layer on its vectors, by its authors (github.com/facebookresearch/dinov2).
- Licences: timm's ``pretrained_cfg``.
"""

from __future__ import annotations

from functools import partial

from anmok.config import Preprocessing, ResizeRule
from anmok.features.extractor import Extractor
from anmok.i18n import marked as _
from anmok.models.registry import BackboneFacts, ModelSpec, register_model
from anmok.progress import Progress

#: Peaks of AdamW's learning rate for batches of 32 (docs/fine-tuning.md); layer normalisation bears less than batch
#: normalisation (timm's and the authors' recipes of ConvNeXt, ViT and DINOv2 fine-tune at about 5e-5).
BATCH_NORM_RATE, LAYER_NORM_RATE = 1e-4, 5e-5


KERAS = _("Keras' weights, 224 pixels")
KERAS_299 = _("Keras' weights, 299 pixels")


def _backbone(
    pack_name: str, image_size: int, resize: ResizeRule, preprocessing: Preprocessing, progress: Progress | None
) -> Extractor:
    from anmok.models.backbones import backbone_extractor
    from anmok.models.packs import find_pack

    pack = find_pack(pack_name, progress=progress)
    return backbone_extractor(
        pack, image_size=image_size, resize=resize, preprocessing=preprocessing, progress=progress
    )


def register_backbone(
    name: str,
    title: str,
    weights: str,
    about: str,
    facts: BackboneFacts,
    *,
    image_size: int = 0,
    gentle_rate: float = BATCH_NORM_RATE,
) -> ModelSpec:
    """Register a pretrained network; ``weights`` names its pack, as timm names pretrained models."""
    return register_model(
        ModelSpec(
            name=name,
            title=title,
            about=about,
            kind="extractor",
            needs_torch=True,
            weights=weights,
            recipe=name,
            make_backbone=partial(_backbone, weights),
            facts=facts,
            image_size=image_size,
            gentle_rate=gentle_rate,
        )
    )


def _facts(
    parameters: int,
    depth: int,
    top1: float,
    top5: float | None,
    *,
    input_size: int = 224,
    measured: str = KERAS,
    licence: str = "Apache-2.0",
) -> BackboneFacts:
    return BackboneFacts(
        parameters=parameters,
        depth=depth,
        input_size=input_size,
        top1=top1,
        top5=top5,
        measured=measured,
        licence=licence,
    )


register_backbone(
    "mobilenetv2",
    "MobileNetV2",
    "mobilenetv2_100.tf2_in1k",
    _("a small network that saw a million pictures before; quick on any machine"),
    _facts(3_538_984, 105, 0.713, 0.901),
)
register_backbone(
    "mobilenetv1",
    "MobileNet",
    "mobilenetv1_100.ra4_e3600_r224_in1k",
    _("the first small network for telephones, here with weights of 2024"),
    _facts(4_253_864, 55, 0.704, 0.895),
)
register_backbone(
    "resnet50",
    "ResNet50",
    "resnet50.tv_in1k",
    _("the usual yardstick since 2015: 50 layers with shortcuts"),
    _facts(25_610_152, 107, 0.749, 0.921, licence="BSD-3-Clause"),
)
register_backbone(
    "resnet101",
    "ResNet101",
    "resnet101.tv_in1k",
    _("twice as deep as ResNet50, with twice the work, a little better"),
    _facts(44_654_504, 209, 0.764, 0.928, licence="BSD-3-Clause"),
)
register_backbone(
    "resnet152",
    "ResNet152",
    "resnet152.tv_in1k",
    _("three times as deep as ResNet50, with three times the work"),
    _facts(60_344_232, 311, 0.766, 0.931, licence="BSD-3-Clause"),
)
register_backbone(
    "vgg16",
    "VGG16",
    "vgg16.tv_in1k",
    _("plain and large, from 2014; slow, and its weights take half a gigabyte"),
    _facts(138_357_544, 16, 0.713, 0.901, licence="BSD-3-Clause"),
)
register_backbone(
    "vgg19",
    "VGG19",
    "vgg19.tv_in1k",
    _("VGG16 with three more layers; slow, and its weights take half a gigabyte"),
    _facts(143_667_240, 19, 0.713, 0.900, licence="BSD-3-Clause"),
)
register_backbone(
    "densenet121",
    "DenseNet121",
    "densenet121.tv_in1k",
    _("each layer sees all before it: few weights, much to compute"),
    _facts(8_062_504, 242, 0.750, 0.923),
)
register_backbone(
    "efficientnetb0",
    "EfficientNetB0",
    "tf_efficientnet_b0.aa_in1k",
    _("small and found by search; better than MobileNetV2, and slower"),
    _facts(5_330_564, 131, 0.771, 0.933),
)
register_backbone(
    "xception",
    "Xception",
    "legacy_xception.tf_in1k",
    _("separable convolutions at 299 pixels, by the author of Keras"),
    _facts(22_910_480, 81, 0.790, 0.945, input_size=299, measured=KERAS_299),
)
register_backbone(
    "inceptionv3",
    "InceptionV3",
    "inception_v3.tf_in1k",
    _("branches of several sizes side by side, at 299 pixels"),
    _facts(23_869_000, 189, 0.779, 0.937, input_size=299, measured=KERAS_299),
)
register_backbone(
    "inception-resnet-v2",
    "InceptionResNetV2",
    "inception_resnet_v2.tf_in1k",
    _("Inception with shortcuts, the largest and slowest of its family"),
    _facts(55_904_008, 449, 0.803, 0.953, input_size=299, measured=KERAS_299),
)
register_backbone(
    "mobilenetv4",
    "MobileNetV4 conv medium",
    "mobilenetv4_conv_medium.e500_r256_in1k",
    _("a network of 2024 for telephones and other small machines"),
    _facts(9_783_416, 155, 0.80858, 0.95768, input_size=256, measured=_("these weights, 320 pixels")),
)
register_backbone(
    "convnext-tiny",
    "ConvNeXt tiny",
    "convnext_tiny.in12k_ft_in1k",
    _("convolutions as transformers taught them; learned from 12 million pictures"),
    _facts(28_589_128, 100, 0.84450, 0.97340, measured=_("these weights, 288 pixels")),
    gentle_rate=LAYER_NORM_RATE,
)
register_backbone(
    "efficientnetv2-s",
    "EfficientNetV2 S",
    "tf_efficientnetv2_s.in21k_ft_in1k",
    _("EfficientNet's faster successor; learned from 14 million pictures"),
    _facts(21_612_360, 281, 0.84288, 0.97252, input_size=300, measured=_("these weights, 384 pixels")),
)
register_backbone(
    "vit-small",
    "ViT small, patches of 16",
    "vit_small_patch16_224.augreg_in21k_ft_in1k",
    _("a small vision transformer that learned from 14 million pictures"),
    _facts(22_050_664, 76, 0.81384, 0.96136, measured=_("these weights, 224 pixels")),
    gentle_rate=LAYER_NORM_RATE,
)
register_backbone(
    "dinov2-small",
    "DINOv2 ViT small",
    "vit_small_patch14_dinov2.lvd142m",
    _("a transformer that learned from 142 million pictures without labels, made to give vectors"),
    _facts(22_056_192, 99, 0.811, None, input_size=518, measured=_("a linear layer on these weights, 224 pixels")),
    image_size=224,
    gentle_rate=LAYER_NORM_RATE,
)
