"""An event as a calendar file (RFC 5545): one VEVENT, the same bytes for the same event.

Times are UTC, so no VTIMEZONE is needed; days are dates. Nothing in it lets anybody in: calendars
are shared, and kept by strangers.
"""

from __future__ import annotations

import hashlib
import re
from datetime import UTC, datetime, timedelta

from ticketbot.domain.listing import Listing
from ticketbot.texts import DEFAULT, say

MOST_OCTETS = 75  # of a line, without its end
CONTENT_TYPE = "text/calendar; charset=utf-8"
_SPECIAL = re.compile(r"([\\;,])")


def calendar_file(listing: Listing, link: str = "", language: str = DEFAULT) -> bytes:
    """The file, UTF-8 with CRLF. `link` is where the event's note is found (`nostr:naddr1…`).

    Its UID is made from the event's id: whoever opens a newer file changes the entry they have.
    """
    stamp = _utc(listing.created_at)
    texts = [listing.summary, say("calendar-held", language)]
    rows = [
        ("BEGIN", "VCALENDAR"),
        ("VERSION", "2.0"),
        ("PRODID", "-//ticketbot//ticketbot//EN"),
        ("CALSCALE", "GREGORIAN"),
        ("METHOD", "PUBLISH"),
        ("BEGIN", "VEVENT"),
        ("UID", uid(listing.event_id)),
        ("DTSTAMP", stamp),
        ("LAST-MODIFIED", stamp),
        *_span(listing),
        ("SUMMARY", _text(listing.title)),
        *([("LOCATION", _text(listing.place))] if listing.place else []),
        ("DESCRIPTION", _text("\n\n".join(filter(None, texts)))),
        *([("URL", link)] if link else []),
        ("STATUS", "CANCELLED" if listing.cancelled else "CONFIRMED"),
        ("END", "VEVENT"),
        ("END", "VCALENDAR"),
    ]
    return b"".join(_folded(f"{name}:{value}") for name, value in rows)


def uid(event_id: str) -> str:
    """What calendars know the event by; it tells nobody whose it is."""
    return f"{hashlib.sha256(event_id.encode()).hexdigest()[:32]}@ticketbot"


def _span(listing: Listing) -> list[tuple[str, str]]:
    if not listing.all_day:
        return [("DTSTART", _utc(listing.start)), ("DTEND", _utc(listing.end))]
    first = datetime.fromtimestamp(listing.start, UTC)
    after = datetime.fromtimestamp(listing.last_day, UTC) + timedelta(days=1)
    return [("DTSTART;VALUE=DATE", f"{first:%Y%m%d}"), ("DTEND;VALUE=DATE", f"{after:%Y%m%d}")]


def _utc(at: int) -> str:
    return f"{datetime.fromtimestamp(at, UTC):%Y%m%dT%H%M%SZ}"


def _text(text: str) -> str:
    return _SPECIAL.sub(r"\\\1", text).replace("\n", "\\n")


def _folded(line: str) -> bytes:
    """At most 75 octets a line; what follows a fold begins with a space. No letter is cut."""
    rows: list[bytes] = [b""]
    for letter in line:
        octets = letter.encode()
        if len(rows[-1]) + len(octets) > MOST_OCTETS:
            rows.append(b" ")
        rows[-1] += octets
    return b"\r\n".join(rows) + b"\r\n"
