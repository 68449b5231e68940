"""Messages with proof of work (NIP-13), as a client that has it would send them."""

from __future__ import annotations

import orjson

from tests.story.cast import Person
from ticketbot import nip44, secp
from ticketbot.domain.nostr import Event, Rumor, event_id
from ticketbot.domain.work import mine
from ticketbot.envelopes import CHAT, SEAL, WRAP, Envelopes, Letter, Protocol
from ticketbot.keys import event_json, parse_event, sign


async def says_with_work(person: Person, text: str, bits: int, via: Protocol = "nip17") -> None:
    """Write to the bot; the event that relays carry has so many bits."""
    make = _wrap if via == "nip17" else _open
    await person.send(event_json(make(person, text, bits, person.fresh_stamp(), via)))


def _open(person: Person, text: str, bits: int, at: int, via: Protocol) -> Event:
    letter = Letter(via, person.stage.keys.pubkey, at, text)
    plain = parse_event(orjson.loads(Envelopes(person.keys).seal([letter])[0].json))
    body = (plain.created_at, plain.kind)
    tags = mine(plain.pubkey, *body, plain.tags, plain.content, bits)
    return person.keys.sign_event(*body, tags, plain.content)


def _wrap(person: Person, text: str, bits: int, at: int, via: Protocol) -> Event:
    """A gift wrap (NIP-59) whose one-time key signed the nonce, too."""
    bot = person.stage.keys.pubkey
    point = secp.parse_point(bytes.fromhex(bot))
    body = (person.pubkey, at, CHAT, [["p", bot]], text)
    rumor = event_json(Rumor(event_id(*body), *body)).decode()
    mine_and_bots = nip44.converse(person.keys.keypair.secret, point)
    seal = person.keys.sign_event(at, SEAL, [], nip44.encrypt(mine_and_bots, rumor))
    once = secp.Keypair.fresh()
    outer = nip44.encrypt(nip44.converse(once.secret, point), event_json(seal).decode())
    tags = mine(once.pubkey.hex(), at, WRAP, [["p", bot]], outer, bits)
    return sign(once, at, WRAP, tags, outer)
