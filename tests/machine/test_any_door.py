"""Any scans in any order, live or told later, twice or not: states, stories and counts agree."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import NamedTuple

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.ledger import shelf
from tests.ledger.shelf import NOW
from ticketbot.domain.admission import GREEN, Kind, Outcome, Shown, State
from ticketbot.domain.scanning import Scan
from ticketbot.domain.ticket import TicketKey
from ticketbot.errors import Refused
from ticketbot.handlers.context import Context, Settings
from ticketbot.handlers.door import admitting
from ticketbot.ledger import conflicts, scans, tickets
from ticketbot.ledger.listings import Listed
from ticketbot.ledger.store import Tx

TICKETS = ("a" * 16, "b" * 16, "c" * 16)
BOT = Settings("b" * 64, "Lisbon", (), frozenset(), None)
KEY = TicketKey.from_bytes(b"k" * 32)


class Step(NamedTuple):
    """One scan; `ago` is None for a live one. `void`: its price goes back first."""

    kind: Kind
    ticket: int
    gate: str
    nonce: int
    ago: int | None
    void: bool


steps = st.builds(
    Step,
    kind=st.sampled_from(list(Kind)),
    ticket=st.integers(0, len(TICKETS) - 1),
    gate=st.sampled_from(["A", "B"]),
    nonce=st.integers(0, 12),
    ago=st.none() | st.integers(0, 500),
    void=st.sampled_from([False] * 19 + [True]),
)


@settings(deadline=None, max_examples=60)
@given(st.lists(steps, min_size=5, max_size=40))
def test_any_evening_at_the_door_adds_up(evening: list[Step]) -> None:
    with tempfile.TemporaryDirectory() as folder, shelf.shelf(Path(folder)) as tx:
        listing = shelf.on_sale(tx, start=NOW, end=NOW + 10_000)
        event = Listed(listing, "LISBON", "on-sale")
        order = shelf.order(tx, "e4vr600i6hb7", quantity=3, amount_msat=15_000_000)
        for ticket in TICKETS:
            shelf.ticket(tx, order, ticket)
        for number, step in enumerate(evening):
            ctx = Context(NOW + number, BOT, KEY, bytes, float(NOW + number))
            _plays(step, event, tx, ctx)
            assert scans.unexplained(tx) + conflicts.miscounted(tx) == []
        inside = sum(_state(tx, one) is State.ADMITTED for one in TICKETS)
        counted = sum(
            one.entries + one.returns - one.exits for one in scans.counts(tx, event[0].event_id)
        )
        void = sum(_state(tx, one) is State.VOID for one in TICKETS)
        assert inside <= counted <= inside + void


def _plays(step: Step, event: Listed, tx: Tx, ctx: Context) -> None:
    ticket = TICKETS[step.ticket]
    if step.void:
        tickets.void(tx, [ticket], None)
    before = _state(tx, ticket)
    at = None if step.ago is None else ctx.now - step.ago
    nonce = f"nonce-{step.nonce:04}"
    scan = Scan(step.kind, Shown(ticket), step.gate, nonce, at)
    known = scans.told(tx, scans.nonce_tag(tx, event.listing.event_id, nonce))
    try:
        seen = admitting.decide(event, scan, None, tx, ctx)
    except Refused:
        assert known is not None
        assert (known.ticket, known.kind) != (ticket, step.kind)
        return
    outcome = Outcome(str(seen.facts["outcome"]))
    moved = _state(tx, ticket) is not before
    assert moved == (outcome in GREEN and known is None)
    if known is not None:
        assert outcome is known.outcome
    if before is State.VOID and known is None:
        assert outcome is Outcome.VOID
    again = admitting.decide(event, scan, None, tx, ctx)
    assert again.facts["outcome"] == seen.facts["outcome"]


def _state(tx: Tx, ticket: str) -> State:
    row = tickets.get(tx, ticket)
    assert row is not None
    return State(row.state)
