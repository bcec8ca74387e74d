"""The classes that cards are wanted for: those of every bundle that answers."""

from __future__ import annotations

from pathlib import Path

from django.conf import settings

from anmok.bundle.format import read_bundle
from anmok.service.answering import host
from anmok.service.hosting.choices import from_environment
from anmok.service.hosting.store import BundleStore


def answering_classes() -> tuple[str, ...]:
    """Return the classes of the bundles that this process answers with, each once, the usual bundle's first."""
    return tuple(dict.fromkeys(label for hosted in host().all() for label in hosted.predictor.labels))


def classes_of_files() -> tuple[str, ...]:
    """Return the classes of the bundles that the service was started with or had installed; opens no model.

    Raises:
        BundleError, SourceNotFound: one cannot be read.
    """
    store = BundleStore(settings.FOLDER.path)
    chosen = store.choices() or from_environment(settings.BUNDLE)
    paths: dict[str, Path] = {choice.name: choice.path for choice in chosen} | store.installed()
    labels = (label for path in paths.values() for label in read_bundle(path, reference=False).info.labels)
    return tuple(dict.fromkeys(labels))
