"""Whoever looks at people's data leaves a line in the journal."""

from __future__ import annotations

import pytest

from tests.story.caller import Caller
from tests.story.cast import Organizer, Person, Stage
from tests.story.memory import rows
from ticketbot.domain.nip19 import npub_encode
from ticketbot.handlers.desk import attendees, looking
from ticketbot.ledger import journal


async def test_each_look_at_people_is_written_down_once(
    stage: Stage, organizer: Organizer, alice: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By DM, from a program, over the API, in one piece or in pages: a line, which names nobody."""
    monkeypatch.setattr(attendees, "PAGE", 1)
    event_id = (await organizer.has_on_sale()).address()
    token = await alice.buys("lisbon 2")
    await alice.gets_a_ticket()
    ((order_id,),) = await rows(stage, "SELECT id FROM orders")
    caller, npub = Caller(stage, organizer.keys), npub_encode(alice.pubkey)
    await organizer.says("attendees lisbon")
    await organizer.hears("ticket,holder")
    await organizer.asks(type="attendees", request_id="1", event_id=event_id)
    await organizer.is_told("attendees")
    for path in ("attendees", "attendees.csv", f"find?words={npub}", f"orders/{order_id}"):
        assert (await caller.gets(f"/organizer/events/lisbon/{path}")).status == 200
    for words, answer in ((f"find lisbon {npub}", "Lisbon"), (f"order lisbon {order_id}", "paid")):
        await organizer.says(words)
        await organizer.hears(answer)
        await alice.says(words)
        await alice.hears()
    looks = await stage.app.store.read(lambda tx: journal.of(tx, looking.subject(event_id)))
    assert [(one.what, one.detail["way"]) for one in looks] == [
        ("attendees listed", "DM"),
        ("attendees listed", "program"),
        ("attendees listed", "API"),
        ("attendees listed", "API"),
        ("attendees searched", "API"),
        ("order shown", "API"),
        ("attendees searched", "DM"),
        ("order shown", "DM"),
    ]
    assert {one.detail["by"] for one in looks} == {"organizer"}
    assert [one.detail.get("tickets") for one in looks] == [2, 2, 2, 2, 2, None, 2, None]
    assert not any(word in str(looks) for word in (npub, alice.pubkey, token))
    await organizer.says(f"order lisbon {order_id}")
    assert "shown" not in await organizer.hears(order_id[-4:].upper())
