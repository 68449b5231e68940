"""The refund's table, complete and honest about replays; and where refunds may go."""

from __future__ import annotations

from pathlib import Path

import pytest

from ticketbot.domain.bolt11 import Bolt11
from ticketbot.domain.refund import MONTH, next_reminder, reminders_by
from ticketbot.domain.spending import (
    DAY,
    LONGEST_LIFE,
    TABLE,
    TYPED_LIVES,
    Asked,
    Effect,
    Happening,
    State,
    diagram,
    judge,
    read_destination,
    step,
)
from ticketbot.domain.spending import Destination as Place
from ticketbot.errors import Refused
from ticketbot.texts import say
from ticketbot.wallets.fake import FakeWallet

NOW = 1_800_000_000
OWED = 5_000_000
FITS = Bolt11("bc", "a" * 64, OWED, NOW, NOW + 3600)
ASKED = Asked(OWED, "bc", None)
BOLT11 = "lnbc50u1p4srywrpp5dc683t38yu63vcdnefql2nj7anh9grpk5tx05u9sqeamrayms2tsdq5f38y6mmwv"
LNURL = "lnurl1dp68gurn8ghj7etcv9khqmr99e3k7mf09emk2mrv944kummhdchkcmn4wfk8qtmdv5mfpgtm"


@pytest.mark.parametrize("state", State)
@pytest.mark.parametrize("happening", Happening)
def test_everything_has_an_answer_in_every_state(state: State, happening: Happening) -> None:
    assert step(state, happening).state in State
    assert len(TABLE) == len(State) * len(Happening)


@pytest.mark.parametrize("happening", Happening)
def test_what_was_sent_stays_sent_and_does_nothing_again(happening: Happening) -> None:
    assert step(State.SENT, happening) == (State.SENT, ())


def test_whatever_happens_twice_acts_once() -> None:
    for (_, happening), (after, effects) in TABLE.items():
        if effects:
            assert step(after, happening) == (after, ())


def test_a_bolt11_is_chosen_only_where_nothing_is_under_way() -> None:
    chooses = [before for (before, _), (_, does) in TABLE.items() if Effect.KEEP_BOLT11 in does]
    assert chooses == [State.DUE]


def test_what_is_under_way_is_not_paid_by_hand() -> None:
    assert step(State.SENDING, Happening.BY_HAND) == (State.SENDING, ())
    assert step(State.DUE, Happening.BY_HAND).state is State.SENT


def test_money_leaves_the_books_exactly_where_a_refund_becomes_sent() -> None:
    books = {Effect.BOOK_PAYMENT, Effect.BOOK_BY_HAND}
    for (before, happening), (after, effects) in TABLE.items():
        sends = before is not State.SENT and after is State.SENT
        assert len(books & set(effects)) == (1 if sends else 0), (before, happening)


def test_the_docs_show_the_diagram_of_this_table() -> None:
    docs = Path(__file__).parents[2] / "docs" / "architecture.md"
    assert f"```mermaid\n{diagram()}\n```" in docs.read_text("utf-8")


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("me@example.com", Place("address", "me@example.com")),
        ("lnbc1me@example.com", Place("address", "lnbc1me@example.com")),
        ("lightning:Me_1.x+tips@Pay.Example.COM", Place("address", "me_1.x+tips@pay.example.com")),
        (LNURL.upper(), Place("lnurl", LNURL)),
        (f"LIGHTNING:{LNURL}", Place("lnurl", LNURL)),
    ],
)
def test_what_people_write_is_understood(text: str, place: Place) -> None:
    assert read_destination(text) == place


@pytest.mark.parametrize(
    "text",
    [
        *("", "the usual place", "me@", "@example.com", "me@exa mple.com", "me@b.cd/x"),
        *("a" * 65 + "@b.cd", "npub1xyz", "https://example.com", "lnbc", "sent"),
    ],
)
def test_what_is_no_place_is_refused(text: str) -> None:
    with pytest.raises(Refused) as refused:
        read_destination(text)
    assert (refused.value.code, refused.value.sentence) == ("bad-request", "refund-where")


@pytest.mark.parametrize(
    "text", [BOLT11, LNURL[:-1], LNURL[:-1] + "q", "lnurl1", "lnbc1foo", "lntb20u1x"]
)
def test_what_was_cut_off_is_called_so(text: str) -> None:
    with pytest.raises(Refused) as refused:
        read_destination(text)
    assert (refused.value.code, refused.value.sentence) == ("bad-request", "refund-broken")


def test_an_invoice_with_its_uri_scheme_is_read() -> None:
    written = FakeWallet().foreign_invoice(OWED)
    place = read_destination(f" LIGHTNING:{written.upper()}\n")
    assert (place.kind, place.text) == ("invoice", written)
    assert place.invoice is not None and place.invoice.amount_msat == OWED


def test_an_invoice_that_fits_is_taken() -> None:
    judge(FITS, ASKED, NOW)
    judge(FITS._replace(expires_at=NOW + TYPED_LIVES), ASKED, NOW)
    judge(FITS._replace(expires_at=NOW + LONGEST_LIFE), ASKED, NOW)


@pytest.mark.parametrize(
    ("invoice", "asked", "sentence"),
    [
        (FITS, ASKED._replace(used="invoice"), "refund-invoice-own"),
        (FITS, ASKED._replace(used="refund"), "refund-invoice-used"),
        (FITS, ASKED._replace(used="payout"), "refund-invoice-used"),
        (FITS._replace(network="tb"), ASKED, "refund-invoice-network"),
        (FITS._replace(amount_msat=None), ASKED, "refund-invoice-open"),
        (FITS._replace(amount_msat=OWED + 1), ASKED, "refund-invoice-amount"),
        (FITS._replace(amount_msat=OWED - 1), ASKED, "refund-invoice-amount"),
        (FITS._replace(expires_at=NOW), ASKED, "refund-invoice-expired"),
        (FITS._replace(expires_at=NOW + TYPED_LIVES - 1), ASKED, "refund-invoice-expired"),
        (FITS._replace(expires_at=NOW + LONGEST_LIFE + 1), ASKED, "refund-invoice-long"),
    ],
)
def test_an_invoice_that_cannot_be_paid_is_refused_with_what_to_send(
    invoice: Bolt11, asked: Asked, sentence: str
) -> None:
    with pytest.raises(Refused) as refused:
        judge(invoice, asked, NOW)
    assert (refused.value.code, refused.value.sentence) == ("bad-request", sentence)
    assert refused.value.values == {"amount": OWED}
    said = say(sentence, amount="5,000 sats")
    assert "Make a" in said or "Make one" in said


def test_reminders_are_few() -> None:
    days = [0, 1, 2, 3, 6, 7, 36, 37, 66, 67, 97]
    counted = [reminders_by(NOW, NOW + day * DAY) for day in days]
    assert counted == [0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 6]


def test_the_next_reminder_is_when_their_number_grows() -> None:
    for at in range(NOW, NOW + 5 * MONTH, DAY // 2):
        due = next_reminder(NOW, at)
        assert due > at
        assert reminders_by(NOW, due) == reminders_by(NOW, at) + 1
        assert reminders_by(NOW, due - 1) == reminders_by(NOW, at)
