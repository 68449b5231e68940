"""`orders show`: the whole story of one order, and nobody named in it."""

from __future__ import annotations

from tests.unit.cli_house import BotHouse, Sold
from ticketbot.domain.nip19 import npub_encode
from ticketbot.ledger import journal, orders, outbox, people, refunds
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
