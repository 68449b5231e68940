"""The bot's keys, and events signed, verified and parsed with them (NIP-01, NIP-19)."""

from __future__ import annotations

import re

import bech32
import orjson
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from ticketbot import secp
from ticketbot.domain.nostr import Event, Rumor, Tags, event_id
from ticketbot.errors import Broken, Malformed

_LAST_SECOND = 253_402_300_799  # of the year 9999: beyond it no calendar can show a time
_is_hex32 = re.compile(r"[0-9a-f]{64}").fullmatch
_is_hex64 = re.compile(r"[0-9a-f]{128}").fullmatch


class Keys:
    """The bot's identity. No repr shows the secret."""

    __slots__ = ("keypair", "pubkey")

    def __init__(self, secret: bytes) -> None:
        """`secret` is 32 bytes; Malformed when it is no scalar of the curve."""
        self.keypair = secp.Keypair(secret)
        self.pubkey = self.keypair.pubkey.hex()

    @classmethod
    def from_text(cls, text: str) -> Keys:
        """Keys from `nsec1…` (NIP-19) or 64 hex digits.

        Broken says what is wrong with the text, and never repeats it.
        """
        word = text.strip()
        if word.lower().startswith("npub1"):
            raise Broken("that is an npub, the public half of a key: the bot needs its nsec")
        if word.lower().startswith("nsec1"):
            prefix, data = bech32.bech32_decode(word)
            secret = bech32.convertbits(data, 5, 8, False) if data else None
            if prefix != "nsec" or secret is None or len(secret) != 32:
                raise Broken("the nsec has a typing error: its checksum or length is wrong")
        elif _is_hex32(word.lower()):
            secret = list(bytes.fromhex(word))
        else:
            raise Broken("not a secret key: expected nsec1… (63 characters) or 64 hex digits")
        try:
            return cls(bytes(secret))
        except Malformed:
            raise Broken("not a secret key: its number lies outside the curve") from None

    def __repr__(self) -> str:
        return f"Keys({self.pubkey})"

    def sign_event(
        self, created_at: int, kind: int, tags: Tags, content: str, chance: bytes | None = None
    ) -> Event:
        """A signed event (NIP-01) whose signature has been verified; `chance` as in `sign`."""
        return sign(self.keypair, created_at, kind, tags, content, chance)

    def derive(self, info: bytes, length: int = 32) -> bytes:
        """Another secret, made of this one for the purpose `info` (HKDF-SHA256, no salt)."""
        return HKDF(SHA256(), length, None, info).derive(self.keypair.secret)


def sign(
    keypair: secp.Keypair,
    created_at: int,
    kind: int,
    tags: Tags,
    content: str,
    chance: bytes | None = None,
    *,
    check: bool = True,
) -> Event:
    """An event signed by `keypair`; `chance` and `check` are those of `secp.Keypair.sign`."""
    pubkey = keypair.pubkey.hex()
    digest = event_id(pubkey, created_at, kind, tags, content)
    signature = keypair.sign(bytes.fromhex(digest), chance, check=check).hex()
    return Event(digest, pubkey, created_at, kind, tags, content, signature)


def verify(event: Event) -> bool:
    """Whether the id is that of the content, and the signature the author's (NIP-01)."""
    digest, pubkey, created_at, kind, tags, content, sig = event
    try:
        if digest != event_id(pubkey, created_at, kind, tags, content):
            return False
        return secp.verify(bytes.fromhex(pubkey), bytes.fromhex(digest), bytes.fromhex(sig))
    except (TypeError, ValueError):
        return False


def parse_event(raw: object) -> Event:
    """The event in decoded JSON: its shape is checked (Malformed), nothing is verified."""
    fields = _fields(raw)
    digest, sig = fields.get("id"), fields.get("sig")
    if not (isinstance(digest, str) and _is_hex32(digest)):
        raise Malformed("the id is not 64 hex digits")
    if not (isinstance(sig, str) and _is_hex64(sig)):
        raise Malformed("the signature is not 128 hex digits")
    return Event(digest, *_body(fields), sig)


def parse_rumor(raw: object) -> Rumor:
    """The rumor in decoded JSON (NIP-59). Its id is computed; Malformed when it names another."""
    fields = _fields(raw)
    body = _body(fields)
    rumor = Rumor(event_id(*body), *body)
    if fields.get("id") not in (None, rumor.id):
        raise Malformed("the rumor's id is not that of its content")
    return rumor


def event_json(event: Event | Rumor) -> bytes:
    """The event as a JSON object."""
    return orjson.dumps(event._asdict())


def _fields(raw: object) -> dict[str, object]:
    if not isinstance(raw, dict):
        raise Malformed("an event is a JSON object")
    return raw


def _body(fields: dict[str, object]) -> tuple[str, int, int, Tags, str]:
    pubkey, created_at, kind = fields.get("pubkey"), fields.get("created_at"), fields.get("kind")
    tags, content = fields.get("tags"), fields.get("content")
    if not (isinstance(pubkey, str) and _is_hex32(pubkey)):
        raise Malformed("the pubkey is not 64 hex digits")
    if type(created_at) is not int or not 0 <= created_at <= _LAST_SECOND:
        raise Malformed("created_at is not a time in unix seconds")
    if type(kind) is not int or not 0 <= kind <= 65535:
        raise Malformed("the kind is not a number below 65536")
    if not isinstance(content, str):
        raise Malformed("the content is not a text")
    if not isinstance(tags, list) or not all(
        isinstance(tag, list) and all(isinstance(item, str) for item in tag) for tag in tags
    ):
        raise Malformed("the tags are not lists of texts")
    return pubkey, created_at, kind, tags, content
