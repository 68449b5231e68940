"""Marks, the journal, the inbox, the outbox, people: what each of them remembers."""

from __future__ import annotations

import pytest

from tests.ledger.shelf import ALICE, BOB, DAY, NOW, on_sale, order
from ticketbot.errors import Broken
from ticketbot.keys import Keys
from ticketbot.ledger import (
    forgetting,
    inbox,
    journal,
    marks,
    outbox,
    overview,
    people,
    restored,
    staff,
    verdicts,
)
from ticketbot.ledger.people import FARTHEST_AHEAD
from ticketbot.ledger.store import Tx
from ticketbot.ledger.vault import Vault, open_vault
from ticketbot.ledger.verdicts import Verdict


def test_marks(tx: Tx) -> None:
    assert (marks.get(tx, "a"), marks.number(tx, "a"), marks.number(tx, "a", 7)) == (None, 0, 7)
    marks.put(tx, "a", "1")
    marks.put(tx, "a", "2")
    assert (marks.get(tx, "a"), marks.number(tx, "a")) == ("2", 2)
    marks.raise_to(tx, "a", 10)
    marks.raise_to(tx, "a", 9)
    assert marks.number(tx, "a") == 10
    assert (marks.first(tx, "a", 3), marks.first(tx, "b", 3)) == (10, 3)
    assert marks.once(tx, "c", "x") and marks.once(tx, "c", "x") and not marks.once(tx, "c", "y")
    marks.put(tx, "relay:wss://a", "5")
    marks.put(tx, "relax", "6")
    assert marks.under(tx, "relay:") == {"wss://a": "5"}
    marks.drop(tx, "a")
    assert marks.get(tx, "a") is None
    assert marks.heartbeat(tx) is None
    marks.put(tx, "heartbeat", '{"at":1}')
    assert marks.heartbeat(tx) == {"at": 1}


def test_the_journal_tells_in_order_what_was_decided(tx: Tx) -> None:
    journal.note(tx, NOW + 5, "one", "placed", msat=5, tier="VIP", free=False)
    journal.note(tx, NOW, "two", "placed")
    journal.note(tx, NOW + 1, "one", "released", why="order-lapsed")
    story = journal.of(tx, "one")
    assert [(one.at - NOW, one.what) for one in story] == [(5, "placed"), (1, "released")]
    assert story[0].subject == "one"
    assert story[0].detail == {"msat": 5, "tier": "VIP", "free": False}
    assert [one.what for one in journal.of(tx, "one", "two")] == ["placed", "placed", "released"]
    assert journal.why_released(tx, "one") == "order-lapsed"
    assert journal.why_released(tx, "two") is None


def test_a_letter_is_claimed_once_and_forgotten_page_by_page(tx: Tx) -> None:
    assert inbox.claim(tx, b"1" * 32, NOW) and not inbox.claim(tx, b"1" * 32, NOW + 5)
    assert inbox.claim(tx, b"2" * 32, NOW) and inbox.claim(tx, b"3" * 32, NOW + 1)
    assert inbox.forget(tx, NOW + 1, 1) == 1
    assert inbox.forget(tx, NOW + 1) == 1
    assert inbox.forget(tx, NOW + 1) == 0
    assert not inbox.claim(tx, b"3" * 32, NOW)
    assert tx.row("SELECT 1 FROM inbox WHERE key = ?", (b"3" * 32,)) is None  # it cannot be guessed


def test_a_request_is_bound_to_its_order(tx: Tx) -> None:
    on_sale(tx)
    one = order(tx, "a" * 12)
    key = inbox.request_key(tx, one.person, "r1")
    assert key != inbox.request_key(tx, one.person + 1, "r1")
    assert key != inbox.request_key(tx, one.person, "r2")
    assert inbox.remembered(tx, key) is None
    inbox.remember(tx, key, "lisbon|1", one.id)
    assert inbox.remembered(tx, key) == (inbox.content_tag(tx, "lisbon|1"), one.id)
    assert inbox.content_tag(tx, "lisbon|1") != inbox.content_tag(tx, "lisbon|2")


