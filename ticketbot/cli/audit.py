"""`audit`: every satoshi between the ledger and the wallet, in a table for a treasurer."""

from __future__ import annotations

import asyncio
import time
from argparse import Namespace
from typing import TYPE_CHECKING, Any

from ticketbot.cli.opening import House, open_house, quiet_logs
from ticketbot.cli.output import Progress, count, sats, show, show_json, table, warn
from ticketbot.errors import Broken, Retry

if TYPE_CHECKING:
    from ticketbot.bookkeeping import Books
    from ticketbot.ledger.accounts import Flows, Sum, Sums
    from ticketbot.ledger.audit import Finding

ROUNDS, PAUSE = 8, 2.0
"""How often, and after how many seconds, a bot that is just writing down is looked at again."""

Line = tuple[str, str, str]


def audit(args: Namespace) -> int:
    """Exit code 0 only when ledger and wallet agree and every invariant holds."""
    from ticketbot.bookkeeping import compare

    house = open_house(args)
    operators = house.config.bot.operators
    silent: str | None = None
    if args.offline:
        books = house.look(lambda tx: compare(tx, None, operators))
    else:
        quiet_logs(house.config)
        house.look(lambda tx: None)  # no ledger, another nsec: said before anybody is asked
        try:
            books = asyncio.run(_with_wallet(house))
        except (Retry, Broken) as error:
            silent = str(error)
            books = house.look(lambda tx: compare(tx, None, operators))
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


async def _with_wallet(house: House) -> Books:
    from ticketbot.app.parts import build_wallet
    from ticketbot.bookkeeping import ask, catch_up, compare

    async def read(work: Any) -> Any:
        return await asyncio.to_thread(house.look, work)

    wallet = build_wallet(house.config, time.time)
    try:
        with Progress() as progress:
            progress.step("listing what the wallet received and paid")
            shown = await ask(wallet, int(time.time()))
            progress.step("waiting for what is being written down just now")
            await catch_up(read, shown, ROUNDS, PAUSE)
            progress.step("checking the ledger")
            operators = house.config.bot.operators
            books: Books = await read(lambda tx: compare(tx, shown, operators))
            return books
    finally:
        await wallet.close()


def _tell(books: Books) -> None:
    rows = _ledger_lines(books.sums)
    if books.flows is not None and books.shown is not None:
        rows += _wallet_lines(books.flows, books.shown.balance, books.owed)
    show(table(("", ">sats", ""), rows).lstrip("\n"))
    show("")
    for finding in sorted(books.findings, key=lambda one: _number(one.name)):
        show(f"{'ok  ' if finding.kept else 'FAIL'}  {finding.name:<4} {finding.says}")
        for line in finding.broken:
            show(f"            {line}")


def _number(name: str) -> tuple[int, str]:
    """I2 comes before I10."""
    digits = name[1:].rstrip("abcdefghijklmnopqrstuvwxyz")
    return (int(digits) if digits.isdigit() else 0, name)


def _ledger_lines(sums: Sums) -> list[Line]:
    sent = count(sums.refunds_sent.number, "refund")
    if sums.refunds_by_hand.number:
        sent += f", {sums.refunds_by_hand.number:,} of them by hand"
    going = sums.refunds_due.msat + sums.refunds_sending.msat + sums.refunds_sent.msat
    odd = sums.received.msat - sums.tickets.msat - going - sums.kept.msat
    free = f", {sums.free_tickets:,} besides were free" if sums.free_tickets else ""
    return [
        _line("Received for orders", sums.received, "payment"),
        (
            "  are live tickets",
            sats(sums.tickets.msat),
            count(sums.tickets.number, "ticket") + free,
        ),
        _line("  are refunds due", sums.refunds_due, "refund"),
        _line("  are refunds being sent", sums.refunds_sending, "refund"),
        ("  are refunds sent", sats(sums.refunds_sent.msat), sent),
        *([_line("  are fees of returned tickets", sums.kept, "ticket")] if sums.kept.msat else []),
        *([("  are UNEXPLAINED", sats(odd), "see below")] if odd else []),
        _line("Organizers have earned", sums.shares, "organizer"),
        *_payout_lines(sums),
        ("Commission", sats(sums.commission), "the operator's"),
        ("Fees for sending refunds", sats(sums.fees), "paid by the operator"),
    ]


