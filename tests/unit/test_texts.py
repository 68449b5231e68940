"""Every sentence: there, used, filled, plain, and short enough to be read on a phone."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from string import Formatter
from typing import NamedTuple

import pytest

import ticketbot
from tests.unit.worst import WORD, WORST
from ticketbot.domain.listing import LONGEST_PLACE, LONGEST_SUMMARY, LONGEST_TITLE, Listing
from ticketbot.domain.money import HIGHEST_PRICE
from ticketbot.domain.offer import (
    LONGEST_CHOICE,
    LONGEST_QUESTION,
    LONGEST_TIER,
    MOST_CHOICES,
    Question,
    Tier,
)
from ticketbot.domain.order import Order, State
from ticketbot.domain.ticket import TOKEN_LENGTH
from ticketbot.domain.tongues import LANGUAGES
from ticketbot.replies import dm
from ticketbot.replies.outcome import (
    Card,
    EventsFound,
    EventShown,
    InvoiceShown,
    OrderShown,
    Outcome,
    RefundOwed,
    Said,
    TicketsCounted,
    TicketShown,
)
from ticketbot.replies.saying import LONGEST, Manner
from ticketbot.texts import say, sentences

CODE = Path(ticketbot.__file__).parent
ENGLISH = sentences("en")
MARKDOWN = re.compile(r"\*\*|__|`|\]\(|^#|^>|</?[a-z]+>", re.M)
ROOMS = ("domain/", "handlers/", "ledger/", "replies/", "outbox/")
PARTS = (
    "alarms.py",
    "bookkeeping.py",
    "engine.py",
    "housekeeping.py",
    "posting.py",
    "reception.py",
    "window.py",
    "settlement.py",
)
"""Where sentences are chosen; elsewhere a word that equals a key is only a word."""
PROBLEMS = ("FieldProblem", "TimeProblem", "PriceProblem")
LONG = {"listing-refused", "listing-edit-refused"} | {key for key in ENGLISH if "help" in key}
REFUND_STATES = ("due", "sending", "sent")


class Use(NamedTuple):
    """A place that says a sentence. `values`: what it fills in; None: only known when it runs."""

    key: str
    values: frozenset[str] | None
    refusal: bool
    where: str


def base(key: str) -> str:
    """The key without the form of a plural."""
    return key.removesuffix(".one").removesuffix(".other")


KEYS = {base(key) for key in ENGLISH}


def placeholders(text: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(text) if name is not None}


def trees() -> Iterator[tuple[str, ast.Module]]:
    for path in sorted(CODE.rglob("*.py")):
        yield str(path.relative_to(CODE)), ast.parse(path.read_text("utf-8"))


def literals(node: ast.expr | None) -> list[str]:
    """The strings that an expression may be, as far as they stand there."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return [node.value]
    if isinstance(node, ast.IfExp):
        return literals(node.body) + literals(node.orelse)
    return []


def keywords(call: ast.Call) -> frozenset[str] | None:
    names = [keyword.arg for keyword in call.keywords]
    return None if None in names else frozenset(name for name in names if name)


def entries(node: ast.expr | None) -> frozenset[str] | None:
    """The keys of a dict that stands there; nothing at all is an empty one."""
    if node is None:
        return frozenset()
    if not isinstance(node, ast.Dict):
        return None
    return frozenset(one for key in node.keys for one in literals(key))


def imports_say(tree: ast.Module) -> bool:
    return any(
        isinstance(node, ast.ImportFrom) and node.module == "ticketbot.texts" for node in tree.body
    )


def uses() -> Iterator[Use]:
    for name, tree in trees():
        for call in (node for node in ast.walk(tree) if isinstance(node, ast.Call)):
            func = call.func
            called = func.attr if isinstance(func, ast.Attribute) else getattr(func, "id", "")
            args = [*call.args, None, None, None, None]
            where = f"{name}:{call.lineno}"
            if called in ("Refused", "BadRequest"):
                for key in literals(args[1]):
                    yield Use(key, keywords(call), True, where)
            elif called == "NoInvoice":
                for key in literals(args[0]):
                    yield Use(key, keywords(call), True, where)
            elif called in PROBLEMS:
                given = keywords(call)
                for key in literals(args[0]):
                    given = None if given is None else given | {"field", "example"}
                    yield Use(key, given, False, where)
            elif called == "Said":
                for key in literals(args[0]):
                    yield Use(key, entries(args[1]), False, where)
            elif called == "Alarm":
                for key in literals(args[2]) + literals(args[3]):
                    yield Use(key, None, False, where)
            elif called == "alert":
                for key in literals(args[1]):
                    yield Use(key, entries(args[2]), False, where)
            elif called in ("released", "release"):
                for key in literals(args[1]):
                    yield Use(key, frozenset({"order", "code"}), False, where)
            elif called == "say" and imports_say(tree):
                for key in literals(args[0]):
                    yield Use(key, keywords(call), False, where)


USES = list(uses())


