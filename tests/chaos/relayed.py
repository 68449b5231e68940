"""What the relays saw, held against the ledger: the checker's other half.

It shares no code with the program but the opening of letters, which `read_letters` does with the
keys of everybody whom the test knows. The format of a token is that of docs/protocol.md.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
import sqlite3
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

from ticketbot.domain.nostr import Event
from ticketbot.envelopes import Envelopes
from ticketbot.errors import Malformed
from ticketbot.keys import Keys

LETTERS = {4, 1059, 24133}
_TOKEN = re.compile(r"TKT1:[A-Z2-7]{188}")
_PROOF = re.compile(r"proves that the ticket is yours: ([0-9a-f]{32})")


class Read(NamedTuple):
    """What somebody could read: their key in hex, and the text."""

    by: str
    text: str


def read_letters(
    events: Iterable[Event], bot: str, people: Mapping[str, Keys]
) -> tuple[list[Read], list[str]]:
    """All that the bot wrote, by who can open it; and what is wrong with it from outside."""
    read: list[Read] = []
    wrong: list[str] = []
    for event in events:
        if _TOKEN.search(event.content):
            wrong.append(f"a token stands in the clear in an event of kind {event.kind}")
        if event.kind not in LETTERS or (event.kind != 1059 and event.pubkey != bot):
            continue
        to = [tag[1] for tag in event.tags if tag[0] == "p"]
        if to == [bot]:
            continue
        if len(to) != 1 or to[0] not in people:
            wrong.append(f"a letter of kind {event.kind} went to {to}, whom nobody knows")
            continue
        (opened,) = Envelopes(people[to[0]]).open([event])
        if isinstance(opened, Malformed):
            wrong.append(f"a letter of kind {event.kind} cannot be opened: {opened}")
        elif opened.sender == bot:
            read.append(Read(to[0], opened.text))
    return read, wrong


def check_letters(ledger: Path, read: Sequence[Read]) -> list[str]:
    """Everything that is wrong with what people could read."""
    return [*_versions(read), *_holders(read), *_debts(ledger, read)]


def _versions(read: Sequence[Read]) -> Iterator[str]:
    """At most one token of each version of a ticket, and that in one hand."""
    tokens: dict[tuple[bytes, int], set[str]] = defaultdict(set)
    hands: dict[str, set[str]] = defaultdict(set)
    for one in read:
        for token in _TOKEN.findall(one.text):
            raw = _raw(token)
            tokens[raw[1:11], int.from_bytes(raw[51:53], "big")].add(token)
            hands[token].add(one.by)
    for (ticket, version), found in tokens.items():
        if len(found) > 1:
            yield f"ticket {ticket.hex()} has {len(found)} tokens of version {version}"
    for token, people in hands.items():
        if len(people) > 1:
            yield f"the token {token[:20]}… was sent to {len(people)} people"


def _holders(read: Sequence[Read]) -> Iterator[str]:
    """A ticket's proof is that of the key that could read it; every ticket comes with one."""
    proven: set[str] = set()
    for one in read:
        for token, salt in _with_proof(one.text):
            raw = _raw(token)
            name = base64.b32encode(raw[1:11]).decode().lower().encode()
            holder = hashlib.sha256(bytes.fromhex(salt) + bytes.fromhex(one.by) + name).digest()
            if raw[19:35] != holder[:16]:
                yield f"the token {token[:20]}… was sent to {one.by}, and is not theirs"
            proven.add(token)
    everything = {token for one in read for token in _TOKEN.findall(one.text)}
    yield from (f"the token {token[:20]}… came without a proof" for token in everything - proven)


def _with_proof(text: str) -> list[tuple[str, str]]:
    if text.startswith("{"):
        said = json.loads(text)
        if "token" in said and "holder_salt" in said:
            return [(said["token"], said["holder_salt"])]
        return []
    return [(token, salt) for token in _TOKEN.findall(text) for salt in _PROOF.findall(text)]


def _debts(ledger: Path, read: Sequence[Read]) -> Iterator[str]:
    """Whoever is owed money was told so, of which order, and when it was sent."""
    with closing(sqlite3.connect(f"{ledger.absolute().as_uri()}?mode=ro", uri=True)) as db:
        debts = db.execute("SELECT order_id, state, amount_msat FROM refund").fetchall()
    for order, state, msat in debts:
        short, amount = order[-4:].upper(), f"{msat // 1000:,} sats"
        mine = [one.text for one in read if short in one.text and amount in one.text]
        if not any("goes back to you" in text for text in mine):
            yield f"{amount} of order {short} are owed, and nobody was told"
        if state == "sent" and not any(f"of order {short} was sent to you" in t for t in mine):
            yield f"{amount} of order {short} were sent, and nobody was told"


def _raw(token: str) -> bytes:
    text = token.removeprefix("TKT1:")
    return base64.b32decode(text + "=" * (-len(text) % 8))