def _payout_lines(sums: Sums) -> list[Line]:
    """What went to organizers, or is on its way; nothing where nothing was ever paid out."""
    sent = count(sums.payouts_sent.number, "payout")
    if sums.payouts_by_hand.number:
        sent += f", {sums.payouts_by_hand.number:,} of them by hand"
    going = sums.payouts_due.number + sums.payouts_sending.number
    if not (going or sums.payouts_sent.number):
        return []
    return [
        _line("  payouts due besides", sums.payouts_due, "payout"),
        _line("  payouts being sent", sums.payouts_sending, "payout"),
        ("  payouts sent", sats(sums.payouts_sent.msat), sent),
        ("  fees for sending them", sats(sums.payout_fees), "paid by the organizers"),
    ]


def _wallet_lines(flows: Flows, balance: int, owed: int) -> list[Line]:
    paid, fees = flows.sent.msat, flows.fees
    received = flows.received.msat + flows.foreign_in.msat
    odd = balance - (received - paid - fees - flows.foreign_out.msat)
    lines = [
        _line("The wallet received for orders", flows.received, "payment"),
        (
            "The wallet paid out for orders",
            sats(paid + fees),
            f"{count(flows.sent.number, 'payment')}, {sats(fees)} sats of it fees",
        ),
        _line("The wallet received besides", flows.foreign_in, "payment", _FOREIGN),
        _line("The wallet paid besides", flows.foreign_out, "payment", _FOREIGN),
        ("The wallet holds now", sats(balance), ""),
        ("  are owed", sats(owed), "to buyers, and to organizers who do not operate the bot"),
        ("  are left", sats(balance - owed), ""),
    ]
    if odd:
        lines.insert(-2, ("  are not in its list", sats(odd), "on its way, or still reserved"))
    return lines


_FOREIGN = ", none of the bot's business"


def _line(title: str, what: Sum, thing: str, more: str = "") -> Line:
    return title, sats(what.msat), count(what.number, thing) + more


def _json(books: Books, silent: str | None) -> dict[str, object]:
    return {
        "agree": books.agree and silent is None,
        "ledger": _ledger_json(books.sums),
        "wallet": _wallet_json(books),
        "wallet_error": silent,
        "findings": [_finding_json(one) for one in books.findings],
    }


def _ledger_json(sums: Sums) -> dict[str, int]:
    return {
        "orders": sums.orders,
        "tickets": sums.tickets.number + sums.free_tickets,
        "credited_msat": sums.received.msat,
        "for_tickets_msat": sums.tickets.msat,
        "refunds_due_msat": sums.refunds_due.msat,
        "refunds_sending_msat": sums.refunds_sending.msat,
        "refunds_owed_msat": sums.refunds_due.msat + sums.refunds_sending.msat,
        "refunds_sent_msat": sums.refunds_sent.msat,
        "refunds_by_hand_msat": sums.refunds_by_hand.msat,
        "kept_msat": sums.kept.msat,
        "organizers_msat": sums.shares.msat,
        "payouts_due_msat": sums.payouts_due.msat,
        "payouts_sending_msat": sums.payouts_sending.msat,
        "payouts_sent_msat": sums.payouts_sent.msat,
        "payouts_by_hand_msat": sums.payouts_by_hand.msat,
        "payout_fees_msat": sums.payout_fees,
        "commission_msat": sums.commission,
        "fees_msat": sums.fees,
    }


def _wallet_json(books: Books) -> dict[str, int] | None:
    flows, shown = books.flows, books.shown
    if flows is None or shown is None:
        return None
    return {
        "received_msat": flows.received.msat + flows.foreign_in.msat,
        "received_for_orders_msat": flows.received.msat,
        "foreign_msat": flows.foreign_in.msat,
        "foreign_payments": flows.foreign_in.number,
        "refunded_msat": flows.sent.msat,
        "refund_fees_msat": flows.fees,
        "foreign_out_msat": flows.foreign_out.msat,
        "foreign_out_payments": flows.foreign_out.number,
        "balance_msat": shown.balance,
        "owed_msat": books.owed,
        "left_msat": shown.balance - books.owed,
    }


def _finding_json(one: Finding) -> dict[str, object]:
    return {"name": one.name, "says": one.says, "kept": one.kept, "broken": list(one.broken)}
