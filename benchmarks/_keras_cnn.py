"""One of the networks in Keras, in its own environment; started by ``training_speed.py`` and ``cifar10_keras.py``.

    python _keras_cnn.py NETWORK PICTURES.npz BATCH EPOCHS [LIMIT] [SEED]

PICTURES holds ``pictures`` uint8 ``(N, S, S, 3)``, ``labels`` and ``splits``. All of them lie in memory, as 0-1 in
float32, which is the fastest that Keras can be fed. LIMIT takes so many training pictures and measures nothing.
Prints one JSON object: ``seconds`` of training by epoch (without validation), ``valid`` and ``test`` accuracy by epoch,
``parameters``.
"""

from __future__ import annotations

import json
import sys
import time
from typing import Any

import keras
import numpy as np
from keras import layers


def main() -> None:
    name, path, batch, epochs = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
    limit, seed = (int(value) for value in (*sys.argv[5:7], *("0", "0")[len(sys.argv) - 5 :]))
    keras.utils.set_random_seed(seed)
    values = np.load(path)
    x, y = (values["pictures"] / np.float32(255)).astype(np.float32), values["labels"]
    parts = {split: np.flatnonzero(values["splits"] == split) for split in ("train", "valid", "test")}
    if limit:
        parts = {"train": parts["train"][:limit]}
    classes = int(y.max()) + 1
    model = NETWORKS[name](x.shape[1], classes)
    is_binary = model.output_shape[-1] == 1
    loss = "binary_crossentropy" if is_binary else keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(optimizer="adam", loss=loss, metrics=["accuracy"])
    clock = Clock(model, x, y, {split: rows for split, rows in parts.items() if split != "train"})
    model.fit(x[parts["train"]], y[parts["train"]], batch_size=batch, epochs=epochs, verbose=0, callbacks=[clock])
    print(json.dumps({**clock.told, "pictures": len(parts["train"]), "parameters": model.count_params()}))


class Clock(keras.callbacks.Callback):  # type: ignore[misc]
    """Takes the time of each epoch, and measures between two of them, while the clock stands still."""

    def __init__(self, model: Any, x: Any, y: Any, parts: dict[str, Any]) -> None:
        super().__init__()
        self.measured, self.x, self.y, self.parts = model, x, y, parts
        self.told: dict[str, list[float]] = {"seconds": [], **{split: [] for split in parts}}

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        self.begin = time.perf_counter()

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        self.told["seconds"].append(time.perf_counter() - self.begin)
        for split, rows in self.parts.items():
            answers = np.concatenate(
                [self.measured.predict_on_batch(self.x[some]) for some in np.array_split(rows, 20)]
            )
            guesses = (answers[:, 0] > 0.5) if answers.shape[1] == 1 else answers.argmax(axis=1)
            self.told[split].append(float((guesses == self.y[rows]).mean()))


def cifar10_cnn(size: int, classes: int) -> Any:
    return keras.Sequential(
        [
            keras.Input((size, size, 3)),
            layers.Conv2D(64, 3, activation="relu"),
            layers.MaxPooling2D(2),
            layers.Conv2D(32, 3, activation="relu"),
            layers.Flatten(),
            layers.Dense(80, activation="relu"),
            layers.Dense(classes),
        ]
    )


def cats_dogs_cnn(size: int, classes: int) -> Any:
    last = layers.Dense(1, activation="sigmoid") if classes == 2 else layers.Dense(classes)
    return keras.Sequential(
        [
            keras.Input((size, size, 3)),
            layers.Conv2D(32, 3, activation="relu"),
            layers.MaxPooling2D(2),
            layers.Conv2D(64, 3, activation="relu"),
            layers.MaxPooling2D(2),
            layers.Flatten(),
            layers.Dense(512, activation="relu"),
            last,
        ]
    )


def cnn_small(size: int, classes: int) -> Any:
    def convolution(x: Any, width: int, kernel: int = 3, stride: int = 1) -> Any:
        # PyTorch pads both sides alike; Keras' "same" would not where the stride is 2.
        x = layers.ZeroPadding2D(kernel // 2)(x) if kernel > 1 else x
        return layers.BatchNormalization()(layers.Conv2D(width, kernel, stride, use_bias=False)(x))

    inputs = keras.Input((size, size, 3))
    x = layers.ReLU()(convolution(inputs, 32, stride=2))
    for width in (64, 128, 256):
        inner = layers.ReLU()(convolution(x, width, stride=2))
        shortcut = convolution(layers.AveragePooling2D(2)(x), width, kernel=1)
        x = layers.ReLU()(layers.Add()([convolution(inner, width), shortcut]))
    return keras.Model(inputs, layers.Dense(classes)(layers.GlobalAveragePooling2D()(x)))


NETWORKS = {"cifar10-cnn": cifar10_cnn, "cats-dogs-cnn": cats_dogs_cnn, "cnn-small": cnn_small}

if __name__ == "__main__":
    main()
