"""`orders show`: the whole story of one order, and nobody named in it."""

from __future__ import annotations

from tests.unit.cli_house import BotHouse, Sold
from ticketbot.domain.admission import Kind, Outcome
from ticketbot.domain.nip19 import npub_encode
from ticketbot.domain.ticket import group_id
from ticketbot.ledger import (
    journal,
    orders,
    outbox,
    people,
    refunds,
    remarks,
    scans,
    tickets,
)
from ticketbot.ledger.remarks import Remark
from ticketbot.ledger.scans import ScanRow
from ticketbot.ledger.store import Tx

WHERE = "me@example.com"


def section(out: str, title: str) -> list[str]:
    """The lines below a title, without the headings."""
    return out.split(f"\n{title}\n")[1].split("\n\n")[0].splitlines()[1:]


def buyer_of(house: BotHouse, order_id: str) -> str:
    def work(tx: Tx) -> str:
        order = orders.get(tx, order_id)
        assert order is not None
        return npub_encode(people.person(tx, order.person).pubkey)

    return house.change(work)


def test_an_order_is_found_by_the_end_of_its_id(house: BotHouse, sold: Sold) -> None:
    for text in (sold.paid, sold.paid[-4:], sold.paid[-4:].upper()):
        assert house.calls("orders", "show", text, "--json").data["order_id"] == sold.paid


def test_what_became_of_a_paid_order(house: BotHouse, sold: Sold) -> None:
    story = house.calls("orders", "show", sold.paid, "--json").data
    assert [one["what"] for one in story["decisions"]] == [
        "placed",
        "invoice made",
        "paid",
        "tickets issued",
    ]
    (invoice,) = story["invoices"]
    (payment,) = story["payments"]
    assert invoice["external_id"] == f"{sold.paid}-1"
    assert payment["payment_hash"] == invoice["payment_hash"]
    assert (payment["amount_msat"], payment["fate"]) == (10_000_000, "tickets")
    assert [(one["state"], one["version"]) for one in story["tickets"]] == [("valid", 1)] * 2
    assert (story["refunds"], story["waiting"], story["put_aside"]) == ([], [], [])


def test_it_reads_as_a_story(house: BotHouse, sold: Sold) -> None:
    ran = house.calls("orders", "show", sold.owed)
    assert (ran.code, ran.err) == (0, "")
    decided = section(ran.out, "What was decided")
    assert [line.split("  ")[1] for line in decided] == [
        "placed",
        "invoice made",
        "paid",
        "refund due",
    ]
    assert decided[2].split("  ")[-1].endswith("fate refund")
    (refund,) = section(ran.out, "Refunds")
    assert refund.split() == [
        f"{sold.owed}-r1",
        *refund.split()[1:3],
        *("4,000", "amount", "due", "not", "told", "yet"),
    ]
    assert "\nTickets\n" not in ran.out
    paid = house.calls("orders", "show", sold.paid)
    assert paid.out.endswith("Everything that was to be said is with the relays.\n")


def test_every_attempt_at_sending_a_refund(house: BotHouse, sold: Sold) -> None:
    refund = f"{sold.owed}-r1"

    def work(tx: Tx) -> None:
        for number, state in enumerate(("failed", "paid")):
            spent = f"{number:064x}"
            tx.change("INSERT INTO payment_hash VALUES (?, 'refund', ?)", (spent, refund))
            tx.change(
                "INSERT INTO spend VALUES (?, 'refund', ?, 4000000, ?, ?, ?, ?, x'00')",
                (spent, refund, 2_000 * number, state, 1_800_000_000 + number, 1_800_003_600),
            )

    house.change(work)
    lines = section(house.calls("orders", "show", sold.owed).out, "Attempts at sending them")
    assert [line.split()[5] for line in lines] == ["failed", "paid"]
    assert lines[1].split()[1:5] == ["2027-01-15", "08:00:01", "4,000", "2"]
    (told,) = house.calls("orders", "show", sold.owed, "--json").data["refunds"]
    assert [one["fee_msat"] for one in told["spends"]] == [0, 2_000]


def test_what_was_decided_about_its_event_meanwhile(house: BotHouse) -> None:
    event_id = house.lists().event_id
    house.change(lambda tx: journal.note(tx, 1, event_id, "put on sale"))
    order = house.orders(1)
    house.change(lambda tx: journal.note(tx, 2, event_id, "cancelled", code="LISBON"))
    house.pays(order)
    decided = house.calls("orders", "show", order, "--json").data["decisions"]
    assert [(one["what"], one["detail"].get("code")) for one in decided] == [
        ("placed", None),
        ("invoice made", None),
        ("event: cancelled", "LISBON"),
        ("paid", None),
        ("tickets issued", None),
    ]


