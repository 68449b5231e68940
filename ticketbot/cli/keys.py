"""`keys` and `verify`: the public keys, and what they say of a ticket."""

from __future__ import annotations

import json
import re
import sys
import time
from argparse import Namespace
from typing import NamedTuple

from ticketbot.cli.opening import House, open_house
from ticketbot.cli.output import at, pairs, show, show_json
from ticketbot.domain.jwt_ticket import jwk, read_ticket
from ticketbot.domain.nip19 import npub_encode
from ticketbot.domain.ticket import (
    Claims,
    TicketInvalid,
    TicketKey,
    check_time,
    group_id,
)
from ticketbot.errors import Broken
from ticketbot.handlers.door.validating import look_up
from ticketbot.ledger.store import Tx

LONGEST_LINK = 4096
NO_TICKET_KEY = "there is no ticket key yet: `ticketbot run` makes one, or `ticketbot restore`"

IN_WORDS = {
    "void": "void: it was given back, or its event was cancelled",
    "replaced": "replaced: a newer version of this ticket was given out, the holder has it",
    "unknown": "unknown: its signature is this bot's, but this ledger has no such ticket",
    "foreign": "not the one in this ledger: its signature is this bot's, its content is not",
    "used": "used: it was admitted already",
}


class Verdict(NamedTuple):
    """What is known of a token. `reason` says why it is not valid, None when it is."""

    reason: str | None
    claims: Claims | None = None
    title: str | None = None
    tier: str | None = None


def keys(args: Namespace) -> int:
    """Print what may be known to everybody; never a secret."""
    house = open_house(args)
    public = _ticket_public(house)
    npub = npub_encode(house.keys.pubkey)
    if args.json:
        show_json(
            {
                "npub": npub,
                "pubkey": house.keys.pubkey,
                "ticket_public_key": public.hex() if public else None,
                "ticket_jwk": jwk(public) if public else None,
            }
        )
        return 0
    show(
        pairs(
            [
                ("npub", npub),
                ("public key, hex", house.keys.pubkey),
                ("ticket public key, hex", public.hex() if public else NO_TICKET_KEY),
                ("ticket public key, JWK", json.dumps(jwk(public)) if public else "-"),
            ]
        )
    )
    return 0


def verify(args: Namespace) -> int:
    """Say whether a ticket is valid; exit code 1 when it is not."""
    token = sys.stdin.read(LONGEST_LINK) if args.token == "-" else args.token
    house = None if args.public_key else open_house(args)
    public = _ticket_public(house) if house else _typed_key(args.public_key)
    if public is None:
        raise Broken(NO_TICKET_KEY)
    with_ledger = house is not None and house.config.ledger.path.exists()
    now = int(time.time())
    verdict = judge(token, public, now, house if with_ledger else None)
    _tell(args, verdict, house, with_ledger)
    return 0 if verdict.reason is None else 1


def judge(token: str, public: bytes, now: int, house: House | None) -> Verdict:
    """The signature first, then the ledger (if there is one), then the time."""
    try:
        claims = read_ticket(token, public)
    except TicketInvalid as error:
        return Verdict(str(error))
    seed = None if house is None else house.config.bot.ticket_key
    verdict = Verdict(None)
    if house is not None and seed is not None:
        signer = TicketKey.from_bytes(bytes.fromhex(seed.reveal()))
        verdict = house.look(lambda tx: _in_ledger(tx, signer, claims))
    if verdict.reason is None:
        try:
            check_time(claims, now)
        except TicketInvalid as error:
            verdict = verdict._replace(reason=str(error))
    return verdict._replace(claims=claims)


def _in_ledger(tx: Tx, signer: TicketKey, claims: Claims) -> Verdict:
    found = look_up(claims, signer, tx)
    reason = None if found.reason is None else IN_WORDS[found.reason]
    title = None if found.listed is None else found.listed.listing.title
    return Verdict(reason, title=title, tier=None if found.row is None else found.row.tier)


def _tell(args: Namespace, verdict: Verdict, house: House | None, with_ledger: bool) -> None:
    claims = verdict.claims
    checked = "ledger" if with_ledger else "signature and time only"
    if args.json:
        show_json(
            {
                "valid": verdict.reason is None,
                "reason": verdict.reason,
                "checked": checked,
                "ticket_id": claims.ticket_id if claims else None,
                "title": verdict.title,
                "tier": verdict.tier,
                "version": claims.version if claims else None,
                "issued_at": claims.issued_at if claims else None,
                "expires_at": claims.expires_at if claims else None,
            }
        )
        return
    show("valid" if verdict.reason is None else f"NOT VALID: {verdict.reason}")
    if claims is None:
        return
    show(
        pairs(
            [
                ("ticket", group_id(claims.ticket_id)),
                ("event", " · ".join(filter(None, (verdict.title, verdict.tier))) or "-"),
                ("version", claims.version),
                ("issued", at(claims.issued_at)),
                ("expires", at(claims.expires_at)),
            ]
        )
    )
    if not with_ledger:
        where = f"there is no ledger at {house.config.ledger.path}" if house else "--public-key"
        show(f"Only signature and time were checked ({where}): it may be void, replaced or used.")


def _ticket_public(house: House) -> bytes | None:
    seed = house.config.bot.ticket_key
    return None if seed is None else TicketKey.from_bytes(bytes.fromhex(seed.reveal())).public


def _typed_key(text: str) -> bytes:
    if not re.fullmatch("[0-9a-fA-F]{64}", text):
        raise Broken("--public-key is not 64 hex digits: `ticketbot keys` prints it")
    return bytes.fromhex(text)
