"""`orders show`: the whole story of one order, from the journal and the rows.

Times are UTC, so that they can be laid beside logs and the wallet's list. Nobody is named:
`--people` opens the buyer's key, the order's note and where refunds go.
"""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Iterator
from typing import NamedTuple

from ticketbot.cli.opening import open_house
from ticketbot.cli.orders import find_order, order_json, refund_json, refunds_of_order
from ticketbot.cli.output import pairs, sats, show, show_json, table, utc
from ticketbot.domain.nip19 import npub_encode
from ticketbot.domain.order import Order
from ticketbot.domain.refund import Refund
from ticketbot.domain.ticket import group_id
from ticketbot.handlers.desk.story import amount_of, decisions_of, details_of, scan_json
from ticketbot.ledger import listings, overview, people, remarks, scans, tickets
from ticketbot.ledger.invoices import InvoiceRow
from ticketbot.ledger.journal import Decision
from ticketbot.ledger.listings import Listed
from ticketbot.ledger.overview import Payment, Spend, Waiting
from ticketbot.ledger.remarks import Remark
from ticketbot.ledger.scans import ScanRow
from ticketbot.ledger.store import Tx
from ticketbot.ledger.tickets import TicketRow

MOST_SCANS = 200
SEALED = "sealed: --people opens it"
Section = tuple[str, tuple[str, ...], list[tuple[object, ...]]]


class _GoesBack(NamedTuple):
    """A refund with every attempt at sending it; `destination` only if people may be named."""

    refund: Refund
    said_where: bool
    destination: str | None
    spends: list[Spend]


class _Story(NamedTuple):
    order: Order
    buyer: str | None
    noted: bool
    remark: Remark | None
    listed: Listed
    decisions: list[Decision]
    invoices: list[InvoiceRow]
    payments: list[Payment]
    tickets: list[TicketRow]
    scans: list[ScanRow]
    refunds: list[_GoesBack]
    waiting: list[Waiting]
    put_aside: list[str]


def show_order(args: Namespace) -> int:
    """Everything that happened to one order."""
    story = open_house(args).look(lambda tx: _read(tx, args.order, args.people))
    if args.json:
        show_json(_json(story))
        return 0
    show(pairs(_head(story)))
    for title, headings, rows in _sections(story):
        if rows:
            show(f"\n{title}")
            show(table(headings, rows))
    show(f"\n{_left(story)}")
    return 0


def _read(tx: Tx, text: str, name_people: bool) -> _Story:
    order = find_order(tx, text)
    listed = listings.by_id(tx, order.event_id)
    assert listed is not None
    owed = refunds_of_order(tx, order.id)
    remark = remarks.of(tx, order.id)
    return _Story(
        order,
        _buyer(tx, order) if name_people else None,
        remark is not None,
        remark if name_people else None,
        listed,
        decisions_of(tx, order),
        overview.invoices_of(tx, order.id),
        overview.payments_of(tx, order.id),
        tickets.of_order(tx, order.id),
        scans.of_order(tx, order.id, MOST_SCANS),
        [
            _GoesBack(
                refund,
                known is not None,
                known if name_people else None,
                overview.spends_of(tx, refund.id),
            )
            for refund, known in owed
        ],
        overview.waiting_of(tx, order.id),
        overview.put_aside_of(tx, order.id),
    )


def _buyer(tx: Tx, order: Order) -> str:
    pubkey = people.person(tx, order.person).pubkey
    return npub_encode(pubkey) if pubkey else "forgotten"


def _head(story: _Story) -> list[tuple[str, object]]:
    order, listed = story.order, story.listed
    return [
        ("order", f"{order.id} (buyers see {order.short})"),
        ("event", f"{listed.listing.title} ({listed.code})"),
        ("state", order.state.value),
        ("tickets", " × ".join(filter(None, (str(order.quantity), order.tier)))),
        ("amount", f"{sats(order.amount_msat)} sats"),
        ("asked by", order.via),
        ("buyer", story.buyer or SEALED),
        *([("note", _remark(story))] if story.noted else []),
        ("placed", f"{utc(order.placed_at)} UTC"),
        ("held until", f"{utc(order.hold_until)} UTC"),
    ]


def _remark(story: _Story) -> str:
    one = story.remark
    return SEALED if one is None else f"{one.said} ({one.by}, {utc(one.at)} UTC)"


