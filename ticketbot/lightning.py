"""The Wallet port, and LNbits behind it.

The port is what selling tickets needs of a Lightning wallet, and no more. Hints only say
"look this up"; facts are what `look`, `look_many` and `settled_since` answer. Amounts are
millisatoshi, times are unix seconds, hashes and ids are lowercase hex.

`LNbits` was written against LNbits 1.6; its traps are noted where they are avoided.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import re
import time
from collections.abc import AsyncGenerator, Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Literal, NamedTuple, Protocol

import structlog

from ticketbot.domain.bolt11 import read_bolt11
from ticketbot.errors import Broken, Malformed, Retry
from ticketbot.hints import HintQueue
from ticketbot.lnbits.api import LnbitsApi, TooLate
from ticketbot.lnbits.budget import Turn

State = Literal["pending", "settled", "failed", "unknown"]

_HASH = re.compile(r"[0-9a-f]{64}")
_EXTERNAL_ID = re.compile(r"[a-z0-9-]{1,128}")
_MEMO_BYTES = 639  # BOLT-11: a description has at most 1023 characters of five bits
_MEMO_DROPPED = re.compile(r"[<>\x00-\x1f\x7f]+")
_CHUNK = 100  # hashes in one address: 6.5 kB, below the 8 kB that proxies allow
_PAGE = 100  # LNbits takes 0.3 ms a row, during which it does nothing else
_DEEP_PAGE = 500
_EXPIRY_MARGIN = 10  # seconds, in which LNbits may be busy with something else
_FIRST_DELAY, _LONGEST_DELAY = 0.5, 60.0
_STATES: dict[str, State] = {"pending": "pending", "success": "settled", "failed": "failed"}


class InvoiceAsk(NamedTuple):
    """An invoice to be made. `external_id` is `[a-z0-9-]`, fresh for every attempt."""

    external_id: str
    amount_msat: int
    memo: str
    expiry_seconds: int


class Invoice(NamedTuple):
    """An invoice that exists at the wallet; `expires_at` is the bolt11's own."""

    external_id: str
    payment_hash: str
    bolt11: str
    amount_msat: int
    expires_at: int


class Look(NamedTuple):
    """What the wallet says of one incoming payment.

    `pending`  not paid, as far as the wallet knows
    `settled`  paid: `amount_msat` is what the wallet credited, `settled_at` when
    `failed`   given up by the wallet, but *not final*: late money may still turn it
    `unknown`  nobody knows: the wallet did not answer, could not ask its node, or has no
               such invoice. Never take it for unpaid.
    """

    payment_hash: str
    state: State
    amount_msat: int
    external_id: str | None
    settled_at: int | None


class Health(NamedTuple):
    """How the wallet's last answer was. `at` is None as long as nothing was asked."""

    good: bool
    at: int | None
    text: str


class Wallet(Protocol):
    """A Lightning wallet that makes invoices and says what became of them."""

    name: str

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

    def now(self) -> int:
        """The wallet's own clock: ours, plus the difference that its last answer showed."""

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


