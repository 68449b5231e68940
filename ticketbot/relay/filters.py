"""Which events a filter asks for (NIP-01)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ticketbot.domain.nostr import Event

Filter = dict[str, Any]
"""A NIP-01 filter as JSON has it."""


class Wanted:
    """A filter made ready to be asked many times.

    `since`, `until` and `limit` are not looked at: they are the relay's business, and an event
    that is older than asked for is still ours.
    """

    __slots__ = ("_authors", "_ids", "_kinds", "_tags")

    def __init__(self, source: Filter) -> None:
        self._ids = _values(source, "ids")
        self._kinds = _values(source, "kinds")
        self._authors = _values(source, "authors")
        self._tags = [
            (key[1:], frozenset(values)) for key, values in source.items() if key.startswith("#")
        ]

    def fits(self, event: Event) -> bool:
        """Whether the filter asked for this event."""
        return (
            (self._kinds is None or event.kind in self._kinds)
            and (self._authors is None or event.pubkey in self._authors)
            and (self._ids is None or event.id in self._ids)
            and all(_carries(event, name, values) for name, values in self._tags)
        )


def _values(source: Filter, key: str) -> frozenset[Any] | None:
    return frozenset(source[key]) if key in source else None


def _carries(event: Event, name: str, values: frozenset[str]) -> bool:
    return any(len(tag) > 1 and tag[0] == name and tag[1] in values for tag in event.tags)


def any_fits(wanted: Iterable[Wanted], event: Event) -> bool:
    """Whether one of the filters asked for this event."""
    return any(one.fits(event) for one in wanted)
