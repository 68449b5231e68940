"""One wallet's payments at LNbits: looked up alone, listed by hash, walked by time.

The two ways of asking are not alike. A list only reads; a payment that is asked for alone
makes LNbits ask its node first, and changes what it has recorded.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from typing import Literal, NamedTuple

from ticketbot.errors import Broken
from ticketbot.lnbits.api import LnbitsApi
from ticketbot.lnbits.budget import Turn
from ticketbot.lnbits.rows import Row, read_row, shape, too_old

Direction = Literal["in", "out"]

_HASH = re.compile(r"[0-9a-f]{64}")
_CHUNK = 100  # hashes in one address: 6.5 kB, below the 8 kB that proxies allow
_PAGE = 100  # LNbits takes 0.3 ms a row, during which it does nothing else
_DEEP_PAGE = 500
_MOST = "1000"  # rows in one answer
_FILTERS = {"in": "amount[gt]", "out": "amount[lt]"}


class Alone(NamedTuple):
    """One payment's row; `asked_node`: it is final, or LNbits has just asked its node."""

    row: Row
    asked_node: bool


class Payments:
    """What one wallet received and sent. `wallet_id` is None until a row was seen.

    Retry when nothing is known; Broken when the key is wrong, or LNbits too old.
    """

    def __init__(self, api: LnbitsApi) -> None:
        self._api = api
        self.wallet_id: str | None = None

    async def listed(self, direction: Direction, query: Mapping[str, str], turn: Turn) -> list[Row]:
        """Rows of one direction. No `recheck_pending`: it acts like asking for each alone."""
        path = "/api/v1/payments/paginated"
        page = await self._api.get(path, {_FILTERS[direction]: "0", **query}, turn)
        with shape():
            rows = [self.own(read_row(raw)) for raw in page["data"]]
        if any((row.amount_msat < 0) != (direction == "out") for row in rows):
            raise too_old("amount")
        return rows

    async def by_hash(self, direction: Direction, hashes: Sequence[str], turn: Turn) -> list[Row]:
        """The rows with these payment hashes, in any order."""
        found = []
        for start in range(0, len(hashes), _CHUNK):
            chunk = hashes[start : start + _CHUNK]
            query = {"payment_hash[in]": ",".join(map(_checked, chunk)), "limit": _MOST}
            rows = await self.listed(direction, query, turn)
            if not {row.payment_hash for row in rows} <= set(chunk):
                raise too_old("payment_hash")
            found += rows
        return found

    async def by_external_id(self, external_id: str, turn: Turn) -> list[Row]:
        """Incoming rows made under this id, oldest first."""
        query = {"external_id[eq]": external_id, "sortby": "created_at", "direction": "asc"}
        rows = await self.listed("in", query | {"limit": _MOST}, turn)
        if any(row.external_id != external_id for row in rows):
            raise too_old("external_id")
        return rows

    async def succeeded_since(self, direction: Direction, updated_at: int) -> list[Row]:
        """Every success that changed at or after this time, oldest first."""
        found: dict[str, Row] = {}
        offset, limit = 0, _PAGE
        query = {"status[eq]": "success", "sortby": "updated_at", "direction": "desc"}
        while True:
            paging = {"limit": str(limit), "offset": str(offset)}
            rows = await self.listed(direction, query | paging, "bulk")
            for row in rows:
                if row.status != "success":
                    raise too_old("status")
                if row.updated_at < updated_at:
                    return list(found.values())[::-1]
                # What settles meanwhile pushes rows to the next page: seen twice, missed never.
                found.setdefault(row.payment_hash, row)
            if len(rows) < limit:
                return list(found.values())[::-1]
            offset, limit = offset + limit, _DEEP_PAGE

    async def pending(self, direction: Direction) -> list[Row]:
        """What is neither paid nor given up, the newest thousand."""
        query = {"status[eq]": "pending", "sortby": "created_at", "direction": "desc"}
        rows = await self.listed(direction, query | {"limit": _MOST}, "bulk")
        if any(row.status != "pending" for row in rows):
            raise too_old("status")
        return rows

    async def newest(self, turn: Turn) -> Row | None:
        """The latest incoming row, if there ever was one."""
        query = {"sortby": "created_at", "direction": "desc", "limit": "1"}
        return next(iter(await self.listed("in", query, turn)), None)

    async def alone(
        self, payment_hash: str, turn: Turn, *, before: float = math.inf
    ) -> Alone | None:
        """LNbits asks its node about a pending payment; None: it has no such payment.

        Of two rows it shows the outgoing one. After an *incoming* one's expiry LNbits gives
        it up instead of asking, and late money fails: hence `before`, as in `LnbitsApi.get`.
        """
        path = f"/api/v1/payments/{_checked(payment_hash)}"
        answer = await self._api.get(path, {}, turn, before=before)
        if answer is None:
            return None
        with shape():
            raw, paid, asked = answer.get("details"), answer["paid"], "status" in answer
        if raw is None:
            # LNbits answers strangers too, but only its own wallet gets the details.
            await self._api.get("/api/v1/wallet", {}, turn)  # a wrong key is Broken there
            return None
        return Alone(self.own(read_row(raw)), paid or asked)

    def own(self, row: Row) -> Row:
        """Every row that a key can list is of one wallet; another's would be a disaster."""
        if self.wallet_id is None:
            self.wallet_id = row.wallet_id
        if row.wallet_id != self.wallet_id:
            raise Broken("LNbits answered with a payment of another wallet.")
        return row


def _checked(payment_hash: str) -> str:
    if not _HASH.fullmatch(payment_hash):
        raise Broken(f"Not a payment hash: {payment_hash!r}.")
    return payment_hash
