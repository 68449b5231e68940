"""What is sold to whom, beyond a price: tiers, early birds, questions at checkout, an age.

Read from the tags of one note (docs/protocol.md); domain/pricing.py says what a ticket costs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ticketbot.domain.lines import LONGEST_TIER
from ticketbot.domain.money import read_price
from ticketbot.domain.naming import FieldProblem, quote, show
from ticketbot.domain.sheet import Sheet, read_count
from ticketbot.domain.when import read_stamp

MOST_TIERS, MOST_EARLY_BIRDS, MOST_QUESTIONS, MOST_CHOICES = 10, 20, 3, 10
LONGEST_QUESTION, LONGEST_CHOICE, LONGEST_ANSWER = 140, 40, 200
OLDEST = 120
MAY_SKIP = "(optional)"


@dataclass(frozen=True, slots=True)
class Tier:
    """One kind of ticket. `stock` None = as many as the event has.

    It is sold within the event's own times, and within these (unix seconds) where they are set.
    `max_per_buyer` counts tickets of this kind alone.
    """

    name: str
    price_msat: int
    stock: int | None
    sales_start: int | None = None
    sales_end: int | None = None
    max_per_buyer: int | None = None


@dataclass(frozen=True, slots=True)
class EarlyBird:
    """A lower price of one kind of ticket: either `until` a second, or for the `first` seats.

    `tier` '' means tickets without a tier.
    """

    tier: str
    price_msat: int
    until: int | None = None
    first: int | None = None


@dataclass(frozen=True, slots=True)
class Question:
    """What buyers are asked before their seats are held; with choices, one of them is taken."""

    text: str
    choices: tuple[str, ...] = ()

    @property
    def optional(self) -> bool:
        """Whether it may be skipped: its text says so."""
        return self.text.lower().endswith(MAY_SKIP)


def read_tiers(sheet: Sheet) -> tuple[Tier, ...]:
    """The kinds of tickets, in the order of their tags."""
    rows = sheet.padded("tier", 7)
    if len(rows) > MOST_TIERS:
        sheet.blame("tier", FieldProblem("tier-many", most=MOST_TIERS))
        return ()
    tiers: dict[str, Tier] = {}
    for written, *values in rows:
        name = show(written, LONGEST_TIER)
        if not any(letter.isalpha() for letter in name):
            sheet.blame("tier", FieldProblem("tier-name", text=name))
            continue
        try:
            if name.casefold() in tiers:
                raise FieldProblem("tier-twice", text=name)
            tiers[name.casefold()] = _tier(name, values)
        except FieldProblem as wrong:
            sheet.blame(f"tier {name}", wrong, like="tier")
    return tuple(tiers.values())


def read_early_birds(
    sheet: Sheet, regular: dict[str, int], tiers: Sequence[Tier]
) -> tuple[EarlyBird, ...]:
    """Lower prices; `regular` are the prices in msat by tier, '' where none is needed."""
    rows = sheet.padded("early_bird", 5)
    if len(rows) > MOST_EARLY_BIRDS:
        sheet.blame("early_bird", FieldProblem("early-bird-many", most=MOST_EARLY_BIRDS))
        return ()
    found = []
    for number, row in enumerate(rows, start=1):
        name = "early_bird" if len(rows) == 1 else f"early_bird {number}"
        try:
            found.append(_early_bird(row, regular, tiers))
        except FieldProblem as wrong:
            sheet.blame(name, wrong, like="early_bird")
    return tuple(found)


def read_questions(sheet: Sheet) -> tuple[Question, ...]:
    """What buyers are asked, in the order of the tags."""
    rows = sheet.padded("question", MOST_CHOICES + 2)
    if len(rows) > MOST_QUESTIONS:
        sheet.blame("question", FieldProblem("question-many", most=MOST_QUESTIONS))
        return ()
    found: dict[str, Question] = {}
    for number, (written, *choices) in enumerate(rows, start=1):
        name = "question" if len(rows) == 1 else f"question {number}"
        try:
            question = _question(written, choices)
            if question.text.casefold() in found:
                raise FieldProblem("question-twice")
            found[question.text.casefold()] = question
        except FieldProblem as wrong:
            sheet.blame(name, wrong, like="question")
    return tuple(found.values())


def read_age(text: str) -> int:
    """The age from which people may come, 1 to 120 years."""
    word = text.strip().removesuffix("+")
    if not (word.isascii() and word.isdigit() and len(word) <= 3 and 1 <= int(word) <= OLDEST):
        raise FieldProblem("age-years", text=quote(text), most=OLDEST)
    return int(word)


def _tier(name: str, values: Sequence[str]) -> Tier:
    number, currency, stock, start, end, most = (value.strip() for value in values)
    tier = Tier(
        name,
        read_price(number, currency),
        read_count(stock, 0) if stock else None,
        read_stamp(start) if start else None,
        read_stamp(end) if end else None,
        read_count(most, 1) if most else None,
    )
    begins, ends = tier.sales_start, tier.sales_end
    if begins is not None and ends is not None and ends <= begins:
        raise FieldProblem("sales-end-early")
    return tier


def _early_bird(row: Sequence[str], regular: dict[str, int], tiers: Sequence[Tier]) -> EarlyBird:
    number, currency, how, value, named = (cell.strip() for cell in row)
    price = read_price(number, currency)
    if how.lower() not in ("until", "first"):
        raise FieldProblem("early-bird-how", text=quote(how))
    tier = _tier_of(named, regular, tiers)
    if price >= regular[tier]:
        raise FieldProblem("early-bird-dear", text=quote(number))
    if how.lower() == "until":
        return EarlyBird(tier, price, until=read_stamp(value))
    return EarlyBird(tier, price, first=read_count(value, 1))


def _tier_of(named: str, regular: dict[str, int], tiers: Sequence[Tier]) -> str:
    if not named:
        if "" in regular:
            return ""
        if len(tiers) == 1:
            return tiers[0].name
    wanted = show(named, LONGEST_TIER).casefold()
    for tier in tiers:
        if tier.name.casefold() == wanted:
            return tier.name
    raise FieldProblem("early-bird-tier", text=quote(named))


def _question(written: str, choices: Sequence[str]) -> Question:
    text = show(written, LONGEST_QUESTION + 1)
    if not any(letter.isalnum() for letter in text):
        raise FieldProblem("question-empty")
    if len(text) > LONGEST_QUESTION:
        raise FieldProblem("question-long", most=LONGEST_QUESTION)
    shown = [show(choice, LONGEST_CHOICE) for choice in choices if choice.strip()]
    if len(shown) > MOST_CHOICES:
        raise FieldProblem("question-choices", most=MOST_CHOICES)
    return Question(text, tuple(dict.fromkeys(filter(None, shown))))
