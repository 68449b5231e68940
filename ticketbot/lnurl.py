"""From a Lightning address (LUD-16) or an LNURL (LUD-01) to an invoice (LUD-06).

Each call gives a fresh invoice, with a hash of its own: who pays twice after asking twice has
paid twice. So the bolt11 is written down before it is paid, and only that one is paid.
"""

from __future__ import annotations

import ssl
import time
from collections.abc import Callable

from ticketbot.domain.payee import (
    no_payee,
    read_invoice,
    read_offer,
    read_payee,
    turned_away,
    url_of,
)
from ticketbot.errors import Malformed, Retry
from ticketbot.fetch import PATIENCE, Fetcher


class Lnurl:
    """Asks payees for invoices. Belongs to one event loop.

    `network` is the prefix of the bolt11s that are taken, None where who pays them judges that.
    `clock` decides what has
    expired: give it the wallet's, if that is known.
    """

    def __init__(
        self,
        allow_private: bool = False,
        proxy: str | None = None,
        *,
        network: str | None = None,
        clock: Callable[[], float] = time.time,
        tls: ssl.SSLContext | None = None,
        patience: float = PATIENCE,
    ) -> None:
        self._fetcher = Fetcher(
            allow_private=allow_private, proxy=proxy, tls=tls, patience=patience
        )
        self._network = network
        self._clock = clock

    async def resolve(self, payee: str, amount_msat: int) -> str:
        """A fresh bolt11 of exactly this amount. `payee` is an address or `lnurl1…`.

        NoInvoice: this payee cannot give it. Retry: it did not answer. Neither of them holds
        the payee in its message.
        """
        try:
            payee = read_payee(payee)
            body = await self._ask(payee, url_of(payee, self._fetcher.is_secure))
            offer = read_offer(body, payee, amount_msat)
            body = await self._ask(payee, offer.callback, amount=str(amount_msat))
        except Malformed:
            raise no_payee(payee) from None
        now = int(self._clock())
        return read_invoice(body, payee, offer, amount_msat, network=self._network, now=now)

    async def close(self) -> None:
        await self._fetcher.close()

    async def _ask(self, payee: str, url: str, **query: str) -> bytes:
        answer = await self._fetcher.get(url, **query)
        if answer.status == 429 or answer.status >= 500:
            raise Retry(f"the payee's server has trouble of its own ({answer.status})")
        if answer.status != 200:
            raise turned_away(answer.body, payee)
        return answer.body
