"""Tickets: issued once, shown as often as their holder asks."""

from __future__ import annotations

import base64
import hmac

from ticketbot.domain.listing import Listing
from ticketbot.domain.order import Order, asked_at
from ticketbot.domain.ticket import Claims, event_hash, expiry, holder_hash, token_hash
from ticketbot.handlers.context import Context
from ticketbot.ledger import journal, outbox, people, tickets
from ticketbot.ledger.people import Person
from ticketbot.ledger.store import Tx
from ticketbot.ledger.tickets import TicketRow
from ticketbot.replies.outcome import TicketShown

PICTURE, CALENDAR = b"capability", b"calendar"
"""What an address opens: the ticket itself, or what anybody may know of its event. Calendars are
read by strangers, so theirs lets nobody in."""


def issue(
    tx: Tx, ctx: Context, order: Order, listing: Listing, payment_hash: str | None
) -> list[TicketShown]:
    """Write the tickets of a paid order and show each by DM and in kind 24133."""
    holder = people.person(tx, order.person)
    shown = []
    for number in range(order.quantity):
        ticket_id, nonce = _identity(tx, order, number)
        row = TicketRow(
            id=ticket_id,
            order_id=order.id,
            event_id=order.event_id,
            tier=order.tier,
            holder=order.person,
            payment_hash=payment_hash,
            price_msat=order.unit_msat,
            state="valid",
            version=1,
            issued_at=asked_at(order.id),
            expires_at=expiry(listing.end),
            nonce=nonce,
            token_hash=b"",
        )
        ticket = show(tx, ctx, row, listing, holder, everywhere=True)
        tickets.issue(tx, row._replace(token_hash=token_hash(ticket.token)))
        shown.append(ticket)
    journal.note(tx, ctx.now, order.id, "tickets issued", tickets=order.quantity)
    return shown


def rotate(
    tx: Tx,
    ctx: Context,
    before: TicketRow,
    listing: Listing,
    holder: Person,
    expires_at: int | None = None,
) -> TicketShown:
    """The next version of a ticket, for `holder`: from now on the one before admits nobody.

    Token and picture die with their version, also where they still wait to be delivered.
    """
    version = before.version + 1
    row = before._replace(
        holder=holder.id,
        version=version,
        expires_at=before.expires_at if expires_at is None else expires_at,
        nonce=tx.vault.tag(b"nonce", f"{before.id}:{version}".encode())[:8],
    )
    shown = show(tx, ctx, row, listing, holder, everywhere=True)
    if not tickets.rotate(tx, before, row._replace(token_hash=token_hash(shown.token))):
        raise LookupError(f"ticket {before.id} is not of version {before.version} any more")
    outbox.drop_under(tx, delivery(before))
    return shown


def delivery(row: TicketRow) -> str:
    """How the keys of the messages begin that bring a ticket."""
    return f"{row.order_id}:ticket:{row.id}"


def show(
    tx: Tx, ctx: Context, row: TicketRow, listing: Listing, holder: Person, *, everywhere: bool
) -> TicketShown:
    """The ticket with its token, made again from the ledger's claims."""
    salt = _salt(tx, row)
    return TicketShown(
        order_id=row.order_id,
        listing=listing,
        tier=row.tier,
        ticket_id=row.id,
        version=row.version,
        token=token_of(tx, ctx, row, holder),
        salt=salt,
        capability=_capability(tx, row, PICTURE),
        calendar=_capability(tx, row, CALENDAR),
        everywhere=everywhere,
    )


def token_of(tx: Tx, ctx: Context, row: TicketRow, holder: Person) -> str:
    """The one token of this version of the ticket: deterministic."""
    claims = Claims(
        ticket_id=row.id,
        event=event_hash(row.event_id),
        holder=holder_hash(_salt(tx, row), holder.pubkey, row.id),
        issued_at=row.issued_at,
        expires_at=row.expires_at,
        nonce=row.nonce,
        version=row.version,
    )
    return ctx.signer.sign(claims)


def by_capability(tx: Tx, capability: str, purpose: bytes = PICTURE) -> TicketRow | None:
    """The live ticket whose picture (or calendar file) this capability opens, or None.

    None also when its holder was forgotten: its token cannot be made any more.
    """
    try:
        raw = base64.urlsafe_b64decode(capability + "=" * (-len(capability) % 4))
    except ValueError:
        return None
    row = tickets.get(tx, base64.b32encode(raw[:10]).decode().lower())
    if row is None or row.state == "void" or row.holder == people.NOBODY:
        return None
    return row if hmac.compare_digest(_capability(tx, row, purpose), capability) else None


def _identity(tx: Tx, order: Order, number: int) -> tuple[str, bytes]:
    """Id and nonce of an order's ticket, the same in every ledger of this bot.

    Whoever holds a ticket that was lost with a ledger gets the very same one again. An id is 16
    letters of base32: 4 bytes of time, so that ids sort, and 6 that only the bot can tell.
    """
    secret = tx.vault.tag(b"ticket", f"{order.id}:{number}".encode())
    raw = asked_at(order.id).to_bytes(4, "big") + secret[:6]
    return base64.b32encode(raw).decode().lower(), secret[6:14]


def _salt(tx: Tx, row: TicketRow) -> bytes:
    return tx.vault.tag(b"salt", f"{row.id}:{row.version}".encode())


def _capability(tx: Tx, row: TicketRow, purpose: bytes) -> str:
    mac = tx.vault.tag(purpose, f"{row.id}:{row.version}".encode())
    raw = base64.b32decode(row.id.upper()) + mac
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")
