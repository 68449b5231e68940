"""`status` and `events`: how the bot is, and how it sells."""

from __future__ import annotations

import time
from argparse import Namespace
from typing import Any, NamedTuple

from ticketbot.cli.opening import open_house
from ticketbot.cli.output import at, count, pairs, sats, show, show_json, span, table
from ticketbot.handlers.buying.conditions import SALES_STOPPED
from ticketbot.handlers.events.notes import IGNORED
from ticketbot.ledger import audit, listings, marks, outbox, overview, payouts, verdicts
from ticketbot.ledger.listings import Listed, Seats
from ticketbot.ledger.store import Tx
from ticketbot.ledger.verdicts import Verdict
from ticketbot.service import is_held

HEARTBEAT_LASTS = 35
YOUNG = 10  # seconds in which relays may still be about to answer
"""Seconds. The running bot writes one every 10."""

MANY = 1_000_000


class Status(NamedTuple):
    """What the ledger knows of the bot."""

    beat: dict[str, Any]
    stopped: bool
    on_sale: int
    totals: audit.Totals
    payouts: payouts.Waiting
    counts: overview.Counts
    pending: int
    late: int
    ignored: int
    verdict: Verdict | None


def status(args: Namespace) -> int:
    """The ledger, and the running bot's last heartbeat. Exit code 0 also when none runs."""
    house = open_house(args)
    now = int(time.time())
    found = house.look(lambda tx: read_status(tx, now))
    running = is_running(found.beat, now)
    if args.json:
        show_json(_status_json(found, running, str(house.config.ledger.path)))
        return 0
    held = is_held(house.config.ledger.path.with_suffix(".lock"))
    show(pairs([("name", house.config.bot.name), *_beat_rows(found.beat, running, held, now)]))
    show("")
    totals = found.totals
    show(
        pairs(
            [
                ("sales", "stopped by an operator" if found.stopped else "open"),
                ("events on sale", f"{found.on_sale:,}"),
                ("orders", f"{totals.orders:,}, {found.counts.open_orders:,} wait for money"),
                ("tickets", f"{totals.tickets:,}"),
                ("received", f"{sats(totals.credited)} sats"),
                ("owed back", f"{sats(totals.refunds_owed)} sats"),
                ("to pay out", _payouts(found.payouts)),
                ("to be sent", _waiting(found)),
                ("put aside", f"{count(found.counts.poison, 'message')} that failed thrice"),
                ("audit", _audited(found.verdict, now)),
                ("notes ignored", f"{found.ignored:,} by people who may not sell here"),
                ("ledger", house.config.ledger.path),
            ]
        )
    )
    return 0


def read_status(tx: Tx, now: int) -> Status:
    """All of it in one snapshot."""
    return Status(
        beat=marks.heartbeat(tx) or {},
        stopped=marks.get(tx, SALES_STOPPED) is not None,
        on_sale=len(listings.upcoming(tx, now, most=MANY)),
        totals=audit.totals(tx),
        payouts=payouts.waiting(tx),
        counts=overview.counts(tx),
        pending=outbox.pending(tx),
        late=outbox.late(tx, now - outbox.LATE),
        ignored=marks.number(tx, IGNORED),
        verdict=verdicts.last(tx),
    )


def is_running(beat: dict[str, Any], now: int) -> bool:
    """Whether the heartbeat is fresh."""
    return bool(beat) and abs(now - beat["at"]) <= HEARTBEAT_LASTS


def _beat_rows(
    beat: dict[str, Any], running: bool, held: bool, now: int
) -> list[tuple[str, object]]:
    if not beat:
        return [("bot", "NOT RUNNING: it has not been started yet")]
    since = f"{span(abs(now - beat['at']))} ago, {at(beat['at'])}"
    if held and not running:
        return [("bot", f"RUNS, and last wrote {since}: IS ITS DISK FULL?")]
    if not running:
        return [("bot", f"NOT RUNNING: last seen {since}")]
    return [
        ("bot", f"running for {span(now - beat['started'])}, since {at(beat['started'])}"),
        ("relays", f"{beat['relays']} connected{_deafness(beat)}"),
        ("wallet", beat["wallet"]),
        *([("paused", beat["paused"])] if beat["paused"] else []),
        *([("TROUBLE", ", ".join(beat["troubles"]))] if beat.get("troubles") else []),
        *(
            ("clock", f"{span(abs(by))} {'behind' if by > 0 else 'ahead of'} that of {who}")
            for who, by in beat.get("skew", {}).items()
        ),
    ]


def _deafness(beat: dict[str, Any]) -> str:
    if not beat["deaf"]:
        return ""
    return ", not heard yet" if beat["at"] - beat["started"] < YOUNG else ", ALL DEAF"


