"""Badges (NIP-58): what a visitor may show of an evening. They are public, and stay so."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import NamedTuple

from ticketbot.domain.listing import Listing
from ticketbot.domain.nostr import Tags

DEFINITION, AWARD = 30009, 8


class PublicNote(NamedTuple):
    """An event of the bot's own, unsigned."""

    kind: int
    tags: Tags
    content: str = ""


def badge_name(event_id: str) -> str:
    """The `d` of an event's badge: no colon in it, for `a` tags are cut at colons."""
    return hashlib.sha256(event_id.encode()).hexdigest()[:32]


def define(listing: Listing, when: str) -> PublicNote:
    """Kind 30009: the badge of an event, with its title and picture."""
    tags: Tags = [
        ["d", badge_name(listing.event_id)],
        ["name", listing.title],
        ["description", " · ".join(filter(None, (when, listing.place)))],
    ]
    if listing.image is not None:
        tags.append(["image", listing.image])
    tags.append(["e", listing.event_id] if listing.kind == 1 else ["a", listing.event_id])
    return PublicNote(DEFINITION, tags)


def award(event_id: str, bot: str, pubkeys: Iterable[str]) -> PublicNote:
    """Kind 8: these keys have it. Their order says nothing of who came first."""
    badge = f"{DEFINITION}:{bot}:{badge_name(event_id)}"
    return PublicNote(AWARD, [["a", badge], *(["p", key] for key in sorted(pubkeys))])