def test_the_outbox_hands_out_what_is_due(tx: Tx) -> None:
    outbox.put(tx, "a", "message", NOW, {"text": "good morning"})
    outbox.put(tx, "a", "message", NOW, {"text": "ho"})  # it is queued already
    outbox.put(tx, "b", "message", NOW - 5, {})
    outbox.put(tx, "c", "invoice", NOW, {})
    outbox.put(tx, "d", "message", NOW + 1, {})
    none: frozenset[int] = frozenset()
    found = outbox.due(tx, "message", NOW, none, 9)
    assert [(one.key, one.kind, one.attempts) for one in found] == [
        ("b", "message", 0), ("a", "message", 0),
    ]  # fmt: skip
    assert found[1].body == {"text": "good morning"}
    assert b"good" not in tx.row("SELECT body FROM outbox WHERE key = 'a'")[0]  # type: ignore[index]
    assert [one.key for one in outbox.due(tx, "message", NOW, none, 1)] == ["b"]
    assert [one.key for one in outbox.due(tx, "message", NOW, frozenset({found[0].id}), 1)] == ["a"]
    outbox.postpone(tx, found[0].id, NOW + 9)
    assert [one.key for one in outbox.due(tx, "message", NOW + 9, none, 9)] == ["a", "d", "b"]
    assert outbox.due(tx, "message", NOW + 9, none, 9)[2].attempts == 1
    assert (outbox.pending(tx), outbox.late(tx, NOW), outbox.late(tx, NOW - 5)) == (4, 1, 0)
    outbox.done(tx, found[0].id)
    outbox.done_all(tx, [])
    outbox.done_all(tx, [found[1].id])
    assert outbox.pending(tx) == 2


def test_who_has_a_message_already(tx: Tx) -> None:
    outbox.put(tx, "a", "message", NOW, {})
    (row,) = outbox.due(tx, "message", NOW, frozenset(), 9)
    outbox.accept(tx, row.id, "wss://one")
    outbox.accept(tx, row.id, "wss://one")
    outbox.accept(tx, row.id + 1, "wss://two")
    assert outbox.accepted(tx, row.id) == {"wss://one"}
    outbox.done(tx, row.id)
    outbox.accept(tx, row.id, "wss://one")
    assert outbox.accepted(tx, row.id) == set()


def test_rows_that_change_their_minds(tx: Tx) -> None:
    outbox.hasten(tx, "a", "refund", NOW + 9, {"refund": "r", "reminded": 0})
    (row,) = outbox.due(tx, "refund", NOW + 9, frozenset(), 9)
    outbox.postpone(tx, row.id, NOW + 99)
    outbox.hasten(tx, "a", "refund", NOW + 5, {"refund": "other"})
    (row,) = outbox.due(tx, "refund", NOW + 5, frozenset(), 9)
    assert (row.attempts, row.body) == (0, {"refund": "r", "reminded": 0})
    outbox.hasten(tx, "a", "refund", NOW + 7, {})
    assert len(outbox.due(tx, "refund", NOW + 5, frozenset(), 9)) == 1
    outbox.amend(tx, "a", reminded=1, useless="x")
    outbox.amend(tx, "nothing", reminded=1)
    assert outbox.body_of(tx, "a") == {"refund": "r", "reminded": 1, "useless": "x"}
    outbox.replace_body(tx, row.id, {"refund": "s"})
    assert outbox.body_of(tx, "a") == {"refund": "s"}
    assert outbox.pending(tx) == 0  # it waits for a person, not for us
    outbox.drop(tx, "a")
    assert outbox.body_of(tx, "a") is None


def test_a_clock_put_back_lets_nothing_wait_for_days(tx: Tx) -> None:
    waits = {"message": DAY, "invoice": DAY, "note": 901, "closing": DAY, "refund": 900}
    for kind, due in waits.items():
        outbox.put(tx, kind, kind, NOW + due, {})
    outbox.put(tx, "soon", "message", NOW + 900, {})
    assert outbox.pull_in(tx, NOW, 900) == 3
    assert dict(tx.rows("SELECT key, due - ? FROM outbox", (NOW,))) == {
        "message": 0, "invoice": 0, "note": 0, "closing": DAY, "refund": 900, "soon": 900,
    }  # fmt: skip


