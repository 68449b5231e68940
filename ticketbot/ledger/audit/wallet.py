"""The ledger against the wallet: what came in for us, what went out for us, what it holds."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import NamedTuple

from ticketbot.domain.payout import reserve
from ticketbot.ledger import orphans
from ticketbot.ledger.audit.finding import Finding
from ticketbot.ledger.store import Tx

NEVER = 2**62
LISTS = frozenset({"I4", "I4b"})
"""The findings that compare the wallet's lists, line by line."""
CAME = "ledger credits = the wallet's successes of ours"
WENT = "what the ledger calls paid = what the wallet paid for it, and its fee"
HOLDS = "wallet balance ≥ refunds due + what is owed to organizers"


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