class LNbits:
    """One LNbits wallet, known by its invoice key."""

    name = "lnbits"

    def __init__(
        self,
        url: str,
        invoice_key: str,
        *,
        requests_per_minute: int = 200,
        clock: Callable[[], float] = time.time,
        timeout: float = 20.0,
        heartbeat: float = 30.0,
    ) -> None:
        self._wallet_id: str | None = None
        self._api = LnbitsApi(
            url,
            invoice_key,
            requests_per_minute=requests_per_minute,
            clock=clock,
            timeout=timeout,
            heartbeat=heartbeat,
        )

    async def create(self, ask: InvoiceAsk) -> Invoice:
        check_ask(ask)
        body = {
            "out": False,
            "unit": "sat",
            "amount": ask.amount_msat // 1_000,
            "memo": tidy_memo(ask.memo),
            "expiry": ask.expiry_seconds,
            "external_id": ask.external_id,
            "extra": {"tag": "ticketbot", "order": ask.external_id},
        }
        row = await self._api.post("/api/v1/payments", body, "create")
        with _shape():
            invoice = self._read_invoice(row)
            said = row["payment_hash"], row["amount"], row["external_id"]
        if said != (invoice.payment_hash, ask.amount_msat, ask.external_id) or (
            invoice.amount_msat != ask.amount_msat
        ):
            raise Broken(f"LNbits made another invoice than it was asked for: {ask.external_id}.")
        return invoice

    async def find(self, external_id: str) -> list[Invoice]:
        query = {"external_id[eq]": _checked_id(external_id), "sortby": "created_at"}
        rows = await self._list(query | {"direction": "asc", "limit": "1000"}, "create")
        with _shape():
            if any(row["external_id"] != external_id for row in rows):
                raise _too_old("external_id")
            return [self._read_invoice(row) for row in rows]

    async def look(self, payment_hash: str, expires_at: int) -> Look:
        unknown = Look(payment_hash, "unknown", 0, None, None)
        try:
            try:
                look = await self._look_alone(payment_hash, expires_at - _EXPIRY_MARGIN)
            except TooLate:
                look = await self._look_listed(payment_hash)
        except Retry:
            return unknown
        return look or unknown

    async def look_many(self, hashes: Sequence[str], *, urgent: bool = False) -> dict[str, Look]:
        found: dict[str, Look] = {}
        for start in range(0, len(hashes), _CHUNK):
            chunk = hashes[start : start + _CHUNK]
            query = {"payment_hash[in]": ",".join(map(_checked_hash, chunk)), "limit": "1000"}
            rows = await self._list(query, "look" if urgent else "bulk")
            with _shape():
                looks = {row["payment_hash"]: self._read_look(row) for row in rows}
            if not looks.keys() <= set(chunk):
                raise _too_old("payment_hash")
            found |= looks
        return found

    async def settled_since(self, updated_at: int) -> list[Look]:
        found: dict[str, Look] = {}
        offset, limit = 0, _PAGE
        query = {"status[eq]": "success", "sortby": "updated_at", "direction": "desc"}
        while True:
            paging = {"limit": str(limit), "offset": str(offset)}
            rows = await self._list(query | paging, "bulk")
            for row in rows:
                with _shape():
                    look = self._read_look(row)
                if look.state != "settled" or look.settled_at is None:
                    raise _too_old("status")
                if look.settled_at < updated_at:
                    return list(found.values())[::-1]
                # What settles meanwhile pushes rows to the next page: seen twice, missed never.
                found.setdefault(look.payment_hash, look)
            if len(rows) < limit:
                return list(found.values())[::-1]
            offset, limit = offset + limit, _DEEP_PAGE

    async def hints(self) -> AsyncGenerator[str | None, None]:
        queue = HintQueue()
        async with contextlib.aclosing(queue.drain(self._listen(queue))) as hints:
            async for hint in hints:
                yield hint

    def now(self) -> int:
        return self._api.now()

    async def balance(self) -> int:
        wallet = await self._api.get("/api/v1/wallet", {}, "bulk")
        with _shape():
            return int(wallet["balance"])

    async def probe(self) -> None:
        with contextlib.suppress(Retry, Broken):
            await self.balance()

    def health(self) -> Health:
        return Health(self._api.good, self._api.heard_at, self._api.text)

    async def close(self) -> None:
        await self._api.close()

    async def _look_alone(self, payment_hash: str, before: int) -> Look | None:
        """None when the answer decides nothing.

        After the expiry LNbits gives an invoice up when it is looked up alone, without
        asking its node, and a late payment fails. Lists do not do that. Hence `before`.
        """
        path = f"/api/v1/payments/{_checked_hash(payment_hash)}"
        answer = await self._api.get(path, {}, "look", before=before)
        if answer is None:
            return None
        with _shape():
            row, paid = answer.get("details"), answer["paid"]
        if row is None:
            # LNbits answers strangers too, but only its own wallet gets the details.
            await self.balance()  # a wrong key is Broken there
            return None
        with _shape():
            look, outgoing = self._read_look(row), row["amount"] < 0
        if outgoing:
            # Paid to ourselves: the outgoing row hides the incoming one.
            return await self._look_listed(payment_hash)
        could_ask_its_node = paid or "status" in answer
        return look if could_ask_its_node else None

    async def _look_listed(self, payment_hash: str) -> Look | None:
        return (await self.look_many([payment_hash], urgent=True)).get(payment_hash)

    async def _list(self, query: Mapping[str, str], turn: Turn) -> list[dict[str, Any]]:
        """Incoming rows of the payment list. No `recheck_pending`: it acts like a look-up."""
        path = "/api/v1/payments/paginated"
        page = await self._api.get(path, {"amount[gt]": "0", **query}, turn)
        with _shape():
            rows: list[dict[str, Any]] = page["data"]
            if any(row["amount"] <= 0 for row in rows):
                raise _too_old("amount")
            return rows

    async def _listen(self, queue: HintQueue) -> None:
        log = structlog.get_logger()
        delay = _FIRST_DELAY
        while True:
            opened = time.monotonic()
            try:
                async with contextlib.aclosing(self._api.pushes()) as pushes:
                    async for push in pushes:
                        queue.put(push)
                        if push is None:
                            log.info("hints.open", wallet=self.name)
                reason = "closed"
            except Retry as error:
                reason = str(error)
            if time.monotonic() - opened > _LONGEST_DELAY:
                delay = _FIRST_DELAY
            log.warning("hints.lost", wallet=self.name, reason=reason)
            await asyncio.sleep(delay * random.uniform(0.5, 1.0))
            delay = min(delay * 2, _LONGEST_DELAY)

    def _read_invoice(self, row: Mapping[str, Any]) -> Invoice:
        self._check_owner(row)
        bolt11 = read_bolt11(row["bolt11"])
        return Invoice(
            external_id=row["external_id"],
            payment_hash=bolt11.payment_hash,
            bolt11=row["bolt11"],
            amount_msat=bolt11.amount_msat or 0,
            expires_at=bolt11.expires_at,
        )

    def _read_look(self, row: Mapping[str, Any]) -> Look:
        self._check_owner(row)
        state = _STATES.get(row["status"], "unknown")
        settled_at = _read_time(row["updated_at"]) if state == "settled" else None
        return Look(row["payment_hash"], state, row["amount"], row["external_id"], settled_at)

    def _check_owner(self, row: Mapping[str, Any]) -> None:
        """Every row that this key can list is of one wallet; another's would be a disaster."""
        wallet_id = row["wallet_id"]
        if self._wallet_id is None:
            self._wallet_id = wallet_id
        if wallet_id != self._wallet_id:
            raise Broken("LNbits answered with a payment of another wallet.")


