"""What must be true of any evening: at every moment, and when all is settled.

Each function answers with complaints, none when all is well. They read the ledger, the
wallet's own books and what people's phones have shown, and believe none of them alone.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator, Mapping

import orjson

from tests.machine import treasury
from tests.machine.people import Person
from tests.machine.town import MINUTE, Town
from ticketbot.bookkeeping import ask
from ticketbot.domain.ticket import verify_token
from ticketbot.ledger.audit import check_ledger, check_wallet
from ticketbot.ledger.people import person

FORGOTTEN = "this was the last I know of you"
GOES_BACK = "goes back to you"
BAD_NEWS = {
    "payment.undecided",
    "inbox.quarantined",
    "outbox.row_fails",
    "message.cannot_be_sealed",
}
ROUNDS = 400
HOME = "me@home.example"
PLENTY = 10**9  # msat, so that it is no want of money that keeps refunds from going
WAITING = (
    "SELECT due AS at FROM outbox WHERE kind NOT IN ('refund', 'payout')",
    "SELECT due FROM outbox JOIN refund ON key = 'refund:' || refund.id"
    " WHERE destination IS NOT NULL OR state = 'sent'",
    "SELECT due FROM outbox JOIN payout ON key = 'payout:' || payout.id"
    " WHERE destination IS NOT NULL OR state = 'sent'",
    "SELECT hold_until FROM orders WHERE state IN ('held', 'invoiced')",
)
SENT = (
    "SELECT amount_msat FROM refund WHERE state = 'sent' UNION ALL"
    " SELECT amount_msat FROM payout WHERE state = 'sent' AND NOT EXISTS"
    " (SELECT 1 FROM entry WHERE account = 'by hand' AND ref = 'paid:' || payout.id)"
)


def always(town: Town, most: Mapping[str, float]) -> Iterator[str]:
    """At every moment. `most`: the largest number of seats an event was ever given."""
    tx = town.tx()
    for finding in check_ledger(tx):
        yield from (f"{finding.name}: {broken}" for broken in finding.broken)
    for one in town.post.people.values():
        yield from one.broken
    bad_news = [one for one in town.log if one["event"] in BAD_NEWS]
    if len(bad_news) > town.errors:  # more than a failpoint raised
        yield from map(str, bad_news)
    yield from treasury.at_every_moment(town)
    yield from _overbooked(town, most)
    yield from _released_blindly(town)
    yield from _bought_twice(town)


def at_the_end(town: Town) -> Iterator[str]:
    """When all is settled: every payment has its fate, and its payer knows."""
    tx = town.tx()
    yield from (f"still to do: {row}" for row in tx.rows("SELECT key, due FROM outbox"))
    yield from (f"put aside: {row}" for row in tx.rows("SELECT room, error FROM quarantine"))
    yield from (
        f"seats never came back: {row}" for row in tx.rows("SELECT * FROM seats WHERE held > 0")
    )
    shown = town.loop.run_until_complete(ask(town.wallet, 0))
    for finding in check_wallet(tx, shown.received, shown.balance, shown.sent):
        yield from (f"{finding.name}: {broken}" for broken in finding.broken)
    yield from _unwatched(town)
    sent = tx.row(f"SELECT count(*), coalesce(sum(amount_msat), 0) FROM ({SENT})")
    if sent != (len(shown.sent), sum(one.amount_msat for one in shown.sent)):
        yield f"the wallet sent {shown.sent}, refunds and payouts are {sent}"
    yield from treasury.organizer_knows(town, town.organizer)
    for one in town.buyers:
        if one.said(FORGOTTEN):
            continue
        yield from _holds_what_was_paid(town, one)
        yield from _knows_what_goes_back(town, one)


def settle(town: Town) -> None:
    """The wallet, the relays and the clock are well again: let everything come to its end."""
    town.calm()
    town.wallet.down = town.wallet.deaf = False
    town.wallet.slow, town.wallet.lose_answers = 0.0, 0
    town.clock_error = 0
    town.post.mood = "fine"
    town.post.let_through([])
    town.addresses.mood, town.wallet.fate, town.wallet.poor = "give", "paid", False
    town.wallet.lose_payments = 0
    town.loop.run_until_complete(town.wallet.pay_in(PLENTY))
    for payment_hash in town.wallet.unfinished():
        town.wallet.finish(payment_hash)
    until_quiet(town)
    for (order_id,) in town.tx().rows("SELECT order_id FROM refund WHERE state = 'due'"):
        one = town.operator  # of who asked to be forgotten
        town.post.send(one.wrap(one.letter(f"refund {order_id} {HOME}", "nip17")))
    town.post.send(town.organizer.wrap(town.organizer.letter(f"payout to {HOME}", "nip17")))
    for word in (f"refund {HOME}", "resend"):
        for one in town.buyers:
            town.post.send(one.wrap(one.letter(word, "nip17")))
        until_quiet(town)


def until_quiet(town: Town) -> None:
    town.lives_on(MINUTE)
    for _ in range(ROUNDS):
        waits = _waits_until(town)
        if waits is None:
            return
        town.skip(max(0, waits - int(town.bot_time())))
        town.lives_on(MINUTE)


def _waits_until(town: Town) -> int | None:
    """When the next thing happens by itself; None when nothing does."""
    row = town.tx().row(f"SELECT min(at) FROM ({' UNION ALL '.join(WAITING)})")
    return None if row is None else row[0]


def _overbooked(town: Town, most: Mapping[str, float]) -> Iterator[str]:
    for event_id, held, sold in town.tx().rows(
        "SELECT event_id, held, sold FROM seats WHERE tier = ''"
    ):
        if held + sold > most[event_id]:
            yield f"{event_id}: {held} held and {sold} sold of {most[event_id]} seats"


def _released_blindly(town: Town) -> Iterator[str]:
    """A hold that lapsed while its buyer could pay: the wallet had said, at its end, unpaid."""
    for order_id, hold_until, at, payment_hash in town.tx().rows(
        "SELECT orders.id, hold_until, gone.at, made.detail ->> 'payment'"
        " FROM orders JOIN decision AS gone ON gone.subject = orders.id AND gone.what = 'released'"
        " JOIN decision AS made ON made.subject = orders.id AND made.what = 'invoice made'"
        " AND made.id < gone.id WHERE gone.detail ->> 'why' = 'order-lapsed'"
        " GROUP BY orders.id HAVING made.id = min(made.id)"
    ):
        said = town.wallet.said[payment_hash]
        if not any(hold_until <= when and what != "settled" for when, what in said):
            yield f"order {order_id} was released at {at} without asking the wallet: {said}"


def _bought_twice(town: Town) -> Iterator[str]:
    for row in town.tx().rows(
        "SELECT person, request_id, count(*) FROM orders WHERE request_id IS NOT NULL"
        " GROUP BY person, request_id HAVING count(*) > 1"
    ):
        yield f"one request, many orders: {row}"


def _unwatched(town: Town) -> Iterator[str]:
    """Whatever the wallet made for us can be paid, so the ledger must know it.

    An answer may come so late that its order is over and is not looked for any more. Such an
    invoice was never shown; should it be paid all the same, the wallet's list says for which
    order, and that money is counted with all other money.
    """
    known = {row[0] for row in town.tx().rows("SELECT payment_hash FROM invoice")}
    over = "SELECT external_id FROM invoice JOIN orders ON order_id = orders.id"
    late = {row[0] for row in town.tx().rows(f"{over} WHERE state IN ('released', 'closed')")}
    for bill in town.wallet.bills():
        if bill.payment_hash not in known and bill.external_id not in late:
            yield f"nobody watches invoice {bill.payment_hash} of {bill.external_id}"


def _holds_what_was_paid(town: Town, one: Person) -> Iterator[str]:
    """Every live ticket is on its holder's phone, and genuine."""
    shown = {hashlib.sha256(token.encode()).digest(): token for token in one.tokens()}
    for token in shown.values():
        verify_token(token, town.signer_key)
    tx = town.tx()
    for ticket_id, holder, digest in tx.rows(
        "SELECT id, holder, token_hash FROM ticket WHERE state <> 'void' AND expires_at > ?",
        (int(town.bot_time()),),
    ):
        if person(tx, holder).pubkey == one.pubkey and digest not in shown:
            yield f"{one.pubkey[:6]} was never shown ticket {ticket_id}"


def _knows_what_goes_back(town: Town, one: Person) -> Iterator[str]:
    """Every refund was told once."""
    tx = town.tx()
    owed = Counter(person(tx, row[0]).pubkey for row in tx.rows("SELECT person FROM refund"))
    told = [m for m in one.said(GOES_BACK) if m.protocol != "24133"]
    if len(told) != owed[one.pubkey]:
        yield f"{one.pubkey[:6]}: {owed[one.pubkey]} refunds, told of {len(told)}"


def answers_to(one: Person, word: str) -> int:
    """How many messages answered the question that had this word in it."""
    return sum(
        word in (orjson.loads(m.text).get("request_id") if m.protocol == "24133" else m.text)
        for m in one.said(word)
    )
