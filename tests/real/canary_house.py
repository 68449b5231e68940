"""A real bot whose every secret is known, the worst wallet there is, and a search for secrets."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
import os
import re
import signal
import time
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import aiohttp
import bech32
from aiohttp import web

from tests.real.bot_process import COMMAND, WITHIN, Bot, environment
from tests.unit.lnbits_stand import WALLET, Answer, Stand, row, serving
from ticketbot.demo.client import Client
from ticketbot.demo.stage import run_relay
from ticketbot.keys import Keys

INVOICE_KEY = "c0ffee" * 5 + "42"
ADMIN_KEY = "decade" * 5 + "42"
TICKET_KEY = "5eed" * 16
KEY_FILES = {"nsec", "lnbits-invoice-key", "admin-key", "ticket-key"}


class House(Bot):
    """A bot whose secrets are canaries; `written` grows with all that anything of it says."""

    def __init__(self, folder: Path, lnbits: str, relay: str, organizer: str) -> None:
        super().__init__(
            folder, lnbits, INVOICE_KEY, relays=[relay], organizer=organizer, operator=organizer
        )
        self.written: dict[str, bytes] = {}
        self.announcer: Client | None = None
        self._write_key("admin-key", ADMIN_KEY)
        self._write_key("ticket-key", TICKET_KEY)
        config = folder / "config.toml"
        given = config.read_text().replace('admin_key_file = ""', 'admin_key_file = "admin-key"')
        both = f'url = "{lnbits}"\nrequests_per_minute = 60000'
        config.write_text(given.replace(f'url = "{lnbits}"', both))

    def canaries(self) -> dict[str, bytes]:
        """Every secret in every form that somebody could write it down in."""
        secrets = {
            "nsec": self.keys.keypair.secret,
            "ticket key": bytes.fromhex(TICKET_KEY),
            "field key": self.keys.derive(b"ticketbot field key"),
            "lookup key": self.keys.derive(b"ticketbot lookup key"),
            "invoice key": bytes.fromhex(INVOICE_KEY),
            "admin key": bytes.fromhex(ADMIN_KEY),
        }
        forms = {
            f"{name}, {form}": shown
            for name, secret in secrets.items()
            for form, shown in (
                ("raw", secret),
                ("hex", secret.hex().encode()),
                ("base64", base64.b64encode(secret).rstrip(b"=")),
                ("base64url", base64.urlsafe_b64encode(secret).rstrip(b"=")),
                ("repr", repr(secret)[2:-1].encode()),
            )
        }
        words = bech32.convertbits(self.keys.keypair.secret, 8, 5)
        return forms | {"nsec, bech32": bech32.bech32_encode("nsec", words or []).encode()}

    async def begins(self, failpoints: str = "", stderr: int | None = None) -> None:
        """Start it as systemd does, tracebacks wanted, with a process of its own for letters."""
        with self.log_file.open("ab") as log:
            self.process = await asyncio.create_subprocess_exec(
                *COMMAND,
                "run",
                cwd=self.folder,
                env=environment(
                    TICKETBOT_FAILPOINTS=failpoints,
                    TICKETBOT_DEBUG="1",
                    TICKETBOT_PERFORMANCE_CRYPTO_WORKERS="1",
                ),
                stdout=PIPE,
                stderr=log if stderr is None else stderr,
            )
        await self._ready(self.process)

    async def _ready(self, process: Process) -> None:
        assert process.stdout is not None
        line = await asyncio.wait_for(process.stdout.readline(), WITHIN)
        assert not line or line.startswith(b"READY"), self.tail()

    async def asked(self, *words: str, stdin: str = "") -> str:
        """What a command says, kept; its text."""
        ran = await self.does(*words, stdin=stdin)
        self.written[f"{' '.join(words)} ({len(self.written)})"] = f"{ran.out}\n{ran.err}".encode()
        return ran.out + ran.err

    def helpers(self) -> set[int]:
        """The processes that it started."""
        assert self.process is not None
        return _children(self.process.pid)

    def looks_into_proc(self) -> None:
        """What other users of the machine may see of it and of what it started."""
        assert self.process is not None
        for pid in {self.process.pid, *self.helpers()}:
            for name in ("cmdline", "environ"):
                self.written[f"/proc/{pid}/{name}"] = Path(f"/proc/{pid}/{name}").read_bytes()

    def finds(self, *more: bytes, but: tuple[str, ...] = ()) -> list[str]:
        """Where a secret stands that should stand nowhere, in any case of its letters."""
        files = {
            str(path.relative_to(self.folder)): path.read_bytes()
            for path in self.folder.rglob("*")
            if path.is_file() and path.name not in KEY_FILES
        }
        assert "bot.log" in files
        places = {name: data.lower() for name, data in (files | self.written).items()}
        return [
            f"{what} in {place}"
            for what, secret in (*self.canaries().items(), *((m.decode(), m) for m in more))
            for place, data in places.items()
            if secret.lower() in data and not place.startswith(but or ("\0",))
        ]


def _children(pid: int) -> set[int]:
    found: set[int] = set()
    for tasks in Path(f"/proc/{pid}/task").glob("*/children"):
        found |= {int(child) for child in tasks.read_text().split()}
    return found | {deeper for child in found for deeper in _children(child)}


class Wallet:
    """An LNbits that can be good or bad; `mode` says how, `paying` how it is when it shall pay.

    `asked_to_pay` counts how often it was.
    """

    def __init__(self, stand: Stand) -> None:
        self.url = ""
        self.mode = self.paying = "good"
        self.asked_to_pay = 0
        self.rows: list[dict[str, Any]] = []
        self.sockets: list[web.WebSocketResponse] = []
        self._stand = stand
        stand.answer = self._answer

    async def settle(self) -> None:
        """All that was asked for is paid, and said so."""
        now = time.strftime("%Y-%m-%dT%H:%M:%S.000000+00:00", time.gmtime())
        self.rows = [one | {"status": "success", "updated_at": now} for one in self.rows]
        for one in self.rows:
            for socket in self.sockets:
                await socket.send_json({"wallet_balance": 21, "payment": one})

    async def push(self, request: web.Request) -> web.WebSocketResponse:
        """The channel whose address is the key itself."""
        assert request.match_info["key"] == INVOICE_KEY
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        self.sockets.append(socket)
        async for _ in socket:
            pass
        self.sockets.remove(socket)
        return socket

    def _answer(self, request: web.Request) -> Answer:
        key = request.headers.get("X-Api-Key", "")
        quoted = f"cannot serve {dict(request.headers)} {request.path_qs} key={key} {key.upper()}"
        quoted += f" of lnbc50u1{'qpzry9x8gf2tvdw0' * 12}"
        self._stand.headers = {}
        mode = self.mode
        if request.method == "POST" and json.loads(self._stand.bodies[-1])["out"]:
            assert key == ADMIN_KEY
            self.asked_to_pay += 1
            mode = self.paying
        match mode:
            case "500" | "520" | "400" | "401":
                return int(mode), {"detail": quoted, "status": "failed"}
            case "text":
                return 200, quoted
            case "shape":
                return 200, {"data": quoted, "balance": quoted}
            case "redirect":
                self._stand.headers = {"Location": f"/login/{key}?key={key}"}
                return 307, quoted
        return self._good(request)

    def _good(self, request: web.Request) -> Answer:
        if request.method == "POST":
            asked = json.loads(self._stand.bodies[-1])
            made = row(len(self.rows) + 1, external_id=asked["external_id"])
            self.rows.append(made)
            return 201, made
        if request.path.endswith("/wallet"):
            whose = {"id": WALLET} if request.headers["X-Api-Key"] == ADMIN_KEY else {}
            return 200, {"balance": 21_000, **whose}
        if request.path.endswith("/paginated"):
            wanted = request.query.get("status[eq]")
            ids = request.query.get("external_id[eq]")
            hashes = request.query.get("payment_hash[in]")
            data = [
                one
                for one in self.rows
                if wanted in (None, one["status"])
                and ids in (None, one["external_id"])
                and (hashes is None or one["payment_hash"] in hashes)
            ]
            return 200, {"data": data, "total": len(data)}
        found = [one for one in self.rows if request.path.endswith(one["payment_hash"])]
        if not found:
            return 404, {"detail": "Payment does not exist."}
        return 200, {"paid": found[0]["status"] == "success", "status": "x", "details": found[0]}


@contextlib.asynccontextmanager
async def worst_wallet() -> AsyncIterator[Wallet]:
    """It listens while the block runs."""
    stand = Stand()
    wallet = Wallet(stand)
    app = web.Application()
    app.router.add_get("/api/v1/ws/{key}", wallet.push)
    app.router.add_route("*", "/{path:.*}", stand.handle)
    async with serving(app) as url:
        wallet.url = url
        yield wallet


@contextlib.asynccontextmanager
async def evening(
    folder: Path, failpoints: str = "", stderr: int | None = None, question: str = ""
) -> AsyncIterator[tuple[House, Client, Wallet]]:
    """A bot with an event of 21 sats on sale, somebody who wants to go there, the worst wallet.

    Tickets can be given back. With `question` buyers are asked one.
    """
    async with run_relay(0) as relay, worst_wallet() as wallet:
        organizer = Keys(os.urandom(32))
        house = House(folder, wallet.url, relay, organizer.pubkey)
        announcer = house.announcer = Client(organizer, house.keys.pubkey)
        guest = Client(Keys(os.urandom(32)), house.keys.pubkey)
        await announcer.connect(relay)
        await guest.connect(relay)
        await house.begins(failpoints, stderr)
        tags = [["d", "x"], ["title", "Lisbon"], ["start", str(int(time.time()) + 86_400)]]
        tags += [["price", "21", "SAT"], ["p", house.keys.pubkey], ["refund_until", "1h"]]
        tags += [["question", question]] if question else []
        await announcer.publish(31923, tags, "")
        try:
            yield house, guest, wallet
        finally:
            await guest.disconnect()
            await announcer.disconnect()
            if house.running:
                assert house.process is not None
                house.process.send_signal(signal.SIGKILL)
                await house.ends()


async def buys(guest: Client, wallet: Wallet) -> list[bytes]:
    """A whole purchase; what the guest was told that nobody else should read."""
    while True:  # the note may still be on its way
        await guest.write("buy lisbon")
        text = (await guest.next(within=20)).text
        if "Order" in text:
            break
    await guest.next("lnbc", within=40)
    await wallet.settle()
    text = (await guest.next("\nTKT1:", within=40)).text
    token = next(line for line in text.splitlines() if line.startswith("TKT1:"))
    machine = [one.text for one in guest.heard if one.protocol == "24133"]
    capabilities = re.findall(r"/tickets/([\w-]+)\.png", "\n".join(machine))
    assert capabilities
    return [token.encode(), token[60:120].encode(), *(one.encode() for one in capabilities)]


async def shows_itself(house: House) -> None:
    """Everything that operators and the web can ask of a running bot."""
    for command in ("doctor", "status", "orders", "events", "audit", "keys"):
        await house.asked(command)
        await house.asked(command, "--json")
    async with aiohttp.ClientSession() as session:
        for path in ("/", "/health", "/metrics", "/t", "/tickets/none.png", "/nowhere"):
            async with session.get(f"{house.url}{path}") as answer:
                kept = f"{answer.headers}\n{await answer.text()}"
                house.written[f"GET {path} ({len(house.written)})"] = kept.encode()


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(WITHIN):
        while not holds():
            await asyncio.sleep(0.05)