def test_what_has_not_left_yet(house: BotHouse, sold: Sold) -> None:
    def work(tx: Tx) -> None:
        for number, key in enumerate((f"{sold.paid}:ticket:abc:0", f"{sold.owed}:refund:0")):
            outbox.put(tx, key, "message", 1_800_000_000 + number, {"to": "somebody"})
        (row, _) = outbox.due(tx, "message", 2**40, frozenset(), 9)
        outbox.accept(tx, row.id, "wss://relay.example")
        outbox.postpone(tx, row.id, 1_800_000_060)
        outbox.quarantine(tx, "outbox", f"{sold.paid}:invoice:0", "why", b"{}", 0)

    house.change(work)
    ran = house.calls("orders", "show", sold.paid)
    (line,) = section(ran.out, "Still to leave")
    assert line.split() == ["ticket:abc:0", "1", "2027-01-15", "08:01:00", "wss://relay.example"]
    assert ran.out.endswith("Put aside after three tries: invoice:0.\n")
    story = house.calls("orders", "show", sold.paid, "--json").data
    assert [one["key"] for one in story["waiting"]] == [f"{sold.paid}:ticket:abc:0"]
    assert story["put_aside"] == [f"{sold.paid}:invoice:0"]


def test_times_are_utc_wherever_the_operator_is(house: BotHouse, sold: Sold) -> None:
    words = ("orders", "show", sold.paid)
    assert house.run(*words, env={"TZ": "Asia/Tokyo"}).out == house.run(*words).out


def test_nobody_is_named_unless_that_is_asked_for(house: BotHouse, sold: Sold) -> None:
    house.change(lambda tx: refunds.set_destination(tx, f"{sold.owed}-r1", WHERE))
    npub = buyer_of(house, sold.owed)
    for extra in ([], ["--json"]):
        out = house.calls("orders", "show", sold.owed, *extra).out
        assert "npub" not in out
        assert WHERE not in out
        named = house.calls("orders", "show", sold.owed, "--people", *extra).out
        assert npub in named
        assert WHERE in named
    assert "told" in section(house.calls("orders", "show", sold.owed).out, "Refunds")[0]


def test_what_was_noted_is_shown_to_who_asks_for_people(house: BotHouse, sold: Sold) -> None:
    assert "\nnote" not in house.calls("orders", "show", sold.paid, "--people").out
    noted = Remark("Comes in a wheelchair", 1_800_000_000, "organizer")
    house.change(lambda tx: remarks.keep(tx, sold.paid, noted))
    shown = house.calls("orders", "show", sold.paid).out
    assert "wheelchair" not in shown
    assert [line.split()[0] for line in shown.splitlines() if "sealed" in line] == ["buyer", "note"]
    opened = house.calls("orders", "show", sold.paid, "--people").out
    assert "Comes in a wheelchair (organizer, 2027-01-15 08:00:00 UTC)" in opened
    data = house.calls("orders", "show", sold.paid, "--json").data
    assert (data["noted"], data["note"]) == (True, None)
    data = house.calls("orders", "show", sold.paid, "--json", "--people").data
    assert data["note"] == {"said": "Comes in a wheelchair", "at": 1_800_000_000, "by": "organizer"}


def test_who_was_forgotten_has_no_name(house: BotHouse, sold: Sold) -> None:
    house.change(lambda tx: tx.change("UPDATE orders SET person = 0 WHERE id = ?", (sold.paid,)))
    assert (
        house.calls("orders", "show", sold.paid, "--json", "--people").data["buyer"] == "forgotten"
    )


def test_what_its_tickets_met_at_the_door(house: BotHouse, sold: Sold) -> None:
    def work(tx: Tx) -> None:
        row = tickets.of_order(tx, sold.paid)[0]
        came = ScanRow(
            row.event_id,
            row.id,
            Kind.CHECK_IN,
            Outcome.ADMITTED,
            True,
            1_800_000_600,
            1_800_000_000,
            "B",
            None,
        )
        scans.write(tx, came, b"one")
        again = came._replace(outcome=Outcome.ALREADY_USED, counts=False, device_at=None, by=7)
        tx.change(
            "INSERT INTO door_pass (id, event_id, kind, made_at, expires_at)"
            " VALUES (7, ?, 'token', 0, 1)",
            (row.event_id,),
        )
        scans.write(tx, again, None)

    house.change(work)
    code = group_id(house.change(lambda tx: tickets.of_order(tx, sold.paid)[0].id))
    came, again = section(house.calls("orders", "show", sold.paid).out, "At the door")
    assert came.split("  ")[0] == "2027-01-15 08:00:00"
    assert came.split()[2:] == [
        *(code, "check-in", "admitted", "B"),
        *("2027-01-15", "08:10:00", "organizer"),
    ]
    assert again.split()[2:] == [code, "check-in", "already-used", "B", "-", "pass", "7"]
    data = house.calls("orders", "show", sold.paid, "--json").data["scans"]
    assert [(one["at"], one["told_at"], one["pass"]) for one in data] == [
        (1_800_000_000, 1_800_000_600, None),
        (1_800_000_600, 1_800_000_600, 7),
    ]
