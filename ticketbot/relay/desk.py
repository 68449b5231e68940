"""Everything we ask of a relay on one link: take this event, tell me what you have."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from ticketbot.domain.nostr import Event
from ticketbot.envelopes import Sealed
from ticketbot.keys import verify
from ticketbot.relay.auth import Auth
from ticketbot.relay.ear import Brought, Message, hear
from ticketbot.relay.filters import Filter, Wanted, any_fits
from ticketbot.relay.line import Line
from ticketbot.relay.link import Link, LinkLost
from ticketbot.relay.subscription import frame
from ticketbot.relay.terms import Ok

MAX_FOUND = 5_000
MAX_TEXT = 500

Landed = Callable[[str, Ok], None]
"""Told of each answer, with the event's id, as soon as it stands."""


class Flight:
    """A batch of events on its way to one relay."""

    def __init__(self, events: Sequence[Sealed], landed: Landed | None = None) -> None:
        self.events = events
        self.answers: dict[str, Ok] = {}
        """Event id → the relay's answer so far."""
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._missing = {event.event_id for event in events}
        self._landed = landed

    def land(self, event_id: str, ok: Ok) -> None:
        """The relay's answer that stands."""
        self.answers[event_id] = ok
        self._missing.discard(event_id)
        if self._landed is not None:
            self._landed(event_id, ok)
        if not self._missing:
            self.end()

    def end(self) -> None:
        """Nothing more will come."""
        if not self.done.done():
            self.done.set_result(None)


@dataclass(slots=True)
class _Pending:
    """An event that awaits its OK, and the flights that carry it."""

    frame: bytes
    flights: list[Flight] = field(default_factory=list)
    waits_for_auth: bool = False
    proven: bool = False
    """It was sent again after the relay had accepted our proof of identity."""

    def land(self, event_id: str, ok: Ok) -> None:
        for flight in self.flights:
            flight.land(event_id, ok)


class _Query:
    def __init__(self, name: str, filters: Sequence[Filter], found: dict[str, Event]) -> None:
        self.frame = frame("REQ", name, *filters)
        self.wanted = [Wanted(source) for source in filters]
        self.found = found
        self.waits_for_auth = False
        self.proven = False
        self.done: asyncio.Future[bool] = asyncio.get_running_loop().create_future()

    def end(self, *, complete: bool) -> None:
        if not self.done.done():
            self.done.set_result(complete)