def _waiting(found: Status) -> str:
    late = f", {found.late:,} OVERDUE" if found.late else ""
    return f"{count(found.pending, 'message')}{late}"


def _payouts(waiting: payouts.Waiting) -> str:
    """`20,000 sats: 2 due, 1 on its way; 1 has failed before, of 1 nobody said where to`."""
    if not waiting.due + waiting.sending:
        return "0 sats"
    said = f"{sats(waiting.msat)} sats: {waiting.due:,} due, {waiting.sending:,} on the way"
    failed = f"{waiting.failed:,} tried in vain" if waiting.failed else ""
    unplaced = f"{waiting.unplaced:,} without a place to go to" if waiting.unplaced else ""
    return "; ".join(filter(None, (said, failed, unplaced)))


def _audited(verdict: Verdict | None, now: int) -> str:
    """What the bot found when it last compared its ledger with the wallet."""
    if verdict is None:
        return "not yet: the bot compares its books a minute after its start, and every day"
    found = "everything agrees"
    if verdict.total:
        found = f"DIFFERS in {count(verdict.total, 'place')}, see: ticketbot audit"
    elif verdict.silent is not None:
        found = "the ledger is right, the wallet did not answer"
    return f"{span(now - verdict.at)} ago: {found}"


def _status_json(found: Status, running: bool, ledger: str) -> dict[str, object]:
    return {
        "running": running,
        "heartbeat": found.beat or None,
        "sales_stopped": found.stopped,
        "events_on_sale": found.on_sale,
        "orders": found.totals.orders,
        "orders_open": found.counts.open_orders,
        "tickets": found.totals.tickets,
        "credited_msat": found.totals.credited,
        "refunds_owed_msat": found.totals.refunds_owed,
        "payouts": found.payouts._asdict(),
        "outbox_pending": found.pending,
        "outbox_late": found.late,
        "quarantined": found.counts.poison,
        "notes_ignored": found.ignored,
        "audit": None if found.verdict is None else found.verdict._asdict(),
        "ledger": ledger,
    }


class _Row(NamedTuple):
    listed: Listed
    seats: list[Seats]
    stage: str


def events(args: Namespace) -> int:
    """Events by start: what is on sale, or with `--all` everything there ever was."""
    now = int(time.time())

    def work(tx: Tx) -> list[_Row]:
        every = overview.all_listings(tx) if args.all else listings.upcoming(tx, now, most=MANY)
        return [
            _Row(one, listings.seats_of(tx, one.listing.event_id), stage(one, now)) for one in every
        ]

    rows = open_house(args).look(work)
    if args.json:
        show_json([_event_json(*row) for row in rows])
    elif not rows:
        show("No event is on sale." if not args.all else "There has been no event yet.")
    else:
        headings = ("code", "event", "starts", "state", ">sats", ">sold", ">held", ">left")
        lines = [line for row in rows for line in _event_lines(row)]
        show(table(headings, lines))
    return 0


def stage(listed: Listed, now: int) -> str:
    """on sale, not yet, closed, over or cancelled."""
    one = listed.listing
    if listed.state != "on-sale":
        return "cancelled"
    if now >= one.end:
        return "over"
    if one.sales_start is not None and now < one.sales_start:
        return "not yet"
    return "closed" if one.sales_end is not None and now >= one.sales_end else "on sale"


def _event_lines(row: _Row) -> list[tuple[object, ...]]:
    """A line for the event, and one for each of its tiers."""
    one = row.listed.listing
    lines: list[tuple[object, ...]] = []
    for seats in row.seats:
        free = "∞" if seats.available is None else f"{seats.available:,}"
        figures = (f"{seats.sold:,}", f"{seats.held:,}", free)
        if seats.tier:
            tier = one.tier(seats.tier)
            price = sats(tier.price_msat) if tier else "-"
            lines.append(("", f"  {seats.tier}", "", "", price, *figures))
        else:
            price = sats(one.price_msat) if one.general else ""
            head = (row.listed.code, one.title, at(one.start), row.stage, price)
            lines.insert(0, (*head, *figures))
    return lines


def _event_json(listed: Listed, seats: list[Seats], stage: str) -> dict[str, object]:
    one = listed.listing
    return {
        "event_id": one.event_id,
        "code": listed.code,
        "title": one.title,
        "start": one.start,
        "end": one.end,
        "place": one.place,
        "state": stage,
        "price_msat": one.price_msat,
        "seats": [
            {
                "tier": row.tier,
                "capacity": row.capacity,
                "held": row.held,
                "sold": row.sold,
                "available": row.available,
            }
            for row in seats
        ],
    }
