"""A sentence of `locales/`, said to somebody: each of its values in their language.

Money, times and lists are written as people read them, and as many rows of a list are
taken as one message has room for.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import NamedTuple

from ticketbot.domain.listing import Listing
from ticketbot.domain.money import Sum
from ticketbot.domain.payout import Account
from ticketbot.domain.when import Clock
from ticketbot.errors import Refused
from ticketbot.replies.local import (
    clock,
    moment,
    sats,
    short_day,
    span,
    total,
    visit_line,
    when_line,
)
from ticketbot.replies.offers import (
    choice_lines,
    promo_line,
)
from ticketbot.replies.outcome import (
    RefundOwed,
    Said,
)
from ticketbot.texts import DEFAULT, has, say

LONGEST = 1000
AROUND_LINKS = 250  # the sentences before and after a list
AROUND_CODES = 120
AROUND_PROBLEMS = 350  # the title, and the sentences before and after the list
AROUND_STORY = 400  # the event, its kind and the buyer's key
AROUND_LINES = 200  # what stands before and after a list of lines


class Manner(NamedTuple):
    """How to speak: language, the bot's pages and its relays. `chosen`: they asked for it."""

    public_url: str | None = None
    relays: tuple[str, ...] = ()
    language: str = DEFAULT
    chosen: bool = False


PLAIN = Manner()


def said_of(said: Said, how: Manner) -> str:
    """The whole sentence."""
    values = {name: _value(name, value, how) for name, value in said.values.items()}
    return say(said.sentence, how.language, **values)


def sentence(refused: Refused, how: Manner = PLAIN) -> str:
    """A refusal in one sentence: what is wrong, and what to do next."""
    return said_of(Said(refused.sentence, refused.values), how)


def why_owed(owed: RefundOwed, how: Manner = PLAIN) -> str:
    """Why money goes back, or why it does not yet."""
    values = {"title": owed.title, "amount": owed.amount_msat, **owed.values}
    return said_of(Said(owed.reason, values), how)


def _value(name: str, value: object, how: Manner) -> object:
    match name, value:
        case ("queued", tuple()):
            return "\n".join(fitting([_queued(row, how) for row in value]))
        case (_, Said()):
            return said_of(value, how)
        case (_, Sum()):
            return total(value, how.language)
        case ("rest", tuple()):
            return "".join(f" · {_value('', one, how)}" for one in value)
        case ("amount", int()):
            return sats(value, how.language)
        case ("now" | "was", Listing()):
            return ", ".join(filter(None, (when_line(value, how.language), value.place)))
        case ("owed" | "paid" | "kept" | "back" | "commission" | "net", int()):
            return total(value, how.language)
        case ("at", int()):
            return moment(value, how.language)
        case ("span" | "skew", int() | float()):
            return span(value, how.language)
        case ("audit", int()) if value:
            return say("differences", how.language, n=value)
        case ("audit", int() | None):
            return say("word-unchecked" if value is None else "word-right", how.language)
        case ("sales" | "side", str()) if has(f"word-{value}"):
            return say(f"word-{value}", how.language)
        case ("fee", int()):
            return sats(value, how.language)
        case ("accounts", tuple()):
            return _accounts(value, how)
        case ("problems", tuple()):
            lines = [f"- {field}: {said_of(Said(key, vals), how)}" for field, key, vals in value]
            return "\n".join(fitting(lines, " " * AROUND_PROBLEMS))
        case ("promo", dict()):
            return promo_line(value, how.language)
        case ("promos", tuple()):
            lines = [promo_line(one, how.language) for one in value]
            return "\n".join(fitting(lines, " " * AROUND_CODES))
        case ("choices", tuple()):
            return choice_lines(value)
        case (_, Clock()):
            return clock(value, how.language)
        case ("visits", tuple()):
            return "\n".join(visit_line(row, how.language) for row in value)
        case ("links", tuple()):
            rows = [f"{what}\n{url}" for what, url in value]
            return "\n".join(fitting(rows, " " * AROUND_LINKS))
        case ("held", tuple()):
            rows = [
                " · ".join((one.title, when_line(one, how.language), one.place)) for one in value
            ]
            return "\n".join(fitting(rows, " " * AROUND_LINKS))
        case (_, date()):
            return short_day(value, how.language)
        case ("lines", tuple()):
            lines = [said_of(line, how) for line in value]
            return "\n".join(fitting(lines, " " * AROUND_LINES))
        case ("story", tuple()):  # the newest lines are the last
            lines = [said_of(line, how) for line in reversed(value)]
            return "\n".join(reversed(fitting(lines, " " * AROUND_STORY)))
        case ("rows", tuple()):
            return "\n".join(f"- {order}: {sats(owed, how.language)}" for order, owed, _ in value)
        case ("passes", tuple()):
            cells = [[str(_value("", cell, how)) for cell in row] for row in value]
            lines = [" · ".join(filter(None, row)) for row in cells]
            return "\n".join(fitting([f"- {line}" for line in lines], " " * AROUND_PROBLEMS))
    return value


def _accounts(found: Sequence[Account], how: Manner) -> str:
    """An organizer's events, a line each, and where the others are."""
    more = say("statement-more", how.language, n=len(found))
    lines = fitting([_account(one, how) for one in found], more)
    return "\n".join([*lines, more] if len(lines) < len(found) else lines)


def _account(one: Account, how: Manner) -> str:
    """`lisbon · Lisbon Meetup · 2 sold: gross 10,000 sats, commission -200 sats = 9,800 sats`."""
    parts = {
        "statement-gross": one.gross,
        "statement-commission": -one.commission,
        "statement-refunded": -one.refunded,
        "statement-paid": -one.paid,
        "statement-fees": -one.fees,
    }
    sums = (
        say(key, how.language, amount=total(msat, how.language))
        for key, msat in parts.items()
        if msat
    )
    return say(
        "statement-event",
        how.language,
        code=one.code.lower(),
        title=one.title[:60],
        sold=one.sold,
        sums=", ".join(sums),
        left=total(one.balance, how.language),
    )


def _queued(row: tuple[Listing, str, int, int | None, int], how: Manner) -> str:
    """A place in a queue: for what, and its number or until when seats are kept."""
    listing, tier, quantity, until, number = row
    what = what_of(quantity, listing.title, tier)
    if until is not None:
        return f"- {what} · {say('queue-kept', how.language, at=moment(until, how.language))}"
    return f"- {what} · {say('queue-number', how.language, number=number)}"


def fitting(rows: Sequence[str], *around: str) -> list[str]:
    """As many rows as one message takes beside what stands around them."""
    room = LONGEST - sum(len(line) + 1 for line in around)
    taken = []
    for row in rows:
        room -= len(row) + 1
        if room < 0:
            break
        taken.append(row)
    return taken


def what_of(quantity: int, title: str, tier: str) -> str:
    """`2 × Lisbon Meetup (VIP)`."""
    return f"{quantity} × {title}" + (f" ({tier})" if tier else "")
