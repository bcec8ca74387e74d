"""Figures that are no result, because the model learned from the very pictures that it was measured on."""

from __future__ import annotations

from collections.abc import Iterator

from anmok.evaluation.diagnosis.findings import Diagnosis
from anmok.i18n import _
from anmok.records import TRAIN, VALID

#: From this share of the training pictures on, the measured pictures are said to be no held-out ones.
TRAINED_ON = 0.05


def diagnose_origin(split: str, share: float | None, *, same_data: bool) -> Iterator[Diagnosis]:
    """Say where the figures are those of pictures that the model has learnt.

    Args:
        split: that was measured.
        share: of the training pictures that are among the measured ones, 0-1 (``TrainingTrace``), as far as that
            can be told.
        same_data: the source is, picture by picture and split by split, what the model was made with.
    """
    if share is not None and share >= TRAINED_ON:
        text = _(
            "The model was trained on pictures that are measured here: about {share:.0%} of its training pictures"
            " are among them. Training accuracy is no result; measure on pictures that it has not seen."
        ).format(share=share)
        yield Diagnosis("training-pictures", text)
    elif split == TRAIN:
        text = _("These are training pictures. Training accuracy is no result; measure on test pictures.")
        yield Diagnosis("training-pictures", text)
    elif split == VALID and same_data:
        text = _(
            "These validation pictures are those that the model was made with: it was chosen by them, or has learnt"
            " from them. Measure on test pictures."
        )
        yield Diagnosis("training-pictures", text)
