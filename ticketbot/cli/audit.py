"""`audit`: every satoshi between the ledger and the wallet, in a table for a treasurer."""

from __future__ import annotations

import asyncio
import time
from argparse import Namespace
from typing import TYPE_CHECKING, NamedTuple

from ticketbot.cli.opening import House, open_house, quiet_logs
from ticketbot.cli.output import Progress, count, sats, show, show_json, table, warn
from ticketbot.errors import Broken, Retry
from ticketbot.ledger import audit as proof
from ticketbot.ledger.audit import Finding, Received, Totals
from ticketbot.ledger.store import Tx

if TYPE_CHECKING:
    from ticketbot.lightning import Wallet

ROUNDS = 4
PAUSE = 2.0
"""Seconds between rounds: what settles while we ask is not yet in both books."""


class _Wallet(NamedTuple):
    """What the wallet answered; amounts in msat."""

    received: list[Received]
    balance: int


class _Books(NamedTuple):
    """Ledger and wallet, side by side; the wallet's half is None where it was not asked."""

    totals: Totals
    findings: list[Finding]
    wallet: _Wallet | None
    foreign: list[Received]

    @property
    def agree(self) -> bool:
        return all(finding.kept for finding in self.findings)


def audit(args: Namespace) -> int:
    """Exit code 0 only when ledger and wallet agree and every invariant holds."""
    house = open_house(args)
    silent: str | None = None
    if args.offline:
        books = house.look(lambda tx: _compare(tx, None))
    else:
        quiet_logs(house.config)
        house.look(lambda tx: None)  # no ledger, another nsec: said before anybody is asked
        try:
            books = asyncio.run(_with_wallet(house))
        except (Retry, Broken) as error:
            silent = str(error)
            books = house.look(lambda tx: _compare(tx, None))
    if args.json:
        show_json(_json(books, silent))
    else:
        _tell(books)
    if silent is not None:
        warn(
            f"the wallet could not be asked, so nothing was compared with it: {silent} "
            "(`ticketbot audit --offline` proves the ledger alone)"
        )
        return 1
    if not books.agree:
        broken = ", ".join(finding.name for finding in books.findings if not finding.kept)
        warn(f"the books do not add up: {broken}")
    return 0 if books.agree else 1


async def _with_wallet(house: House) -> _Books:
    """Compare until both agree, or still differ after some rounds."""
    from ticketbot.app import build_wallet

    wallet = build_wallet(house.config, time.time)
    try:
        with Progress() as progress:
            for _ in range(ROUNDS - 1):
                books = await _compare_once(house, wallet, progress)
                if all(finding.kept for finding in books.findings if finding.name == "I4"):
                    return books
                progress.step("waiting for what is being settled just now")
                await asyncio.sleep(PAUSE)
            return await _compare_once(house, wallet, progress)
    finally:
        await wallet.close()


async def _compare_once(house: House, wallet: Wallet, progress: Progress) -> _Books:
    """The wallet first: what it lists, a bot that runs has had time to credit."""
    progress.step("listing what the wallet received")
    looks = await wallet.settled_since(0)
    received = [Received(one.payment_hash, one.amount_msat, one.external_id) for one in looks]
    answer = _Wallet(received, await wallet.balance())
    progress.step("checking the ledger")
    return await asyncio.to_thread(house.look, lambda tx: _compare(tx, answer))


def _compare(tx: Tx, wallet: _Wallet | None) -> _Books:
    findings = proof.check_ledger(tx)
    if wallet is None:
        return _Books(proof.totals(tx), sorted(findings), None, [])
    findings += proof.check_wallet(tx, wallet.received, wallet.balance)
    return _Books(proof.totals(tx), sorted(findings), wallet, proof.foreign(tx, wallet.received))


def _tell(books: _Books) -> None:
    totals, wallet = books.totals, books.wallet
    rows: list[tuple[str, str, str]] = [
        ("Received for orders", sats(totals.credited), "from buyers"),
        ("  became tickets", sats(totals.for_tickets), count(totals.tickets, "ticket")),
        ("  to be given back", sats(totals.refunds_owed), "owed to buyers"),
        ("  given back", sats(totals.refunds_sent), ""),
    ]
    if wallet is not None:
        strange = sum(one.amount_msat for one in books.foreign)
        ours = sum(one.amount_msat for one in wallet.received) - strange
        rows += [
            ("The wallet received for orders", sats(ours), ""),
            (
                "The wallet received besides",
                sats(strange),
                f"{count(len(books.foreign), 'payment')}, none of the bot's business",
            ),
            ("The wallet holds now", sats(wallet.balance), ""),
        ]
    show(table(("", ">sats", ""), rows).lstrip("\n"))
    show("")
    for finding in books.findings:
        show(f"{'ok  ' if finding.kept else 'FAIL'}  {finding.name:<4} {finding.says}")
        for line in finding.broken:
            show(f"            {line}")


def _json(books: _Books, silent: str | None) -> dict[str, object]:
    totals, wallet = books.totals, books.wallet
    return {
        "agree": books.agree and silent is None,
        "ledger": {
            "orders": totals.orders,
            "tickets": totals.tickets,
            "credited_msat": totals.credited,
            "for_tickets_msat": totals.for_tickets,
            "refunds_owed_msat": totals.refunds_owed,
            "refunds_sent_msat": totals.refunds_sent,
        },
        "wallet": None
        if wallet is None
        else {
            "received_msat": sum(one.amount_msat for one in wallet.received),
            "foreign_msat": sum(one.amount_msat for one in books.foreign),
            "foreign_payments": len(books.foreign),
            "balance_msat": wallet.balance,
        },
        "wallet_error": silent,
        "findings": [
            {"name": one.name, "says": one.says, "kept": one.kept, "broken": list(one.broken)}
            for one in books.findings
        ],
    }
