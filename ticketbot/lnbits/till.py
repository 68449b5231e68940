"""Paying from one LNbits wallet: the only place that uses its admin key.

What LNbits answers to a payment decides nothing (run on 1.6): of a bolt11 that was paid
before it says `520 failed` or `520 success`, `201` comes with `pending` and `failed` too,
and a broken connection says nothing at all. The outgoing row decides. LNbits writes it
before it asks its node, so it outlives a crash in between, and a second POST of the same
bolt11 never pays twice, however many come at once: while the row is pending it is
refused, and when it failed LNbits asks its node once more, at most turns the row into a
success, and pays nothing. Without enough money there is no row at all.
"""

from __future__ import annotations

from ticketbot.errors import Broken, Retry
from ticketbot.lnbits.api import Declined, LnbitsApi
from ticketbot.lnbits.payments import Payments
from ticketbot.lnbits.rows import shape

NOT_ADMIN = (
    "The key in the file that `lnbits.admin_key_file` names is an invoice key, which cannot "
    "spend: put the wallet's Admin key there."
)
OTHER_WALLET = (
    "The key in the file that `lnbits.admin_key_file` names is of another wallet than the one in "
    "`lnbits.invoice_key_file`: put the Admin key of the same wallet there."
)


class Till:
    """Sends what `payments`, the invoice key's view of the same wallet, then finds."""

    def __init__(self, api: LnbitsApi, payments: Payments) -> None:
        self._api = api
        self._payments = payments
        self._is_ours = False

    async def pay(self, bolt11: str) -> None:
        """Retry, with LNbits' words, when it did not simply say that it is being paid."""
        await self.check_key()
        body = {"out": True, "bolt11": bolt11.lower(), "extra": {"tag": "ticketbot"}}
        try:
            await self._api.post("/api/v1/payments", body, "pay")
        except Declined as error:
            raise Retry(str(error)) from None

    async def check_key(self) -> None:
        """Broken unless the admin key is of the wallet whose payments are looked up.

        Else another wallet's money would go out, and never be seen to have gone.
        """
        if self._is_ours:
            return
        wallet = await self._api.get("/api/v1/wallet", {}, "pay")
        with shape():
            wallet_id = wallet.get("id")  # told to the admin key only
        if wallet_id is None:
            raise Broken(NOT_ADMIN)
        if self._payments.wallet_id is None:
            await self._payments.newest("pay")
        if self._payments.wallet_id is None:
            raise Retry("The wallet at LNbits is empty: nothing has ever come in.")
        if wallet_id != self._payments.wallet_id:
            raise Broken(OTHER_WALLET)
        self._is_ours = True

    async def close(self) -> None:
        await self._api.close()
