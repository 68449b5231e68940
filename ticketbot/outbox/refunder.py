"""Refunds: what buyers are owed is sent to where they say, or to where their profile does."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from ticketbot.domain.refund import next_reminder
from ticketbot.engine import Engine
from ticketbot.handlers.money import refunds as handler
from ticketbot.ledger import people, refunds, restored
from ticketbot.ledger.store import Store, Tx
from ticketbot.lightning import Wallet
from ticketbot.lnurl import Lnurl
from ticketbot.outbox.spender import GO_ON, SLOW, Spender
from ticketbot.outbox.standing import Alerts, Owing, Standing
from ticketbot.relay.directory import Directory


class Refunder(Spender):
    """Carries out the outbox rows of kind `refund`."""

    purpose = "refund"
    alerts = Alerts("alert-refund-short", "alert-refund-stuck", "alert-refund-key")

    def __init__(
        self,
        store: Store,
        engine: Engine,
        wallet: Wallet,
        lnurl: Lnurl,
        directory: Directory,
        clock: Callable[[], float],
    ) -> None:
        super().__init__(store, engine, wallet, lnurl, directory, clock, handler)

    def owing(self, ref: str, tx: Tx) -> Owing:
        refund = refunds.get(tx, ref)
        if refund is None:
            raise LookupError(f"refund {ref}")
        return Owing(
            about=refund.order_id,
            amount_msat=refund.amount_msat,
            state=refund.state,
            decided_at=refund.decided_at,
            pubkey=people.person(tx, refund.person).pubkey,
            destination=refunds.destination(tx, ref),
            held=restored.refunds_wait(tx) is not None,
        )

    def without_job(self, tx: Tx) -> list[str]:
        return refunds.without_job(tx)

    def owed(self, tx: Tx) -> int:
        return refunds.owed_total(tx)

    async def find_where(self, standing: Standing) -> int:
        """The person's own profile may name a Lightning address; else they are reminded."""
        if not standing.pubkey:  # who was forgotten; an operator says where, or pays by hand
            return SLOW
        reach = await self._directory.reach([standing.pubkey])
        address = reach[standing.pubkey].lud16
        if address is not None and address != standing.useless:
            found = partial(handler.found, standing.ref, address)
            await self._engine.decide(found, standing.ref)
            return GO_ON
        await self.unreachable(standing)
        now = int(self._clock())
        return max(1, min(SLOW, next_reminder(standing.decided_at, now) - now))

    async def unreachable(self, standing: Standing) -> None:
        await self._engine.decide(partial(handler.remind, standing.ref), standing.ref)
