"""What organizers say about their money; and what operators say about payouts."""

from __future__ import annotations

from collections.abc import Sequence

from ticketbot.domain.command import (
    AskPayout,
    ListPayouts,
    PayoutDone,
    PayOutTo,
    ResumePayouts,
    ShowBalance,
    ShowStatement,
)
from ticketbot.domain.money import SAT, Sum
from ticketbot.domain.naming import quote
from ticketbot.domain.payout import Account, Part, Payout, payable, plan
from ticketbot.domain.spending import Destination, State, read_destination
from ticketbot.domain.statement import COLUMNS, row_of, write_csv
from ticketbot.domain.when import HOUR
from ticketbot.errors import Refused
from ticketbot.handlers import finding
from ticketbot.handlers.context import Commands, Context, Request
from ticketbot.handlers.money import payouts
from ticketbot.handlers.rights import own_event
from ticketbot.ledger import journal, listings, restored, shares
from ticketbot.ledger import payouts as ledger
from ticketbot.ledger.store import Tx
from ticketbot.replies.outcome import Reply, Report, Said

LISTED = 15
PAYOUTS = "payouts"
"""What the journal calls all of them."""


def balance(request: Request, tx: Tx, ctx: Context) -> Reply:
    """Earned, kept, given back, paid out; what is reserved, and what can be paid out now."""
    accounts = _accounts(request, tx, ctx)
    facts = _facts(accounts, request.sender, tx, ctx)
    where = ledger.payee(tx, request.sender)
    sentence = "payout-balance" if where else "payout-balance-nowhere"
    if facts["payable_msat"] < 0:
        sentence = "payout-balance-owes"
    elif facts["payable_msat"] == 0:
        sentence = "payout-balance-waits" if facts["reserved_msat"] > 0 else "payout-balance-none"
    values: dict[str, object] = {
        name.removesuffix("_msat"): Sum(amount) for name, amount in facts.items()
    }
    values |= {"payee": quote(where or ""), **_when(accounts, ctx)}
    return [Report("balance", dict(facts), sentence, values)]


def payout(request: Request, tx: Tx, ctx: Context) -> Reply:
    """Set aside what is payable, and have it sent."""
    wish = request.command
    assert isinstance(wish, AskPayout)
    accounts = _accounts(request, tx, ctx)
    only = None if not wish.words else own_event(wish.words, request, tx, ctx)[0]
    name = payouts.payout_id(tx, f"{request.sender}:{_seed(request, ctx)}")
    if (known := ledger.get(tx, name)) is not None:  # asked again, or heard after a restore
        return [_report(known, placed=True)]
    to = read_place(wish.to).text if wish.to else ledger.payee(tx, request.sender)
    parts = plan(accounts, ctx.now, only and only.listing.event_id)
    amount = sum(part.amount_msat for part in parts)
    if amount < max(SAT, ctx.settings.payout_minimum):
        raise _too_little(accounts, amount, request.sender, tx, ctx)
    decided, told = payouts.decide(name, request.sender, parts, to, tx, ctx)
    by_hand = ctx.settings.refunds_by_hand
    return [_report(decided, placed=to is not None, by_hand=by_hand), *told]


def pay_out_to(request: Request, tx: Tx, ctx: Context) -> Reply:
    """From now on payouts go there; and those that wait for a place, too."""
    wish = request.command
    assert isinstance(wish, PayOutTo)
    _accounts(request, tx, ctx)
    to = read_place(wish.to)
    ledger.set_payee(tx, request.sender, to.text, ctx.now)
    waiting = [one for one in ledger.open_of(tx, request.sender) if one.state is State.DUE]
    for one in waiting:
        payouts.send_to(one, to, "organizer", tx, ctx)
    journal.note(tx, ctx.now, PAYOUTS, "destination", kind=to.kind)
    amount = sum(one.amount_msat for one in waiting)
    facts: dict[str, object] = {"to": to.text, "amount_msat": amount}
    sentence = "payout-goes" if waiting else "payout-to"
    return [Report("payout-to", facts, sentence, {"payee": quote(to.text), "amount": amount})]


