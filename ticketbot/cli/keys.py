"""`keys` and `verify`: the public keys, and what they say of a ticket."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import sys
import time
from argparse import Namespace
from typing import NamedTuple

from ticketbot.cli.opening import House, open_house
from ticketbot.cli.output import at, pairs, show, show_json
from ticketbot.domain.nip19 import npub_encode
from ticketbot.domain.ticket import (
    Claims,
    TicketInvalid,
    TicketKey,
    check_time,
    group_id,
    read_token,
    token_hash,
)
from ticketbot.errors import Broken
from ticketbot.ledger import listings, tickets
from ticketbot.ledger.store import Tx

LONGEST_LINK = 4096
NO_TICKET_KEY = "there is no ticket key yet: `ticketbot run` makes one, or `ticketbot restore`"

VOID = "void: it was given back, or its event was cancelled"
ROTATED = "replaced: a newer version of this ticket was given out, the holder has it"
UNKNOWN = "unknown: its signature is this bot's, but this ledger has no such ticket"
FOREIGN = "not the one in this ledger: its signature is this bot's, its content is not"
USED = "used: it was admitted already"


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


def jwk(public: bytes) -> dict[str, str]:
    """The ticket key as an EdDSA JSON Web Key (RFC 8037), `kid` = its thumbprint (RFC 7638)."""
    needed = {"crv": "Ed25519", "kty": "OKP", "x": _base64url(public)}
    canonical = json.dumps(needed, sort_keys=True, separators=(",", ":")).encode()
    kid = _base64url(hashlib.sha256(canonical).digest())
    return {**needed, "alg": "EdDSA", "use": "sig", "kid": kid}


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
        claims = read_token(token, public)
    except TicketInvalid as error:
        return Verdict(str(error))
    verdict = house.look(lambda tx: _in_ledger(tx, token, claims)) if house else Verdict(None)
    if verdict.reason is None:
        try:
            check_time(claims, now)
        except TicketInvalid as error:
            verdict = verdict._replace(reason=str(error))
    return verdict._replace(claims=claims)


def _in_ledger(tx: Tx, token: str, claims: Claims) -> Verdict:
    row = tickets.get(tx, claims.ticket_id)
    if row is None:
        return Verdict(UNKNOWN)
    reason = None
    if row.state == "void":
        reason = VOID
    elif row.version != claims.version:
        reason = ROTATED
    elif row.token_hash != token_hash(_bare(token)):
        reason = FOREIGN
    elif row.state == "admitted":
        reason = USED
    listed = listings.by_id(tx, row.event_id)
    return Verdict(reason, title=listed.listing.title if listed else None, tier=row.tier)


def _bare(text: str) -> str:
    """The token as it was signed, out of what `read_token` understood."""
    found = re.search("TKT1:[A-Z2-7]+", "".join(text.split()).upper())
    return found[0] if found else text


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


def _base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")
