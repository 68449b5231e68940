"""Letters between the bot and people: NIP-17 gift wraps, NIP-04, and kind 24133.

A batch in, a batch out, and no IO, so that another process can do it as well.
"""

from __future__ import annotations

import functools
import hashlib
import os
import time
from collections.abc import Callable, Sequence
from typing import Literal, NamedTuple

import orjson

from ticketbot import nip04, nip44, secp
from ticketbot.domain.nostr import Event, Rumor, Tags, event_id
from ticketbot.domain.when import DAY
from ticketbot.errors import Malformed
from ticketbot.keys import Keys, event_json, parse_event, parse_rumor, sign, verify

Protocol = Literal["nip17", "nip04", "24133"]

CHAT, SEAL, WRAP = 14, 13, 1059
"""NIP-17's message, inside NIP-59's seal, inside NIP-59's gift wrap."""
NIP04, MACHINE = 4, 24133

BACKDATE = 2 * DAY
"""Seconds by which NIP-59 lets seals and wraps lie about their age."""

SEED_BYTES = 32
_MOST_CHANCE = 176  # bytes that one gift wrap draws: two dates, two nonces, a key, two signatures


class Opened(NamedTuple):
    """A letter to the bot, its author proven.

    `key` (32 bytes) is SHA-256 of the author's public key and the id of the rumor (NIP-17)
    or event: however often and however wrapped a letter comes, its key is the same.
    `sent_at` (unix seconds) is what the author claims.
    """

    protocol: Protocol
    sender: str
    key: bytes
    sent_at: int
    text: str
    rumor_kind: int


class Mould(NamedTuple):
    """What chance and the clock add to a letter: 32 random bytes and unix seconds.

    Equal letters from equal moulds are equal to the last byte, so a mould that is kept is
    as good as the sealed letter. It is as secret as the letter, too.
    """

    seed: bytes
    made_at: int


class Letter(NamedTuple):
    """A letter from the bot. `sent_at` (unix seconds) is the time its reader sees.

    `backdate=False` dates the gift wrap as it is made, for relays that refuse old events.
    From `expires_at` on relays need not keep it (NIP-40); None: for ever. Without a `mould`
    it is sealed in a fresh one.
    """

    protocol: Protocol
    recipient: str
    sent_at: int
    text: str
    backdate: bool = True
    expires_at: int | None = None
    mould: Mould | None = None


class Sealed(NamedTuple):
    """A letter as a signed event, ready to be published."""

    event_id: str
    kind: int
    json: bytes