class Desk:
    """One link's talk of questions and answers. It never waits for anything but the relay.

    `eager`: a challenge is answered unasked, for our own relays know us anyway.
    """

    def __init__(self, line: Line, link: Link, auth: Auth, *, eager: bool = False) -> None:
        self._line = line
        self._link = link
        self._auth = auth
        self._eager = eager
        self._insisted = False
        self._pending: dict[str, _Pending] = {}
        self._queries: dict[str, _Query] = {}
        self._asked = 0

    async def publish(self, flight: Flight, max_length: int | None) -> None:
        """Sends a flight in one write and waits until it is done; raises LinkLost."""
        frames: list[bytes] = []
        try:
            await self._link.drain()
            for event in flight.events:
                message = b'["EVENT",' + event.json + b"]"
                if max_length is not None and len(message) > max_length:
                    text = f"invalid: {len(message)} bytes, the relay takes {max_length}"
                    flight.land(event.event_id, Ok(False, text))
                    continue
                pending = self._pending.setdefault(event.event_id, _Pending(message))
                pending.flights.append(flight)
                frames.append(message)
            self._link.send(frames)
            await flight.done
        finally:
            self._forget(flight)

    async def query(self, filters: Sequence[Filter], found: dict[str, Event]) -> bool:
        """Collects into `found` what the relay has stored; True when it has told all."""
        self._asked += 1
        name = f"q{self._asked}"
        query = self._queries[name] = _Query(name, filters, found)
        try:
            self._link.send([query.frame])
            return await query.done
        finally:
            del self._queries[name]
            with contextlib.suppress(LinkLost):
                self._link.send([frame("CLOSE", name)])

    def close(self) -> None:
        """The link is lost: whoever waits is told so."""
        for pending in self._pending.values():
            for flight in pending.flights:
                flight.end()
        for query in self._queries.values():
            query.end(complete=False)

    def _forget(self, flight: Flight) -> None:
        for event in flight.events:
            pending = self._pending.get(event.event_id)
            if pending is not None and flight in pending.flights:
                pending.flights.remove(flight)
                if not pending.flights:
                    del self._pending[event.event_id]

    async def read(self) -> None:
        """Takes what the relay says, until the link is lost."""
        while True:
            for message in hear(await self._link.receive(), self._line):
                self._take(message)

    def _take(self, message: Message) -> None:
        match message:
            case ["OK", str(event_id), bool(accepted), *rest]:
                text = rest[0][:MAX_TEXT] if rest and isinstance(rest[0], str) else ""
                self._answer(event_id, Ok(accepted or text.startswith("duplicate:"), text))
            case Brought(name, event):
                if name in self._queries:
                    self._find(self._queries[name], event)
            case ["EOSE", str(name)]:
                if name in self._queries:
                    self._queries[name].end(complete=True)
            case ["CLOSED", str(name), *rest]:
                if name in self._queries:
                    text = rest[0] if rest and isinstance(rest[0], str) else ""
                    self._closed(self._queries[name], text)
            case ["AUTH", str(challenge)]:
                self._link.send(self._auth.challenged(challenge, eager=self._eager))
                self._eager = False
            case ["NOTICE", str(text)]:
                self._line.error = f"notice: {text[:MAX_TEXT]}"
                self._refused_at_large(text)
            case _:
                self._line.counts.malformed += 1

    def _answer(self, event_id: str, ok: Ok) -> None:
        if self._auth.answered(event_id, ok):
            self._after_auth()
            return
        pending = self._pending.get(event_id)
        if pending is None:
            if not ok.accepted:
                self._refused_at_large(ok.text)
            return
        if ok.accepted or not self._may_prove(pending, ok.text):
            pending.land(event_id, ok)
            return
        for flight in pending.flights:
            # If the proof leads nowhere, these were the relay's last words.
            flight.answers[event_id] = ok
        self._prove(pending)

    def _refused_at_large(self, text: str) -> None:
        """A refusal that does not say of what, by a relay that may give a proof no answer.

        Once for a link: the proof, and right behind it all that is still unanswered.
        """
        waiting: list[_Pending | _Query] = [*self._pending.values(), *self._queries.values()]
        if self._insisted or not waiting or not self._auth.helps(text):
            return
        self._insisted = True
        self._link.send(self._auth.want())
        self._auth.forget()
        self._send_again(waiting)

    def _closed(self, query: _Query, text: str) -> None:
        if self._may_prove(query, text):
            self._prove(query)
        else:
            self._line.error = f"closed: {text[:MAX_TEXT]}"
            query.end(complete=False)

    def _may_prove(self, request: _Pending | _Query, text: str) -> bool:
        return not request.proven and self._auth.helps(text)

    def _prove(self, request: _Pending | _Query) -> None:
        if self._auth.proof == "accepted":
            self._send_again([request])
        else:
            request.waits_for_auth = True
            self._link.send(self._auth.want())

    def _after_auth(self) -> None:
        """The relay has judged our proof: whatever waited for it goes again, or ends."""
        events = [(key, one) for key, one in self._pending.items() if one.waits_for_auth]
        queries = [query for query in self._queries.values() if query.waits_for_auth]
        if self._auth.proof == "accepted":
            self._send_again([pending for _, pending in events])
            self._send_again(queries)
            return
        for event_id, pending in events:
            pending.land(event_id, pending.flights[0].answers[event_id])
        for query in queries:
            query.end(complete=False)

    def _send_again(self, requests: Sequence[_Pending | _Query]) -> None:
        for request in requests:
            request.waits_for_auth, request.proven = False, True
        self._link.send([request.frame for request in requests])

    def _find(self, query: _Query, event: Event) -> None:
        if event.id in query.found or not any_fits(query.wanted, event):
            return
        if not verify(event):
            self._line.counts.forged += 1
            return
        query.found[event.id] = event
        if len(query.found) >= MAX_FOUND:
            query.end(complete=True)
