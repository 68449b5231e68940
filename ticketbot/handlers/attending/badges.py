"""`badge yes`: a public badge (NIP-58) for who was there and wants it known. Nobody else gets one.

It is published when the event is over, for all in one note: nobody can tell from it who is where
at this moment.
"""

from __future__ import annotations

from ticketbot.domain import badge
from ticketbot.domain.badge import PublicNote
from ticketbot.domain.command import WishBadge
from ticketbot.domain.listing import Listing
from ticketbot.errors import Refused
from ticketbot.handlers import finding, viewing
from ticketbot.handlers.context import Commands, Context, Request
from ticketbot.handlers.rounds.thanking import WAIT
from ticketbot.ledger import badges, journal, outbox, people, tickets
from ticketbot.ledger.store import Tx
from ticketbot.replies.local import when_line
from ticketbot.replies.outcome import Addressee, Reply, Report, Said, Told

PAGE = 100  # people in one note
MOST = 50  # tickets that are looked at
NAMED = 3  # titles in one sentence


def wish(request: Request, tx: Tx, ctx: Context) -> Reply:
    """They want the badge of an event they hold a ticket of, or want it no more."""
    command = request.command
    assert isinstance(command, WishBadge)
    if command.wanted is None:
        return [Report("badge", {"events": []}, "badge-how")]
    listings = [viewing.listed(tx, one).listing for one in _events(command, request, tx, ctx)]
    if not listings:
        return [Report("badge", {"events": []}, "tickets-none")]
    given = [one for one in listings if one.badge != "never"]
    if not given:
        raise Refused("bad-request", "badge-never", title=listings[0].title)
    person = request.person.id
    for one in given:
        if command.wanted:
            badges.wish(tx, one.event_id, person)
        else:
            badges.unwish(tx, one.event_id, person)
    public = [one for one in given if badges.awarded(tx, one.event_id, person)]
    sentence = "badge-public" if public else "badge-yes" if command.wanted else "badge-no"
    titles = [one.title for one in public or given]
    values: dict[str, object] = {
        "titles": ", ".join(titles[:NAMED]) + (" …" if len(titles) > NAMED else "")
    }
    facts = {"events": [one.event_id for one in given], "wanted": command.wanted}
    return [Report("badge", facts, sentence, values)]


def award(event_id: str, tx: Tx, ctx: Context) -> Reply:
    """The badge of an event for all who asked for it and were let in; the first time with what
    it is. One transaction queues the notes and remembers them: nobody has it twice. All bear the
    same date, so that a ledger that was restored makes the very same notes, which relays drop.
    """
    listing = viewing.listed(tx, event_id).listing
    found = [people.person(tx, one) for one in badges.to_award(tx, event_id, PAGE)]
    if not found:
        return []
    if badges.define(tx, event_id, ctx.now):
        _publish(badge.define(listing, when_line(listing)), listing, tx, ctx)
    note = badge.award(event_id, ctx.settings.bot, [one.pubkey for one in found])
    _publish(note, listing, tx, ctx)
    badges.award(tx, event_id, [one.id for one in found], ctx.now)
    journal.note(tx, ctx.now, event_id, "badges awarded", people=len(found))
    said = Said("badge-awarded", {"title": listing.title})
    name = badge.badge_name(event_id)
    return [
        Told(Addressee(one.pubkey, "auto", None, one.id), said, f"badge:{name}:{one.id}")
        for one in found
    ]


def _publish(note: PublicNote, listing: Listing, tx: Tx, ctx: Context) -> None:
    names = "\n".join(":".join(tag) for tag in note.tags)  # they name people: not in the clear
    key = tx.vault.tag(b"badge", names.encode()).hex()[:32]
    outbox.put(tx, f"badge:{key}", "note", ctx.now, {**note._asdict(), "at": listing.end + WAIT})


def _events(command: WishBadge, request: Request, tx: Tx, ctx: Context) -> list[str]:
    """Events that they hold tickets of, soonest bought first."""
    rows = tickets.of_holder(tx, request.person.id, ctx.now, MOST)
    held = list(dict.fromkeys(row.event_id for row in rows))
    if not command.words:
        return held
    named = finding.event_in(command.words, tx, ctx)[0].listing.event_id
    return [one for one in held if one == named]


COMMANDS: Commands = {WishBadge: wish}
