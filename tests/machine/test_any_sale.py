"""Any evening at all, at which codes are made, used up and stopped, and buyers are asked things.

The town, the rules and the truths are those of `test_any_evening.py`; I12 of the audit says after
every step whether each code was used for what is held and paid, and never for more.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import orjson
import pytest
from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import initialize, rule, run_state_machine_as_test

from tests.machine.test_any_evening import (
    FAST,
    LONG,
    AnyEvening,
    buyers,
    pauses,
    quantities,
    tiers_named,
    ways,
)
from ticketbot.envelopes import Protocol
from ticketbot.handlers.buying import checkout
from ticketbot.handlers.money import cashier

CODES = ("friends", "crew")
OFFERS = {
    "lisbon": [
        ["early_bird", "1000", "SAT", "first", "2", "VIP"],
        ["tier", "Kids", "10000", "SAT", "3", "", "", "1"],
    ],
    "porto": [["question", "Size?", "S", "M"], ["age", "18"]],
}
ANSWERS = {"answers": {"Size?": "m"}, "accept_age": True}


class AnySale(AnyEvening):
    """An evening with two codes for one event, and questions at the other."""

    @initialize(stock=st.sampled_from([6, 4, 2]))
    def two_events_are_on_sale(self, stock: int) -> None:
        self._publish("lisbon", 5000, stock)
        self._publish("porto", 7000, 6)
        self.town.lives_on(1)
        for code, worth in zip(CODES, ("50%", "100%"), strict=True):
            self.organizer_makes_a_code(code, worth, "max 3", 0.2)

    @rule(
        code=st.sampled_from(CODES),
        worth=st.sampled_from(["50%", "100%", "1 sat off", "stop"]),
        most=st.sampled_from(["", "max 1", "max 3"]),
        pause=pauses,
    )
    def organizer_makes_a_code(self, code: str, worth: str, most: str, pause: float) -> None:
        organizer = self.town.organizer
        text = f"promo lisbon {code} {worth} {most if worth != 'stop' else ''}"
        self.town.post.send(organizer.wrap(organizer.letter(text, "nip17")))
        self.town.lives_on(pause)

    @rule(
        who=buyers, quantity=quantities, tier=tiers_named, code=st.sampled_from(CODES), via=ways,
        request=st.integers(1, 9), pays=st.booleans(),
    )  # fmt: skip
    def buys_with_a_code(
        self, who: int, quantity: int, tier: str, code: str, via: Protocol, request: int,
        pays: bool,
    ) -> None:  # fmt: skip
        """Perhaps paid now, perhaps late, when others have used it up."""
        before = len(self.town.wallet.bills())
        text = f"buy lisbon {quantity} {tier} {code}"
        if via == "24133":
            wish = orjson.loads(self._wish("lisbon", quantity, tier, via, f"c{request}"))
            text = orjson.dumps(wish | {"code": code}).decode()
        self._write(who, text, via, 0, 3)
        if pays and len(bills := self.town.wallet.bills()) > before:
            self._pay(bills[-1], bills[-1].amount_msat)
            self.town.lives_on(0.2)

    @rule(who=buyers, word=st.sampled_from(["yes", "yes", "m", "m", "no", "skip"]), pause=pauses)
    def answers(self, who: int, word: str, pause: float) -> None:
        """To what was asked, or to nothing."""
        self._write(who, word, "nip17", 0, pause)

    @rule(who=buyers, words=st.permutations(["buy porto", "yes", "s"]), pause=pauses)
    def answers_at_once(self, who: int, words: list[str], pause: float) -> None:
        for word in words:
            self._write(who, word, "nip17", 0, pause)

    def _publish(self, d: str, price: int, stock: int | None, **more: Any) -> None:
        super()._publish(d, price, stock, tags=OFFERS[d], **more)

    def _wish(self, d: str, quantity: int, tier: str, via: Protocol, request_id: str) -> str:
        wish = super()._wish(d, quantity, tier, via, request_id)
        if d != "porto" or via != "24133":
            return wish
        return orjson.dumps(orjson.loads(wish) | ANSWERS).decode()


@pytest.mark.timeout(600)
def test_any_sale() -> None:
    run_state_machine_as_test(AnySale, settings=settings(FAST, max_examples=15))


@pytest.mark.long
@pytest.mark.timeout(1800)
def test_three_hundred_sales() -> None:
    run_state_machine_as_test(AnySale, settings=settings(LONG, max_examples=300))


def keeps_the_uses_of_who_left(patch: pytest.MonkeyPatch) -> None:
    """A hold lapses, and its code stays used."""
    patch.setattr(cashier.promos, "give_back", lambda tx, order_id: None)


def uses_a_code_and_does_not_count(patch: pytest.MonkeyPatch) -> None:
    """The price is that of the code, and the code is good for ever."""
    patch.setattr(checkout.promos, "count", lambda tx, order_id: True)


@pytest.mark.long
@pytest.mark.timeout(900)
@pytest.mark.parametrize("fault", [keeps_the_uses_of_who_left, uses_a_code_and_does_not_count])
def test_planted_faults_are_found(
    fault: Callable[[pytest.MonkeyPatch], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    fault(monkeypatch)
    sales = settings(LONG, max_examples=300, phases=[Phase.generate], report_multiple_bugs=False)
    with pytest.raises((AssertionError, ExceptionGroup)):
        run_state_machine_as_test(AnySale, settings=sales)
