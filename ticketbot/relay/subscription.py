"""One asking of one relay: what it has stored, page by page, then what is new. No IO.

A relay caps what it returns for one filter (500 is usual), newest first, and says EOSE all the
same. After a long absence the older half would be lost silently, so we ask on with `until`
(NIP-01) from the oldest event that came, until a page comes up short.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from ticketbot.domain.nostr import Event
from ticketbot.relay.filters import Filter, Wanted

FULL_PAGE = 20
"""Fewer stored events than this were not capped: no relay's cap is known to be lower."""
MAX_PAGES = 1000


def frame(*parts: Any) -> bytes:
    """A client message (NIP-01)."""
    return orjson.dumps(parts)


@dataclass(slots=True)
class _Page:
    """What one filter has brought since its last EOSE."""

    source: Filter
    wanted: Wanted
    until: int | None = None
    count: int = 0
    oldest: int | None = None

    def next_until(self) -> int | None:
        """Where the next page starts; None when there is none."""
        if "limit" in self.source or self.oldest is None or self.count < FULL_PAGE:
            return None
        # A page of one single second cannot be passed otherwise.
        stuck = self.until is not None and self.oldest >= self.until
        until = self.oldest - 1 if stuck else self.oldest
        return until if until >= self.source.get("since", 0) else None


class Subscription:
    """`asked_at` is the wall clock before the REQ left: what `Caught` may claim once all is in."""

    def __init__(self, name: str, filters: Sequence[Filter], asked_at: int) -> None:
        self.name = name
        self.asked_at = asked_at
        self.live = False
        """All stored events are in."""
        self._filters = list(filters)
        self._wanted = [Wanted(source) for source in filters]
        self._pages = [_Page(source, Wanted(source)) for source in filters]
        self._page_name = name
        self._asked_pages = 0

    def request(self) -> bytes:
        """The REQ that starts it."""
        return frame("REQ", self.name, *self._filters)

    def owns(self, name: str) -> bool:
        """Whether an EOSE or CLOSED of that subscription id speaks of this asking."""
        return name in (self.name, self._page_name)

    def note(self, name: str, event: Event) -> bool:
        """Whether this event was asked for; keeps account of the page it belongs to."""
        if self.live or name != self._page_name:
            return any(wanted.fits(event) for wanted in self._wanted)
        fits = False
        for page in self._pages:
            if page.wanted.fits(event):
                fits = True
                page.count += 1
                page.oldest = min(event.created_at, page.oldest or event.created_at)
        return fits or any(wanted.fits(event) for wanted in self._wanted)

    def ended(self, name: str) -> list[bytes]:
        """An EOSE: the frames that ask for the next page, or `live` is set."""
        if self.live or name != self._page_name:
            return []
        frames = [] if name == self.name else [frame("CLOSE", name)]
        pages: list[_Page] = []
        for page in self._pages:
            until = page.next_until()
            if until is not None:
                pages.append(_Page(page.source, page.wanted, until))
        self._pages = pages
        self._asked_pages += 1
        if not pages or self._asked_pages >= MAX_PAGES:
            self.live = True
            return frames
        self._page_name = f"{self.name}.{self._asked_pages}"
        asked = [{**page.source, "until": page.until} for page in pages]
        return [*frames, frame("REQ", self._page_name, *asked)]

    def farewell(self) -> list[bytes]:
        """The CLOSEs that end it."""
        return [frame("CLOSE", name) for name in dict.fromkeys((self.name, self._page_name))]
