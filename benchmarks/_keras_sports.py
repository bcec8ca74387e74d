"""The published recipe of ``sports-mobilenetv2`` in Keras, in its own environment; started by ``sports_keras.py``.

    python _keras_sports.py FOLDER WEIGHTS CHECK EPOCHS

FOLDER holds ``train`` and ``valid`` with a folder for each class; WEIGHTS is the safetensors file of Anmok's pack, so
that both sides begin with the same network; CHECK an ``.npz`` with ``pictures`` and what Anmok's network makes of them,
``embedding``. Prints one JSON line an epoch: the seconds since this process began, and the accuracy on ``valid``.

The recipe: base frozen, mean over all places, Dense 128, Dropout 0.1, Dense 128, Dropout 0.1, softmax; Adam; rotation
30, zoom 0.15, shifts 0.2, shear 0.15, flip, the model's own preprocessing; batches of 100.
"""

from __future__ import annotations

import time

BEGIN = time.perf_counter()

import json  # noqa: E402
import sys  # noqa: E402
from typing import Any  # noqa: E402

import keras  # noqa: E402
import numpy as np  # noqa: E402
from safetensors.numpy import load_file  # noqa: E402
from tensorflow.keras.preprocessing.image import ImageDataGenerator  # noqa: E402

#: Batch normalisation of the pack (PyTorch's default).
PACK_EPSILON = 1e-5
TOLERANCE = 1e-3


def main() -> None:
    folder, weights, check, epochs = sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4])
    keras.utils.set_random_seed(0)
    base = keras.applications.MobileNetV2(input_shape=(224, 224, 3), include_top=False, weights=None, pooling="avg")
    fill(base, load_file(weights))
    say({"difference": compare(base, check)})
    train, valid = batches(folder)
    base.trainable = False
    x = keras.layers.Dense(128, activation="relu")(base.output)
    x = keras.layers.Dropout(0.1)(x)
    x = keras.layers.Dense(128, activation="relu")(x)
    x = keras.layers.Dropout(0.1)(x)
    model = keras.Model(base.input, keras.layers.Dense(train.num_classes, activation="softmax")(x))
    model.compile(optimizer="adam", loss="categorical_crossentropy", metrics=["accuracy"])
    model.fit(train, validation_data=valid, epochs=epochs, verbose=0, callbacks=[Told()])


class Told(keras.callbacks.Callback):  # type: ignore[misc]
    """Says after each epoch what was reached, and when."""

    def on_epoch_end(self, epoch: int, logs: dict[str, float]) -> None:
        seconds = time.perf_counter() - BEGIN
        say({"epoch": epoch + 1, "seconds": seconds, **{name: float(value) for name, value in logs.items()}})


def batches(folder: str) -> tuple[Any, Any]:
    preprocess = keras.applications.mobilenet_v2.preprocess_input
    changing = ImageDataGenerator(
        rotation_range=30,
        zoom_range=0.15,
        width_shift_range=0.2,
        height_shift_range=0.2,
        shear_range=0.15,
        horizontal_flip=True,
        preprocessing_function=preprocess,
    )
    plain = ImageDataGenerator(preprocessing_function=preprocess)
    settings = {"target_size": (224, 224), "batch_size": 100, "class_mode": "categorical"}
    train = changing.flow_from_directory(f"{folder}/train", seed=0, **settings)
    return train, plain.flow_from_directory(f"{folder}/valid", shuffle=False, **settings)


def fill(base: Any, tensors: dict[str, Any]) -> None:
    """Give Keras' MobileNetV2 the weights of timm's: both have the same layers in the same order."""
    kernels = [layer for layer in base.layers if isinstance(layer, keras.layers.Conv2D | keras.layers.DepthwiseConv2D)]
    norms = [layer for layer in base.layers if isinstance(layer, keras.layers.BatchNormalization)]
    names, norm_names = in_order(tensors)
    for layer, name in zip(kernels, names, strict=True):
        kernel = tensors[name]  # (out, in, h, w); Keras wants (h, w, in, out), and of depthwise ones (h, w, channel, 1)
        is_depthwise = isinstance(layer, keras.layers.DepthwiseConv2D)
        layer.set_weights([kernel.transpose(2, 3, 0, 1) if is_depthwise else kernel.transpose(2, 3, 1, 0)])
    for layer, name in zip(norms, norm_names, strict=True):
        gamma, beta, mean, variance = (
            tensors[f"{name}.{part}"] for part in ("weight", "bias", "running_mean", "running_var")
        )
        # Keras adds another epsilon to the variance; the scale makes up for it.
        layer.set_weights(
            [gamma * np.sqrt((variance + layer.epsilon) / (variance + PACK_EPSILON)), beta, mean, variance]
        )


def in_order(tensors: dict[str, Any]) -> tuple[list[str], list[str]]:
    """Return timm's names of convolutions and of batch normalisations in the order of the network."""
    blocks = sorted({tuple(map(int, name.split(".")[1:3])) for name in tensors if name.startswith("blocks.")})
    convolutions, norms = ["conv_stem.weight"], ["bn1"]
    for stage, number in blocks:
        prefix = f"blocks.{stage}.{number}."
        # The first block has no expansion: its conv_pw comes after conv_dw.
        order = ("conv_pw", "conv_dw", "conv_pwl") if f"{prefix}conv_pwl.weight" in tensors else ("conv_dw", "conv_pw")
        convolutions += [f"{prefix}{name}.weight" for name in order]
        norms += [f"{prefix}bn{n + 1}" for n in range(len(order))]
    return [*convolutions, "conv_head.weight"], [*norms, "bn2"]


def compare(base: Any, check: str) -> float:
    """Return the largest difference from Anmok's network, as a share of its largest value; refuse another network."""
    values = np.load(check)
    pixels = keras.applications.mobilenet_v2.preprocess_input(values["pictures"].astype(np.float32))
    answer = base.predict(pixels, verbose=0)
    difference = float(np.abs(answer - values["embedding"]).max() / np.abs(values["embedding"]).max())
    if difference > TOLERANCE:
        sys.exit(f"Keras' network is not Anmok's: answers differ by {difference:.2%}")
    return difference


def say(values: dict[str, Any]) -> None:
    print(json.dumps(values), flush=True)


if __name__ == "__main__":
    main()
