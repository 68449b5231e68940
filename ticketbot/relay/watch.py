"""Is a relay still giving us what it takes? The deafness watchdog's verdicts. No IO.

An open socket proves little: a relay may accept everything and deliver nothing. So the bot sends
itself a small ephemeral event through each relay and waits for it on the very subscription on
which people's messages come.
"""

from __future__ import annotations

from typing import Literal

from ticketbot.relay.filters import Filter
from ticketbot.relay.terms import Hearing, Ok

Advice = Literal["try again", "reconnect", "wait"]

ECHO_KIND = 26177
"""Any ephemeral kind (NIP-01: 20000–29999) that nobody has given a meaning."""

SILENCES = 2
VAIN_RECONNECTS = 3


def echo_filter(pubkey: str) -> Filter:
    """What lets the bot's own echoes come back."""
    return {"kinds": [ECHO_KIND], "authors": [pubkey], "#p": [pubkey]}


class Watch:
    """What is known of one relay, across all its connections."""

    def __init__(self) -> None:
        self.hearing: Hearing = "unknown"
        self.latency: float | None = None
        self._ever_heard = False
        self._silences = 0
        self._vain_reconnects = 0

    def heard(self, latency: float | None = None) -> None:
        """The echo came back `latency` seconds after it was sent, or another new event came."""
        self.hearing = "heard"
        self.latency = latency if latency is not None else self.latency
        self._ever_heard = True
        self._silences = self._vain_reconnects = 0

    def declined(self) -> None:
        """The relay does not take such events: it cannot be told whether it delivers."""
        self.hearing = "unknown"
        self._silences = 0

    def silent(self) -> Advice:
        """No echo came.

        Some relays say OK to ephemeral events and deliver none: one that has never echoed, and
        is not mended by reconnecting, is no longer called deaf.
        """
        self._silences += 1
        if self._silences % SILENCES:
            return "try again"
        if not self._ever_heard and self._vain_reconnects >= VAIN_RECONNECTS:
            self.hearing = "unknown"
            return "wait"
        self._vain_reconnects += 1
        self.hearing = "deaf"
        return "reconnect"


def is_policy(ok: Ok) -> bool:
    """Whether a refused echo says only that the relay does not want such events.

    `mute:` is the opposite of a policy: nobody was listening, though we were.
    """
    return not ok.accepted and not ok.text.startswith("mute:")
