"""What is written into the journal, and what a door says, has words in every language."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import get_args

import pytest

from tests.unit.test_texts import KEYS, listing, literals, trees
from ticketbot.domain.admission import Outcome
from ticketbot.domain.decision import OfEvents, OfOrders, OfTheRest
from ticketbot.domain.tongues import LANGUAGES
from ticketbot.handlers.desk import story
from ticketbot.ledger.journal import Decision
from ticketbot.replies.saying import Manner, said_of
from ticketbot.texts import sentences

NAMED_APART = {"counts", "terms", "done", "detail"}
"""What is handed on as a whole: its names stand where it is made."""


def notes() -> Iterator[tuple[str, ast.Call]]:
    for name, tree in trees():
        for call in (node for node in ast.walk(tree) if isinstance(node, ast.Call)):
            written = ast.unparse(call.func)
            if written == "journal.note" or (written == "_note" and "handlers/" in name):
                yield name, call


def test_every_decision_has_words() -> None:
    shown = {*get_args(OfOrders), *get_args(OfEvents)}
    slugs = {f"did-{one.replace(' ', '-')}" for one in shown}
    assert {one.replace(",", "") for one in slugs} == {
        key for key in KEYS - {"did-you-mean"} if key.startswith("did-")
    }
    assert shown.isdisjoint(get_args(OfTheRest))


def test_every_detail_has_words_or_is_for_programs() -> None:
    named = {keyword.arg for _, call in notes() for keyword in call.keywords if keyword.arg}
    told = {key.removeprefix("detail-") for key in KEYS if key.startswith("detail-")}
    assert {"tier", "why", "fate"} <= named
    others = {"events", "n"}  # of payouts, and of all that is to leave: no order's
    assert named - story.FOR_PROGRAMS - others <= told
    apart = {
        ast.unparse(keyword.value)
        for _, call in notes()
        for keyword in call.keywords
        if keyword.arg is None
    }
    assert apart <= NAMED_APART


def test_every_reason_has_words() -> None:
    """Why an order was released, money goes back, tickets are void; and who said so."""
    reasons: set[str] = set()
    for name, tree in trees():
        for node in ast.walk(tree):
            called = ast.unparse(node.func) if isinstance(node, ast.Call) else ""
            if called.endswith((".released", ".release")):
                reasons |= set(literals(node.args[1] if len(node.args) > 1 else None))
            elif called == "Why":
                reasons |= {one for arg in node.args[::2] for one in literals(arg)}
            elif called in ("give_up", "_free") and name.startswith("handlers/buying/"):
                reasons |= set(literals(node.args[1]))
            elif called.endswith("note"):
                reasons |= {
                    one
                    for keyword in node.keywords
                    if keyword.arg in story.WORDS
                    for one in literals(keyword.value)
                }
            elif isinstance(node, ast.Return) and name.startswith("handlers/money/"):
                reasons |= {one for one in literals(node.value) if one.startswith("refund-")}
    assert {"order-lapsed", "given back by its holder", "not taken", "refund-max"} <= reasons
    assert len(reasons) > 20
    assert [one for one in reasons if f"noted-{story._slug(one)}" not in KEYS] == []


def test_every_outcome_of_a_scan_has_words() -> None:
    told = {key.removeprefix("scanned-") for key in KEYS if key.startswith("scanned-")}
    assert told == set(map(str, Outcome))


@pytest.mark.parametrize("language", sorted(LANGUAGES.keys() - {"en"}))
def test_a_story_is_told_in_one_language(language: str) -> None:
    """Of each decision, with each detail, no word is the English one."""
    english = sentences("en")
    for what in (*get_args(OfOrders), *(f"event: {one}" for one in get_args(OfEvents))):
        one = Decision(0, "order", what, {"why": "order-lapsed", "by": "buyer", "tickets": 2})
        said = story.decided(one, listing("T"))
        told, plain = (said_of(said, Manner(language=tongue)) for tongue in (language, "en"))
        assert english["noted-order-lapsed"] in plain
        assert not set(told.split(" · ")[1:]) & set(plain.split(" · ")[1:])


def test_what_has_no_words_is_left_out() -> None:
    one = Decision(
        0,
        "order",
        "refund destination useless",
        {"why": "refund-invoice-own", "payment": "f" * 64, "by": "operator 1a2b3c4d", "tier": ""},
    )
    said = said_of(story.decided(one, listing("T")), Manner())
    assert said.split(" · ")[1:] == ["the refund cannot be sent there", "by operator 1a2b3c4d"]