def test_a_clock_put_back_lets_what_people_wait_for_wait_a_day_at_most(tx: Tx) -> None:
    for kind in ("refund", "payout", "closing", "errand", "message"):
        for name, due in (("soon", NOW + DAY), ("late", NOW + DAY + 1)):
            outbox.put(tx, f"{kind} {name}", kind, due, {})
    outbox.put(tx, "errand tried", "errand", NOW, {})
    tx.change("UPDATE outbox SET attempts = 1, due = ? WHERE key = 'errand tried'", (NOW + 901,))
    assert outbox.pull_in(tx, NOW, 900) == 6
    assert dict(tx.rows("SELECT key, due - ? FROM outbox", (NOW,))) == {
        "refund soon": DAY, "refund late": 0,
        "payout soon": DAY, "payout late": 0,
        "closing soon": DAY, "closing late": DAY,
        "errand soon": DAY, "errand late": DAY + 1, "errand tried": 0,
        "message soon": 0, "message late": 0,
    }  # fmt: skip


def test_what_of_an_order_waits_and_what_was_put_aside(tx: Tx) -> None:
    mine, other = "a" * 12, "b" * 12
    for key, kind in (
        (f"{mine}:ticket:0:0", "message"), (f"invoice:{mine}-1", "invoice"),
        (f"refund:{mine}-r1", "refund"), (f"{other}:ticket:0:0", "message"),
    ):  # fmt: skip
        outbox.put(tx, key, kind, NOW, {})
    (first, _) = outbox.due(tx, "message", NOW, frozenset(), 9)
    outbox.accept(tx, first.id, "wss://two")
    outbox.accept(tx, first.id, "wss://one")
    outbox.postpone(tx, first.id, NOW + 4)
    assert overview.waiting_of(tx, mine) == [
        overview.Waiting(first.key, "message", 1, NOW + 4, ("wss://one", "wss://two")),
        overview.Waiting(f"invoice:{mine}-1", "invoice", 0, NOW, ()),
        overview.Waiting(f"refund:{mine}-r1", "refund", 0, NOW, ()),
    ]
    for key in (f"{mine}:ticket:0:0", f"{other}:ticket:0:0"):
        outbox.quarantine(tx, "outbox", key, "boom", b"{}", NOW)
    assert overview.put_aside_of(tx, mine) == [f"{mine}:ticket:0:0"]
    assert overview.counts(tx).poison == 2
    sealed = tx.row("SELECT at, room, error, body FROM quarantine")
    assert sealed is not None and sealed[:2] == (NOW, "outbox") and b"boom" not in sealed[2]
    assert tx.vault.open(sealed[2], b"quarantine-error") == b"boom"
    assert tx.vault.open(sealed[3], b"quarantine") == b"{}"
    assert (forgetting.drop_poison(tx, NOW), forgetting.drop_poison(tx, NOW + 1)) == (0, 2)


def test_people_are_found_by_who_has_the_key(tx: Tx) -> None:
    assert people.known(tx, ALICE) is None
    alice = people.meet(tx, ALICE)
    assert (alice.pubkey, alice.via) == (ALICE, "auto")
    assert people.meet(tx, ALICE, "nip17") == alice._replace(via="nip17")
    assert people.meet(tx, ALICE) == people.person(tx, alice.id) == alice._replace(via="nip17")
    bob = people.meet(tx, BOB, "nip04")
    assert bob.id != alice.id and people.known(tx, BOB) == bob
    assert bytes.fromhex(ALICE) not in tx.row("SELECT lookup, sealed FROM person WHERE id = 1")  # type: ignore[operator]
    with pytest.raises(LookupError, match="person 77"):
        people.person(tx, 77)


def test_a_language_that_was_chosen_is_not_undone_by_a_guess(tx: Tx) -> None:
    alice, bob = people.meet(tx, ALICE), people.meet(tx, BOB)
    guessed = people.speaks(tx, alice, "es", chosen=False)
    assert guessed == people.person(tx, alice.id) == alice._replace(language="es")
    assert people.speaks(tx, guessed, "pt", chosen=False).language == "pt"
    chosen = people.speaks(tx, guessed, "es", chosen=True)
    assert chosen == people.known(tx, ALICE) == alice._replace(language="es", chosen=True)
    assert people.speaks(tx, chosen, "en", chosen=False) == chosen
    assert people.language_of(tx, alice.id) == ("es", True)
    assert people.speaks(tx, chosen, "en", chosen=True).language == "en"
    assert people.language_of(tx, alice.id) == ("en", True)
    assert people.language_of(tx, bob.id) == people.language_of(tx, 77) == ("", False)