def statement(request: Request, tx: Tx, ctx: Context) -> Reply:
    """Event by event, as text or as a table; it adds up to the account."""
    wish = request.command
    assert isinstance(wish, ShowStatement)
    if wish.words:
        found, _ = own_event(wish.words, request, tx, ctx)
        accounts = shares.accounts_of(tx, found.listing.organizer, ctx.settings.payout_delay)
        accounts = [one for one in accounts if one.event_id == found.listing.event_id]
        if not accounts:
            raise Refused("bad-request", "payout-event-unsold", title=found.listing.title)
    else:
        accounts = _accounts(request, tx, ctx)
    table = write_csv(accounts)
    rows = [dict(zip(COLUMNS, row_of(one), strict=True)) for one in accounts]
    events = [{"event_id": one.event_id, **row} for one, row in zip(accounts, rows, strict=True)]
    facts: dict[str, object] = {"events": events, "csv": table}
    if wish.csv:
        return [Report("statement", facts, "statement-csv", {"words": table})]
    return [Report("statement", facts, "statement", {"accounts": tuple(accounts)})]


def due(organizer: str, turn: int, earliest: int, tx: Tx, ctx: Context) -> Reply:
    """It is time: what can be paid out goes where the organizer wants it, if it is enough."""
    name = payouts.payout_id(tx, f"{organizer}:turn {turn}")
    to = ledger.payee(tx, organizer)
    accounts = shares.accounts_of(tx, organizer, ctx.settings.payout_delay)
    parts = plan(accounts, min(earliest, ctx.now))
    enough = sum(part.amount_msat for part in parts) >= max(SAT, ctx.settings.payout_minimum)
    if to is None or not enough or ledger.get(tx, name) is not None:
        return []
    return payouts.decide(name, organizer, parts, to, tx, ctx)[1]


def listed(request: Request, tx: Tx, ctx: Context) -> Reply:
    """What is on its way to organizers, for the operator."""
    found = ledger.open_all(tx)
    if not found:
        return [Said("operator-payouts-none")]
    rows = tuple((f"{one.id} ({one.state})", one.amount_msat, "") for one in found[:LISTED])
    values: dict[str, object] = {"n": len(found), "owed": ledger.total(tx), "rows": rows}
    return [Said("operator-payouts", values)]


def done(request: Request, tx: Tx, ctx: Context) -> Reply:
    """The operator has paid by hand: a payout that waits, or a share without one."""
    wish = request.command
    assert isinstance(wish, PayoutDone)
    by = f"operator {request.sender[:8]}"
    if wish.sats is not None:
        return _share_done(wish.name, wish.sats * SAT, by, request, tx, ctx)
    named = [one for one in ledger.open_all(tx, 10_000) if one.id.endswith(wish.name)]
    if len(wish.name) < finding.LETTERS or len(named) != 1:
        raise Refused("not-yours", "operator-payout-unknown", payout=quote(wish.name))
    if named[0].state is not State.DUE:
        raise Refused("bad-request", "operator-payout-under-way", payout=named[0].id)
    told = payouts.paid_by_hand(named[0].id, by, tx, ctx)
    return [_noted(named[0].id, named[0].amount_msat), *told]


def resume(request: Request, tx: Tx, ctx: Context) -> Reply:
    """The operator has compared what is payable with what the wallet sent before a restore."""
    restored.payouts_go_on(tx)
    journal.note(tx, ctx.now, PAYOUTS, "resumed", by="command line" if request.console else "DM")
    return [Said("operator-payouts-resumed")]


def read_place(text: str) -> Destination:
    """A Lightning address or an lnurl; Refused for all else, an invoice among it."""
    try:
        to = read_destination(text)
    except Refused:
        raise Refused("bad-request", "payout-where", text=quote(text)) from None
    if to.invoice is not None:
        raise Refused("bad-request", "payout-no-invoice")
    return to


