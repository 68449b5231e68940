"""Any evening at all, after which organizers want their money: once, all of it, and not too early.

The town and the rules are those of `test_any_evening.py`. The operator keeps a commission, events
end, payouts are asked for, come by themselves every day, fail, hang, and are paid by hand.
`treasury.py` says after every step where each msat is.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import orjson
import pytest
from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import initialize, invariant, precondition, rule, run_state_machine_as_test

from tests.machine import treasury, truth
from tests.machine.changes import buyers, events, pauses, ways
from tests.machine.money import Payees
from tests.machine.test_any_evening import (
    FAST,
    FATES,
    LONG,
    WAYS,
    AnyEvening,
    payees,
    quantities,
)
from tests.machine.test_planted_faults import believes_what_paying_answered
from tests.machine.town import DAY, HOUR, Way, places
from ticketbot.domain import payout
from ticketbot.envelopes import Protocol
from ticketbot.handlers.money import payouts as handler
from ticketbot.handlers.money.spending import Paid
from ticketbot.ledger import shares
from ticketbot.ledger.store import Tx
from ticketbot.wallets.fake_books import Fate

CONFIG = """
[commission]
ppm = 30_001

[payouts]
delay_hours = 2
minimum_sats = 100
schedule = "daily"
"""
AFTER_ALL = 40 * DAY
LEAST = 100_000
SPENDER = [place for place in places() if place.startswith("spender.")]

places_named = st.sampled_from(["", "me@a.example", "me@b.example"])


class AnyPayout(AnyEvening):
    """An evening on whose money an organizer lives."""

    config = CONFIG

    def __init__(self) -> None:
        super().__init__()
        self.free: dict[str, int] = {}
        self.payouts: set[str] = set()

    @initialize(
        stock=st.sampled_from([4, 2]), to=places_named, sold=quantities,
        over=st.sampled_from([True, True, False]),
    )  # fmt: skip
    def two_events_are_on_sale(self, stock: int, to: str, sold: int, over: bool) -> None:
        """Something is sold of each before anything else happens; both may be over by then."""
        self._publish("lisbon", 5000, stock)
        self._publish("porto", 7000, 6)
        self.town.lives_on(1)
        self.buys_and_pays(0, "lisbon", 1, "", "nip17")
        self.buys_and_pays(1, "porto", sold, "", "24133")
        if to:
            self._says(self.town.organizer, f"payout to {to}", "nip17", 0, 0.2)
        if over:
            self._wait_for_the_end(3)

    @rule(d=events, who=buyers, hours=st.sampled_from([3, 3, 1, 0]), quantity=quantities)
    def one_more_evening(self, d: str, who: int, hours: int, quantity: int) -> None:
        """It goes on, somebody comes late, and then it is over; or will be in a moment."""
        self._publish(d, 5000, 6, ends=int(self.town.true_time()) + 12 * HOUR)
        self.town.lives_on(1)
        self.buys_and_pays(who, d, quantity, "", "nip17")
        self._wait_for_the_end(hours)

    @rule(
        to=st.sampled_from(["me@a.example", "me@b.example"]), fate=st.sampled_from(FATES),
        loses=st.sampled_from([0, 0, 1]), breaks=st.sampled_from(["", "", *SPENDER]),
        way=st.sampled_from(WAYS), pause=st.sampled_from([1.0, 70.0]),
    )  # fmt: skip
    def all_is_paid_out(
        self, to: str, fate: Fate, loses: int, breaks: str, way: Way, pause: float
    ) -> None:
        """What the wallet makes of it, and where it breaks."""
        self.town.addresses.mood = "give"
        self.wallet_sends(fate, loses, False, 2000)
        if breaks:
            self.something_breaks(breaks, 1, way)
        self._says(self.town.organizer, f"payout all {to}", "nip17", 0, pause)

    @rule(
        d=st.sampled_from(["all", "all", "lisbon", "porto", "faro"]), to=places_named,
        via=ways, request=st.integers(1, 3), mood=payees, pause=pauses,
    )  # fmt: skip
    def organizer_wants_money(
        self, d: str, to: str, via: Protocol, request: int, mood: Payees, pause: float
    ) -> None:
        """Asked by letter, or by a program, which may ask again under the same name."""
        self.town.addresses.mood = mood
        text = f"payout {d} {to}"
        if via == "24133":
            wish: dict[str, Any] = {"type": "payout", "request_id": f"p{request}"}
            wish |= {"to": to} if to else {}
            if d != "all":
                wish["event_id"] = f"31923:{self.town.organizer.pubkey}:{d}"
            text = orjson.dumps(wish).decode()
        self._says(self.town.organizer, text, via, 0, pause)

    @rule(to=st.sampled_from(["me@a.example", "me@b.example", "nobody", ""]), pause=pauses)
    def organizer_says_where(self, to: str, pause: float) -> None:
        self._says(self.town.organizer, f"payout to {to}", "nip17", 0, pause)

    @rule(who=buyers, pause=pauses)
    def somebody_else_wants_it(self, who: int, pause: float) -> None:
        """Who has earned nothing is paid nothing."""
        self._write(who, "payout all me@a.example", "nip17", 0, pause)

    @precondition(lambda self: self._waiting())
    @rule(which=st.integers(0, 5), pause=pauses)
    def operator_pays_by_hand(self, which: int, pause: float) -> None:
        waiting = self._waiting()
        text = f"payouts done {waiting[which % len(waiting)]}"
        self._says(self.town.operator, text, "nip17", 0, pause)

    @rule(d=events, sats=st.sampled_from([1, 1000, 4000, 10**6]), pause=pauses)
    def operator_pays_in_cash(self, d: str, sats: int, pause: float) -> None:
        self._says(self.town.operator, f"payouts done {d} {sats}", "nip17", 0, pause)

    @invariant()
    def nobody_is_paid_early(self) -> None:
        if not self.most:
            return
        early = list(treasury.is_paid_early(self.town, self.free, self.payouts))
        assert not early, early
        self.free, self.payouts = treasury.free_at(self.town), treasury.payouts(self.town)

    def _complaints(self) -> list[str]:
        """Beyond what any evening shows: in the end the organizer gets what is theirs."""
        found = super()._complaints()
        town, organizer = self.town, self.town.organizer
        town.skip(AFTER_ALL)
        truth.until_quiet(town)
        town.post.send(organizer.wrap(organizer.letter(f"payout all {truth.HOME}", "nip17")))
        truth.until_quiet(town)
        accounts = shares.accounts_of(town.tx(), organizer.pubkey, town.payout_delay)
        left = payout.payable(accounts, int(town.bot_time()))
        if payout.most(left) >= LEAST and not any(one.balance < 0 for one in accounts):
            found.append(f"{left} msat could have been paid out: {accounts}")
        return [*found, *truth.always(town, self.most), *truth.at_the_end(town)]

    def _wait_for_the_end(self, hours: int) -> None:
        """So many hours after the last event was over, as far as anything was sold."""
        row = self.town.tx().row("SELECT coalesce(max(ends), 0) FROM share")
        over = (row[0] if row else 0) + hours * HOUR
        self.town.skip(max(0, over - int(self.town.true_time())))
        self.town.lives_on(1)

    def _waiting(self) -> list[str]:
        rows = self.town.tx().rows("SELECT id FROM payout WHERE state <> 'sent' ORDER BY id")
        return [row[0] for row in rows]


@pytest.mark.timeout(600)
def test_any_payout() -> None:
    run_state_machine_as_test(AnyPayout, settings=settings(FAST, max_examples=15))


@pytest.mark.long
@pytest.mark.timeout(1800)
def test_three_hundred_payouts() -> None:
    run_state_machine_as_test(AnyPayout, settings=settings(LONG, max_examples=300))


def pays_before_the_end(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(payout.Account, "is_free", lambda self, now: True)


def forgets_the_fee(patch: pytest.MonkeyPatch) -> None:
    """What a payout's way cost is in no book."""
    sends = handler.sent

    def sent(payout_id: str, paid: Paid, tx: Tx, ctx: Any) -> Any:
        return sends(payout_id, paid._replace(fee_msat=0), tx, ctx)

    patch.setattr(handler, "sent", sent)


def keeps_the_commission_of_what_goes_back(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(shares, "commission_back", lambda *amounts: 0)


def pays_again_what_was_set_aside(patch: pytest.MonkeyPatch) -> None:
    """What payouts took from an account can be paid out once more."""
    accounts = shares.accounts_of

    def untouched(tx: Tx, organizer: str, delay: int) -> list[payout.Account]:
        return [one._replace(paid=0) for one in accounts(tx, organizer, delay)]

    patch.setattr(shares, "accounts_of", untouched)


FAULTS: list[Callable[[pytest.MonkeyPatch], None]] = [
    pays_before_the_end,
    forgets_the_fee,
    keeps_the_commission_of_what_goes_back,
    pays_again_what_was_set_aside,
    believes_what_paying_answered,
]


@pytest.mark.long
@pytest.mark.timeout(900)
@pytest.mark.parametrize("fault", FAULTS)
def test_planted_faults_are_found(
    fault: Callable[[pytest.MonkeyPatch], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    fault(monkeypatch)
    evenings = settings(LONG, max_examples=300, phases=[Phase.generate], report_multiple_bugs=False)
    with pytest.raises((AssertionError, ExceptionGroup)):
        run_state_machine_as_test(AnyPayout, settings=evenings)
