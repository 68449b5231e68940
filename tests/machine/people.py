"""Who is out this evening: people with a key and a phone, the post between them and the bot."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from types import SimpleNamespace
from typing import Any, Literal

import orjson

from ticketbot.domain.nostr import Event, Tags
from ticketbot.envelopes import Envelopes, Letter, Opened, Protocol, Sealed
from ticketbot.errors import Malformed, Retry
from ticketbot.keys import Keys, parse_event
from ticketbot.relays import Caught, Ok

RELAY = "wss://relay.example"
Mood = Literal["fine", "silent", "forgets to say OK", "refuses"]


class Person:
    """A key, a phone, and everything it ever showed. `broken`: what no client should see."""

    def __init__(self, secret: int, bot: str, clock: Callable[[], float]) -> None:
        self.keys = Keys(secret.to_bytes(32, "big"))
        self.pubkey = self.keys.pubkey
        self.heard: dict[bytes, Opened] = {}
        self.broken: list[str] = []
        self._bot = bot
        self._clock = clock
        self._envelopes = Envelopes(self.keys, clock=clock)
        self._stamp = 0
        self._opened: set[str] = set()

    def letter(self, text: str, via: Protocol, ago: int = 0) -> Letter:
        """A letter that is like no other, written `ago` seconds ago."""
        self._stamp = max(int(self._clock()), self._stamp + 1)
        return Letter(via, self._bot, self._stamp - ago, text)

    def wrap(self, letter: Letter) -> Event:
        """The letter in an envelope; each gift wrap is another one."""
        return parse_event(orjson.loads(self._envelopes.seal([letter])[0].json))

    def note(self, kind: int, tags: Tags, content: str = "", ago: int = 0) -> Event:
        """A signed note for everybody to read."""
        self._stamp = max(int(self._clock()), self._stamp + 1)
        return self.keys.sign_event(self._stamp - ago, kind, tags, content)

    def take(self, event: Event) -> None:
        """The post brings something: open it, and remember the message by its one key."""
        if event.id in self._opened:
            return
        self._opened.add(event.id)
        opened = self._envelopes.open([event])[0]
        if isinstance(opened, Malformed):
            self.broken.append(f"{self.pubkey[:6]} cannot open what the bot sent: {opened}")
            return
        before = self.heard.setdefault(opened.key, opened)
        if before.text != opened.text:
            self.broken.append(f"I3: one message, two bodies: {before.text!r}, {opened.text!r}")

    def said(self, part: str) -> list[Opened]:
        """The messages that contain `part`, each once."""
        return [one for one in self.heard.values() if part in one.text]

    def answers(self) -> list[dict[str, Any]]:
        """What a program would have read."""
        return [orjson.loads(o.text) for o in self.heard.values() if o.protocol == "24133"]

    def tokens(self) -> set[str]:
        """Every ticket that came by DM."""
        lines = (line for one in self.said("\nTKT1:") for line in one.text.splitlines())
        return {line for line in lines if line.startswith("TKT1:")}

    def dm_list(self) -> Event:
        """Where NIP-17 messages reach this person (kind 10050)."""
        return self.keys.sign_event(1, 10050, [["relay", RELAY]], "")


class Post:
    """The relays, which keep all that was sent to the bot and bring it again when it restarts."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self.clock = clock
        self.mood: Mood = "fine"
        self.holding = False
        self.held: list[Event] = []
        self.stored: list[Event] = []
        self.people: dict[str, Person] = {}
        self.pool: Pool | None = None

    def send(self, event: Event) -> None:
        """Bring something to the bot, now or when `held` is let through."""
        if self.holding:
            self.held.append(event)
            return
        self.stored.append(event)
        if self.pool is not None:
            self.pool.inbox.put_nowait(event)

    def let_through(self, order: Sequence[int]) -> None:
        """Bring what was held back, in the order of these numbers."""
        held, self.held, self.holding = self.held, [], False
        for number, event in sorted(zip(order, held, strict=False), key=lambda one: one[0]):
            del number
            self.send(event)
        for event in held[len(order) :]:
            self.send(event)

    def bring(self, sealed: Sealed) -> None:
        """What the bot sends lands on its reader's phone."""
        event = parse_event(orjson.loads(sealed.json))
        for row in event.rows("p"):
            if row[0] in self.people:
                self.people[row[0]].take(event)


class Pool:
    """Stands where the relay pool stands in the bot, and asks `Post` for everything."""

    def __init__(self, post: Post, inbox: asyncio.Queue[Event | Caught]) -> None:
        self.inbox = inbox
        self.guard = SimpleNamespace(permits=lambda url: True)
        self._post = post

    @property
    def deaf(self) -> bool:
        return self._post.holding

    async def run(self) -> None:
        for event in self._post.stored:
            self.inbox.put_nowait(event)
        self._post.pool = self
        await asyncio.Event().wait()

    def clocks(self) -> dict[str, float]:
        return {RELAY: self._post.clock()} if self._post.mood == "fine" else {}

    def refilter(self) -> None:
        """Everything is heard anyway."""

    def status(self) -> dict[str, Any]:
        return {RELAY: SimpleNamespace(connected=self._post.mood == "fine")}

    async def fetch(
        self, filters: Sequence[dict[str, Any]], *args: object, **options: object
    ) -> list[Event]:
        await asyncio.sleep(0.01)
        if self._post.mood == "silent":
            raise Retry("no relay answered")
        people = self._post.people
        return [people[one].dm_list() for one in filters[0]["authors"] if one in people]

    async def publish(
        self, batch: Sequence[tuple[Sealed, Sequence[str]]], *args: object, **options: object
    ) -> list[dict[str, Ok]]:
        await asyncio.sleep(0.01)
        mood = self._post.mood
        for sealed, _ in batch:
            if mood in ("fine", "forgets to say OK"):
                self._post.bring(sealed)
        if mood in ("silent", "forgets to say OK"):
            return [{} for _ in batch]
        said = Ok(mood == "fine", "" if mood == "fine" else "blocked: not today")
        return [dict.fromkeys(relays, said) for _, relays in batch]
