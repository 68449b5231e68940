"""Every paid satoshi has exactly one fate: the proof, by the invariants.

The same code answers `ticketbot audit` and stands behind every test. Each check is a
query whose rows are the violations.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from typing import NamedTuple

from ticketbot.domain.payout import reserve
from ticketbot.ledger import audit_payouts, orphans, promos, scans
from ticketbot.ledger.store import Tx

NEVER = 2**62
LISTS = frozenset({"I4", "I4b"})
"""The findings that compare the wallet's lists, line by line."""
CAME = "ledger credits = the wallet's successes of ours"
WENT = "what the ledger calls paid = what the wallet paid for it, and its fee"
HOLDS = "wallet balance ≥ refunds due + what is owed to organizers"

# What moved money in or out of the wallet, by the `ref` under which it is booked.
MOVED = {
    "payment": "SELECT payment_hash AS id, amount_msat AS fact, 0 AS booked FROM payment",
    "sent": (
        "SELECT ref AS id, -amount_msat - fee_msat AS fact, 0 AS booked FROM spend"
        " WHERE state = 'paid' AND purpose = 'refund'"
    ),
    "paid": (
        "SELECT ref AS id, -amount_msat - fee_msat AS fact, 0 AS booked FROM spend"
        " WHERE state = 'paid' AND purpose = 'payout'"
    ),
}


class Finding(NamedTuple):
    """One invariant: kept, or broken by the rows that `broken` describes.

    Each description begins with what it is about, up to the first `: `.
    """

    name: str
    says: str
    broken: tuple[str, ...]

    @property
    def kept(self) -> bool:
        """Whether nothing breaks it."""
        return not self.broken


class Received(NamedTuple):
    """A success in the wallet's own list of what came in. Amount in msat."""

    payment_hash: str
    amount_msat: int
    external_id: str | None


class Sent(NamedTuple):
    """A success in the wallet's own list of what went out; the fee came on top of the amount."""

    payment_hash: str
    amount_msat: int
    fee_msat: int


class Totals(NamedTuple):
    """The ledger in numbers; amounts in msat."""

    orders: int
    tickets: int
    credited: int
    for_tickets: int
    refunds_owed: int
    refunds_sent: int


def totals(tx: Tx) -> Totals:
    """How much there is of everything."""
    row = tx.row(
        "SELECT (SELECT count(*) FROM orders),"
        " (SELECT count(*) FROM ticket WHERE state <> 'void'),"
        " (SELECT coalesce(sum(amount_msat), 0) FROM payment),"
        " (SELECT coalesce(sum(amount_msat), 0) FROM payment WHERE fate = 'tickets'),"
        " (SELECT coalesce(sum(amount_msat), 0) FROM refund WHERE state <> 'sent'),"
        " (SELECT coalesce(sum(amount_msat), 0) FROM refund WHERE state = 'sent')"
    )
    assert row is not None
    return Totals(*row)


def check_ledger(tx: Tx) -> list[Finding]:
    """The invariants that the ledger alone can answer."""
    return [Finding(name, says, tuple(find(tx))) for name, says, find in CHECKS]


def check_wallet(
    tx: Tx,
    received: Sequence[Received],
    balance_msat: int | None,
    sent: Sequence[Sent] | None = None,
    *,
    since: int = 0,
    began: int = NEVER,
    operators: Collection[str] = (),
) -> list[Finding]:
    """The ledger against the wallet: what came in for us, what went out for us, what it holds.

    `received` and `sent` are complete from `since` on. What the ledger wrote at or after
    `began`, when the wallet was asked, may be missing in them, and is not judged. `balance_msat`
    and `sent` are None where they were not asked for.
    """
    findings = [Finding("I4", CAME, tuple(_incoming(tx, received, since, began)))]
    if sent is not None:
        findings.append(Finding("I4b", WENT, tuple(_outgoing(tx, sent, since, began))))
    if balance_msat is not None:
        findings.append(Finding("I7", HOLDS, tuple(_short(tx, balance_msat, began, operators))))
    return findings


def behind(
    tx: Tx, received: Sequence[Received], sent: Sequence[Sent]
) -> tuple[list[Received], list[Sent]]:
    """Successes of ours at the wallet that the ledger does not know of, or not yet."""
    uncredited = [one for one in received if is_ours(tx, one) and _credited(tx, one) is None]
    return uncredited, [one for one in sent if _unbooked(tx, one) is not None]


