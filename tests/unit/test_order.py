"""The order's table: complete, honest about replays, and the one in the docs."""

from __future__ import annotations

from pathlib import Path

import pytest

from ticketbot.domain.order import (
    TABLE,
    Effect,
    Happening,
    IllegalStep,
    State,
    asked_at,
    diagram,
    order_id,
    step,
    tag_of,
)

MONEY = (Happening.SETTLED_FIT, Happening.SETTLED_UNFIT)
FROM_WALLET = (*MONEY, Happening.INVOICE_MADE, Happening.HOLD_OVER)


@pytest.mark.parametrize("state", State)
@pytest.mark.parametrize("happening", FROM_WALLET)
def test_whatever_the_wallet_says_has_an_answer_in_every_state(
    state: State, happening: Happening
) -> None:
    assert step(state, happening).state in State


@pytest.mark.parametrize("state", State)
@pytest.mark.parametrize("happening", MONEY)
def test_every_payment_becomes_tickets_or_a_refund_never_both(
    state: State, happening: Happening
) -> None:
    effects = step(state, happening).effects
    assert (Effect.ISSUE_TICKETS in effects) != (Effect.OWE_REFUND in effects)


@pytest.mark.parametrize("state", State)
def test_money_that_cannot_be_honoured_never_issues(state: State) -> None:
    assert Effect.ISSUE_TICKETS not in step(state, Happening.SETTLED_UNFIT).effects


def test_seats_are_moved_exactly_as_they_were_held() -> None:
    for (before, _), (after, effects) in TABLE.items():
        held = before in (State.HELD, State.INVOICED)
        leaves = held and after not in (State.HELD, State.INVOICED)
        moves = [e for e in effects if e in (Effect.FREE_HELD_SEATS, Effect.SELL_HELD_SEATS)]
        assert len(moves) == (1 if leaves else 0), (before, after)
        sells = Effect.ISSUE_TICKETS in effects
        assert sells == any(
            e in (Effect.SELL_HELD_SEATS, Effect.SELL_FREE_SEATS) for e in effects
        ), (before, after)


def test_a_second_payment_of_a_paid_order_goes_back() -> None:
    assert step(State.PAID, Happening.SETTLED_FIT) == (State.PAID, (Effect.OWE_REFUND,))


def test_a_step_the_table_does_not_know_is_a_bug() -> None:
    with pytest.raises(IllegalStep, match="closed cannot have: free or comp"):
        step(State.CLOSED, Happening.GIVEN)


def test_an_id_tells_when_it_was_asked_for_and_keeps_its_tag() -> None:
    """Ids that were given out, and stand in the wallet, are read by every later bot."""
    early = order_id(1_900_000_000, b"\x12\x34\x56\x7f")
    assert early == "e4vr600i6hb7"
    assert (asked_at(early), tag_of(early)) == (1_900_000_000, "1234567")
    assert order_id(1_900_000_001, bytes(4)) > early
    assert order_id(2**32 + 5, bytes(4)) == order_id(5, bytes(4))
    assert tag_of(order_id(5, b"\x00\x00\x00\x1f")) == "0000001"
    assert order_id(5, b"\xff" * 9) == order_id(5, b"\xff" * 4)


def test_the_docs_show_the_diagram_of_this_table() -> None:
    docs = Path(__file__).parents[2] / "docs" / "architecture.md"
    assert f"```mermaid\n{diagram()}\n```" in docs.read_text("utf-8")
