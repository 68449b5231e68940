"""docs/protocol.md, played against a running bot: whatever it shows must be so.

A fenced block names its part: `json note` is published by the organizer, `json request` sent by
the attendee; `json answer` must come next, with the keys and kinds of values that are printed.
Examples are played as they stand. Only their times move, by whole weeks, once they are past.
"""

from __future__ import annotations

import asyncio
import re
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any, NamedTuple, get_args

import aiohttp
import orjson
import pytest

from tests.story.cast import Organizer, Person, Stage
from tests.unit import test_ticket as worked
from ticketbot.demo.client import Client
from ticketbot.domain.holds import REMEMBERED
from ticketbot.domain.ticket import group_id
from ticketbot.domain.vocabulary import VERBS
from ticketbot.errors import RefusalCode
from ticketbot.keys import Keys
from ticketbot.ledger import holds
from ticketbot.outbox.herald import own_notes
from ticketbot.web.app import make_app

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "protocol.md").read_text("utf-8")
ORGANIZER, BOT, ATTENDEE, FRIEND = (number.to_bytes(32, "big") for number in (1, 2, 3, 4))
FIRST_START = 1_804_186_800  # of the earliest event that the document shows
WEEK = 7 * 86_400
DAY_AT = re.compile(r"\b20\d\d-\d\d-\d\d\b")
SECOND_AT = re.compile(r"\b1[78]\d{8}\b")
DOUBTED = 4_000_000  # msat: what the document's payment of a wrong amount brings

Json = dict[str, Any]


class Block(NamedTuple):
    """A fenced block: its language, its part, and its text with the times moved."""

    language: str
    part: str
    text: str

    @property
    def json(self) -> Json:
        found: Json = orjson.loads(self.text)
        return found


def blocks(language: str = "json") -> Iterator[Block]:
    """Every block of a language, in the order of the page."""
    for found, part, text in re.findall(r"^```(\w+) ?([\w ]*)\n(.*?)^```$", PAGE, re.M | re.S):
        if found == language:
            yield Block(found, part, moved(text))


def of(part: str) -> list[Json]:
    """The JSON of every block of one part."""
    return [block.json for block in blocks() if block.part == part]


