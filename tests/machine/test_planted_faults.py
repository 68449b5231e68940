"""Would the machine notice? Each fault here was made on purpose, and an evening shows it."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from hypothesis import Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.machine.test_any_evening import LONG, AnyEvening
from ticketbot.domain.nostr import Event
from ticketbot.domain.payment import Look
from ticketbot.domain.when import DAY
from ticketbot.envelopes import Envelopes, Opened
from ticketbot.errors import Malformed
from ticketbot.handlers.money import cashier, refunds
from ticketbot.handlers.money.spending import Paid
from ticketbot.ledger import listings, money
from ticketbot.ledger.store import Tx
from ticketbot.outbox.invoicer import Invoicer
from ticketbot.outbox.spender import Spender
from ticketbot.settlement import Settlement

EVENINGS = settings(LONG, phases=[Phase.generate], report_multiple_bugs=False)
Patch = pytest.MonkeyPatch


def settles_in_two_transactions(patch: Patch) -> None:
    """The credit is on disk before its tickets are."""
    posted = money.post

    def post_and_commit(tx: Tx, ref: str, now: int, *lines: tuple[str, int]) -> None:
        posted(tx, ref, now, *lines)
        tx.change("COMMIT")
        tx.change("BEGIN IMMEDIATE")

    patch.setattr(cashier.money, "post", post_and_commit)


def never_looks_for_orphans(patch: Patch) -> None:
    """After a lost answer it asks for a second invoice, and forgets the first."""
    patch.setattr(Invoicer, "_doubtful", lambda self, row: False)


def releases_without_a_look(patch: Patch) -> None:
    async def release(self: Any, order: Any, invoice: Any) -> None:
        await self._engine.release(order.id, "order-lapsed")

    patch.setattr(Settlement, "_end_hold", release)


def takes_silence_for_unpaid(patch: Patch) -> None:
    ask = Settlement._end_hold

    async def release(self: Any, order: Any, invoice: Any) -> None:
        await ask(self, order, invoice)
        await self._engine.release(order.id, "order-lapsed")

    patch.setattr(Settlement, "_end_hold", release)


def knows_letters_by_their_wraps(patch: Patch) -> None:
    opens = Envelopes._try_open

    def by_wrap(self: Envelopes, event: Event) -> Opened | Malformed:
        letter = opens(self, event)
        if isinstance(letter, Malformed):
            return letter
        return letter._replace(key=hashlib.sha256(event.id.encode()).digest())

    patch.setattr(Envelopes, "_try_open", by_wrap)


def keeps_the_seats_of_who_left(patch: Patch) -> None:
    patch.setattr(listings, "free_held", lambda tx, event_id, tier, quantity: None)


def forgets_what_it_answered(patch: Patch) -> None:
    """The answer is committed, and then the letter's key."""
    patch.setattr("ticketbot.ledger.inbox.claim", lambda tx, key, now: True)


def believes_every_hint(patch: Patch) -> None:
    async def credit(self: Any, hashes: Any, urgent: bool = False) -> Any:
        return {one: Look(one, "settled", 5_000_000, None, None) for one in hashes}

    patch.setattr("tests.machine.town.Purse.look_many", credit)


def credits_what_was_asked(patch: Patch) -> None:
    """And not what came."""
    decides = cashier.settled

    def settled(credit: cashier.Credit, tx: Tx, ctx: Any) -> Any:
        row = tx.row("SELECT amount_msat FROM invoice WHERE payment_hash = ?", credit[:1])
        return decides(credit._replace(amount_msat=row[0]) if row else credit, tx, ctx)

    patch.setattr(cashier, "settled", settled)


def believes_what_paying_answered(patch: Patch) -> None:
    """No answer is taken for "not paid", and another invoice is asked for and paid."""
    pay = Spender._pay

    async def pay_or_give_up(self: Any, spend: Any) -> None:
        before = self._wallet.lose_payments
        await pay(self, spend)
        if self._wallet.lose_payments < before:
            gone = partial(self._cause.failed, spend.ref, spend.payment_hash)
            await self._engine.decide(gone, spend.payment_hash)

    patch.setattr(Spender, "_pay", pay_or_give_up)
    patch.setattr("ticketbot.outbox.spender.LOOKED_BACK", -9 * DAY)


def forgets_what_was_paid_out(patch: Patch) -> None:
    """The refund is sent, and its fee is in no book."""
    sends = refunds.sent

    def sent(refund_id: str, paid: Paid, tx: Tx, ctx: Any) -> Any:
        return sends(refund_id, paid._replace(fee_msat=0), tx, ctx)

    patch.setattr(refunds, "sent", sent)


def gives_back_and_lets_in(patch: Patch) -> None:
    """The money of a cancelled event goes back, and its tickets stay good."""
    patch.setattr("ticketbot.ledger.tickets.void", lambda tx, ticket_ids, refund_id: None)


FAULTS: list[Callable[[Patch], None]] = [
    settles_in_two_transactions,
    never_looks_for_orphans,
    releases_without_a_look,
    takes_silence_for_unpaid,
    knows_letters_by_their_wraps,
    keeps_the_seats_of_who_left,
    forgets_what_it_answered,
    believes_every_hint,
    credits_what_was_asked,
    believes_what_paying_answered,
    forgets_what_was_paid_out,
    gives_back_and_lets_in,
]


@pytest.mark.long
@pytest.mark.timeout(900)
@pytest.mark.parametrize("fault", FAULTS)
def test_planted_faults_are_found(fault: Callable[[Patch], None], monkeypatch: Patch) -> None:
    fault(monkeypatch)
    with pytest.raises((AssertionError, ExceptionGroup)):
        run_state_machine_as_test(AnyEvening, settings=EVENINGS)
