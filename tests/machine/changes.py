"""What people do whose plans change: hand tickets on, give them back, move the event."""

from __future__ import annotations

from collections.abc import Callable

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule

from tests.machine.town import BEGIN, DAY, Town
from ticketbot.envelopes import Protocol
from ticketbot.ledger.people import person

pauses = st.sampled_from([0.0, 0.0, 0.2, 3.0])
buyers = st.integers(0, 2)
tickets = st.integers(0, 5)
events = st.sampled_from(["lisbon", "lisbon", "porto"])
ways: st.SearchStrategy[Protocol] = st.sampled_from(["nip17", "nip04", "24133"])


class ChangesOfPlan(RuleBasedStateMachine):
    """Rules for an evening that has a town, buyers who write and an organizer who publishes."""

    town: Town

    _write: Callable[[int, str, Protocol, int, float], None]
    _publish: Callable[..., None]

    @precondition(lambda self: self._held())
    @rule(
        which=tickets, to=buyers, via=ways, pause=pauses,
        then=st.sampled_from(["accept", "accept", "accept", "decline", "", "cancel"]),
    )  # fmt: skip
    def hands_on(self, which: int, to: int, via: Protocol, pause: float, then: str) -> None:
        """A ticket to one of the others, or to oneself."""
        code, who = self._one(which)
        self._write(who, f"transfer {code} {self.town.buyers[to].pubkey}", "nip17", 0, pause)
        if then == "cancel":
            self._write(who, f"transfer {code} cancel", "nip17", 0, pause)
        elif then:
            self._write(to, then, via if via != "24133" else "nip04", 0, pause)

    @precondition(lambda self: self._held())
    @rule(which=tickets, pause=pauses)
    def gives_back(self, which: int, pause: float) -> None:
        code, who = self._one(which)
        self._write(who, f"refund {code} yes", "nip17", 0, pause)

    @precondition(lambda self: self._held())
    @rule(d=events, which=tickets, sure=st.sampled_from(["", "", "yes"]), pause=pauses)
    def organizer_gives_back(self, d: str, which: int, sure: str, pause: float) -> None:
        """A ticket, if it is of that event."""
        code, organizer = self._one(which)[0], self.town.organizer
        text = f"give back {d} {code} {sure}"
        self.town.post.send(organizer.wrap(organizer.letter(text, "nip17")))
        self.town.lives_on(pause)

    @rule(d=events, place=st.sampled_from(["Faro", "Braga"]), later=st.booleans(), pause=pauses)
    def organizer_moves(self, d: str, place: str, later: bool, pause: float) -> None:
        """To another place, and perhaps to a later end."""
        ends = BEGIN + (20 if later else 9) * DAY
        self._publish(d, 5000, 4, place=place, ends=ends)
        self.town.lives_on(pause)

    def _held(self) -> list[tuple[str, int]]:
        """Live tickets and which buyer holds each."""
        tx, keys = self.town.tx(), [one.pubkey for one in self.town.buyers]
        rows = tx.rows("SELECT id, holder FROM ticket WHERE state <> 'void' ORDER BY id")
        held = [(code, person(tx, holder).pubkey) for code, holder in rows]
        return [(code, keys.index(pubkey)) for code, pubkey in held if pubkey in keys]

    def _one(self, which: int) -> tuple[str, int]:
        held = self._held()
        return held[which % len(held)]
