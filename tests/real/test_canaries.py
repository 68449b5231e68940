"""Canaries: known secrets in a real bot, and a search through everything that it writes.

The wallet here is the worst that there is: it fails in every way, and quotes what it was asked,
key and all. The bot's exceptions are those of its own failpoints.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
import os
import pty
import re
import signal
import sys
import time
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import aiohttp
import bech32
import pytest
from aiohttp import web

from tests.real.bot_process import COMMAND, WITHIN, Bot, environment
from tests.unit.lnbits_stand import Answer, Stand, row, serving
from ticketbot.demo.client import Client
from ticketbot.demo.stage import run_relay
from ticketbot.keys import Keys

INVOICE_KEY = "c0ffee" * 5 + "42"
ADMIN_KEY = "decade" * 5 + "42"
TICKET_KEY = "5eed" * 16
KEY_FILES = {"nsec", "lnbits-invoice-key", "admin-key", "ticket-key"}
FAILPOINTS = [
    "engine.letter-answered=raise",
    "ledger.before-commit=raise@9",
    "invoicer.before-create=raise",
    "courier.before-publish=raise",
    "courier.after-publish=raise",
    "engine.before-settle=raise",
    "cashier.credited=raise",
]


class House(Bot):
    """A bot whose secrets are canaries; `written` grows with all that anything of it says."""

    def __init__(self, folder: Path, lnbits: str, relay: str, organizer: str) -> None:
        super().__init__(
            folder, lnbits, INVOICE_KEY, relays=[relay], organizer=organizer, operator=organizer
        )
        self.written: dict[str, bytes] = {}
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
        """Start it as systemd does, tracebacks wanted."""
        with self.log_file.open("ab") as log:
            self.process = await asyncio.create_subprocess_exec(
                *COMMAND,
                "run",
                cwd=self.folder,
                env=environment(TICKETBOT_FAILPOINTS=failpoints, TICKETBOT_DEBUG="1"),
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

    def looks_into_proc(self) -> None:
        """What other users of the machine may see of it and of what it started."""
        assert self.process is not None
        family = {self.process.pid, *_children(self.process.pid)}
        for pid in family:
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
    """An LNbits that can be good or bad; `mode` says how."""

    def __init__(self, stand: Stand) -> None:
        self.url = ""
        self.mode = "good"
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
        match self.mode:
            case "500" | "520" | "400" | "401":
                return int(self.mode), {"detail": quoted, "status": "failed"}
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
            return 200, {"balance": 21_000}
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


@pytest.fixture
async def relay() -> AsyncIterator[str]:
    async with run_relay(0) as url:
        yield url


@pytest.fixture
async def wallet() -> AsyncIterator[Wallet]:
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
    folder: Path, wallet: Wallet, relay: str, failpoints: str = "", stderr: int | None = None
) -> AsyncIterator[tuple[House, Client]]:
    """A bot with an event of 21 sats on sale, and somebody who wants to go there."""
    organizer = Keys(os.urandom(32))
    house = House(folder, wallet.url, relay, organizer.pubkey)
    announcer = Client(organizer, house.keys.pubkey)
    guest = Client(Keys(os.urandom(32)), house.keys.pubkey)
    await announcer.connect(relay)
    await guest.connect(relay)
    await house.begins(failpoints, stderr)
    tags = [["d", "x"], ["title", "Lisbon"], ["start", str(int(time.time()) + 86_400)]]
    tags += [["price", "21", "SAT"], ["p", house.keys.pubkey]]
    await announcer.publish(31923, tags, "")
    try:
        yield house, guest
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


@pytest.mark.timeout(180)
async def test_no_secret_in_anything_that_a_bot_writes(
    tmp_path: Path, wallet: Wallet, relay: str
) -> None:
    async with evening(tmp_path, wallet, relay) as (house, guest):
        private = await buys(guest, wallet)
        house.looks_into_proc()
        for mode in ("500", "520", "400", "401", "text", "shape", "redirect"):
            wallet.mode = mode
            await guest.write("buy lisbon")
            said = await asyncio.gather(house.asked("audit"), house.asked("doctor"))
            assert "FAIL" in said[1]
        await shows_itself(house)
        wallet.mode = "good"
        for order in await house.shows("orders"):
            await house.asked("orders", "show", order["order_id"], "--json")
        await house.asked("backup", str(tmp_path / "kept.backup"))
        assert "valid" in await house.asked("verify", "-", stdin=private[0].decode())
        assert await house.stop() == 0
    log = house.log_file.read_text()
    assert "wallet.unknown" in log or "invoice.postponed" in log
    said = b"".join(house.written.values()).decode() + log
    assert "cannot serve" in said, "the control: LNbits' words are repeated, but for the key"
    assert house.finds(*private) == []


@pytest.mark.parametrize("place", FAILPOINTS)
async def test_no_secret_in_what_is_said_of_a_bug(
    tmp_path: Path, wallet: Wallet, relay: str, place: str
) -> None:
    async with evening(tmp_path, wallet, relay, place) as (house, guest):
        await guest.write("hi")
        buying = asyncio.create_task(buys(guest, wallet))
        async with asyncio.timeout(WITHIN):
            while house.running and not buying.done():
                await asyncio.sleep(0.05)
        buying.cancel()
        with contextlib.suppress(asyncio.CancelledError, TimeoutError):
            await buying
    name = place.partition("=")[0]
    assert f"failpoint {name}: raise" in house.log_file.read_text()
    assert house.finds(guest.keys.pubkey.encode()) == []


async def test_no_secret_on_a_terminal(tmp_path: Path, wallet: Wallet, relay: str) -> None:
    """There logs are pretty, and tracebacks made by somebody else's code."""
    master, slave = pty.openpty()
    shown = bytearray()
    asyncio.get_running_loop().add_reader(master, lambda: shown.extend(os.read(master, 65_536)))
    try:
        async with evening(tmp_path, wallet, relay, "", slave) as (house, guest):
            private = await buys(guest, wallet)
            wallet.mode = "500"
            await guest.write("buy lisbon")
            await until(lambda: b"invoice.postponed" in shown or b"wallet.unknown" in shown)
            assert await house.stop() == 0
            house.written["terminal"] = bytes(shown)
        assert house.finds(*private) == []
    finally:
        asyncio.get_running_loop().remove_reader(master)
        os.close(master)
        os.close(slave)


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(WITHIN):
        while not holds():
            await asyncio.sleep(0.05)