def patterns() -> Iterator[re.Pattern[str]]:
    """Keys that are put together where they are said, like f"order-{state}"."""
    for _, tree in trees():
        for node in ast.walk(tree):
            if isinstance(node, ast.JoinedStr) and literals(node.values[0]):
                parts = ["".join(literals(part)) or None for part in node.values]
                yield re.compile("".join(".+" if p is None else re.escape(p) for p in parts))


def test_the_collector_sees_the_usual_places() -> None:
    keys = {use.key for use in USES}
    assert len(USES) > 80
    assert {"sold-out", "price-whole", "hello", "alert-deaf", "order-lapsed", "d-missing"} <= keys


def test_every_sentence_that_is_said_exists() -> None:
    assert [use for use in USES if use.key not in KEYS] == []
    assert [state for state in State if f"order-{state}" not in KEYS] == []
    assert [state for state in REFUND_STATES if f"order-refund-{state}" not in KEYS] == []


def test_every_sentence_that_exists_is_said() -> None:
    written = {
        node.value
        for name, tree in trees()
        if name.startswith(ROOMS) or name in PARTS
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
    made = list(patterns())
    silent = [key for key in KEYS - written if not any(one.fullmatch(key) for one in made)]
    assert silent == []


def test_what_a_sentence_wants_is_given_wherever_it_is_said() -> None:
    wrong = []
    for use in USES:
        texts = [text for key, text in ENGLISH.items() if base(key) == use.key]
        if use.values is not None:
            lacking = {name for text in texts for name in placeholders(text)} - use.values
            wrong += [f"{use.where} {use.key}: {name}" for name in lacking]
    assert wrong == []


def test_why_money_goes_back_is_told_with_title_and_amount() -> None:
    reasons = {
        value
        for name, tree in trees()
        if name == "handlers/money/cashier.py"
        for node in ast.walk(tree)
        for value in literals(node if isinstance(node, ast.Constant) else None)
        if value.startswith("refund-")
    }
    assert reasons <= KEYS
    assert {name for key in reasons for name in placeholders(ENGLISH[key])} == {"title", "amount"}


@pytest.mark.parametrize("language", LANGUAGES)
def test_plurals_have_both_forms_and_are_counted(language: str) -> None:
    known = sentences(language)
    for key in {base(key) for key in ENGLISH if base(key) != key}:
        assert {f"{key}.one", f"{key}.other"} <= known.keys()
        assert "n" in placeholders(known[f"{key}.other"])
        filled = dict.fromkeys(placeholders(known[f"{key}.other"]), "x")
        one, two = filled | {"n": 1}, filled | {"n": 2}
        assert say(key, language, **one) == known[f"{key}.one"].format(**one)
        assert say(key, language, **two) == known[f"{key}.other"].format(**two)


@pytest.mark.parametrize("language", LANGUAGES)
def test_sentences_are_plain_text(language: str) -> None:
    odd = [
        key
        for key, text in sentences(language).items()
        if MARKDOWN.search(text) or "  " in text or text != text.strip() or "http" in text
    ]
    assert odd == []


# the longest that can happen


@pytest.mark.parametrize("key", sorted({use.key for use in USES if use.refusal}))
@pytest.mark.parametrize("language", LANGUAGES)
def test_a_refusal_is_short(key: str, language: str) -> None:
    """Lists of events or tiers are as long as the choice is; here they have two entries.

    Spanish takes a fifth more letters for the same.
    """
    texts = [text for form, text in ENGLISH.items() if base(form) == key]
    others = {name: "x" * 20 for text in texts for name in placeholders(text)}
    assert len(say(key, language, **others | WORST)) <= (200 if language == "en" else 240)


@pytest.mark.parametrize("key", sorted(KEYS - LONG))
@pytest.mark.parametrize("language", LANGUAGES)
def test_a_sentence_leaves_room_for_what_stands_around_it(key: str, language: str) -> None:
    filled = WORST | dict.fromkeys(("guess", "name", "example", "rows", "salt", "what"), WORD)
    texts = [text for form, text in ENGLISH.items() if base(form) == key]
    values = {name: filled.get(name, "x" * 20) for text in texts for name in placeholders(text)}
    assert len(say(key, language, **values | {"n": 2})) <= 600


def listing(letter: str, tiers: tuple[Tier, ...] = ()) -> Listing:
    """An event with the longest texts that are kept."""
    return Listing(
        event_id=f"31923:{'a' * 64}:lisbon-meetup-2027-03",
        organizer="a" * 64,
        kind=31923,
        note_id="b" * 64,
        created_at=1_800_000_000,
        title=letter * LONGEST_TITLE,
        summary=letter * LONGEST_SUMMARY,
        place=letter * LONGEST_PLACE,
        start=1_804_186_800,
        end=1_804_290_000,
        timezone="America/Argentina/ComodRivadavia",
        all_day=False,
        price_msat=HIGHEST_PRICE,
        stock=1_000_000,
        tiers=tiers,
        sales_start=None,
        sales_end=None,
        max_per_buyer=None,
        ephemeral=True,
        categories=(),
        cancelled=False,
        image=None,
        general=not tiers,
    )


def outcomes(one: Listing) -> dict[str, Outcome]:
    """All that can be said about an event at length."""
    tier = one.tiers[0].name if one.tiers else ""
    left = tuple((tier.name, tier.price_msat, tier.stock) for tier in one.tiers)
    card = Card(one, "LISBON1234", 1_000_000, left)
    order = Order(
        id="de3dm003bf40",
        person=1,
        event_id=one.event_id,
        tier=tier,
        quantity=10,
        unit_msat=HIGHEST_PRICE,
        amount_msat=HIGHEST_PRICE * 10,
        state=State.CLOSED,
        via="nip17",
        request_id=None,
        placed_at=one.created_at,
        hold_until=one.created_at + 600,
    )
    token = "TKT1:".ljust(TOKEN_LENGTH, "A")
    ticket = TicketShown(order.id, one, tier, "a" * 16, 1, token, b"s" * 16, "c" * 35, True)
    owed = ((order.amount_msat, "due"), (order.amount_msat, "sent"))
    cancelled = {"title": one.title, "n": 1_000_000, "paid": order.amount_msat}
    example = '["tier","VIP","20000","SAT","10"]'
    wrong = ("tier VIP", "price-comma", {"text": WORD, "field": "tier VIP", "example": example})
    problems: dict[str, object] = {"title": one.title, "problems": (wrong,) * 22}
    asked: dict[str, object] = {"text": "Q" * LONGEST_QUESTION, "number": 1, "most": 3}
    asked["choices"] = ("C" * LONGEST_CHOICE,) * MOST_CHOICES
    return {
        "event": EventShown(card),
        "question": Said("ask-choice", asked),
        "age": Said("ask-age", {"title": one.title, "n": 120}),
        "events": EventsFound((card,) * 20, None, WORD),
        "invoice": InvoiceShown(
            order, one, "lnbc" + "1" * 400, "c" * 64, order.hold_until, "C" * 24, order.amount_msat
        ),
        "ticket": ticket,
        "tickets": TicketsCounted(1_000_000, ((one, tier, "a" * 16),) * 50, first=999_900),
        "order": OrderShown(order, one, 0, owed),
        "refund": RefundOwed(order.id, one.title, order.amount_msat, "refund-max"),
        "on sale": Said("listing-new", {"title": one.title, "code": "lisbon1234"}),
        "off sale": Said("listing-cancelled", {**cancelled, "code": "lisbon1234"}),
        "closed": Said("closing-done", cancelled),
        "refused": Said("listing-refused", problems),
        "help": Said("help"),
        "help of organizers": Said("help-organizer"),
        "help at the door": Said("help-door"),
        "help of operators": Said("help-operator"),
    }


MANY = tuple(Tier(f"{n}".ljust(LONGEST_TIER, "T"), HIGHEST_PRICE, 1_000_000) for n in range(10))
ASKS = replace(
    listing("W", tuple(Tier(tier.name, 9, 9, 1, 2, 3) for tier in MANY)),
    max_per_buyer=1_000_000,
    age=120,
    questions=tuple(
        Question(f"{n}".ljust(LONGEST_QUESTION, "Q"), ("C" * LONGEST_CHOICE,) * MOST_CHOICES)
        for n in range(3)
    ),
)
HOW = {
    language: Manner("https://tickets.example", ("wss://relay.damus.io",), language)
    for language in LANGUAGES
}


@pytest.mark.parametrize("what", outcomes(listing("W")))
@pytest.mark.parametrize(
    "one",
    [listing("W"), listing("東"), listing("W", MANY), ASKS],
    ids=["plain", "percent-encoded in links", "ten tiers", "asks a lot"],
)
@pytest.mark.parametrize("language", LANGUAGES)
def test_no_message_is_too_long_for_a_phone(what: str, one: Listing, language: str) -> None:
    for text in dm.speak(outcomes(one)[what], HOW[language]):
        assert len(text) <= LONGEST


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_parts_that_clients_act_on_are_never_cut(language: str) -> None:
    one, how = listing("W", MANY), HOW[language]
    ticket = outcomes(one)["ticket"]
    assert isinstance(ticket, TicketShown)
    (said,) = dm.speak(ticket, how)
    assert ticket.token in said.splitlines()
    assert any(
        line.startswith(f"https://tickets.example/t#{ticket.token}") for line in said.splitlines()
    )
    assert ticket.salt.hex() in said
    _, bolt11 = dm.speak(outcomes(one)["invoice"], how)
    assert bolt11 == "lnbc" + "1" * 400
    (event,) = dm.speak(outcomes(one)["event"], how)
    assert event.splitlines()[-1].startswith("nostr:naddr1")
    assert all(f"{tier.name}: " in event for tier in MANY[:1])