def moved(text: str) -> str:
    """The text with its times in the future that it was written for."""
    late = time.time() + 2 * WEEK - FIRST_START
    weeks = max(0, -int(-late // WEEK))

    text = SECOND_AT.sub(lambda found: str(int(found[0]) + weeks * WEEK), text)
    later = timedelta(weeks=weeks)
    return DAY_AT.sub(lambda found: str(date.fromisoformat(found[0]) + later), text)


def shape(value: Any) -> Any:
    """What a program relies on: the keys, and of what kind the values are."""
    if isinstance(value, dict):
        return {key: shape(item) for key, item in value.items()}
    if isinstance(value, list):
        return [shape(value[0])] if value else []
    return type(value).__name__


def plain(message: str) -> str:
    """A sentence without the codes and times that differ every time."""
    message = re.sub(r"\d\d \w{3} \d{4}, \d\d:\d\d UTC|[A-Z]\w\w \d+ \w{3} \d{4}", "TIME", message)
    return re.sub(r"(?:[A-Z2-7]{4}-){3}[A-Z2-7]{4}|\b[A-Z2-7]{6}\b", "CODE", message)


async def a_friend_offers(stage: Stage, alice: Person) -> None:
    """Somebody who goes to Lisbon, too, has a ticket for Porto too much."""
    friend = Person(stage)
    is_known_to(friend, FRIEND)
    await stage.enters(friend)
    await friend.buys("lisbon")
    await friend.says("buy porto")
    await friend.gets_a_ticket()
    await friend.says(f"transfer porto {alice.pubkey}")


async def is_moved(stage: Stage) -> None:
    """The first event of the page takes place elsewhere."""
    note = of("note")[0]
    tags = [
        ["location", "Rua do Ouro 1, Lisbon"] if t[0] == "location" else t for t in note["tags"]
    ]
    await publish(stage.organizer, note | {"tags": tags}, later=1)


def is_known_to(person: Person, secret: bytes) -> None:
    """Give somebody of the cast one of the document's keys."""
    keys = Keys(secret)
    Client.__init__(person, keys, person.stage.keys.pubkey, person.stage.clock)
    person.pubkey = keys.pubkey


@pytest.fixture
async def stage(tmp_path: Path, relay: str) -> AsyncIterator[Stage]:
    """A stage whose people have the keys of the document, with all its notes on sale."""
    stage = Stage(tmp_path, relay)
    stage.secret = BOT.hex()
    stage.keys = Keys(BOT)
    is_known_to(stage.organizer, ORGANIZER)
    await stage.enters(stage.operator)
    await stage.enters(stage.organizer)
    await stage.opens()
    for note in of("note"):
        await publish(stage.organizer, note)
        assert (await stage.organizer.hears()).startswith("On sale: ")
        await stage.organizer.hears("Get a ticket")
    yield stage
    await stage.ends()


async def publish(organizer: Organizer, note: Json, later: int = 0) -> None:
    stamp = int(organizer.stage.clock()) + later
    await organizer.publish(note["kind"], note["tags"], note["content"], stamp)


class Reading:
    """An attendee who plays the machine messages of the page, from top to bottom."""

    def __init__(self, alice: Person) -> None:
        self.alice = alice
        self.meant: dict[str, str] = {}  # what the page prints → what it is on this stage
        self.invoice: Json = {}

    async def asks(self, request: Json) -> None:
        known = {key: self.meant.get(str(value), value) for key, value in request.items()}
        await self.alice.asks(**known)

    async def is_answered(self, printed: Json) -> None:
        """The next machine message is of the printed shape, and says the same where it can."""
        while (message := await self.alice.next()).protocol != "24133":
            pass
        answer = orjson.loads(message.text)
        assert shape(answer) == shape(printed), message.text
        same = ("type", "request_id", "event_id", "quantity", "amount_msat", "state", "code")
        for key in (
            *same,
            "note",
            "pow",
            "count",
            "tickets",
            "refunds",
            "tier",
            "version",
        ):
            if str(printed.get(key)).endswith("…"):  # what follows is as long as it is
                continue
            if (answer["type"], key) != ("transfer-offer", "code"):
                assert answer.get(key) == self._here(printed.get(key)), key
        said, read = plain(answer.get("message", "")), plain(printed.get("message", ""))
        begun = read.endswith("…") and said.startswith(read[:-1].rstrip())
        assert begun or said == read
        for key in ("order_id", "ticket_id", "code", "next"):
            if isinstance(printed.get(key), str):
                self.meant[printed[key]] = answer[key]
        if answer["type"] == "events":
            assert answer["events"] == printed["events"]
        if answer["type"] == "invoice":
            self.invoice = answer

    async def is_answered_so(self, printed: Json) -> None:
        """The same, of an answer whose words and numbers are this stage's own."""
        while (message := await self.alice.next()).protocol != "24133":
            pass
        answer = orjson.loads(message.text)
        assert shape(answer) == shape(printed), message.text
        for key in ("type", "request_id", "event_id", "code", "number", "outcome", "gate"):
            assert answer.get(key) == printed.get(key), key

    def _here(self, value: Any) -> Any:
        """A list of ids as they are on this stage."""
        return (
            [self.meant.get(str(one), one) for one in value] if isinstance(value, list) else value
        )

    async def pays(self, amount_msat: int | None = None) -> None:
        await self.alice.pays(self.invoice["invoice"], amount_msat)


async def orders_are_left_unpaid(stage: Stage, event_id: str) -> None:
    now = int(stage.clock())
    for _ in range(REMEMBERED):
        await stage.app.store.transaction(lambda tx: holds.lapsed(tx, event_id, now))


async def test_every_machine_message_is_answered_as_it_is_printed(stage: Stage) -> None:
    alice = Person(stage)
    is_known_to(alice, ATTENDEE)
    await stage.enters(alice)
    reading = clerk = Reading(alice)
    played = []
    for block in blocks():
        match block.part:
            case "request":
                asker = reading
                await reading.asks(block.json)
            case "request of a newcomer":
                asker = reading = Reading(await stage.enters())
                await orders_are_left_unpaid(stage, block.json["event_id"])
                await reading.asks(block.json)
            case "request of the organizer":
                asker = clerk = Reading(stage.organizer)
                clerk.meant = reading.meant
                await clerk.asks(block.json)
            case "answer to the organizer":
                await clerk.is_answered(block.json)
            case "request at the door":
                await Reading(stage.organizer).asks(block.json)
            case "answer at the door":
                await Reading(stage.organizer).is_answered_so(block.json)
            case "answer":
                await asker.is_answered(block.json)
            case "answer when paid":
                await reading.pays()
                await reading.is_answered(block.json)
            case "answer when paid wrongly":
                await reading.pays(DOUBTED)
                await reading.is_answered(block.json)
            case "answer when offered":
                await a_friend_offers(stage, alice)
                await reading.is_answered(block.json)
            case "answer when moved":
                await is_moved(stage)
                await reading.is_answered(block.json)
            case _:
                continue
        played.append(block.json["type"])
    assert set(played) >= {
        *("events", "buy", "invoice", "ticket", "tickets", "status", "order", "cancel"),
        *("balance", "payout", "payout-to", "statement"),
        *("refund-due", "refund", "error", "lang", "pdf", "calendar", "badge"),
        *("promo", "promos", "comp", "stats", "attendees", "find", "order-story", "resend"),
        *("pause", "resume", "announce", "rehearse"),
        *("door-add", "door-token", "door-list", "door-remove", "checkin", "scan", "door"),
        *("door-conflicts",),
        *("refund-due", "refund", "error", "transfer", "transfer-offer", "accept"),
        *("event-moved", "refund-quote", "returned", "give-back"),
    }
    sent = [event for event in alice.events if event.kind == 24133]
    (wire,) = of("wire")
    assert all({"kind": e.kind, "pubkey": e.pubkey, "tags": e.tags} == wire for e in sent)


async def test_what_is_not_answered_is_not_answered(stage: Stage) -> None:
    alice = await stage.enters()
    ignored = of("ignored")
    assert ignored
    for message in ignored:
        await alice.asks(**message)
    assert await alice.hears_nothing()


async def test_a_cancelled_and_a_deleted_event_are_off_sale(stage: Stage) -> None:
    for note in (*of("cancelled"), *of("deletion")):
        await publish(stage.organizer, note, later=1)
        assert " is off sale." in await stage.organizer.hears()


async def test_health_has_the_printed_keys_and_every_path_is_a_route(stage: Stage) -> None:
    base = f"http://127.0.0.1:{stage.app.web_port}"
    async with aiohttp.ClientSession() as session, asyncio.timeout(20):
        while True:  # the wallet is asked for the first time
            async with session.get(f"{base}/health") as answer:
                found = await answer.json()
            if found["ok"]:
                break
            await asyncio.sleep(0.05)
    assert [found] == of("health")
    routes = {resource.canonical for resource in make_app(stage.app.desk).router.resources()}
    listed = PAGE.partition("\n## HTTP\n")[2].partition("\n## ")[0]
    rows = "".join(line for line in listed.splitlines() if line.startswith("| `GET"))
    assert set(re.findall(r"`(?:GET )?(/[^`]*)`", rows)) == routes


def test_the_bots_own_notes_are_these() -> None:
    own = own_notes(
        "Lisbon Tickets",
        "Tickets for Lisbon meetups. Send me: events",
        ["wss://relay.damus.io", "wss://nos.lol"],
    )
    found = [note._asdict() for note in own]
    found[0]["content"] = orjson.loads(found[0]["content"])
    assert found == of("own")


def test_every_word_that_people_may_type_is_listed() -> None:
    listed = PAGE.partition("\n### Commands\n")[2].partition("\n### ")[0]
    words = set(re.findall(r"[^\s`|,]+", listed))
    missing = [verb for verb in VERBS if not words.issuperset(verb.split())]
    assert missing == []


def test_every_error_code_is_explained() -> None:
    listed = PAGE.partition("\n### Errors\n")[2].partition("\n### ")[0]
    assert re.findall(r"^\| `([a-z-]+)` \|", listed, re.M) == list(get_args(RefusalCode))


def test_the_worked_example_of_the_token() -> None:
    (token,) = [block.text.strip() for block in blocks("text") if block.part == "token"]
    assert token == worked.EXAMPLE_TOKEN
    raw = worked.raw_bytes(token)
    rows = re.findall(r"^\| (\d+) \| (\d+) \| .* \| `([0-9a-f]+)(?:…([0-9a-f]+))?` \|$", PAGE, re.M)
    at = 0
    for offset, size, begins, ends in rows:
        assert int(offset) == at
        part = raw[at : at + int(size)].hex()
        assert part.startswith(begins)
        assert part.endswith(ends or begins)
        at += int(size)
    assert at == len(raw) == 117
    for fact in (
        worked.PUBLIC_KEY,
        worked.EXAMPLE_SIGNATURE,
        worked.EXAMPLE_HASH,
        worked.SALT.hex(),
        worked.EXAMPLE.ticket_id,
        group_id(worked.EXAMPLE.ticket_id),
        str(worked.EXAMPLE.issued_at),
        str(worked.EXAMPLE.expires_at),
    ):
        assert f"{fact}" in PAGE


def test_the_printed_verifier_runs(tmp_path: Path) -> None:
    (program,) = [block.text for block in blocks("python") if not block.part]
    door = tmp_path / "door.py"
    door.write_text(program)
    command = [sys.executable, str(door)]
    good = subprocess.run([*command, worked.EXAMPLE_TOKEN], capture_output=True, text=True)
    assert good.stdout == "genuine: ticket aebagbafaydqqcik, version 1, expires 1806537600\n"
    bad = subprocess.run([*command, worked.EXAMPLE_TOKEN[:-1]], capture_output=True, text=True)
    assert (bad.returncode, bad.stderr) == (1, "no: damaged\n")


VARIES = (
    (r"Order [0-9A-V]{4}\b", "Order CODE"),
    (r"\d\d:\d\d UTC", "HH:MM UTC"),
    (r"\blnbcrt\S+", "BOLT11"),
    (r"nostr:naddr1\S+", "NADDR"),
    (r"https?://127\.0\.0\.1:\d+/t#TKT1:\S+", "LINK"),
    (r"TKT1:\S+", "TOKEN"),
    (r"Code (?:[A-Z2-7]{4}-){3}[A-Z2-7]{4}", "Code ID"),
    (r"\b\d{1,2} [A-Z][a-z]{2} \d\d:\d\d", "DAY TIME"),
    (r"[A-Z][a-z]{2} \d{1,2} [A-Z][a-z]{2} \d{4}, \d\d:\d\d–.* \(", "TIMES ("),
    (r"yours: \S+", "yours: SALT"),
)


def test_the_transcript_in_the_readme_is_what_the_demo_prints() -> None:
    demo = subprocess.run(
        [sys.executable, "-m", "ticketbot", "demo", "--once"],
        capture_output=True,
        text=True,
        cwd=ROOT,
        timeout=60,
        check=True,
    )
    readme = (ROOT / "README.md").read_text("utf-8")
    (printed,) = re.findall(r"^```text transcript\n(.*?)^```$", readme, re.M | re.S)
    assert _said(printed) == _said(demo.stdout)


def _said(transcript: str) -> list[str]:
    """The lines that somebody speaks, without what differs every time."""
    lines = [line.rstrip() for line in transcript.splitlines() if re.match(r"[a-z ]{9} \|", line)]
    for pattern, name in VARIES:
        lines = [re.sub(pattern, name, line) for line in lines]
    return lines
