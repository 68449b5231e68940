"""The Wallet port: what selling tickets needs of a Lightning wallet, and no more.

Hints only say "look this up"; facts are what `look`, `look_many` and `settled_since` answer of
what came in, `spent` and `spent_since` of what went out. Amounts are millisatoshi, times are
unix seconds, hashes and ids are lowercase hex.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from typing import Protocol

from ticketbot.domain.payment import Health, Invoice, InvoiceAsk, Look, Spent


class Wallet(Protocol):
    """A Lightning wallet that makes invoices, pays some, and says what became of them."""

    name: str

    @property
    def can_pay(self) -> bool:
        """Whether it has been given the key that spends."""

    async def create(self, ask: InvoiceAsk) -> Invoice:
        """Makes an invoice. Not idempotent: after a Retry, `find` before asking again.

        Retry: it may or may not exist now. Broken: there is none that may be shown to
        anybody, and the operator must act.
        """

    async def find(self, external_id: str) -> list[Invoice]:
        """All invoices made under this id, oldest first. Retry when nothing is known."""

    async def look(self, payment_hash: str, expires_at: int) -> Look:
        """Makes the wallet ask its node about one invoice; `expires_at` is the bolt11's.

        Does not raise Retry: what is not known is `unknown`. From shortly before the
        expiry on it answers like `look_many`.
        """

    async def look_many(self, hashes: Sequence[str], *, urgent: bool = False) -> dict[str, Look]:
        """What the wallet has recorded, safe after expiry. Absent: no such invoice.

        `urgent` puts it before reconciliation when the wallet limits requests. Retry when
        nothing is known.
        """

    async def settled_since(self, updated_at: int) -> list[Look]:
        """Every incoming success that changed at or after this time, oldest first.

        Foreign traffic of the wallet is among it, with another `external_id` or None.
        """

    async def pay(self, bolt11: str) -> None:
        """Asks the wallet to pay. That it returns decides nothing: then ask `spent`.

        The same bolt11 may be given any number of times, and is paid once. Its amount,
        expiry and hash are the caller's business: LNbits pays expired invoices of its own
        wallets, even of this one.
        Retry: it may or may not be paid. Broken: this call certainly paid nothing, and the
        operator must act (no key that spends, a wrong one). Neither names the bolt11.
        """

    async def spent(self, payment_hash: str) -> Spent:
        """What became of a payment. Does not raise Retry: what is not known is `unknown`."""

    async def spent_since(self, updated_at: int) -> list[Spent]:
        """Every outgoing success that changed at or after this time, oldest first.

        Whoever else spends from the wallet is among it. Retry when nothing is known.
        """

    async def under_way(self) -> list[str]:
        """The payment hashes of what may still go out. Retry when nothing is known."""

    def now(self) -> int:
        """The wallet's own clock: ours, plus the difference that its last answer showed.

        A second or so behind it, never ahead: HTTP cuts seconds off, and answers take time.
        """

    def hints(self) -> AsyncGenerator[str | None, None]:
        """Payment hashes worth a look; None: (re)connected, reconcile. Never ends."""

    async def balance(self) -> int:
        """What the wallet holds, in msat."""

    async def probe(self) -> None:
        """Asks something cheap, so that `health` is fresh. Raises nothing."""

    def health(self) -> Health:
        """How the last answer was; asks nothing."""

    async def close(self) -> None:
        """Lets go of connections and files."""
