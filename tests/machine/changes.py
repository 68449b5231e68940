"""What people do whose plans change: hand tickets on, give them back, move the event."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule

from tests.machine.people import Person
from tests.machine.town import BEGIN, DAY, Town
from ticketbot.envelopes import Protocol
from ticketbot.ledger.people import person

pauses = st.sampled_from([0.0, 0.0, 0.2, 3.0])
buyers = st.integers(0, 2)
events = st.sampled_from(["lisbon", "lisbon", "porto"])
ways: st.SearchStrategy[Protocol] = st.sampled_from(["nip17", "nip04", "24133"])


class ChangesOfPlan(RuleBasedStateMachine):
    """Rules for an evening that has a town, buyers who write and an organizer who publishes."""

    town: Town

    def _write(self, who: int, text: str, via: Protocol, age: int, pause: float) -> None:
        raise NotImplementedError

    def _publish(self, d: str, price: int, stock: int | None, **more: Any) -> None:
        raise NotImplementedError

    @rule(
        who=buyers, to=buyers, d=events, via=ways, pause=pauses,
        then=st.sampled_from(["accept", "accept", "decline", "", "cancel"]),
    )  # fmt: skip
    def hands_on(
        self, who: int, to: int, d: str, via: Protocol, pause: float, then: str
    ) -> None:  # fmt: skip
        """A ticket to one of the others, or to oneself; by the first code there is."""
        giver, taker = self.town.buyers[who], self.town.buyers[to]
        code = self._code_of(giver, d) or d
        self._write(who, f"transfer {code} {taker.pubkey}", "nip17", 0, pause)
        if then == "cancel":
            self._write(who, f"transfer {code} cancel", "nip17", 0, pause)
        elif then:
            self._write(to, then, via if via != "24133" else "nip04", 0, pause)

    @rule(who=buyers, d=events, whole=st.booleans(), pause=pauses)
    def gives_back(self, who: int, d: str, whole: bool, pause: float) -> None:
        code = None if whole else self._code_of(self.town.buyers[who], d)
        self._write(who, f"refund {code or d} yes", "nip17", 0, pause)

    @rule(d=events, number=st.integers(1, 3), pause=pauses)
    def organizer_gives_back(self, d: str, number: int, pause: float) -> None:
        """The newest order, or some tickets of it."""
        rows = "SELECT id FROM orders WHERE state = 'paid' ORDER BY rowid DESC LIMIT 1"
        row, organizer = self.town.tx().row(rows), self.town.organizer
        text = f"give back {d} {row[0] if row else 'none'} {number} yes"
        self.town.post.send(organizer.wrap(organizer.letter(text, "nip17")))
        self.town.lives_on(pause)

    @rule(d=events, place=st.sampled_from(["Faro", "Braga"]), later=st.booleans(), pause=pauses)
    def organizer_moves(self, d: str, place: str, later: bool, pause: float) -> None:
        """To another place, and perhaps to a later end."""
        ends = BEGIN + (20 if later else 9) * DAY
        self._publish(d, 5000, 4, place=place, ends=ends)
        self.town.lives_on(pause)

    def _code_of(self, one: Person, d: str) -> str | None:
        """The code of a ticket of somebody's."""
        tx = self.town.tx()
        rows = tx.rows(
            "SELECT ticket.id, holder FROM ticket WHERE state <> 'void' AND event_id LIKE ?",
            (f"%:{d}",),
        )
        mine = [code for code, holder in rows if person(tx, holder).pubkey == one.pubkey]
        return mine[0] if mine else None
