"""docs/api.md, played against a running bot: every command, and what it says comes back.

A `sh` block is carried out; the `json` block behind it has the keys, and the kinds of values, of
what came back. What a command names of an earlier answer (an order, a ticket) is what it is on
this stage.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import shlex
import sys
from asyncio.subprocess import PIPE
from pathlib import Path
from typing import Any, NamedTuple

import aiohttp
import pytest

from tests.story.cast import DAY, Stage
from tests.story.test_protocol_document import ATTENDEE, ORGANIZER, is_known_to, shape
from ticketbot.handlers.door.validating import SENTENCES
from ticketbot.web.api.openapi import FILE
from ticketbot.web.api.problems import CODES

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "api.md").read_text("utf-8")
PUBLIC = "https://tickets.example"
LONG = 20  # letters: a text that long is never the same on two stages


class Block(NamedTuple):
    """A fenced block: its language, its name, its text."""

    language: str
    name: str
    text: str


BLOCKS = [
    Block(*found) for found in re.findall(r"^```(\w+) ?([\w.]*)\n(.*?)^```$", PAGE, re.M | re.S)
]


def script(name: str) -> str:
    (found,) = [block.text for block in BLOCKS if block.name == name]
    return found


class Reader:
    """Somebody who tries out what the page shows, from top to bottom."""

    def __init__(self, stage: Stage, folder: Path) -> None:
        self.stage = stage
        self.folder = folder
        self.meant: dict[str, str] = {}  # what the page prints → what it is here
        self.bolt11 = ""
        (folder / "ask.py").write_text(script("ask.py"))
        operator = stage.operator.keys.keypair.secret.hex()
        self.keys = {"$ORGANIZER": ORGANIZER.hex(), "$OPERATOR": operator}

    async def does(self, command: str) -> Any:
        for printed, real in self.meant.items():
            command = command.replace(printed, real)
        base = f"http://127.0.0.1:{self.stage.app.web_port}"
        words = shlex.split(command.replace(PUBLIC, base))
        if words[0] == "curl":
            return await self._curl(words[1:])
        key = ATTENDEE.hex()
        if words[0].startswith("NOSTR_KEY="):
            key = self.keys[words.pop(0).partition("=")[2]]
        assert words[:2] == ["python", "ask.py"]
        return json.loads(await self.runs(*words[1:], NOSTR_KEY=key))

    async def runs(self, *words: str, **environment: str) -> str:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            *words,
            cwd=self.folder,
            env=os.environ | environment,
            stdout=PIPE,
            stderr=PIPE,
        )
        out, err = await asyncio.wait_for(process.communicate(), 30)
        assert process.returncode == 0, err.decode()
        return out.decode()

    async def _curl(self, words: list[str]) -> Any:
        data = words[1] if words[0] == "-d" else None
        method = "GET" if data is None else "POST"
        async with (
            aiohttp.ClientSession() as session,
            session.request(method, words[-1], data=data) as answer,
        ):
            assert answer.status == 200
            return await answer.json()

    def compare(self, printed: Any, real: Any) -> None:
        """The same keys and kinds; what is a name of something here is remembered."""
        if isinstance(real, dict) and "troubles" in real:
            real["troubles"] = []  # what a stage has of them depends on the hour
        assert shape(real) == shape(printed)
        self._learn(printed, real)

    def _learn(self, printed: Any, real: Any) -> None:
        if isinstance(printed, dict):
            for name, value in printed.items():
                self._learn(value, real[name])
                if isinstance(value, str) and (name.endswith("_id") or len(value) >= LONG):
                    self.meant[value] = real[name]
        elif isinstance(printed, list):
            for one, other in zip(printed, real, strict=False):
                self._learn(one, other)


@pytest.mark.choices(public_url=None)
async def test_the_page_is_true(stage: Stage, tmp_path: Path) -> None:
    await is_the_documents_organizer(stage)
    until = int(stage.clock()) + DAY
    more = {"t": "bitcoin", "summary": "An evening.", "refund_until": until}
    await stage.organizer.has_on_sale("Lisbon Meetup", **more)
    reader, answer = Reader(stage, tmp_path), None
    answered = 0
    for block in BLOCKS:
        if block.language == "sh":
            for command in block.text.splitlines():
                answer = await until_it_is(reader, command)
                refused = answer.get("code") if "type" in answer else None
                assert refused in (None, "too-many"), answer
        elif block.language == "json":
            printed = json.loads(block.text)
            reader.compare(printed, answer)
            for name in ("state", "status", "code", "valid"):
                if isinstance(answer, dict) and name in printed:
                    assert answer[name] == printed[name]
            if "invoice" in printed:
                await stage.wallet.receive(answer["invoice"])
            answered += 1
        elif block.name == "verify":
            await is_verified(reader)
    assert answered > 10


async def is_the_documents_organizer(stage: Stage) -> None:
    """Sells under the key of the document, which the bot has been told to trust."""
    await stage.closes()
    await stage.organizer.disconnect()
    is_known_to(stage.organizer, ORGANIZER)
    await stage.enters(stage.organizer)
    await stage.opens()


async def until_it_is(reader: Reader, command: str) -> Any:
    """What a command brings; of an order whose invoice was paid, what it brings then."""
    async with asyncio.timeout(20):
        while True:
            answer = await reader.does(command)
            waits = "/orders/" in command and " GET " in command
            if not (waits and answer.get("state") == "invoiced"):
                return answer
            await asyncio.sleep(0.2)


async def is_verified(reader: Reader) -> None:
    (reader.folder / "verify.py").write_text(script("verify"))
    tickets = await reader.does(f"python ask.py GET {PUBLIC}/api/v1/tickets")
    keys = await reader.does(f"curl {PUBLIC}/.well-known/jwks.json")
    (ticket,) = tickets["tickets"]
    words = ("verify.py", ticket["jwt"], json.dumps(keys))
    said = await reader.runs(*words, ticket["event_id"])
    assert said.split() == [ticket["ticket_id"], "1"]
    with pytest.raises(AssertionError, match="another event's"):
        await reader.runs(*words, "31923:somebody:else")


def rows(heading: str) -> list[list[str]]:
    """The cells of the table below a heading."""
    text = PAGE.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    lines = [line for line in text.splitlines() if line.startswith("| `")]
    return [[cell.strip() for cell in line.split("|")[1:-1]] for line in lines]


def test_every_code_is_in_its_table() -> None:
    told = {row[0].strip("`"): (int(row[1]), row[2]) for row in rows("When something is wrong")}
    assert told == CODES


def test_every_reason_is_in_its_table() -> None:
    told = {row[0].strip("`") for row in rows("Is this ticket valid?")}
    assert told == {reason for reason in SENTENCES if reason is not None}


def test_every_address_is_in_its_table() -> None:
    document = json.loads(FILE.read_text("utf-8"))
    there = {
        (f"{method.upper()} {path}", operation.get("security") == [])
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
        if method != "servers"
    }
    told = {(row[0].strip("`"), row[1].endswith("· unsigned")) for row in rows("All addresses")}
    assert told == there