def check_ask(ask: InvoiceAsk) -> None:
    """Broken for an invoice that a wallet would silently make differently."""
    if ask.amount_msat <= 0 or ask.amount_msat % 1_000:
        raise Broken(f"An invoice of {ask.amount_msat} msat: only whole sats can be asked for.")
    if ask.expiry_seconds <= 0:
        raise Broken(f"An invoice that lives for {ask.expiry_seconds} s.")
    _checked_id(ask.external_id)


def tidy_memo(memo: str) -> str:
    """At most 639 bytes of UTF-8, no markup, no control characters, never empty."""
    text = " ".join(_MEMO_DROPPED.sub(" ", memo).split())
    return text.encode()[:_MEMO_BYTES].decode(errors="ignore").rstrip() or "ticket"


def _checked_id(external_id: str) -> str:
    if not _EXTERNAL_ID.fullmatch(external_id):
        raise Broken(f"Not an external id that wallets keep unchanged: {external_id!r}.")
    return external_id


def _checked_hash(payment_hash: str) -> str:
    if not _HASH.fullmatch(payment_hash):
        raise Broken(f"Not a payment hash: {payment_hash!r}.")
    return payment_hash


def _read_time(text: str) -> int:
    """Unix seconds of LNbits' ISO times, which are UTC also where they do not say so."""
    moment = datetime.fromisoformat(text)
    return int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp())


def _too_old(name: str) -> Broken:
    """LNbits ignores a filter that it does not know, and then answers with everything."""
    return Broken(f"LNbits cannot search by {name}: it is too old, ticketbot knows LNbits 1.6.")


@contextlib.contextmanager
def _shape() -> Iterator[None]:
    """An answer without what must be in it comes from an LNbits that is not supported."""
    try:
        yield
    except (KeyError, TypeError, ValueError, AttributeError, Malformed) as error:
        raise Broken(
            f"LNbits answers in an unknown shape ({type(error).__name__}: {error}); "
            "ticketbot knows LNbits 1.6."
        ) from error
