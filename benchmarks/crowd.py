"""The people who buy, made ready beforehand, and what they have received."""

from __future__ import annotations

import time
from typing import Any, NamedTuple

import orjson

from ticketbot import secp
from ticketbot.domain.ticket import read_token
from ticketbot.envelopes import Envelopes, Letter, Opened
from ticketbot.keys import Keys, event_json, parse_event

WRAP, MACHINE, DM_RELAYS = 1059, 24133, 10050
INVOICE_WRAPS = 2  # what was ordered, and the bare bolt11
ALL_WRAPS = 3
KEEP_EVERY = 50  # buyers whose letters are kept and read afterwards


class BadService(AssertionError):
    """A buyer did not get what was bought: a speed at which that happens is worth nothing."""


class Buyer:
    """Somebody nobody has seen before, with one sealed request and a published DM relay list."""

    __slots__ = (
        *("answered_at", "done_at", "ids", "keeps", "kept", "keys", "machine", "relays"),
        *("request", "sent_at", "wraps"),
    )

    def __init__(self, bot: str, relay: str, words: str, *, keeps: bool) -> None:
        self.keys = Keys(secp.Keypair.fresh().secret)
        now = int(time.time())
        letter = Letter("nip17", bot, now, words)
        self.request: bytes = Envelopes(self.keys, peers=1).seal([letter])[0].json
        listed = self.keys.sign_event(now, DM_RELAYS, [["relay", relay]], "")
        self.relays: bytes = event_json(listed)
        self.keeps = keeps
        self.kept: list[dict[str, Any]] = []
        self.ids: set[str] = set()
        self.wraps = 0
        self.machine = 0
        self.sent_at = 0.0
        self.answered_at = 0.0
        self.done_at = 0.0

    def take(self, event: dict[str, Any]) -> bool:
        """An event for this buyer; False when it had come before."""
        if event["id"] in self.ids:
            return False
        self.ids.add(event["id"])
        self.wraps += event["kind"] == WRAP
        self.machine += event["kind"] == MACHINE
        if self.keeps:
            self.kept.append(event)
        return True

    @property
    def served(self) -> bool:
        """Everything that a purchase brings has come: two wraps, then the ticket in both forms."""
        return self.wraps >= ALL_WRAPS and self.machine >= 1

    def check(self, ticket_key: bytes) -> None:
        """Read what came; BadService unless it is an invoice and a genuine ticket, twice."""
        texts = self._read()
        invoices = [text for text in texts if text.startswith("lnbc")]
        tokens = {_token(text, protocol) for text, protocol in texts.items()} - {""}
        if len(texts) != ALL_WRAPS + 1 or len(invoices) != 1 or len(tokens) != 1:
            raise BadService(f"a buyer was answered {list(texts)}")
        read_token(tokens.pop(), ticket_key)

    def check_refused(self) -> None:
        """Read what came; BadService unless it is the one word that all seats are gone."""
        texts = list(self._read())
        if len(texts) != 1 or not texts[0].startswith("Sold out"):
            raise BadService(f"a buyer for whom there was no seat was answered {texts}")

    def _read(self) -> dict[str, str]:
        """Each text that came, and its protocol."""
        letters = Envelopes(self.keys, peers=4).open([parse_event(event) for event in self.kept])
        return {one.text: one.protocol for one in letters if isinstance(one, Opened)}


class Served(NamedTuple):
    """One slice of selling: how many were served, in how many seconds, each when.

    `done` is hex public key → monotonic time at which the relay said OK to the last message.
    """

    number: int
    seconds: float
    done: dict[str, float]


class Rushed(NamedTuple):
    """A rush: seconds until all were served, and each buyer's until the first word.

    `tickets` buyers got what they paid for, `refused` ones were told that seats are gone.
    """

    seconds: float
    waits: list[float]
    tickets: int
    refused: int


def _token(text: str, protocol: str) -> str:
    if protocol == "24133":
        message: dict[str, str] = orjson.loads(text)
        return message["token"] if message["type"] == "ticket" else ""
    return next((line for line in text.splitlines() if line.startswith("TKT1:")), "")
