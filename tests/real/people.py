"""Attendees, organizers, operators, each with a client that nobody here wrote.

A client is a program of its own (js/attendee.mjs, attendee_pynostr.py, attendee_sdk.py) that
takes and gives lines of JSON.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import json
import re
import secrets
import shutil
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal, NamedTuple

import pytest

from tests.real.bot_process import ROOT, WITHIN, Json, environment
from ticketbot.domain.nip19 import npub_encode
from ticketbot.keys import Keys

ClientName = Literal["nostr-tools", "pynostr", "nostr-sdk"]

HERE = Path(__file__).parent


class Heard(NamedTuple):
    """A message of the bot as the client read it: rumor or event, and what wraps it."""

    via: str
    text: str
    at: int
    kind: int
    tags: list[list[str]]


class Ticket(NamedTuple):
    """A ticket as it comes by DM."""

    token: str
    text: str
    via: str

    @property
    def salt(self) -> str:
        """What proves, with the key, whose ticket it is."""
        return str(re.findall(r"\b[0-9a-f]{32}\b", self.text)[-1])


class Attendee:
    """Somebody with a key and a client of a program that nobody here wrote."""

    def __init__(
        self,
        client: ClientName,
        bot: str,
        relays: list[str],
        inbox: list[str] | None = None,
        secret: str | None = None,
    ) -> None:
        self.secret = secret or secrets.token_hex(32)
        self.pubkey = Keys(bytes.fromhex(self.secret)).pubkey
        self.via = "nip04" if client == "pynostr" else "nip17"
        self.heard: list[Heard] = []
        self._client = client
        self._hello = {"secret": self.secret, "bot": bot, "relays": relays, "inbox": inbox or []}
        self._process: Process | None = None
        self._reader: asyncio.Task[None] | None = None
        self._answers: asyncio.Queue[Json] = asyncio.Queue()
        self._taken: set[int] = set()
        self._news = asyncio.Event()

    async def enters(self) -> None:
        """Start the client; it is connected and has subscribed."""
        command, folder = _client_command(self._client)
        self._process = await asyncio.create_subprocess_exec(
            *command, cwd=folder, env=environment(), stdin=PIPE, stdout=PIPE, limit=2**22
        )
        self._reader = asyncio.create_task(self._read(self._process))
        assert await self._say(self._hello) == self.pubkey

    async def leaves(self) -> None:
        """Go offline."""
        if self._process is None or self._reader is None:
            return
        assert self._process.stdin is not None
        self._process.stdin.close()
        await asyncio.wait_for(self._process.wait(), WITHIN)
        await self._reader
        self._process = self._reader = None

    async def does(self, what: str, **values: Any) -> Any:
        """What the client's program can do; what came of it."""
        return await self._say({"do": what, **values})

    @property
    def npub(self) -> str:
        """Their key as people write it."""
        return npub_encode(self.pubkey)

    async def says(self, text: str, via: str | None = None) -> Json:
        """Send the bot a message; the event."""
        return dict(await self.does("say", text=text, via=via or self.via))

    async def asks(self, kind: str, *, patiently: bool = False, **fields: Any) -> Json:
        """Send a machine message, and wait for the first answer.

        `patiently`: again every second, as a program does that cannot know whether the
        bot was listening already.
        """
        message = {"type": kind, "request_id": secrets.token_hex(8)} | fields
        text, request_id = json.dumps(message), message["request_id"]
        await self.says(text, "24133")
        if patiently:
            for _ in range(int(WITHIN)):
                with contextlib.suppress(TimeoutError):
                    return await self.is_told(request_id=request_id, within=1)
                await self.says(text, "24133")
        return await self.is_told(request_id=request_id)

    async def hears(self, part: str = "", via: str | None = None) -> str:
        """The first DM with `part` in it that was not heard before."""

        def fits(one: Heard) -> bool:
            return part in one.text and (one.via == via if via else one.via != "24133")

        return (await self._next(fits, part)).text

    async def is_told(self, *, within: float = WITHIN, **fields: Any) -> Json:
        """The first machine message with these fields that was not heard before."""

        def fits(one: Heard) -> bool:
            return one.via == "24133" and fields.items() <= json.loads(one.text).items()

        return dict(json.loads((await self._next(fits, str(fields), within)).text))

    async def gets_an_invoice(self, within: float = WITHIN) -> str:
        """The next message that is a bolt11 and nothing else."""

        def fits(one: Heard) -> bool:
            return one.via != "24133" and re.fullmatch("lnbc[a-z0-9]+", one.text) is not None

        return (await self._next(fits, "a bolt11", within)).text

    async def gets_a_ticket(self) -> Ticket:
        """The next ticket that comes by DM."""

        def fits(one: Heard) -> bool:
            return one.via != "24133" and "\nTKT1:" in one.text

        heard = await self._next(fits, "a ticket")
        token = next(line for line in heard.text.splitlines() if line.startswith("TKT1:"))
        return Ticket(token, heard.text, heard.via)

    def unread(self) -> list[Heard]:
        """What came and was not asked for."""
        return [one for number, one in enumerate(self.heard) if number not in self._taken]

    async def _say(self, line: Json) -> Any:
        assert self._process is not None and self._process.stdin is not None
        self._process.stdin.write(json.dumps(line).encode() + b"\n")
        answer = await asyncio.wait_for(self._answers.get(), WITHIN)
        assert "error" not in answer, f"{self._client}: {answer['error']}"
        return answer["done"]

    async def _next(
        self, fits: Callable[[Heard], bool], wanted: str, within: float = WITHIN
    ) -> Heard:
        try:
            async with asyncio.timeout(within):
                while True:
                    self._news.clear()
                    for number, one in enumerate(self.heard):
                        if number not in self._taken and fits(one):
                            self._taken.add(number)
                            return one
                    await self._news.wait()
        except TimeoutError:
            came = [f"{one.via}: {one.text}" for one in self.heard]
            raise TimeoutError(f"{self._client} waits for {wanted!r}; what came: {came}") from None

    async def _read(self, process: Process) -> None:
        assert process.stdout is not None
        async for line in process.stdout:
            message = json.loads(line)
            if "heard" in message:
                self.heard.append(Heard(**message["heard"]))
                self._news.set()
            else:
                self._answers.put_nowait(message)
        self._answers.put_nowait({"error": "the client has ended; its reason is printed above"})


def _client_command(client: ClientName) -> tuple[list[str], Path]:
    if client == "nostr-tools":
        return [_node(), "attendee.mjs"], HERE / "js"
    name = {"pynostr": "attendee_pynostr", "nostr-sdk": "attendee_sdk"}[client]
    return [sys.executable, "-m", f"tests.real.{name}"], ROOT


@functools.cache
def _node() -> str:
    program = shutil.which("node")
    if program is None:
        pytest.fail("node (20 or newer) is not installed, and nostr-tools cannot run without it")
    if not (HERE / "js" / "node_modules" / "nostr-tools").is_dir():
        pytest.fail("nostr-tools is not installed; run: make node")
    return program