def is_ours(tx: Tx, one: Received) -> bool:
    """Whether this came for an order: by its hash, or by exactly an id that we asked under.

    An id that has the form of ours is not ours, nor is what reached this wallet because it paid
    a refund to itself.
    """
    if orphans.is_closed(tx, one.payment_hash):
        return False
    known = "SELECT 1 FROM payment_hash WHERE hash = ? AND use = 'invoice'"
    if tx.row(known, (one.payment_hash,)) is not None:
        return True
    if orphans.is_open(tx, one.payment_hash):
        return True
    asked = "SELECT 1 FROM invoice WHERE external_id = ?"
    return one.external_id is not None and tx.row(asked, (one.external_id,)) is not None


def is_spend(tx: Tx, one: Sent) -> bool:
    """Whether this went out for a refund or a payout of ours."""
    known = "SELECT 1 FROM payment_hash WHERE hash = ? AND use <> 'invoice'"
    return tx.row(known, (one.payment_hash,)) is not None


def owed_at(tx: Tx, began: int, operators: Collection[str]) -> tuple[int, int]:
    """(refunds due, organizers' shares) in msat, as they were before `began`.

    A payout that is due is still its organizer's share; one that is being sent may have left,
    and what its way cost with it. The share of an organizer who operates this bot is not
    counted: it is their own wallet.
    """
    due = "SELECT coalesce(sum(amount_msat), 0) FROM refund WHERE state = 'due' AND decided_at < ?"
    row = tx.row(due, (began,))
    shares = tx.rows(
        "SELECT substr(account, 11), -sum(amount_msat) FROM entry"
        " WHERE account LIKE 'organizer:%' AND at < ? GROUP BY account",
        (began,),
    )
    waits = tx.rows(
        "SELECT organizer, state, amount_msat FROM payout WHERE state <> 'sent' AND decided_at < ?",
        (began,),
    )
    left: dict[str, int] = dict(shares)
    for pubkey, state, amount in waits:
        more = amount if state == "due" else -reserve(amount)
        left[pubkey] = left.get(pubkey, 0) + more
    owed = sum(max(0, share) for pubkey, share in left.items() if pubkey not in operators)
    return (row[0] if row else 0), owed


def _incoming(tx: Tx, received: Sequence[Received], since: int, began: int) -> Iterator[str]:
    shown = set()
    for one in received:
        if not is_ours(tx, one):
            continue
        shown.add(one.payment_hash)
        credited = _credited(tx, one)
        if credited != one.amount_msat:
            yield (
                f"{one.payment_hash}: the wallet received {one.amount_msat} msat for "
                f"{one.external_id}, the ledger has {credited or 'nothing'}"
            )
    written = "SELECT payment_hash, amount_msat FROM payment WHERE credited_at BETWEEN ? AND ?"
    for payment_hash, amount in tx.rows(written, (since, began - 1)):
        if payment_hash not in shown:
            yield f"{payment_hash}: the ledger credits {amount} msat that the wallet does not show"


def _outgoing(tx: Tx, sent: Sequence[Sent], since: int, began: int) -> Iterator[str]:
    shown = {one.payment_hash for one in sent}
    yield from filter(None, (_unbooked(tx, one) for one in sent))
    written = (
        "SELECT spend.payment_hash, spend.amount_msat FROM spend"
        " LEFT JOIN refund ON purpose = 'refund' AND refund.id = ref"
        " LEFT JOIN payout ON purpose = 'payout' AND payout.id = ref WHERE spend.state = 'paid'"
        " AND coalesce(refund.sent_at, payout.sent_at, made_at) BETWEEN ? AND ?"
    )
    for payment_hash, amount in tx.rows(written, (since, began - 1)):
        if payment_hash not in shown:
            yield f"{payment_hash}: the ledger paid {amount} msat that the wallet does not show"


def _short(tx: Tx, balance_msat: int, began: int, operators: Collection[str]) -> Iterator[str]:
    due, shares = owed_at(tx, began, operators)
    if balance_msat < due + shares:
        yield (
            f"balance: the wallet holds {balance_msat} msat; {due} msat are owed to buyers and "
            f"{shares} msat to organizers"
        )


def _credited(tx: Tx, one: Received) -> int | None:
    row = tx.row("SELECT amount_msat FROM payment WHERE payment_hash = ?", (one.payment_hash,))
    return None if row is None else int(row[0])