def _share_done(code: str, amount: int, by: str, request: Request, tx: Tx, ctx: Context) -> Reply:
    """Book what an operator paid of an event, as a payout that was sent by hand."""
    found = [one for one in listings.by_code(tx, code) if one.code == code.upper()]
    if not found:
        raise Refused("not-yours", "operator-payout-unknown", payout=quote(code))
    name = payouts.payout_id(tx, f"{by}:{_seed(request, ctx)}")
    if ledger.get(tx, name) is not None:  # heard again after a restore
        return [_noted(name, amount)]
    listing = found[0].listing
    accounts = shares.accounts_of(tx, listing.organizer, ctx.settings.payout_delay)
    left = sum(one.balance for one in accounts if one.event_id == listing.event_id)
    if not 0 < amount <= left:
        raise Refused("bad-request", "operator-payout-much", code=code.lower(), left=Sum(left))
    payouts.decide(name, listing.organizer, [Part(listing.event_id, amount)], None, tx, ctx)
    return [_noted(name, amount), *payouts.paid_by_hand(name, by, tx, ctx)]


def _accounts(request: Request, tx: Tx, ctx: Context) -> list[Account]:
    found = shares.accounts_of(tx, request.sender, ctx.settings.payout_delay)
    if not found:
        raise Refused("not-yours", "payout-nothing-sold")
    return found


def _facts(accounts: Sequence[Account], organizer: str, tx: Tx, ctx: Context) -> dict[str, int]:
    """An account in figures, msat. Under way is a part of what was paid out."""
    free = payable(accounts, ctx.now)
    total = sum(one.balance for one in accounts)
    return {
        "earned_msat": sum(one.gross for one in accounts),
        "commission_msat": sum(one.commission for one in accounts),
        "refunded_msat": sum(one.refunded for one in accounts),
        "paid_out_msat": sum(one.paid for one in accounts),
        "under_way_msat": sum(one.amount_msat for one in ledger.open_of(tx, organizer)),
        "fees_msat": sum(one.fees for one in accounts),
        "balance_msat": total,
        "reserved_msat": total - free,
        "payable_msat": free,
        "next_payout_msat": sum(part.amount_msat for part in plan(accounts, ctx.now)),
    }


def _too_little(
    accounts: Sequence[Account], amount: int, organizer: str, tx: Tx, ctx: Context
) -> Refused:
    facts = _facts(accounts, organizer, tx, ctx)
    sentence = "payout-little"
    if amount <= 0 and facts["reserved_msat"] > 0:
        sentence = "payout-waits"
    elif amount <= 0:
        sentence = "payout-under-way" if facts["under_way_msat"] > 0 else "payout-none"
    least = max(SAT, ctx.settings.payout_minimum)
    return Refused(
        "bad-request",
        sentence,
        payable=Sum(max(0, amount)),
        least=Sum(least),
        reserved=Sum(facts["reserved_msat"]),
        under_way=Sum(facts["under_way_msat"]),
        **_when(accounts, ctx),
    )


def _when(accounts: Sequence[Account], ctx: Context) -> dict[str, object]:
    """When the first of what waits can be paid out, and how long after an event that is."""
    waits = [one.free_at for one in accounts if one.free_at is not None and one.balance > 0]
    later = [at for at in waits if at > ctx.now]
    hours = ctx.settings.payout_delay // HOUR
    after = Said("payout-after", {"hours": hours}) if hours else Said("payout-at-once")
    return {"at": min(later, default=ctx.now), "after": after}


def _seed(request: Request, ctx: Context) -> str:
    """What makes a request the same one: a program's id for it, or the letter; at the console
    none: what is typed twice is meant twice.
    """
    if request.request_id is not None:
        return f"request {request.request_id}"
    return request.key.hex() or ctx.dice(16).hex()


def _report(one: Payout, *, placed: bool, by_hand: bool = False) -> Report:
    facts: dict[str, object] = {
        "payout_id": one.id,
        "amount_msat": one.amount_msat,
        "state": str(one.state),
    }
    sentence = "payout-by-hand" if by_hand else "payout-begun"
    if not placed:
        sentence = "payout-begun-where"
    if one.state is State.SENT:
        sentence = "payout-sent-free"
    return Report("payout", facts, sentence, {"payout": one.id, "amount": one.amount_msat})


def _noted(name: str, amount: int) -> Said:
    return Said("operator-payout-done", {"payout": name, "amount": amount})


COMMANDS: Commands = {
    ShowBalance: balance,
    AskPayout: payout,
    PayOutTo: pay_out_to,
    ShowStatement: statement,
}


OPERATOR_COMMANDS: Commands = {
    ListPayouts: listed,
    PayoutDone: done,
    ResumePayouts: resume,
}
