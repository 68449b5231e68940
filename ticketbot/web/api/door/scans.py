"""Scans as scanners send them, and what each of them is answered."""

from __future__ import annotations

from ticketbot.domain.admission import Kind
from ticketbot.domain.requests.fields import FARTHEST
from ticketbot.domain.scanning import LONGEST_NONCE, LONGEST_SHOWN, Scan, read_gate, read_shown
from ticketbot.errors import Refused
from ticketbot.replies.saying import Manner, sentence
from ticketbot.web.api.door.port import Json

MOST_SCANS = 500
SHORTEST_NONCE = 8
LONGEST_GATE_SENT = 100


def read_scan(body: Json, public_key: bytes, kind: Kind) -> Scan:
    """A ticket that is shown, at which gate, under which nonce; `Refused` names a wrong field."""
    ticket, gate, nonce = body.get("ticket"), body.get("gate"), body.get("nonce")
    if not isinstance(ticket, str) or not 0 < len(ticket) <= LONGEST_SHOWN:
        raise Refused("bad-request", "field-text", field="ticket", most=LONGEST_SHOWN)
    if not isinstance(gate, str | None) or len(gate or "") > LONGEST_GATE_SENT:
        raise Refused("bad-request", "field-text", field="gate", most=LONGEST_GATE_SENT)
    if nonce is not None and not (
        isinstance(nonce, str) and SHORTEST_NONCE <= len(nonce) <= LONGEST_NONCE
    ):
        raise _wrong_nonce()
    return Scan(kind, read_shown(ticket, public_key), read_gate(gate or ""), nonce)


def read_told(raw: object, public_key: bytes) -> Scan | Refused:
    """A scan that happened before; a `Refused` in its place where it cannot be read."""
    if not isinstance(raw, dict):
        return Refused("bad-request", "field-scans", field="scans", most=MOST_SCANS)
    try:
        if raw.get("kind", "check-in") not in list(Kind):
            raise Refused("bad-request", "field-one-of", field="kind", choice=", ".join(Kind))
        scan = read_scan(raw, public_key, Kind(raw.get("kind", "check-in")))
        at = raw.get("at")
        if type(at) is not int or not 0 < at < FARTHEST:
            raise Refused("bad-request", "field-number", field="at", most=FARTHEST)
        if scan.nonce is None:
            raise _wrong_nonce()
    except Refused as refused:
        return refused
    return scan._replace(device_at=at)


def answer(result: Json | Refused, raw: object, how: Manner) -> Json:
    """What came of one scan that was told later, under the nonce that it came with."""
    nonce = raw.get("nonce") if isinstance(raw, dict) else None
    if isinstance(result, Refused):
        result = {"error": result.code, "message": sentence(result, how)}
    return {"nonce": nonce if isinstance(nonce, str) else None, **result}


def _wrong_nonce() -> Refused:
    values = {"least": SHORTEST_NONCE, "most": LONGEST_NONCE}
    return Refused("bad-request", "field-nonce", field="nonce", **values)
