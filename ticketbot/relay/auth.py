"""Proving to a relay who we are (NIP-42), on one connection."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import orjson

from ticketbot.keys import Keys
from ticketbot.relay.terms import Ok

AUTH_KIND = 22242
Proof = Literal["none", "wanted", "sent", "accepted", "refused"]


class Auth:
    """Where a connection stands with NIP-42; every method returns the frames to send."""

    def __init__(self, url: str, keys: Keys, clock: Callable[[], float]) -> None:
        self._url = url
        self._keys = keys
        self._clock = clock
        self._challenge: str | None = None
        self._event_id = ""
        self.proof: Proof = "none"

    def helps(self, refusal: str) -> bool:
        """Whether a proof may turn that refusal into a yes.

        `restricted:` is said to those who have proven who they are, or should have.
        """
        if self.proof == "refused":
            return False
        known = self._challenge is not None
        return refusal.startswith("auth-required:") or (known and refusal.startswith("restricted:"))

    @property
    def under_way(self) -> bool:
        """A proof has been sent, and the relay's word is awaited."""
        return self.proof == "sent"

    def challenged(self, challenge: str, *, eager: bool = False) -> list[bytes]:
        """The relay named a challenge: answered now if a proof is `wanted`, or when `eager`."""
        wanted = self.proof == "wanted" or (eager and self.proof == "none")
        self._challenge = challenge
        if self.proof != "sent":
            # A new challenge ends the validity of what was proven before (NIP-42).
            self.proof = "none"
        return self.want() if wanted else []

    def want(self) -> list[bytes]:
        """Something needs a proof: sent now, or as soon as there is a challenge."""
        if self.proof != "none":
            return []
        if self._challenge is None:
            self.proof = "wanted"
            return []
        self.proof = "sent"
        tags = [["relay", self._url], ["challenge", self._challenge]]
        event = self._keys.sign_event(int(self._clock()), AUTH_KIND, tags, "")
        self._event_id = event.id
        return [orjson.dumps(["AUTH", event._asdict()])]

    def forget(self) -> None:
        """Whatever came of the last proof, another may be sent when it is asked for."""
        if self.proof != "wanted":
            self.proof = "none"

    def answered(self, event_id: str, ok: Ok) -> bool:
        """Whether that OK was for our proof; if so, it is decided now."""
        if self.proof != "sent" or event_id != self._event_id:
            return False
        self.proof = "accepted" if ok.accepted else "refused"
        return True