def _sections(story: _Story) -> Iterator[Section]:
    yield (
        "What was decided",
        ("when (UTC)", "what", ">sats", "details"),
        [_decision_line(one) for one in story.decisions],
    )
    yield (
        "Invoices",
        ("external id", "asked (UTC)", "payable until", "payment hash"),
        [_invoice_line(one) for one in story.invoices],
    )
    yield (
        "Payments",
        ("credited (UTC)", ">sats", "became", "payment hash"),
        [
            (utc(one.credited_at), sats(one.amount_msat), one.fate, one.payment_hash)
            for one in story.payments
        ],
    )
    yield (
        "Tickets",
        ("code", "state", ">version", ">sats", "issued (UTC)"),
        [
            (group_id(one.id), one.state, one.version, sats(one.price_msat), utc(one.issued_at))
            for one in story.tickets
        ],
    )
    yield (
        "At the door",
        ("when (UTC)", "ticket", "what", "came of it", "gate", "told (UTC)", "by"),
        [_scan_line(one) for one in story.scans],
    )
    yield (
        "Refunds",
        ("refund", "decided (UTC)", ">sats", "why", "state", "where to"),
        [_refund_line(one) for one in story.refunds],
    )
    yield (
        "Attempts at sending them",
        ("refund", "made (UTC)", ">sats", ">fee", "state", "payable until", "payment hash"),
        [_spend_line(one.refund, spend) for one in story.refunds for spend in one.spends],
    )
    yield (
        "Still to leave",
        ("what", ">tries", "next try (UTC)", "taken by"),
        [
            (_short(one.key, story.order), one.attempts, utc(one.due), ", ".join(one.relays) or "-")
            for one in story.waiting
        ],
    )


def _decision_line(one: Decision) -> tuple[object, ...]:
    amount = amount_of(one)
    return (utc(one.at), one.what, "" if amount is None else sats(amount), details_of(one))


def _invoice_line(one: InvoiceRow) -> tuple[object, ...]:
    until = "-" if one.expires_at is None else utc(one.expires_at)
    return (one.external_id, utc(one.asked_at), until, one.payment_hash or "not made yet")


def _scan_line(one: ScanRow) -> tuple[object, ...]:
    told = "-" if one.happened == one.at else utc(one.at)
    by = "organizer" if one.by is None else f"pass {one.by}"
    ticket = "-" if one.ticket is None else group_id(one.ticket)
    return (utc(one.happened), ticket, one.kind, one.outcome, one.gate or "-", told, by)


def _refund_line(one: _GoesBack) -> tuple[object, ...]:
    refund = one.refund
    open_yet = "-" if refund.state == "sent" else "not told yet"
    where = one.destination or ("told" if one.said_where else open_yet)
    why = refund.reason.removeprefix("refund-")
    head = (refund.id, utc(refund.decided_at), sats(refund.amount_msat))
    return (*head, why, refund.state, where)


def _spend_line(refund: Refund, spend: Spend) -> tuple[object, ...]:
    head = (refund.id, utc(spend.made_at), sats(spend.amount_msat), sats(spend.fee_msat))
    return (*head, spend.state, utc(spend.expires_at), spend.payment_hash)


def _short(key: str, order: Order) -> str:
    return key.removeprefix(f"{order.id}:")


def _left(story: _Story) -> str:
    if story.put_aside:
        keys = ", ".join(_short(key, story.order) for key in story.put_aside)
        return f"Put aside after three tries: {keys}."
    if story.waiting:
        return "Everything else that was to be said is with the relays."
    return "Everything that was to be said is with the relays."


def _json(story: _Story) -> dict[str, object]:
    return {
        **order_json(story.order, story.listed.code),
        "title": story.listed.listing.title,
        "buyer": story.buyer,
        "noted": story.noted,
        "note": None if story.remark is None else story.remark._asdict(),
        "decisions": [
            {"at": one.at, "what": one.what, "detail": one.detail} for one in story.decisions
        ],
        "invoices": [one._asdict() for one in story.invoices],
        "payments": [one._asdict() for one in story.payments],
        "tickets": [
            {
                "ticket_id": row.id,
                "tier": row.tier,
                "state": row.state,
                "version": row.version,
                "price_msat": row.price_msat,
                "issued_at": row.issued_at,
                "expires_at": row.expires_at,
            }
            for row in story.tickets
        ],
        "scans": [scan_json(one) for one in story.scans],
        "refunds": [
            {
                **refund_json(one.refund, one.destination),
                "destination_known": one.said_where,
                "spends": [spend._asdict() for spend in one.spends],
            }
            for one in story.refunds
        ],
        "waiting": [one._asdict() for one in story.waiting],
        "put_aside": story.put_aside,
    }
