"""After an event: a word of thanks to everybody who was let in, once."""

from __future__ import annotations

from ticketbot.domain.badge import badge_name
from ticketbot.domain.when import DAY
from ticketbot.handlers import viewing
from ticketbot.handlers.context import Context
from ticketbot.ledger import journal, people, thanks
from ticketbot.ledger.listings import Listed
from ticketbot.ledger.store import Tx
from ticketbot.replies.outcome import Addressee, Reply, Said, Told

PAGE = 50  # tickets in one transaction
WAIT = 3_600  # seconds after the end: people are on their way home
LATEST = 3 * DAY  # a bot that was down for longer does not come back to it


def page(event_id: str, tx: Tx, ctx: Context) -> Reply:
    """The next visitors; with the last of them it is done for good.

    Nobody is thanked for what was called off or moved to a later day meanwhile.
    """
    found = viewing.listed(tx, event_id)
    if found.state != "on-sale" or ctx.now < found.listing.end:
        return []
    rows = thanks.visitors(tx, event_id, thanks.begun(tx, event_id), PAGE)
    if not rows:
        thanks.finish(tx, event_id, ctx.now)
        return []
    thanks.go_on(tx, event_id, rows[-1].row)
    fresh = [row.person for row in rows if thanks.claim(tx, event_id, row.person)]
    journal.note(tx, ctx.now, event_id, "visitors thanked", people=len(fresh))
    name = badge_name(event_id)
    return [Told(_to(tx, person), _said(found), f"thanks:{name}:{person}") for person in fresh]


def _to(tx: Tx, number: int) -> Addressee:
    someone = people.person(tx, number)
    return Addressee(someone.pubkey, "auto", None, someone.id)


def _said(found: Listed) -> Said:
    """The organizer's words, or ours; and the badge, where they offer one."""
    listing = found.listing
    said = Said("thanks-default", {"title": listing.title})
    if listing.thanks:
        said = Said("thanks-words", {"title": listing.title, "words": listing.thanks})
    if listing.badge != "offered":
        return said
    return Said("thanks-badge", {"said": said, "code": found.code.lower()})