@pytest.mark.parametrize("name", sorted(KEY_FILES))
async def test_no_secret_in_what_is_said_of_a_bad_key(
    tmp_path: Path, wallet: Wallet, relay: str, name: str
) -> None:
    """A key with a letter too many, in the wrong file, in the configuration itself."""
    house = House(tmp_path, wallet.url, relay, Keys(os.urandom(32)).pubkey)
    house.log_file.touch()
    good = (tmp_path / name).read_text().strip()
    config = (tmp_path / "config.toml").read_text()
    for text in (f"{good}0", f"{good} {good}", good.replace(good[7], "ü")):
        (tmp_path / name).write_text(text)
        await house.asked("status")
        await house.asked("doctor")
    (tmp_path / name).write_text(good)
    keys = {"nsec": "bot", "ticket-key": "bot"}
    key = f"{name.removeprefix('lnbits-').replace('-', '_')}_file"
    section = keys.get(name, "lnbits")
    for line in (f'{key} = "{good}"', f'{key.removesuffix("_file")} = "{good}"', f'{good} = "x"'):
        text = config.replace('admin_key_file = "admin-key"\n', "")
        (tmp_path / "config.toml").write_text(text.replace(f"[{section}]", f"[{section}]\n{line}"))
        said = await house.asked("run")
        assert said.startswith("ticketbot: "), said
        (tmp_path / "config.toml").write_text(config)
    assert house.finds() == []


def test_the_search_would_find_them(tmp_path: Path) -> None:
    """The control, form by form."""
    house = House(tmp_path, "http://127.0.0.1:1", "ws://127.0.0.1:1", "2" * 64)
    house.log_file.touch()
    assert house.finds() == []
    for number, secret in enumerate(house.canaries().values()):
        (tmp_path / f"{number}.txt").write_bytes(b"x" + secret.swapcase() + b"x")
    assert len(house.finds()) >= len(house.canaries())
    assert sys.executable.encode() not in b"".join(house.canaries().values())
