"""Any evening at all: hypothesis thinks of what people, wallet, relays, clock and power do.

The bot is whole, only the network is played (`town.py`). After every step and at the end
`truth.py` looks whether all is right.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import orjson
import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from tests.machine import truth
from tests.machine.people import Mood, Person
from tests.machine.town import BEGIN, DAY, HOLD, HOUR, MINUTE, Town, Way, listing, places
from ticketbot.envelopes import Letter, Protocol

EVENTS = ("lisbon", "porto")
TIERS: tuple[list[tuple[str, int, int]], ...] = ([], [("VIP", 9000, 2)])
WORDS = ("status", "cancel", "tickets", "resend", "link", "events", "thanks", "refund me@a.example")
AGES = (0, 0, 0, 0, 0, 2 * HOUR, 2 * DAY, 8 * DAY)
PATIENCE = 300  # seconds after which a program's request counts as lost

pauses = st.sampled_from([0.0, 0.0, 0.2, 3.0])
buyers = st.integers(0, 2)
events = st.sampled_from(EVENTS)
ways: st.SearchStrategy[Protocol] = st.sampled_from(["nip17", "nip04", "24133"])


class Question(NamedTuple):
    """A letter that nobody else wrote, so its answer is known by its word."""

    who: Person
    word: str
    via: Protocol
    asked_at: float


class AnyEvening(RuleBasedStateMachine):
    """One bot, two events, three buyers, and everything that can happen to them."""

    def __init__(self) -> None:
        super().__init__()
        self.town = Town()
        self.most: dict[str, float] = {}
        self.sent: list[tuple[Person, Letter]] = []
        self.questions: list[Question] = []
        self.excused: set[str] = set()

    def teardown(self) -> None:
        try:
            self._excuse()
            truth.settle(self.town)
            complaints = [*truth.at_the_end(self.town), *self._unanswered()]
            assert not complaints, complaints
        finally:
            self.town.close()

    @initialize(stock=st.sampled_from([1, 2, 5]), tiers=st.sampled_from(TIERS))
    def an_event_is_on_sale(self, stock: int, tiers: list[Any]) -> None:
        self._publish("lisbon", 5000, stock, tiers=tiers)
        self.town.lives_on(1)

    # The organizer.

    @rule(
        d=events,
        price=st.sampled_from([0, 5000, 7000]),
        stock=st.sampled_from([None, 0, 1, 3, 6]),
        tiers=st.sampled_from(TIERS),
        over=st.sampled_from([None, None, None, "soon", "past"]),
        cancelled=st.sampled_from([False, False, False, True]),
        ago=st.sampled_from([0, 0, 0, MINUTE]),
        pause=pauses,
    )
    def organizer_publishes(
        self, d: str, price: int, stock: int | None, tiers: list[Any], over: str | None,
        cancelled: bool, ago: int, pause: float,
    ) -> None:  # fmt: skip
        later = HOUR if over == "soon" else -HOUR
        ends = max(BEGIN + 8 * DAY + 1, int(self.town.true_time()) + later) if over else None
        self._publish(d, price, stock, tiers=tiers, ends=ends, cancelled=cancelled, ago=ago)
        self.town.lives_on(pause)

    @rule(d=events, pause=pauses)
    def organizer_deletes(self, d: str, pause: float) -> None:
        address = f"31923:{self.town.organizer.pubkey}:{d}"
        self.town.post.send(self.town.organizer.note(5, [["a", address]]))
        self.town.lives_on(pause)

    # The buyers.

    @rule(
        who=buyers,
        d=events,
        quantity=st.integers(1, 3),
        tier=st.sampled_from(["", "", " vip"]),
        via=st.sampled_from(["nip17", "nip17", "nip04"]),
        age=st.sampled_from(AGES),
        pause=pauses,
    )
    def buys(
        self, who: int, d: str, quantity: int, tier: str, via: Protocol, age: int, pause: float
    ) -> None:
        self._write(who, f"buy {d} {quantity}{tier}", via, age, pause)

    @rule(
        who=buyers,
        d=events,
        quantity=st.integers(1, 3),
        tier=st.sampled_from([None, None, "VIP"]),
        request=st.integers(1, 4),
        age=st.sampled_from(AGES),
        pause=pauses,
    )
    def program_buys(
        self, who: int, d: str, quantity: int, tier: str | None, request: int, age: int,
        pause: float,
    ) -> None:  # fmt: skip
        wish = {
            "type": "buy",
            "request_id": f"b{request}",
            "event_id": f"31923:{self.town.organizer.pubkey}:{d}",
            "quantity": quantity,
            "tier": tier,
        }
        self._write(who, orjson.dumps(wish).decode(), "24133", age, pause)

    @rule(who=buyers, word=st.sampled_from(WORDS), pause=pauses)
    def says(self, who: int, word: str, pause: float) -> None:
        self._write(who, word, "nip17", 0, pause)

    @rule(who=buyers, via=ways, pause=pauses)
    def asks(self, who: int, via: Protocol, pause: float) -> None:
        """A question whose one answer can be told from all others."""
        word = f"q{len(self.questions):04}"
        text = f"event {word}"
        if via == "24133":
            text = f'{{"type":"status","request_id":"{word}","order_id":"none"}}'
        asked = Question(self.town.buyers[who], word, via, self.town.true_time())
        self.questions.append(asked)
        self._write(who, text, via, 0, pause)

    @precondition(lambda self: self.sent)
    @rule(which=st.integers(0, 99), pause=pauses)
    def post_comes_again(self, which: int, pause: float) -> None:
        """The same letter: a gift wrap in another wrap, the others as they were."""
        who, letter = self.sent[-1 - which % len(self.sent)]
        self.town.post.send(who.wrap(letter))
        self.town.lives_on(pause)

    # The money.

    @precondition(lambda self: self.town.wallet.bills())
    @rule(
        which=st.integers(0, 99),
        wrong=st.sampled_from([0, 0, 0, 0, -1000, 1000]),
        pause=pauses,
    )
    def pays(self, which: int, wrong: int, pause: float) -> None:
        """Any invoice there is: shown or not, in time or late, for the second time."""
        bills = self.town.wallet.bills()
        bill = bills[-1 - which % len(bills)]
        self.town.pays(bill, bill.amount_msat + wrong)
        self.town.lives_on(pause)

    @precondition(lambda self: self.town.wallet.bills())
    @rule(which=st.integers(0, 99))
    def wallet_gives_up(self, which: int) -> None:
        bills = self.town.wallet.bills()
        self.town.wallet.give_up(bills[-1 - which % len(bills)].payment_hash)

    @rule(
        down=st.sampled_from([False, False, True]),
        slow=st.sampled_from([0.0, 0.0, 2.0]),
        loses=st.sampled_from([0, 0, 1, 2]),
        deaf=st.booleans(),
    )
    def wallet_is(self, down: bool, slow: float, loses: int, deaf: bool) -> None:
        wallet = self.town.wallet
        wallet.down, wallet.slow, wallet.lose_answers, wallet.deaf = down, slow, loses, deaf

    @rule(which=st.integers(0, 99), forged=st.booleans(), pause=pauses)
    def somebody_hints(self, which: int, forged: bool, pause: float) -> None:
        bills = self.town.wallet.bills()
        known = bills[which % len(bills)].payment_hash if bills else ""
        self.town.wallet.whisper("ab" * 32 if forged or not bills else known)
        self.town.lives_on(pause)

    @rule(amount=st.sampled_from([1000, 5_000_000]))
    def money_of_somebody_else(self, amount: int) -> None:
        self.town.loop.run_until_complete(self.town.wallet.pay_in(amount))

    # Relays, time and power.

    @rule(mood=st.sampled_from(["fine", "fine", "silent", "forgets to say OK", "refuses"]))
    def relays_are(self, mood: Mood) -> None:
        self.town.post.mood = mood

    @rule()
    def relays_hold_the_post_back(self) -> None:
        self.town.post.holding = True

    @precondition(lambda self: self.town.post.holding)
    @rule(order=st.permutations(range(6)), pause=pauses)
    def relays_bring_it_in_another_order(self, order: list[int], pause: float) -> None:
        self.town.post.let_through(order)
        self.town.lives_on(pause)

    @rule(seconds=st.sampled_from([1, 15, 15, 100, HOLD + 30]))
    def time_passes(self, seconds: int) -> None:
        self.town.lives_on(seconds)
        self._excuse()

    @rule(hours=st.sampled_from([1, 30, 48]))
    def nobody_does_anything_for(self, hours: int) -> None:
        self.town.skip(hours * HOUR)
        self.town.lives_on(1)
        self._excuse()

    @rule(error=st.sampled_from([0, 0, 2 * DAY, -2 * DAY]))
    def clock_is_wrong_by(self, error: int) -> None:
        self.town.clock_error = error
        self.town.lives_on(1)
        self._excuse()

    @rule(
        place=st.sampled_from(places()),
        visit=st.integers(1, 3),
        way=st.sampled_from(["dies", "dies", "raises"]),
    )
    def something_will_break_at(self, place: str, visit: int, way: Way) -> None:
        self.town.sabotage(place, visit, way)

    @rule(visit=st.integers(1, 3))
    def disk_will_be_full(self, visit: int) -> None:
        self.town.sabotage("ledger.before-commit", visit, "disk full")

    @rule()
    def power_fails(self) -> None:
        self.town.kill()

    @invariant()
    def all_is_right(self) -> None:
        complaints = list(truth.always(self.town, self.most)) if self.most else []
        assert not complaints, complaints

    # What the rules have in common.

    def _publish(self, d: str, price: int, stock: int | None, **more: Any) -> None:
        note = listing(self.town, d, price, stock, **more)
        seats = float("inf") if stock is None else stock
        self.most[note.address()] = max(seats, self.most.get(note.address(), 0))
        self.town.post.send(note)

    def _write(self, who: int, text: str, via: Protocol, age: int, pause: float) -> None:
        one = self.town.buyers[who]
        letter = one.letter(text, via, age)
        self.sent.append((one, letter))
        self.town.post.send(one.wrap(letter))
        self.town.lives_on(pause)

    def _excuse(self) -> None:
        """Answers that nobody waits for any more may be dropped: a program's after minutes."""
        for one in self.questions:
            patience = PATIENCE if one.via == "24133" else 20 * HOUR
            waited = self.town.true_time() - one.asked_at
            off = self.town.clock_error or waited > patience
            if off and not truth.answers_to(one.who, one.word):
                self.excused.add(one.word)

    def _unanswered(self) -> list[str]:
        found = []
        for one in self.questions:
            heard = truth.answers_to(one.who, one.word)
            if heard > 1 or (heard == 0 and one.word not in self.excused):
                found.append(f"{heard} answers to {one}")
        return found


FAST = settings(
    max_examples=25,
    stateful_step_count=30,
    derandomize=True,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
LONG = settings(FAST, max_examples=500, stateful_step_count=50)


def test_any_evening() -> None:
    run_state_machine_as_test(AnyEvening, settings=FAST)


@pytest.mark.long
@pytest.mark.timeout(1800)
def test_five_hundred_evenings() -> None:
    run_state_machine_as_test(AnyEvening, settings=LONG)


FAULTY = settings(FAST, max_examples=150, stateful_step_count=40, phases=[Phase.generate])
