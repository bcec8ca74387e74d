"""A file of cards held against the database: what would change; and the change, whole or not at all."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from django.conf import settings
from django.db import transaction

from anmok.i18n import _, ngettext
from anmok.service.accounts.log import note
from anmok.service.cards.models import Card, CardPhoto, Nearby
from anmok.service.cards.photos import put
from anmok.service.cards.transfer.checking import CardsRefused, Problem, WantedCard, wanted_cards
from anmok.service.cards.transfer.content import (
    CARD_FIELDS,
    CardContent,
    PhotoContent,
    place_order,
    stored_cards,
)
from anmok.service.cards.transfer.document import read_document
from anmok.service.cards.transfer.pictures import Picture, Pictures
from anmok.service.cards.transfer.table import read_table
from anmok.service.cards.wording import MOST_NUMBER, Unwanted, pair_problem, shown

#: Cards that a summary names one by one.
LISTED = 20


@dataclass(frozen=True, slots=True)
class Change:
    """A card that would be new or other than it is.

    Attributes:
        before: what is stored; None where it is new.
        after: what is wanted.
    """

    before: CardContent | None
    after: CardContent

    @property
    def fields(self) -> tuple[str, ...]:
        """Names of what differs."""
        if self.before is None:
            return ()
        names = (*CARD_FIELDS, "nearby", "photos")
        return tuple(name for name in names if getattr(self.before, name) != getattr(self.after, name))

    def line(self) -> str:
        """Return the change as a line of a summary."""
        name = f"{self.after.number} {shown(self.after.label)}"
        if self.before is None:
            parts = _("places nearby: {nearby}, photos: {photos}").format(
                nearby=len(self.after.nearby), photos=len(self.after.photos)
            )
            return _("new: {name} ({parts})").format(name=name, parts=parts)
        parts = ", ".join(self._told(field) for field in self.fields)
        return _("changed: {name} ({parts})").format(name=name, parts=parts)

    def _told(self, name: str) -> str:
        before, after = getattr(self.before, name), getattr(self.after, name)
        if isinstance(after, tuple):
            return f"{name} {len(before)} → {len(after)}"
        return f"{name} {shown(before)} → {shown(after)}" if len(str(before)) + len(str(after)) < 80 else name


@dataclass(frozen=True, slots=True)
class Plan:
    """What a file would change."""

    changes: tuple[Change, ...]
    unchanged: int
    removed: tuple[CardContent, ...]

    @property
    def is_empty(self) -> bool:
        """Whether nothing would change."""
        return not self.changes and not self.removed

    def summary(self, *, done: bool) -> str:
        """Return the sentence that counts.

        Args:
            done: whether it was done, or would be.
        """
        new = sum(change.before is None for change in self.changes)
        text = (
            _("Cards: {new} new, {changed} changed, {unchanged} as they were, {removed} removed.")
            if done
            else _("Not yet done. Cards: {new} new, {changed} changed, {unchanged} as they are, {removed} removed.")
        )
        changed = len(self.changes) - new
        return text.format(new=new, changed=changed, unchanged=self.unchanged, removed=len(self.removed))

    def lines(self) -> tuple[str, ...]:
        """Return a line for each of the first changes."""
        text = _("removed: {name}")
        lines = [change.line() for change in self.changes]
        lines += [text.format(name=f"{card.number} {shown(card.label)}") for card in self.removed]
        more = len(lines) - LISTED
        if more <= 0:
            return tuple(lines)
        return (*lines[:LISTED], ngettext("… and {count} more.", "… and {count} more.", more).format(count=more))


def read_cards(data: bytes, name: str) -> tuple[WantedCard, ...]:
    """Return what a file says; its ending tells whether it is JSON or CSV.

    Raises:
        CardsRefused: it has mistakes; all of them are named.
    """
    read = read_document if name.lower().endswith(".json") else read_table
    problems: list[Problem] = []
    numbers = dict(Card.objects.values_list("number", "label"))
    return wanted_cards(read(data, name, problems), name, numbers, problems)


def import_cards(
    data: bytes, name: str, *, pictures: Pictures | None = None, replace: bool = False, dry_run: bool = False
) -> Plan:
    """Take a file of cards, whole or not at all, and return what changed.

    Cards that the file names are made or changed; of a card's fields those that it has. Where it has photos of a card,
    or places near it, they take the place of all that the card had.

    Args:
        name: of the file: messages call it so, and its ending tells what it is.
        pictures: finds photos that the file names; without, only kept ones can be named.
        replace: what the file does not name is removed.
        dry_run: change nothing.

    Raises:
        CardsRefused: it has mistakes, or does not fit what is stored.
        StorageError: photos cannot be kept.
    """
    pictures = pictures or Pictures()
    # One at a time, or of two files each would be held against a state that the other one changes.
    with settings.FOLDER.alone("cards"):
        # Photos are decoded before the transaction: on SQLite nobody else could keep anything meanwhile.
        _find_pictures(read_cards(data, name), pictures, name)
        pictures.forget_stored()
        return _import(data, name, pictures, replace=replace, dry_run=dry_run)


def _import(data: bytes, name: str, pictures: Pictures, *, replace: bool, dry_run: bool) -> Plan:
    with transaction.atomic():
        wanted = read_cards(data, name)
        found = _find_pictures(wanted, pictures, name)
        plan = _plan(wanted, stored_cards(), found, name, replace=replace)
        if not dry_run:
            _carry_out(plan, {picture.picture: picture for picture in found.values()})
    return plan


def _find_pictures(wanted: Iterable[WantedCard], pictures: Pictures, name: str) -> dict[str, Picture]:
    """Return photos by what the file calls them."""
    found: dict[str, Picture] = {}
    problems = []
    for card in wanted:
        for photo, where in card.photos or ():
            try:
                found[photo.picture] = pictures.find(photo.picture)
            except Unwanted as unwanted:
                problems.append(Problem(where, unwanted.came, unwanted.wanted))
    if problems:
        raise CardsRefused(name, problems)
    return found


def _plan(
    wanted: Sequence[WantedCard],
    stored: Sequence[CardContent],
    found: Mapping[str, Picture],
    name: str,
    *,
    replace: bool,
) -> Plan:
    before = {card.label: card for card in stored}
    problems: list[Problem] = []
    after: dict[str, CardContent] = {}
    for card in wanted:
        content = _after(card, before.get(card.label), found, problems, replace=replace)
        if content is not None:
            after[card.label] = content
    kept = {} if replace else {label: card for label, card in before.items() if label not in after}
    taken = {card.number: label for label, card in kept.items()}
    places = {card.label: card.where for card in wanted}
    for label, content in after.items():
        other = taken.setdefault(content.number, label)
        if other != label:
            came = _("{number} came, which is the number of {label}.").format(number=content.number, label=shown(other))
            problems.append(Problem(places[label]("number"), came, _("A number of its own is wanted.")))
    if problems:
        raise CardsRefused(name, problems)
    changes = tuple(Change(before.get(label), card) for label, card in after.items() if before.get(label) != card)
    removed = tuple(card for label, card in before.items() if replace and label not in after)
    unchanged = len(before) - len(removed) - sum(change.before is not None for change in changes)
    return Plan(changes, unchanged, removed)


def _after(
    card: WantedCard,
    before: CardContent | None,
    found: Mapping[str, Picture],
    problems: list[Problem],
    *,
    replace: bool,
) -> CardContent | None:
    """Return what a card would hold, or None where a problem was noted."""
    if before is None and not card.is_told:
        came = _("The class {label} came, which has no card.").format(label=shown(card.label))
        problems.append(Problem(card.where("class"), came, _("A row of the kind “card” is wanted for it.")))
        return None
    if before is None and "number" not in card.fields:
        problems.append(Problem(card.where("number"), _("Nothing came."), _("A new card wants a number.")))
        return None
    base = before or CardContent(card.label, 0, "", "", "", "", None, None, "")
    content = dataclasses.replace(base, **card.fields)
    if card.nearby is not None or replace:
        content = dataclasses.replace(content, nearby=tuple(sorted(card.nearby or (), key=place_order)))
    if card.photos is not None or replace:
        photos = tuple(
            dataclasses.replace(photo, picture=found[photo.picture].picture) for photo, _w in card.photos or ()
        )
        content = dataclasses.replace(content, photos=photos)
    problem = pair_problem(content.name_en, content.name_ko, content.latitude, content.longitude)
    if problem is not None:
        problems.append(Problem(card.where(problem.field), problem.came, problem.wanted))
    return content


def _carry_out(plan: Plan, pictures: Mapping[str, Picture]) -> None:
    rows = {card.label: card for card in Card.objects.all()}
    for content in plan.removed:
        rows[content.label].delete()
    # Numbers may be exchanged; on the way no two cards may have the same one.
    moved = [change for change in plan.changes if "number" in change.fields]
    for offset, change in enumerate(moved, start=1):
        Card.objects.filter(label=change.after.label).update(number=MOST_NUMBER + offset)
    for change in plan.changes:
        content = change.after
        card = rows[content.label] if change.before is not None else Card(label=content.label)
        for name in CARD_FIELDS:
            setattr(card, name, getattr(content, name))
        card.save()
        if change.before is None or change.before.nearby != content.nearby:
            card.nearby.all().delete()
            Nearby.objects.bulk_create(Nearby(card=card, **dataclasses.asdict(place)) for place in content.nearby)
            counts = [0 if change.before is None else len(change.before.nearby), len(content.nearby)]
            # Many rows at once tell the log nothing by themselves.
            if any(counts):
                note("changed", "card", target=card.pk, title=str(card), changes={"nearby": counts})
        if change.before is None or change.before.photos != content.photos:
            _exchange_photos(card, content.photos, pictures)


def _exchange_photos(card: Card, photos: Sequence[PhotoContent], pictures: Mapping[str, Picture]) -> None:
    sizes = {row.picture: (row.width, row.height) for row in card.photos.all()}
    card.photos.all().delete()
    for order, photo in enumerate(photos):
        picture = pictures.get(photo.picture)
        if picture is not None and picture.kept is not None:
            put(picture.kept)
        width, height = (picture.width, picture.height) if picture is not None else sizes[photo.picture]
        CardPhoto.objects.create(card=card, order=order, width=width, height=height, **dataclasses.asdict(photo))
