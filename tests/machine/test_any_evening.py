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
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from tests.machine import truth
from tests.machine.changes import ChangesOfPlan, buyers, events, pauses, ways
from tests.machine.money import Bill, Payees
from tests.machine.people import Mood, Person
from tests.machine.town import BEGIN, DAY, HOLD, HOUR, MINUTE, Town, Way, listing, places
from ticketbot.domain.nostr import Event
from ticketbot.envelopes import Letter, Protocol
from ticketbot.wallets.fake_books import Fate

TIERS = {"lisbon": [("VIP", 9000, 2)]}
WORDS = ("status", "cancel", "tickets", "resend", "link", "events", "thanks", "forget me yes")
FATES: tuple[Fate, ...] = ("paid", "paid", "pending", "failed")
AGES = (0, 0, 0, 0, 0, 2 * HOUR, 2 * DAY, 8 * DAY)
WAYS: tuple[Way, ...] = ("dies", "dies", "raises", "disk full")
NOW = "now"
PATIENCE = 300  # seconds after which a program's request counts as lost

newest_first = st.integers(0, 19)
quantities = st.sampled_from([1, 1, 2, 3])
tiers_named = st.sampled_from(["", "", "VIP"])
payees: st.SearchStrategy[Payees] = st.sampled_from(
    ["give", "give", "silent", "refuse", "give another amount"]
)


class Question(NamedTuple):
    """A letter that nobody else wrote, so its answer is known by its word."""

    who: Person
    word: str
    via: Protocol
    asked_at: float