def _unbooked(tx: Tx, one: Sent) -> str | None:
    """What is wrong with the ledger's side of money that went out; None: nothing, or not ours."""
    if not is_spend(tx, one):
        return None
    row = tx.row(
        "SELECT state, amount_msat, fee_msat FROM spend WHERE payment_hash = ?",
        (one.payment_hash,),
    )
    if row == ("paid", one.amount_msat, one.fee_msat):
        return None
    says = "has nothing" if row is None else f"calls {row[1]} msat and {row[2]} of fee {row[0]}"
    return (
        f"{one.payment_hash}: the wallet paid {one.amount_msat} msat and {one.fee_msat} of fee, "
        f"the ledger {says}"
    )


def _fates(tx: Tx) -> list[str]:
    rows = tx.rows(
        "SELECT payment_hash, amount_msat,"
        " (SELECT coalesce(sum(iif(state = 'void', kept_msat, price_msat)), 0) FROM ticket"
        "  WHERE ticket.order_id = payment.order_id"
        "  AND ticket.payment_hash = payment.payment_hash) AS tickets,"
        " (SELECT coalesce(sum(amount_msat), 0) FROM refund"
        "  WHERE refund.order_id = payment.order_id"
        "  AND refund.payment_hash = payment.payment_hash) AS refunds"
        " FROM payment WHERE amount_msat <> tickets + refunds"
    )
    return [f"{h}: {a} msat came, {t} became tickets, {r} go back" for h, a, t, r in rows]


def _seats(tx: Tx) -> list[str]:
    rows = tx.rows(
        "SELECT event_id, tier, held, sold,"
        " (SELECT coalesce(sum(quantity), 0) FROM orders WHERE orders.event_id = seats.event_id"
        "  AND (seats.tier = '' OR orders.tier = seats.tier)"
        "  AND state IN ('held', 'invoiced')) AS open,"
        " (SELECT count(*) FROM ticket WHERE ticket.event_id = seats.event_id"
        "  AND (seats.tier = '' OR ticket.tier = seats.tier) AND state <> 'void') AS live"
        " FROM seats WHERE held <> open OR sold <> live"
        " OR (capacity IS NOT NULL AND held + sold > capacity)"
    )
    return [
        f"{e} {t!r}: held {h} (orders {o}), sold {s} (tickets {n})" for e, t, h, s, o, n in rows
    ]


def _paid_orders(tx: Tx) -> list[str]:
    rows = tx.rows(
        "SELECT id, state, quantity, (SELECT count(*) FROM ticket WHERE order_id = orders.id"
        " AND ticket.state <> 'void') AS live FROM orders"
        " WHERE (state = 'paid') <> (live > 0) OR (state = 'paid' AND live > quantity)"
    )
    return [f"order {i}: it is {s} with {n} of {q} tickets" for i, s, q, n in rows]


def _books(tx: Tx) -> list[str]:
    rows = tx.rows("SELECT ref, sum(amount_msat) AS odd FROM entry GROUP BY ref HAVING odd <> 0")
    broken = [f"{ref}: entries sum to {odd} msat" for ref, odd in rows]
    for name, facts in MOVED.items():
        rows = tx.rows(
            f"SELECT id, sum(fact), sum(booked) FROM ({facts} UNION ALL"
            " SELECT substr(ref, ?), 0, amount_msat FROM entry"
            " WHERE account = 'wallet' AND ref LIKE ?) GROUP BY id HAVING sum(fact) <> sum(booked)",
            (len(name) + 2, f"{name}:%"),
        )
        broken += [
            f"{name}:{i}: {fact} msat moved, {booked} are booked" for i, fact, booked in rows
        ]
    return broken


def _void(tx: Tx) -> list[str]:
    """Refunds of tickets: each void ticket that was paid for names the one that pays it back."""
    rows = tx.rows(
        "SELECT id FROM ticket WHERE state = 'void' AND refund_id IS NULL"
        " AND payment_hash IS NOT NULL AND price_msat > kept_msat"
    )
    broken = [f"ticket {row[0]} is void, and no refund gives its price back" for row in rows]
    rows = tx.rows("SELECT id, state FROM ticket WHERE refund_id IS NOT NULL AND state <> 'void'")
    broken += [f"ticket {i} is {s}, and its price goes back" for i, s in rows]
    rows = tx.rows(
        "SELECT refund.id, refund.amount_msat, coalesce(sum(price_msat - kept_msat), 0) AS prices"
        " FROM refund JOIN payment ON payment.payment_hash = refund.payment_hash"
        " LEFT JOIN ticket ON ticket.refund_id = refund.id"
        " AND ticket.payment_hash = refund.payment_hash"
        " WHERE fate = 'tickets' GROUP BY refund.id HAVING prices <> refund.amount_msat"
    )
    return broken + [f"refund {i} is {a} msat, its void tickets cost {p}" for i, a, p in rows]


