"""Our cryptography against two independent ones: nostr-sdk (Rust) and nostr-tools (JavaScript).

Alice writes with theirs, the bot with ours, and each reads what the other wrote.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Protocol

import nostr_sdk  # type: ignore[import-untyped]
import pytest

from ticketbot import nip44
from ticketbot.domain import badge
from ticketbot.envelopes import Envelopes, Letter, Opened
from ticketbot.keys import Keys, event_json, parse_event, verify

JS = Path(__file__).parent / "js"
BOT, ALICE = Keys(b"\x07" * 32), Keys(b"\x08" * 32)
CONVERSATION = nip44.conversation(BOT.keypair.secret, bytes.fromhex(ALICE.pubkey))
TEXTS = [
    "a",
    "buy lisbon 2",
    '🎟️ Praça do Comércio "19:00" \\ back\nslash\ttab\r\n',
    '{"type":"buy","request_id":"7","event_id":"31923:ab:c","quantity":2}',
    "control \x01 and \x7f, right to left \u202e, zero width \u200b",
    "x" * 9000,
]

Json = dict[str, Any]
bot = Envelopes(BOT)


class Library(Protocol):
    """What Alice does with one of the other libraries; events are JSON objects."""

    def encrypt44(self, text: str) -> str: ...
    def decrypt44(self, payload: str) -> str: ...
    def encrypt04(self, text: str) -> str: ...
    def decrypt04(self, payload: str) -> str: ...
    def wrap(self, text: str) -> Json: ...
    def unwrap(self, event: Json) -> Json: ...
    def sign(self, kind: int, text: str) -> Json: ...
    def verify(self, event: Json) -> bool: ...


class Sdk:
    def __init__(self) -> None:
        self._keys = nostr_sdk.Keys.parse(ALICE.keypair.secret.hex())
        self._bot = nostr_sdk.PublicKey.parse(BOT.pubkey)

    def encrypt44(self, text: str) -> str:
        return str(self._keys.nip44_encrypt(self._bot, text))

    def decrypt44(self, payload: str) -> str:
        return str(self._keys.nip44_decrypt(self._bot, payload))

    def encrypt04(self, text: str) -> str:
        return str(self._keys.nip04_encrypt(self._bot, text))

    def decrypt04(self, payload: str) -> str:
        return str(self._keys.nip04_decrypt(self._bot, payload))

    def wrap(self, text: str) -> Json:
        return read(nostr_sdk.nip17_make_private_msg(self._keys, self._bot, text).as_json())

    def unwrap(self, event: Json) -> Json:
        wrap = nostr_sdk.Event.from_json(json.dumps(event))
        return read(nostr_sdk.UnwrappedGift.from_gift_wrap(self._keys, wrap).rumor().as_json())

    def sign(self, kind: int, text: str) -> Json:
        tags = [nostr_sdk.Tag.parse(["p", BOT.pubkey])]
        builder = nostr_sdk.EventBuilder(nostr_sdk.Kind(kind), text).tags(tags)
        return read(builder.finalize(self._keys).as_json())

    def verify(self, event: Json) -> bool:
        return bool(nostr_sdk.Event.from_json(json.dumps(event)).verify())


class Tools:
    """nostr-tools, in a node process that answers line by line."""

    def __init__(self, node: subprocess.Popen[str]) -> None:
        self._node = node

    def encrypt44(self, text: str) -> str:
        return str(self._ask("encrypt44", text=text))

    def decrypt44(self, payload: str) -> str:
        return str(self._ask("decrypt44", text=payload))

    def encrypt04(self, text: str) -> str:
        return str(self._ask("encrypt04", text=text))

    def decrypt04(self, payload: str) -> str:
        return str(self._ask("decrypt04", text=payload))

    def wrap(self, text: str) -> Json:
        return dict(self._ask("wrap", text=text))

    def unwrap(self, event: Json) -> Json:
        return dict(self._ask("unwrap", event=event))

    def sign(self, kind: int, text: str) -> Json:
        tags = [["p", BOT.pubkey]]
        body = {"kind": kind, "created_at": int(time.time()), "tags": tags, "content": text}
        return dict(self._ask("sign", event=body))

    def verify(self, event: Json) -> bool:
        return bool(self._ask("verify", event=event))

    def _ask(self, what: str, **values: Any) -> Any:
        assert self._node.stdin is not None
        assert self._node.stdout is not None
        keys = {"secret": ALICE.keypair.secret.hex(), "pubkey": BOT.pubkey}
        self._node.stdin.write(json.dumps({"do": what} | keys | values) + "\n")
        self._node.stdin.flush()
        answer = self._node.stdout.readline()
        assert answer, f"node ended with {self._node.wait(5)}; its reason is printed above"
        result = json.loads(answer)
        if isinstance(result, dict) and "error" in result:
            raise AssertionError(f"nostr-tools: {what}: {result['error']}")
        return result


@pytest.fixture(scope="module", params=["nostr-sdk", "nostr-tools"])
def alice(request: pytest.FixtureRequest) -> Iterator[Library]:
    """Alice with each of the libraries."""
    if request.param == "nostr-sdk":
        yield Sdk()
        return
    program = shutil.which("node")
    if program is None:
        pytest.fail("node (20 or newer) is not installed, and nostr-tools cannot run without it")
    if not (JS / "node_modules" / "nostr-tools").is_dir():
        pytest.fail(f"nostr-tools is not installed: run `npm ci --ignore-scripts` in {JS}")
    command = [program, "crypto.mjs"]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, cwd=JS, stdin=pipe, stdout=pipe, text=True) as node:
        yield Tools(node)


@pytest.mark.parametrize("text", TEXTS, ids=ascii)
def test_nip44(alice: Library, text: str) -> None:
    assert nip44.decrypt(CONVERSATION, alice.encrypt44(text)) == text
    assert alice.decrypt44(nip44.encrypt(CONVERSATION, text)) == text


@pytest.mark.parametrize("text", TEXTS, ids=ascii)
def test_gift_wraps(alice: Library, text: str) -> None:
    wrap = parse_event(alice.wrap(text))
    assert verify(wrap)
    opened = only(bot.open([wrap]))
    assert (opened.protocol, opened.sender, opened.text) == ("nip17", ALICE.pubkey, text)
    assert opened.rumor_kind == 14
    assert abs(opened.sent_at - time.time()) < 60

    letter = Letter("nip17", ALICE.pubkey, 1_800_000_000, text)
    event = seal(letter)
    assert alice.verify(event)
    rumor = alice.unwrap(event)
    assert rumor == {
        "id": bot.rumor_id(letter),
        "pubkey": BOT.pubkey,
        "created_at": 1_800_000_000,
        "kind": 14,
        "tags": [["p", ALICE.pubkey]],
        "content": text,
    }


@pytest.mark.parametrize("text", TEXTS, ids=ascii)
def test_machine_messages(alice: Library, text: str) -> None:
    asked = parse_event(alice.sign(24133, alice.encrypt44(text)))
    assert verify(asked)
    opened = only(bot.open([asked]))
    assert (opened.protocol, opened.sender, opened.text) == ("24133", ALICE.pubkey, text)

    event = seal(Letter("24133", ALICE.pubkey, 1_800_000_000, text))
    assert alice.verify(event)
    assert (event["kind"], event["pubkey"], event["tags"]) == addressed(24133)
    assert alice.decrypt44(event["content"]) == text


@pytest.mark.parametrize("text", TEXTS, ids=ascii)
def test_nip04(alice: Library, text: str) -> None:
    asked = parse_event(alice.sign(4, alice.encrypt04(text)))
    assert verify(asked)
    opened = only(bot.open([asked]))
    assert (opened.protocol, opened.sender, opened.text) == ("nip04", ALICE.pubkey, text)

    event = seal(Letter("nip04", ALICE.pubkey, 1_800_000_000, text))
    assert alice.verify(event)
    assert (event["kind"], event["pubkey"], event["tags"]) == addressed(4)
    assert alice.decrypt04(event["content"]) == text


def test_badges(alice: Library) -> None:
    """Kinds 30009 and 8 (NIP-58), signed as the herald signs them."""
    event_id = f"31923:{ALICE.pubkey}:fado"
    given = badge.award(event_id, BOT.pubkey, [ALICE.pubkey])
    event = read(event_json(BOT.sign_event(1_800_000_000, given.kind, given.tags, given.content)))
    assert alice.verify(event)
    kind, author, name = event["tags"][0][1].split(":")
    assert (int(kind), author, name) == (30009, BOT.pubkey, badge.badge_name(event_id))
    assert not alice.verify(event | {"tags": [event["tags"][0]]})


def addressed(kind: int) -> tuple[int, str, list[list[str]]]:
    """How the bot's plain letters to Alice are marked."""
    return kind, BOT.pubkey, [["p", ALICE.pubkey]]


def seal(letter: Letter) -> Json:
    [sealed] = bot.seal([letter])
    return read(sealed.json)


def read(text: str | bytes) -> Json:
    return dict(json.loads(text))


def only(outcomes: list[Any]) -> Opened:
    [opened] = outcomes
    assert isinstance(opened, Opened), opened
    return opened
