"""`announce`: a few words to everybody who holds a ticket, each of them once.

First it is shown to the organizer with the number of people; `announce <code> yes` sends it. It
leaves in pages, and its row in the outbox carries how far it has come: a crash anywhere goes on
where it stopped, and tells nobody twice.
"""

from __future__ import annotations

from ticketbot.domain.announcement import read_announcement
from ticketbot.domain.command import Announce
from ticketbot.domain.listing import Listing
from ticketbot.domain.when import DAY
from ticketbot.errors import Refused
from ticketbot.handlers import viewing
from ticketbot.handlers.context import Commands, Context, Request
from ticketbot.handlers.rights import own_event
from ticketbot.handlers.telling import tell_person
from ticketbot.ledger import announcements, journal, outbox, tickets
from ticketbot.ledger.announcements import Announcement
from ticketbot.ledger.listings import Listed
from ticketbot.ledger.store import Tx
from ticketbot.replies.outcome import Addressee, Reply, Report, Said, Told

KIND = "announcement"
A_DAY = 3
PAGE = 50  # people in one transaction: buyers come in between


def announce(request: Request, tx: Tx, ctx: Context) -> Reply:
    """Show what would be said to how many people, or send it."""
    wish = request.command
    assert isinstance(wish, Announce)
    found, _ = own_event(wish.words, request, tx, ctx)
    name = _name(request, tx)
    if before := announcements.get(tx, name):  # a program that asks once more
        return [_stands(found, before, tx)]
    if wish.text is not None:
        words = read_announcement(wish.text)
        _check_often(found, tx, ctx)
        count = _count(found, tx)
        announcements.write(tx, name, found.listing.event_id, words, ctx.now)
        if not wish.sure:
            return [_preview(found, name, words, count)]
    elif not wish.sure:
        return [_draft(found, tx, ctx)]
    return [_send(found, tx, ctx)]


def page(key: str, tx: Tx, ctx: Context) -> Reply:
    """Tell the next holders; when all of them were told, so is the organizer."""
    body = outbox.body_of(tx, key)
    one = None if body is None else announcements.get(tx, body["id"])
    if body is None or one is None:
        return []
    listing = viewing.listed(tx, one.event_id).listing
    holders = tickets.holders_of(tx, one.event_id, body["after"], body["at"], PAGE)
    if not holders:
        return _finish(key, one, body["told"], listing, tx, ctx)
    outbox.amend(tx, key, after=holders[-1], told=body["told"] + len(holders))
    facts: dict[str, object] = {
        "event_id": one.event_id,
        "title": listing.title,
        "text": one.words,
    }
    said = Report(
        "announcement", facts, "announcement", {"title": listing.title, "words": one.words}
    )
    return [told for holder in holders for told in tell_person(tx, holder, f"{key}:{holder}", said)]


def _finish(
    key: str, one: Announcement, told: int, listing: Listing, tx: Tx, ctx: Context
) -> Reply:
    announcements.finish(tx, one.id, told)
    outbox.drop(tx, key)
    journal.note(tx, ctx.now, one.event_id, "announcement sent", people=told)
    done = Said("announcement-done", {"title": listing.title, "n": told})
    return [Told(Addressee(listing.organizer, "auto"), done, f"{key}:done")]


def _draft(found: Listed, tx: Tx, ctx: Context) -> Report:
    """What was written last, once more."""
    draft = announcements.draft_of(tx, found.listing.event_id, ctx.now - DAY)
    if draft is None:
        raise Refused("bad-request", "announcement-none", code=found.code.lower())
    return _preview(found, draft.id, draft.words, _count(found, tx))


def _send(found: Listed, tx: Tx, ctx: Context) -> Report:
    draft = announcements.draft_of(tx, found.listing.event_id, ctx.now - DAY)
    if draft is None:
        raise Refused("bad-request", "announcement-none", code=found.code.lower())
    _check_often(found, tx, ctx)
    count = _count(found, tx)
    announcements.begin(tx, draft.id, ctx.now)
    body = {"what": KIND, "id": draft.id, "at": ctx.now, "after": 0, "told": 0}
    outbox.put(tx, f"{KIND}:{draft.id}", "errand", ctx.now, body)
    journal.note(tx, ctx.now, draft.event_id, "announcement begun", people=count)
    values = {"title": found.listing.title, "n": count}
    return Report("announce", _facts(found, draft.id, "sending", count), "announcing", values)


def _preview(found: Listed, name: str, words: str, count: int) -> Report:
    values = {
        "title": found.listing.title,
        "code": found.code.lower(),
        "n": count,
        "words": words,
    }
    return Report("announce", _facts(found, name, "draft", count), "announcement-ask", values)


def _stands(found: Listed, one: Announcement, tx: Tx) -> Report:
    count = one.told if one.state == "sent" else announcements.holders(tx, one.event_id)
    facts = _facts(found, one.id, one.state, count)
    values = {"title": found.listing.title, "n": count}
    return Report("announce", facts, f"announcement-is-{one.state}", values)


def _facts(found: Listed, name: str, state: str, count: int) -> dict[str, object]:
    event_id = found.listing.event_id
    return {"event_id": event_id, "announcement_id": name, "state": state, "people": count}


def _check_often(found: Listed, tx: Tx, ctx: Context) -> None:
    begun = announcements.begun_since(tx, found.listing.event_id, ctx.now - DAY)
    if len(begun) >= A_DAY:
        raise Refused("try-later", "announcement-often", most=A_DAY, at=begun[-A_DAY] + DAY)


def _count(found: Listed, tx: Tx) -> int:
    count = announcements.holders(tx, found.listing.event_id)
    if not count:
        raise Refused("bad-request", "announcement-nobody", title=found.listing.title)
    return count


def _name(request: Request, tx: Tx) -> str:
    """The same for one letter, and for one request_id of a program."""
    seed = request.key
    if request.request_id is not None:
        seed = f"{request.sender}:{request.request_id}".encode()
    return tx.vault.tag(b"announcement", seed).hex()


COMMANDS: Commands = {
    Announce: announce,
}
