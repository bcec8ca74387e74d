"""Which pictures teach, which choose, which measure. Equal files never stand on two sides. Light."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import replace

from anmok.detection.boxset import BoxedPicture, BoxSet
from anmok.detection.settings import DetectConfig
from anmok.errors import TooFewPictures
from anmok.i18n import _, ngettext
from anmok.records import TEST, TRAIN, VALID

FEWEST = 4


def split_boxes(boxes: BoxSet, config: DetectConfig) -> BoxSet:
    """Return the set with every picture in a split; splits that the source gives are kept.

    What the source calls train and has no validation beside it is divided; training pictures whose very file stands in
    the test or the given validation, too, are left out with a note.

    Raises:
        TooFewPictures: there are too few to learn, choose and measure.
    """
    pictures, notes = _without_leaks(boxes.pictures)
    random_ = random.Random(config.seed)  # noqa: S311 - no secret
    splits = {picture.split for picture in pictures}
    if "" in splits and splits != {""}:
        pictures = [replace(picture, split=picture.split or TRAIN) for picture in pictures]
        splits = {picture.split for picture in pictures}
    if splits == {""}:
        pictures = [replace(picture, split=TRAIN) for picture in pictures]
    if TEST not in splits:
        pictures = _divided(pictures, TEST, config.test, random_)
        notes.append(
            _("The source names no test pictures, so {share:.0%} were set apart by chance.").format(share=config.test)
        )
    if config.train_pictures:
        pictures = _fewer(pictures, config.train_pictures, random_)
        text = ngettext(
            "{count} picture was learned from or chosen by.",
            "{count} pictures were learned from or chosen by.",
            config.train_pictures,
        )
        notes.append(text.format(count=config.train_pictures))
    if VALID not in splits:
        pictures = _divided(pictures, VALID, config.valid, random_)
    result = replace(boxes, pictures=tuple(pictures), notes=(*boxes.notes, *notes))
    for split, wanted in ((TRAIN, FEWEST), (VALID, 1), (TEST, 1)):
        found = sum(bool(picture.boxes) for picture in result.of_split(split))
        if found < wanted:
            raise TooFewPictures(
                _("{split} has {found} pictures with boxes; at least {wanted} are wanted.").format(
                    split=split, found=found, wanted=wanted
                ),
                hint=_("Label more pictures, or hold fewer out."),
            )
    return result


def _without_leaks(pictures: tuple[BoxedPicture, ...]) -> tuple[list[BoxedPicture], list[str]]:
    """Return the pictures but those whose file measures or chooses, too; and a note for either."""
    tested = _files(pictures, TEST)
    kept = [one for one in pictures if one.split == TEST or one.id not in tested]
    chosen_by = _files(kept, VALID)
    parted = [one for one in kept if one.split in (TEST, VALID) or one.id not in chosen_by]
    notes = []
    if count := len(pictures) - len(kept):
        text = ngettext(
            "{count} training picture was left out, because the same file stands in the test.",
            "{count} training pictures were left out, because the same files stand in the test.",
            count,
        )
        notes.append(text.format(count=count))
    if count := len(kept) - len(parted):
        text = ngettext(
            "{count} training picture was left out, because the same file stands among the validation pictures.",
            "{count} training pictures were left out, because the same files stand among the validation pictures.",
            count,
        )
        notes.append(text.format(count=count))
    return parted, notes


def _files(pictures: Iterable[BoxedPicture], split: str) -> set[str]:
    return {picture.id for picture in pictures if picture.split == split and picture.id}


def _divided(pictures: list[BoxedPicture], split: str, share: float, random_: random.Random) -> list[BoxedPicture]:
    """Move a share of the training pictures to ``split``, every class in turn, so that none is missed."""
    groups: dict[str, list[BoxedPicture]] = defaultdict(list)
    for picture in pictures:
        if picture.split == TRAIN:
            groups[picture.id or picture.path].append(picture)
    order = sorted(groups)
    random_.shuffle(order)
    wanted = max(1, round(share * len(order)))
    labels = sorted({box.label for key in order for box in groups[key][0].boxes})
    chosen: dict[str, None] = {}
    waiting = {
        label: [key for key in order if any(box.label == label for box in groups[key][0].boxes)] for label in labels
    }
    while len(chosen) < wanted and any(waiting.values()):
        for label in labels:
            keys = [key for key in waiting[label] if key not in chosen]
            waiting[label] = keys[1:]
            if keys and len(chosen) < wanted:
                chosen[keys[0]] = None
    moved = {picture.path for key in chosen for picture in groups[key]}
    return [replace(picture, split=split) if picture.path in moved else picture for picture in pictures]


def _fewer(pictures: list[BoxedPicture], count: int, random_: random.Random) -> list[BoxedPicture]:
    taught = sorted(picture.path for picture in pictures if picture.split != TEST)
    random_.shuffle(taught)
    kept = set(taught[:count])
    return [picture for picture in pictures if picture.split == TEST or picture.path in kept]