class Envelopes:
    """Opens what was written to `keys`, and seals what they answer.

    The keys shared with the last `peers` correspondents are kept, 1.2 kB each.
    `clock` gives unix seconds, for the dates on seals and wraps.
    """

    def __init__(
        self, keys: Keys, peers: int = 4096, clock: Callable[[], float] = time.time
    ) -> None:
        self.pubkey = keys.pubkey
        self._keys = keys
        self._clock = clock
        self._peer = functools.lru_cache(maxsize=peers)(self._meet)

    def open(self, events: Sequence[Event]) -> list[Opened | Malformed]:
        """Each event's letter, or why there is none, in the order of `events`.

        The events' own signatures have been verified by whoever received them.
        """
        return [self._try_open(event) for event in events]

    def seal(self, letters: Sequence[Letter]) -> list[Sealed]:
        """A signed event for each letter, in the order of `letters`.

        Malformed when a recipient is not on the curve, or a text does not fit: some 40,000
        bytes go into a gift wrap, 65,535 into the others.
        """
        return [self._seal(letter) for letter in letters]

    def try_seal(self, letters: Sequence[Letter]) -> list[Sealed | Malformed]:
        """As `seal`; a letter that cannot be sealed does not take the others along."""
        return [self._try_seal(letter) for letter in letters]

    def rumor_id(self, letter: Letter) -> str:
        """The id of a NIP-17 letter, the same however often it is sealed."""
        return self._rumor(letter).id

    def _try_open(self, event: Event) -> Opened | Malformed:
        try:
            opened = self._open(event)
        except Malformed as error:
            return Malformed(str(error))  # `error` itself keeps every frame it passed alive
        if opened.sender == self.pubkey:
            return Malformed("a letter from ourselves")  # answering it would never end
        return opened

    def _try_seal(self, letter: Letter) -> Sealed | Malformed:
        try:
            return self._seal(letter)
        except Malformed as error:
            return Malformed(str(error))

    def _open(self, event: Event) -> Opened:
        if event.kind == WRAP:
            rumor = self._unwrap(event)
            if rumor.kind != CHAT:
                raise Malformed(f"ignored rumor kind {rumor.kind}")
            return _opened("nip17", rumor, rumor.content)
        if event.kind == MACHINE:
            self._check_addressed(event)
            text = nip44.decrypt(self._peer(event.pubkey).conversation, event.content)
            return _opened("24133", event, text)
        if event.kind == NIP04:
            self._check_addressed(event)
            author = _key_bytes(event.pubkey)
            text = nip04.decrypt(self._keys.keypair.secret, author, event.content)
            return _opened("nip04", event, text)
        raise Malformed(f"kind {event.kind} is no letter")

    def _seal(self, letter: Letter) -> Sealed:
        mould = letter.mould or Mould(os.urandom(SEED_BYTES), int(self._clock()))
        chance = _Chance(mould.seed, letter)
        match letter.protocol:
            case "nip17":
                event = self._wrap(letter, mould.made_at, chance)
            case "24133":
                shared = self._peer(letter.recipient).conversation
                content = nip44.encrypt(shared, letter.text, chance.take(32))
                event = self._address(letter, MACHINE, content, chance)
            case "nip04":
                secret, reader = self._keys.keypair.secret, _key_bytes(letter.recipient)
                content = nip04.encrypt(secret, reader, letter.text, chance.take(16))
                event = self._address(letter, NIP04, content, chance)
        return Sealed(event.id, event.kind, event_json(event))

    def _address(self, letter: Letter, kind: int, content: str, chance: _Chance) -> Event:
        tags = _tags(letter)
        return self._keys.sign_event(letter.sent_at, kind, tags, content, chance.take(32))

    def _check_addressed(self, event: Event) -> None:
        readers = event.rows("p")
        if readers and not any(row and row[0] == self.pubkey for row in readers):
            raise Malformed("a letter to somebody else")

    def _wrap(self, letter: Letter, made_at: int, chance: _Chance) -> Event:
        peer = self._peer(letter.recipient)
        sealed_at = made_at - chance.below(BACKDATE)
        wrapped_at = made_at - chance.below(BACKDATE) if letter.backdate else made_at
        rumor = event_json(self._rumor(letter)).decode()
        inner = nip44.encrypt(peer.conversation, rumor, chance.take(32))
        seal = self._keys.sign_event(sealed_at, SEAL, [], inner, chance.take(32))
        once = secp.Keypair(chance.take(32))
        conversation = nip44.converse(once.secret, peer.point)
        outer = nip44.encrypt(conversation, event_json(seal).decode(), chance.take(32))
        return sign(once, wrapped_at, WRAP, _tags(letter), outer, chance.take(32), check=False)

    def _unwrap(self, wrap: Event) -> Rumor:
        # A wrap's key is used once, so it is not worth a place among the peers.
        outer = nip44.conversation(self._keys.keypair.secret, _key_bytes(wrap.pubkey))
        seal = parse_event(_parse_json(nip44.decrypt(outer, wrap.content)))
        if seal.kind != SEAL or seal.tags:
            raise Malformed("the seal is not of kind 13, or carries tags")
        if not verify(seal):
            raise Malformed("the seal's id or signature is wrong")
        inner = nip44.decrypt(self._peer(seal.pubkey).conversation, seal.content)
        rumor = parse_rumor(_parse_json(inner))
        if rumor.pubkey != seal.pubkey:
            raise Malformed("the rumor names another author than its seal")
        return rumor

    def _rumor(self, letter: Letter) -> Rumor:
        body = (self.pubkey, letter.sent_at, CHAT, [["p", letter.recipient]], letter.text)
        try:
            return Rumor(event_id(*body), *body)
        except orjson.JSONEncodeError:
            raise Malformed("the text holds half a surrogate pair") from None

    def _meet(self, pubkey: str) -> _Peer:
        point = secp.parse_point(_key_bytes(pubkey))
        return _Peer(point, nip44.converse(self._keys.keypair.secret, point))


class _Chance:
    """The random bytes of one sealing, all drawn from one seed (SHAKE-256).

    What the letter says goes in as well: two letters never share a nonce, not even by a seed
    that was used twice.
    """

    __slots__ = ("_bytes", "_taken")

    def __init__(self, seed: bytes, letter: Letter) -> None:
        try:
            told = orjson.dumps(letter[:6])
        except orjson.JSONEncodeError:
            raise Malformed("the text holds half a surrogate pair") from None
        self._bytes = hashlib.shake_256(seed + told).digest(_MOST_CHANCE)
        self._taken = 0

    def take(self, size: int) -> bytes:
        """The next `size` bytes."""
        start, self._taken = self._taken, self._taken + size
        if self._taken > _MOST_CHANCE:
            raise AssertionError("a letter drew more chance than there is")
        return self._bytes[start : self._taken]

    def below(self, limit: int) -> int:
        """A number from 0 to `limit` - 1, each about equally likely."""
        return int.from_bytes(self.take(8), "big") % limit


class _Peer(NamedTuple):
    point: secp.Point
    conversation: nip44.Conversation


def _tags(letter: Letter) -> Tags:
    """What relays may see: the recipient, and when to forget."""
    tags = [["p", letter.recipient]]
    if letter.expires_at is not None:
        tags.append(["expiration", str(letter.expires_at)])
    return tags


def _opened(protocol: Protocol, letter: Event | Rumor, text: str) -> Opened:
    key = hashlib.sha256(bytes.fromhex(letter.pubkey + letter.id)).digest()
    return Opened(protocol, letter.pubkey, key, letter.created_at, text, letter.kind)


def _parse_json(text: str) -> object:
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        raise Malformed("not JSON") from None


def _key_bytes(pubkey: str) -> bytes:
    try:
        return bytes.fromhex(pubkey)
    except ValueError:
        raise Malformed("the pubkey is not hex") from None