def test_no_two_messages_to_one_person_have_the_same_second(tx: Tx) -> None:
    alice = people.meet(tx, ALICE).id
    assert [people.next_stamp(tx, alice, NOW) for _ in range(3)] == [NOW, NOW + 1, NOW + 2]
    assert people.next_stamp(tx, alice, NOW + 50) == NOW + 50
    assert people.next_stamp(tx, alice, NOW - DAY) == NOW - DAY + FARTHEST_AHEAD
    assert people.next_stamp(tx, 77, NOW) == NOW


def test_a_restored_ledger_remembers_it_for_a_week(tx: Tx) -> None:
    assert restored.at(tx, NOW) is None and not restored.catching_up(tx, NOW)
    assert restored.refunds_wait(tx) is None
    restored.caught_up(tx)
    restored.mark(tx, NOW, NOW - DAY)
    last = NOW + restored.LASTS - 1
    assert restored.at(tx, last) == NOW and restored.at(tx, last + 1) is None
    assert restored.catching_up(tx, last) and not restored.catching_up(tx, last + 1)
    assert restored.refunds_wait(tx) == NOW - DAY
    restored.caught_up(tx)
    restored.refunds_go_on(tx)
    assert not restored.catching_up(tx, NOW) and restored.refunds_wait(tx) is None
    assert restored.at(tx, NOW) == NOW


def test_the_last_look_at_the_books(tx: Tx) -> None:
    assert verdicts.last(tx) is None
    seen = Verdict(NOW, None, "silent", 1, {"I4 x": "differs"})
    verdicts.keep(tx, seen)
    assert verdicts.last(tx) == seen


def test_the_vault_opens_what_it_sealed_for_the_same_purpose_only() -> None:
    vault = Vault(b"f" * 32, b"l" * 32)
    sealed = vault.seal(b"plain", b"person")
    assert vault.open(sealed, b"person") == b"plain" and vault.seal(b"plain", b"person") != sealed
    for other, about in ((vault, b"spend"), (Vault(b"x" * 32, b"l" * 32), b"person")):
        with pytest.raises(Broken, match="written with another nsec"):
            other.open(sealed, about)
    tag = vault.tag(b"person", b"key")
    assert len(tag) == 16 and tag == vault.tag(b"person", b"key")
    assert vault.tag(b"inbox", b"key") != tag
    assert len({tag, vault.tag(b"persons", b"key"), vault.tag(b"person", b"kez")}) == 3


def test_the_vault_of_a_key_is_always_the_same() -> None:
    """Whoever updates the bot keeps their ledger."""
    vault = open_vault(Keys(b"\7" * 32))
    sealed = "010101010101010101010101f97dd5804f8df340207c24f2575035e06accb4a067"
    assert vault.open(bytes.fromhex(sealed), b"person") == b"plain"
    assert vault.tag(b"person", b"key").hex() == "7bd3e879965c23e0da775db9bd58adb0"


def test_requests_and_people_at_the_door_that_an_older_bot_knew_are_known(tx: Tx) -> None:
    tx.vault = open_vault(Keys(b"\7" * 32))
    assert inbox.request_key(tx, 7, "r1").hex() == "9524f3de669b9373b29991d1e1cf6319"
    assert inbox.content_tag(tx, "lisbon|1").hex() == "d053d0c82cc205ed835165085adb7f32"
    assert staff.person_tag(tx, ALICE).hex() == "cb77bb72508effc058cde8b2d621afba"


def test_a_letter_that_was_answered_by_an_older_bot_stays_answered(tx: Tx) -> None:
    known = tx.vault.tag(b"inbox", b"1" * 32)
    tx.change("INSERT INTO inbox (key, at) VALUES (?, ?)", (known, NOW))
    assert not inbox.claim(tx, b"1" * 32, NOW)


def test_an_error_that_quotes_half_a_character_is_put_aside_all_the_same(tx: Tx) -> None:
    outbox.quarantine(tx, "inbox", "a", "half \ud800", b"{}", NOW)
    assert overview.counts(tx).poison == 1
