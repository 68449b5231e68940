"""Echoes on one link: sent through the publishing connection, awaited on the subscribing one."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable
from contextlib import suppress

import orjson
import structlog

from ticketbot.domain.nostr import Event
from ticketbot.envelopes import Sealed
from ticketbot.keys import Keys
from ticketbot.relay.errands import Errands
from ticketbot.relay.funnel import Funnel
from ticketbot.relay.watch import ECHO_KIND, Advice, Watch, is_policy

_log = structlog.get_logger()


class Probe:
    """Calls into one relay and judges what comes back, for its `watch`."""

    def __init__(
        self,
        errands: Errands,
        keys: Keys,
        clock: Callable[[], float],
        watch: Watch,
        funnel: Funnel,
    ) -> None:
        self.news = 0
        """How many live events came on this link: they prove hearing too."""
        self.came = False
        """An echo has come back on the present subscription."""
        self._errands = errands
        self._keys = keys
        self._clock = clock
        self._watch = watch
        self._funnel = funnel
        self._loop = asyncio.get_running_loop()
        self._event_id = ""
        self._sent_at = 0
        self._began = 0.0
        self._back = asyncio.Event()

    def is_echo(self, event: Event) -> bool:
        """Whether an event is one of ours, for nobody else."""
        return event.kind == ECHO_KIND and event.pubkey == self._keys.pubkey

    async def call(self) -> Advice:
        """Sends an echo out, waits for its return, and tells what to do."""
        watch, line = self._watch, self._errands.line
        token, tags = secrets.token_hex(8), [["p", self._keys.pubkey]]
        self._sent_at = int(self._clock())
        event = self._keys.sign_event(self._sent_at, ECHO_KIND, tags, token)
        self._event_id, self._began = event.id, self._loop.time()
        self._back.clear()
        news, patience = self.news, line.timing.echo_patience
        sealed = Sealed(event.id, event.kind, orjson.dumps(event._asdict()))
        answers = await self._errands.publish([sealed], patience)
        if not answers and not self._errands.connected:
            return "wait"
        if event.id in answers and is_policy(answers[event.id]):
            watch.declined()
            return "wait"
        with suppress(TimeoutError):
            async with asyncio.timeout_at(self._began + patience):
                await self._back.wait()
        # While the inbox is full nothing can be heard, and that is not the relay's fault.
        if self._back.is_set() or self._funnel.stalled_since(self._began):
            return "wait"
        if self.news > news:
            self._heard(None)
            return "wait"
        return self._silent()

    def came_back(self, event_id: str) -> int | None:
        """An echo came: the wall clock at which it was sent, if it is the one that is awaited."""
        if event_id != self._event_id or self._back.is_set():
            return None
        self._back.set()
        self.came = True
        self._heard(self._loop.time() - self._began)
        return self._sent_at

    def _heard(self, latency: float | None) -> None:
        if self._watch.hearing == "deaf":
            _log.info("relay.heard", relay=self._errands.line.url)
        self._watch.heard(latency)

    def _silent(self) -> Advice:
        before = self._watch.hearing
        advice = self._watch.silent()
        if advice == "reconnect" and before != "deaf":
            _log.warning("relay.deaf", relay=self._errands.line.url)
        return advice