class AnyEvening(ChangesOfPlan):
    """One bot, two events, three buyers, and everything that can happen to them.

    `config`: further lines of the bot's configuration.
    """

    config = ""

    def __init__(self) -> None:
        super().__init__()
        self.town = Town(self.config)
        self.most: dict[str, float] = {}
        self.sent: list[tuple[Person, Letter, Event]] = []
        self.questions: list[Question] = []
        self.excused: set[str] = set()
        self.bolt11 = ""

    def teardown(self) -> None:
        try:
            self._excuse()
            truth.settle(self.town)
            complaints = self._complaints()
            assert not complaints, complaints
        finally:
            self.town.close()

    def _complaints(self) -> list[str]:
        """What is wrong when all is settled."""
        return [*truth.at_the_end(self.town), *self._unanswered()]

    @initialize(stock=st.sampled_from([4, 2, 1]))
    def two_events_are_on_sale(self, stock: int) -> None:
        self._publish("lisbon", 5000, stock)
        self._publish("porto", 7000, 6)
        self.town.lives_on(1)

    # The organizer.

    @rule(
        d=events,
        price=st.sampled_from([5000, 5000, 7000, 0]),
        stock=st.sampled_from([3, 6, 1, None, 0]),
        over=st.sampled_from([None, None, None, "soon", "past"]),
        cancelled=st.sampled_from([False] * 6 + [True]),
        ago=st.sampled_from([0, 0, 0, MINUTE]),
        pause=pauses,
    )
    def organizer_publishes(
        self, d: str, price: int, stock: int | None, over: str | None, cancelled: bool, ago: int,
        pause: float,
    ) -> None:  # fmt: skip
        later = HOUR if over == "soon" else -HOUR
        ends = max(BEGIN + 8 * DAY + 1, int(self.town.true_time()) + later) if over else None
        self._publish(d, price, stock, ends=ends, cancelled=cancelled, ago=ago)
        self.town.lives_on(pause)

    @rule(d=events, sure=st.sampled_from([False, False, True]), pause=pauses)
    def organizer_deletes(self, d: str, sure: bool, pause: float) -> None:
        """Mostly a note that is nobody's; now and then a whole event."""
        address = f"31923:{self.town.organizer.pubkey}:{d if sure else 'draft'}"
        self.town.post.send(self.town.organizer.note(5, [["a", address]]))
        self.town.lives_on(pause)

    @rule(d=events, pause=pauses)
    def organizer_confirms(self, d: str, pause: float) -> None:
        """`cancel lisbon`: everything goes back at once, and not after a day."""
        organizer = self.town.organizer
        self.town.post.send(organizer.wrap(organizer.letter(f"cancel {d}", "nip17")))
        self.town.lives_on(pause)

    # The buyers.

    @rule(who=buyers, d=events, quantity=quantities, tier=tiers_named, via=ways)
    def buys(self, who: int, d: str, quantity: int, tier: str, via: Protocol) -> None:
        self._write(who, self._wish(d, quantity, tier, via, f"n{len(self.sent)}"), via, 0, 3)

    @rule(who=buyers, d=events, quantity=quantities, tier=tiers_named, via=ways)
    def buys_and_pays(self, who: int, d: str, quantity: int, tier: str, via: Protocol) -> None:
        """As most people do: the invoice is paid when it is there."""
        before = len(self.town.wallet.bills())
        self.buys(who, d, quantity, tier, via)
        if len(bills := self.town.wallet.bills()) > before:
            self._pay(bills[-1], bills[-1].amount_msat)
            self.town.lives_on(0.2)

    @rule(
        who=buyers, d=events, quantity=quantities, tier=tiers_named, via=ways,
        request=st.integers(1, 3), age=st.sampled_from(AGES), pause=pauses,
    )  # fmt: skip
    def buys_oddly(
        self, who: int, d: str, quantity: int, tier: str, via: Protocol, request: int, age: int,
        pause: float,
    ) -> None:  # fmt: skip
        """Long ago, or under a request_id that was used before, or several within a moment."""
        self._write(who, self._wish(d, quantity, tier, via, f"b{request}"), via, age, pause)

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
    @rule(which=newest_first, pause=pauses)
    def post_comes_again(self, which: int, pause: float) -> None:
        """The same letter: a gift wrap in another wrap, the others as they were."""
        who, letter, event = self.sent[-1 - which % len(self.sent)]
        self.town.post.send(who.wrap(letter) if letter.protocol == "nip17" else event)
        self.town.lives_on(pause)

    # The money.

    @precondition(lambda self: self.town.wallet.bills())
    @rule(which=newest_first, wrong=st.sampled_from([0, 0, 0, 0, -1000, 1000]), pause=pauses)
    def pays(self, which: int, wrong: int, pause: float) -> None:
        """Any invoice there is: shown or not, in time or late, for the second time."""
        bill = self._bill(which)
        self._pay(bill, bill.amount_msat + wrong)
        self.town.lives_on(pause)

    @precondition(lambda self: self.town.wallet.bills())
    @rule(which=newest_first)
    def wallet_gives_up(self, which: int) -> None:
        """`failed` is not final: it may be paid after all."""
        self.town.wallet.give_up(self._bill(which).payment_hash)

    @rule(
        down=st.sampled_from([False, False, False, True]),
        slow=st.sampled_from([0.0, 0.0, 2.0]),
        loses=st.sampled_from([0, 1, 2]),
        deaf=st.booleans(),
    )
    def wallet_is(self, down: bool, slow: float, loses: int, deaf: bool) -> None:
        wallet = self.town.wallet
        wallet.down, wallet.slow, wallet.lose_answers, wallet.deaf = down, slow, loses, deaf

    @precondition(lambda self: self.town.wallet.bills())
    @rule(which=newest_first, forged=st.booleans(), foreign=st.sampled_from([0, 1000]))
    def somebody_hints(self, which: int, forged: bool, foreign: int) -> None:
        self.town.wallet.whisper("ab" * 32 if forged else self._bill(which).payment_hash)
        if foreign:
            self.town.loop.run_until_complete(self.town.wallet.pay_in(foreign))
        self.town.lives_on(0.2)

    # What goes back.

    @rule(who=buyers, mood=payees, pause=pauses)
    def wants_it_back_at_an_address(self, who: int, mood: Payees, pause: float) -> None:
        self.town.addresses.mood = mood
        self._write(who, "refund me@a.example", "nip17", 0, pause)

    @rule(
        who=buyers,
        wrong=st.sampled_from([0, 0, 0, 1000]),
        lives=st.sampled_from([HOUR, HOUR, 150]),
        whose=st.sampled_from(["new", "new", "said before", "the bot's own"]),
        pause=pauses,
    )
    def wants_it_back_by_invoice(
        self, who: int, wrong: int, lives: int, whose: str, pause: float
    ) -> None:
        """Mostly of what is owed to somebody; it may not be theirs, nor good a second time."""
        row = self.town.tx().row("SELECT amount_msat FROM refund WHERE state <> 'sent' LIMIT 1")
        amount = (row[0] if row else 5_000_000) + wrong
        own = [one.bolt11 for one in self.town.wallet.bills() if one.amount_msat == amount]
        if whose == "the bot's own" and own:
            self.bolt11 = own[-1]
        elif whose == "new" or not self.bolt11:
            self.bolt11 = self.town.wallet.foreign_invoice(amount, lives)
        self._write(who, f"refund {self.bolt11}", "nip17", 0, pause)

    @rule(who=buyers, d=events, via=ways, wrong=st.sampled_from([-1000, 1000]), again=st.booleans())
    def pays_a_wrong_amount(self, who: int, d: str, via: Protocol, wrong: int, again: bool) -> None:
        """And says where it shall go back."""
        before = len(self.town.wallet.bills())
        self.buys(who, d, 1, "", via)
        if len(bills := self.town.wallet.bills()) > before:
            self._pay(bills[-1], bills[-1].amount_msat + wrong)
            self.town.lives_on(0.2)
            if again:
                self._write(who, "refund me@a.example", "nip17", 0, 3.0)

    @rule(
        fate=st.sampled_from(FATES),
        loses=st.sampled_from([0, 0, 1]),
        poor=st.sampled_from([False, False, False, True]),
        fee=st.sampled_from([2000, 0]),
    )
    def wallet_sends(self, fate: Fate, loses: int, poor: bool, fee: int) -> None:
        wallet = self.town.wallet
        wallet.fate, wallet.lose_payments, wallet.poor, wallet.fee_msat = fate, loses, poor, fee

    @precondition(lambda self: self.town.wallet.unfinished())
    @rule(which=newest_first, fate=st.sampled_from(["paid", "failed"]), pause=pauses)
    def it_turns_out_to_be(self, which: int, fate: Fate, pause: float) -> None:
        waiting = self.town.wallet.unfinished()
        self.town.wallet.finish(waiting[which % len(waiting)], fate)
        self.town.lives_on(pause)

    # Relays, time and power.

    @rule(
        mood=st.sampled_from(["fine", "fine", "fine", "silent", "forgets to say OK", "refuses"]),
        holding=st.sampled_from([False, False, False, True]),
        order=st.permutations(range(5)),
    )
    def relays_are(self, mood: Mood, holding: bool, order: list[int]) -> None:
        """What they held back arrives in another order."""
        self.town.post.mood = mood
        self.town.post.let_through(order)
        self.town.post.holding = holding
        self.town.lives_on(0.2)

    @rule(seconds=st.sampled_from([HOLD + 10, 15, 100, 1, HOLD + 10]))
    def time_passes(self, seconds: int) -> None:
        self.town.lives_on(seconds)

    @rule(hours=st.sampled_from([1, 30, 48]), error=st.sampled_from([0, 0, 2 * DAY, -2 * DAY]))
    def time_jumps(self, hours: int, error: int) -> None:
        """Nobody does anything for hours, and the bot's clock is wrong or right afterwards."""
        self.town.skip(hours * HOUR)
        self.town.clock_error = error
        self.town.lives_on(1)

    @rule(
        place=st.sampled_from([*places(), NOW]), visit=st.integers(1, 3), way=st.sampled_from(WAYS)
    )
    def something_breaks(self, place: str, visit: int, way: Way) -> None:
        """At the `visit`-th time that the bot comes by this place, or now."""
        if place == NOW:
            self.town.kill()
        else:
            full = way == "disk full"
            self.town.sabotage("ledger.before-commit" if full else place, visit, way)

    @invariant()
    def all_is_right(self) -> None:
        self._excuse()
        complaints = list(truth.always(self.town, self.most)) if self.most else []
        assert not complaints, complaints

    # What the rules have in common.

    def _pay(self, bill: Bill, amount_msat: int) -> None:
        self.town.loop.run_until_complete(self.town.wallet.takes(bill, amount_msat))

    def _bill(self, which: int) -> Bill:
        bills = self.town.wallet.bills()
        return bills[-1 - which % len(bills)]

    def _wish(self, d: str, quantity: int, tier: str, via: Protocol, request_id: str) -> str:
        if via != "24133":
            return f"buy {d} {quantity} {tier if d in TIERS else ''}"
        wish = {
            "type": "buy",
            "request_id": request_id,
            "event_id": f"31923:{self.town.organizer.pubkey}:{d}",
            "quantity": quantity,
            "tier": (tier if d in TIERS else "") or None,
        }
        return orjson.dumps(wish).decode()

    def _publish(self, d: str, price: int, stock: int | None, **more: Any) -> None:
        note = listing(self.town, d, price, stock, tiers=TIERS.get(d, []), **more)
        seats = float("inf") if stock is None else stock
        self.most[note.address()] = max(seats, self.most.get(note.address(), 0))
        self.town.post.send(note)

    def _write(self, who: int, text: str, via: Protocol, age: int, pause: float) -> None:
        self._says(self.town.buyers[who], text, via, age, pause)

    def _says(self, one: Person, text: str, via: Protocol, age: int, pause: float) -> None:
        letter = one.letter(text, via, age)
        event = one.wrap(letter)
        self.sent.append((one, letter, event))
        self.town.post.send(event)
        self.town.lives_on(pause)

    def _excuse(self) -> None:
        """Answers that nobody waits for any more may be dropped: a program's after minutes,
        and where relays do not want it."""
        for one in self.questions:
            if one.word in self.excused or truth.answers_to(one.who, one.word):
                continue
            program = one.via == "24133"
            waited = self.town.true_time() - one.asked_at
            late = waited > (PATIENCE if program else 20 * HOUR)
            unwanted = program and self.town.post.mood == "refuses"
            if late or unwanted or self.town.clock_error or self._clocks_disagree():
                self.excused.add(one.word)

    def _clocks_disagree(self) -> bool:
        """Whether operators were told so: what was answered meanwhile may have had no time left."""
        told = [one["event"] for one in self.town.log if one.get("alarm") == "clock"]
        return told[-1:] == ["alarm.rings"]

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


@pytest.mark.timeout(600)
def test_any_evening() -> None:
    run_state_machine_as_test(AnyEvening, settings=FAST)


@pytest.mark.long
@pytest.mark.timeout(1800)
def test_five_hundred_evenings() -> None:
    run_state_machine_as_test(AnyEvening, settings=LONG)


FAULTY = settings(FAST, max_examples=150, stateful_step_count=40, phases=[Phase.generate])