def _refunds(tx: Tx) -> list[str]:
    """Paid exactly once: by one bolt11, or by hand; at most one is under way."""
    rows = tx.rows(
        "SELECT refund.id, refund.state, refund.amount_msat,"
        " coalesce(sum(spend.state = 'open'), 0) AS open,"
        " coalesce(sum(spend.state = 'paid'), 0) AS paid,"
        " coalesce(sum(spend.amount_msat <> refund.amount_msat), 0) AS odd,"
        " hand.ref IS NOT NULL AS hand"
        " FROM refund LEFT JOIN spend ON purpose = 'refund' AND spend.ref = refund.id"
        " LEFT JOIN (SELECT DISTINCT ref FROM entry WHERE account = 'by hand') AS hand"
        "  ON hand.ref = 'sent:' || refund.id"
        " GROUP BY refund.id HAVING odd > 0 OR open <> (refund.state = 'sending')"
        " OR paid + hand <> (refund.state = 'sent')"
    )
    broken = [
        f"refund {i} of {a} msat is {s}, with {p} bolt11s paid, {o} under way, {w} of another"
        f" amount, {'and' if h else 'not'} paid by hand"
        for i, s, a, o, p, w, h in rows
    ]
    rows = tx.rows(
        "SELECT payment_hash FROM spend WHERE purpose = 'refund'"
        " AND ref NOT IN (SELECT id FROM refund)"
    )
    return broken + [f"bolt11 {row[0]} pays a refund that is not there" for row in rows]


def _refund_books(tx: Tx) -> list[str]:
    """What the book owes, and what left the wallet, is what refunds and bolt11s say."""
    row = tx.row(
        "SELECT (SELECT coalesce(-sum(amount_msat), 0) FROM entry WHERE account = 'refunds'),"
        " (SELECT coalesce(sum(amount_msat), 0) FROM refund WHERE state <> 'sent'),"
        " (SELECT coalesce(-sum(amount_msat), 0) FROM entry WHERE account = 'wallet'"
        "  AND ref LIKE 'sent:%'),"
        " (SELECT coalesce(sum(amount_msat + fee_msat), 0) FROM spend"
        "  WHERE purpose = 'refund' AND state = 'paid')"
    )
    assert row is not None
    owes, owed, left, spent = row
    broken = [] if owes == owed else [f"the book owes {owes} msat back, the refunds {owed}"]
    if left != spent:
        broken.append(f"in the book {left} msat left the wallet for refunds, by bolt11s {spent}")
    return broken


def _tokens(tx: Tx) -> list[str]:
    rows = tx.rows("SELECT id FROM ticket WHERE length(token_hash) <> 32 OR length(nonce) <> 8")
    return [f"ticket {row[0]} has no token" for row in rows]


CHECKS: tuple[tuple[str, str, Callable[[Tx], list[str]]], ...] = (
    ("I1", "each payment = its live tickets + its refunds + what is kept of it", _fates),
    ("I2", "held + sold ≤ capacity, and both as orders and tickets say", _seats),
    ("I1b", "an order is paid if and only if it has live tickets", _paid_orders),
    ("I1c", "a void ticket that was paid for names the refund of its price", _void),
    ("I8", "a refund is sent exactly once, and at most one bolt11 is under way", _refunds),
    ("I9", "the book owes, and has paid back, what the refunds say", _refund_books),
    ("I10", "every event's account is what its payments and payouts say", audit_payouts.shares),
    ("I10b", "the book owes organizers what the events say", audit_payouts.book),
    ("I11", "a payout is sent exactly once, and made of its parts", audit_payouts.payouts),
    ("I5", "every ticket has the one token of its version", _tokens),
    ("I5b", "a ticket stands where its scans leave it, and so do the counts", scans.unexplained),
    ("I6", "every entry is balanced, and the book equals the payments", _books),
    (
        "I12",
        "a code was used for the tickets that are held or were paid with it",
        promos.miscounted,
    ),
)
