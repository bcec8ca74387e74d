"""Which classes of the model have no card, and which cards no class: explained, never a crash."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from anmok.i18n import _, ngettext
from anmok.service.cards.wording import MOST_NAME, shown

#: Names that a sentence lists before it says how many more there are.
LISTED = 8


@dataclass(frozen=True, slots=True)
class Coverage:
    """What classes and cards have in common.

    Attributes:
        classes, cards: how many there are.
        without_card: classes that nobody wrote a card for, in the model's order.
        without_class: labels of cards that the model does not know.
        alike: pairs of a class without a card and a card without a class that differ in small and capital letters
            or in spaces alone: probably meant as one.
        too_long: classes whose name no card can hold.
    """

    classes: int
    cards: int
    without_card: tuple[str, ...]
    without_class: tuple[str, ...]
    alike: tuple[tuple[str, str], ...]
    too_long: tuple[str, ...]

    @property
    def is_complete(self) -> bool:
        """Whether every class has a card and every card a class."""
        return not self.without_card and not self.without_class

    def sentences(self) -> tuple[str, ...]:
        """Return what a curator is told: what is missing, what visitors see meanwhile, what to do."""
        said = []
        if self.without_card:
            text = ngettext(
                "{count} of {all} classes has no card: {names}. Visitors read its name and probability alone.",
                "{count} of {all} classes have no card: {names}. Visitors read their names and probabilities alone.",
                len(self.without_card),
            )
            said.append(text.format(count=len(self.without_card), all=self.classes, names=listed(self.without_card)))
        if self.without_class:
            text = ngettext(
                "{count} of {all} cards is of a class that the model does not know: {names}. No answer leads to it.",
                "{count} of {all} cards are of classes that the model does not know: {names}. No answer leads to them.",
                len(self.without_class),
            )
            said.append(text.format(count=len(self.without_class), all=self.cards, names=listed(self.without_class)))
        for label, card in self.alike:
            text = _("The class {label} and the card {card} differ in letters' case or spaces alone; are they one?")
            said.append(text.format(label=shown(label), card=shown(card)))
        if self.too_long:
            text = _("A card's class may have {most} characters; these have more and can have no card: {names}.")
            said.append(text.format(most=MOST_NAME, names=listed(self.too_long)))
        return tuple(said)


def compare(labels: Sequence[str], cards: Iterable[str]) -> Coverage:
    """Compare the classes of a model with the labels of cards."""
    known, carded = list(dict.fromkeys(labels)), list(dict.fromkeys(cards))
    without_card = tuple(label for label in known if label not in set(carded))
    without_class = tuple(label for label in carded if label not in set(known))
    by_shape = {_shape(label): label for label in without_class}
    alike = tuple((label, by_shape[_shape(label)]) for label in without_card if _shape(label) in by_shape)
    too_long = tuple(label for label in known if len(label) > MOST_NAME)
    return Coverage(len(known), len(carded), without_card, without_class, alike, too_long)


def listed(names: Sequence[str]) -> str:
    """Return names as a sentence lists them, the first few of many."""
    some = ", ".join(shown(name) for name in names[:LISTED])
    if len(names) <= LISTED:
        return some
    return _("{some} and {count} more").format(some=some, count=len(names) - LISTED)


def _shape(label: str) -> str:
    composed = unicodedata.normalize("NFKC", label).casefold()
    return "".join(sign for sign in composed if not sign.isspace() and sign not in "_-")
