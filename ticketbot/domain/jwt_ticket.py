"""The same ticket as a JSON Web Token (RFC 7519), for programs that read no base32.

    header   {"alg": "EdDSA", "kid": <thumbprint of the ticket key, RFC 7638>, "typ": "ticket+jwt"}
    claims   ticket_id, event, holder, nonce (hex, as in the token), version, iat, exp

It is signed with the key that signs tokens. The two cannot be taken for each other: what is
signed of a token begins with the byte 1, of a JWT with a letter. Equal claims give an equal
JWT, so none is ever stored.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from ticketbot.domain.ticket import Claims, Reason, TicketInvalid, TicketKey, read_token

TYPE = "ticket+jwt"
LONGEST = 1200
_SIZES = {"event": 8, "holder": 16, "nonce": 8}
_looks_like_jwt = re.compile(r"[\w-]+\.[\w-]+\.[\w-]*", re.ASCII).fullmatch


def jwk(public_key: bytes) -> dict[str, str]:
    """The ticket key as an EdDSA JSON Web Key (RFC 8037), `kid` = its thumbprint (RFC 7638)."""
    needed = {"crv": "Ed25519", "kty": "OKP", "x": _base64url(public_key)}
    canonical = json.dumps(needed, sort_keys=True, separators=(",", ":")).encode()
    kid = _base64url(hashlib.sha256(canonical).digest())
    return {**needed, "alg": "EdDSA", "use": "sig", "kid": kid}


def sign_jwt(claims: Claims, key: TicketKey) -> str:
    """The JWT of these claims."""
    body = {
        "ticket_id": claims.ticket_id,
        **{name: getattr(claims, name).hex() for name in _SIZES},
        "version": claims.version,
        "iat": claims.issued_at,
        "exp": claims.expires_at,
    }
    header = {"kid": jwk(key.public)["kid"], "typ": TYPE}
    return jwt.encode(body, key.private, algorithm="EdDSA", headers=header)


def read_jwt(text: str, public_key: bytes) -> Claims:
    """The claims of a genuine JWT; `TicketInvalid` for any other text.

    As with `read_token`, whether its time is over is for the caller to find out.
    """
    text = text.strip()
    if len(text) > LONGEST or _looks_like_jwt(text) is None:
        raise TicketInvalid(Reason.NOT_A_TICKET)
    key = Ed25519PublicKey.from_public_bytes(public_key)
    unchecked: Any = {"verify_exp": False, "verify_iat": False, "verify_nbf": False}
    try:
        found = jwt.decode_complete(text, key, algorithms=["EdDSA"], options=unchecked)
    except (jwt.InvalidSignatureError, jwt.InvalidAlgorithmError):  # "none" signs nothing
        raise TicketInvalid(Reason.BAD_SIGNATURE) from None
    except jwt.InvalidTokenError:
        raise TicketInvalid(Reason.DAMAGED) from None
    if found["header"].get("kid") != jwk(public_key)["kid"] or found["header"].get("typ") != TYPE:
        raise TicketInvalid(Reason.BAD_SIGNATURE)
    return _claims(found["payload"])


def read_ticket(text: str, public_key: bytes) -> Claims:
    """The claims of a genuine ticket in any of its forms: token, link or JWT."""
    if _looks_like_jwt(text.strip()) is not None:
        return read_jwt(text, public_key)
    return read_token(text, public_key)


def _claims(body: dict[str, Any]) -> Claims:
    ticket_id, version = body.get("ticket_id"), body.get("version")
    issued, expires = body.get("iat"), body.get("exp")
    if not (isinstance(ticket_id, str) and re.fullmatch("[a-z2-7]{16}", ticket_id)):
        raise TicketInvalid(Reason.DAMAGED)
    if any(type(number) is not int or number < 0 for number in (version, issued, expires)):
        raise TicketInvalid(Reason.DAMAGED)
    event, holder, nonce = (_bytes(body.get(name), size) for name, size in _SIZES.items())
    return Claims(ticket_id, event, holder, issued, expires, nonce, version)  # type: ignore[arg-type]


def _bytes(text: object, size: int) -> bytes:
    if not (isinstance(text, str) and re.fullmatch(f"[0-9a-f]{{{2 * size}}}", text)):
        raise TicketInvalid(Reason.DAMAGED)
    return bytes.fromhex(text)


def _base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")
