"""What the journal may say was decided: a few words each, said by `locales/` in each language."""

from __future__ import annotations

from typing import Literal

OfOrders = Literal[
    "paid, and unknown",
    "seen to by hand",
    "placed",
    "taken up again",
    "invoice made",
    "paid",
    "released",
    "tickets issued",
    "given by the organizer",
    "tickets sent again",
    "noted",
    "note taken away",
    "ticket offered",
    "offer declined",
    "offer taken back",
    "offer over",
    "ticket transferred",
    "ticket made again",
    "tickets void",
    "refund due",
    "refund destination",
    "refund destination useless",
    "refund sending",
    "refund failed",
    "refund sent",
    "refund paid by hand",
    "message given up",
]
OfEvents = Literal[
    "put on sale",
    "edited",
    "deleted",
    "cancelled",
    "event moved",
    "event cancelled",
    "closing confirmed",
    "closing taken back",
    "closing begun",
    "closed",
    "code made",
    "code stopped",
    "seats kept",
    "kept seats",
    "sales paused",
    "sales resumed",
    "rehearsed",
    "door staff added",
    "door token made",
    "door pass ended",
    "announcement begun",
    "announcement sent",
    "visitors thanked",
    "badges awarded",
]
OfTheRest = Literal[
    "stopped",
    "resumed",
    "tried again",
    "destination",
    "forgotten",
    "forgotten as asked",
    "payout due",
    "payout destination",
    "payout destination useless",
    "payout sending",
    "payout failed",
    "payout sent",
    "payout paid by hand",
]
"""Of payouts, of people, of the whole shop: only the command line shows it."""

What = OfOrders | OfEvents | OfTheRest
