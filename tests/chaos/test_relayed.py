"""Would the checker of what relays saw notice? Each of these is a fault that it must find."""

from __future__ import annotations

from pathlib import Path

import orjson
import pytest

from tests.chaos.relayed import Read, check_letters, read_letters
from tests.story.shop import PRICE, TICKET_KEY, Shop, key_of, keys_of, tokens_in
from ticketbot.domain.ticket import TicketKey, read_token
from ticketbot.envelopes import Envelopes, Letter
from ticketbot.keys import parse_event

NOON = 1_900_000_000


@pytest.fixture
async def read(tmp_path: Path) -> list[Read]:
    """What two people read: one bought two tickets, one paid too much."""
    shop = Shop(tmp_path, NOON)
    await shop.sells("Lisbon Meetup", "LISBON")
    read = [Read(key_of("alice"), text) for text in await shop.buys("alice", "lisbon 2")]
    told = await shop.buys("frank", "lisbon", paid_msat=PRICE + 1000)
    await shop.closes()
    return [*read, *(Read(key_of("frank"), text) for text in told)]


def test_nothing_is_wrong(tmp_path: Path, read: list[Read]) -> None:
    assert len(tokens_in(one.text for one in read)) == 2
    assert check_letters(tmp_path / "ledger.db", read) == []


def test_a_ticket_in_two_hands(tmp_path: Path, read: list[Read]) -> None:
    leaked = next(one for one in read if "TKT1:" in one.text)
    wrong = check_letters(tmp_path / "ledger.db", [*read, leaked._replace(by=key_of("frank"))])
    assert any("was sent to 2 people" in one for one in wrong)
    assert any("and is not theirs" in one for one in wrong)


def test_a_ticket_in_the_wrong_hand(tmp_path: Path, read: list[Read]) -> None:
    swapped = [one._replace(by=key_of("mallory")) for one in read]
    wrong = check_letters(tmp_path / "ledger.db", swapped)
    assert {one.partition("…")[0] for one in wrong if "and is not theirs" in one} == {
        f"the token {token[:20]}" for token in tokens_in(one.text for one in read)
    }


def test_two_tokens_of_one_version(tmp_path: Path, read: list[Read]) -> None:
    key = TicketKey.from_bytes(TICKET_KEY)
    leaked = next(one for one in read if "\nTKT1:" in one.text)
    (token,) = tokens_in([leaked.text])
    other = key.sign(read_token(token, key.public)._replace(nonce=b"other on"))
    twice = leaked._replace(text=leaked.text.replace(token, other))
    wrong = check_letters(tmp_path / "ledger.db", [*read, twice])
    assert any("has 2 tokens of version 1" in one for one in wrong)


def test_a_debt_of_which_nobody_was_told(tmp_path: Path, read: list[Read]) -> None:
    silent = [one for one in read if "goes back" not in one.text]
    (wrong,) = check_letters(tmp_path / "ledger.db", silent)
    assert "2,101 sats of order" in wrong and "nobody was told" in wrong


def test_from_outside() -> None:
    """A letter to a stranger, a token in the clear, and one that is read."""
    bot, alice = keys_of("bot"), keys_of("alice")
    letters = [Letter("24133", to, NOON, "hi") for to in (alice.pubkey, key_of("mallory"))]
    events = [parse_event(orjson.loads(one.json)) for one in Envelopes(bot).seal(letters)]
    token = "TKT1:" + "A" * 188
    events.append(bot.sign_event(NOON, 1, [], f"look: {token}"))
    read, wrong = read_letters(events, bot.pubkey, {alice.pubkey: alice})
    assert read == [Read(alice.pubkey, "hi")]
    assert [text.partition(" of kind")[0] for text in sorted(wrong)] == [
        "a letter",
        "a token stands in the clear in an event",
    ]
