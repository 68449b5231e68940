"""A real evening: ticketbot as a process of its own, a real LNbits, relays and clients that
nobody here wrote.

async with evening(folder) as it:
    await it.on_sale("Lisbon Meetup")
    alice = await it.attendee("nostr-tools")
    await alice.says("buy lisbon")
    await it.pays(await alice.gets_an_invoice())
    ticket = await alice.gets_a_ticket()

However it ends: everybody goes home, the bot stops with 0, `ticketbot audit` finds ledger
and wallet in agreement.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import functools
import io
import json
import os
import re
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any, Literal, NamedTuple

import pytest
import zxingcpp
from PIL import Image

from tests.real.lnbits import LnbitsServer, WalletKeys, shared_server
from tests.real.relays import free_port
from ticketbot.keys import Keys

Json = dict[str, Any]
ClientName = Literal["nostr-tools", "pynostr", "nostr-sdk"]

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
WITHIN = 30.0
PRICE = 21
HOUR, DAY, WEEK = 3600, 86_400, 7 * 86_400

CONFIG = """\
[bot]
name = "{name}"
about = "Tickets for Lisbon meetups. Send me: events"
operators = ["{operator}"]
organizers = ["{organizer}"]

[nostr]
relays = {relays}
allow_private_relays = true

[lnbits]
url = "{lnbits}"

[sales]
hold_seconds = {hold}
{web}"""

WEB = """
[web]
listen = "127.0.0.1:{port}"
public_url = "http://127.0.0.1:{port}"
"""


class Ran(NamedTuple):
    """How a command ended, and what it said."""

    code: int
    out: str
    err: str


class Bot:
    """`ticketbot` in `folder`, started and asked from outside as operators do."""

    def __init__(self, folder: Path, lnbits_url: str, invoice_key: str, **choices: Any) -> None:
        self.folder = folder
        self.log_file = folder / "bot.log"
        self.process: Process | None = None
        self.keys = Keys(os.urandom(32))
        self._lnbits = lnbits_url
        self._choices = choices
        self._port = free_port()
        self.url = f"http://127.0.0.1:{self._port}"
        self._write_key("nsec", self.keys.keypair.secret.hex())
        self._write_key("lnbits-invoice-key", invoice_key)
        self.choose()

    def choose(self, **choices: Any) -> None:
        """Write config.toml, changed in these choices."""
        self._choices |= choices
        self._write_config(**self._choices)

    def _write_config(
        self,
        *,
        relays: list[str],
        organizer: str,
        operator: str,
        name: str = "Lisbon Tickets",
        hold: int = 600,
        web: bool = True,
    ) -> None:
        text = CONFIG.format(
            name=name,
            operator=operator,
            organizer=organizer,
            relays=json.dumps(relays),
            lnbits=self._lnbits,
            hold=hold,
            web=WEB.format(port=self._port) if web else "",
        )
        (self.folder / "config.toml").write_text(text)

    async def start(self, failpoints: str = "") -> None:
        """Start it; returns when it says READY."""
        await self.launch(failpoints)
        assert self.process is not None and self.process.stdout is not None
        line = await asyncio.wait_for(self.process.stdout.readline(), WITHIN)
        assert line.startswith(b"READY"), self.tail()

    async def launch(self, failpoints: str = "") -> None:
        """Start it, whatever comes of it."""
        with self.log_file.open("ab") as log:
            self.process = await asyncio.create_subprocess_exec(
                *_TICKETBOT,
                "run",
                cwd=self.folder,
                env=_environment(TICKETBOT_FAILPOINTS=failpoints),
                stdout=PIPE,
                stderr=log,
            )

    async def ends(self, within: float = 20.0) -> int:
        """Wait until it has ended; its exit code."""
        assert self.process is not None
        process, self.process = self.process, None
        await asyncio.wait_for(process.communicate(), within)
        assert process.returncode is not None
        return process.returncode

    async def stop(self) -> int:
        """SIGTERM; the exit code, which must come within 20 seconds."""
        assert self.process is not None
        self.process.send_signal(signal.SIGTERM)
        return await self.ends()

    async def kill(self) -> None:
        """SIGKILL."""
        assert self.process is not None
        self.process.kill()
        await self.ends()

    @property
    def running(self) -> bool:
        return self.process is not None and self.process.returncode is None

    async def does(self, *words: str, stdin: str = "") -> Ran:
        """`ticketbot …` beside the running bot."""
        process = await asyncio.create_subprocess_exec(
            *_TICKETBOT,
            *words,
            cwd=self.folder,
            env=_environment(),
            stdin=PIPE,
            stdout=PIPE,
            stderr=PIPE,
        )
        out, err = await asyncio.wait_for(process.communicate(stdin.encode()), WITHIN)
        assert process.returncode is not None
        return Ran(process.returncode, out.decode(), err.decode())

    async def shows(self, *words: str) -> Any:
        """What `ticketbot … --json` prints."""
        ran = await self.does(*words, "--json")
        assert ran.code == 0, ran
        return json.loads(ran.out)

    def log(self) -> list[Json]:
        """What it logged, line by line."""
        lines = self.log_file.read_text().splitlines()
        return [json.loads(line) for line in lines if line.startswith("{")]

    def tail(self) -> str:
        return self.log_file.read_text()[-4000:]

    def _write_key(self, name: str, text: str) -> None:
        path = self.folder / name
        path.touch(mode=0o600)
        path.write_text(text + "\n")


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
        return re.findall(r"\b[0-9a-f]{32}\b", self.text)[-1]


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
            *command, cwd=folder, env=_environment(), stdin=PIPE, stdout=PIPE, limit=2**22
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


class OnSale(NamedTuple):
    """An event as the bot sells it: its address, and what people type."""

    id: str
    code: str


class Evening:
    """The bot, its wallet, its relays, and the people."""

    def __init__(
        self,
        folder: Path,
        relays: list[str],
        server: LnbitsServer,
        wallet: WalletKeys,
        payer: LnbitsServer,
    ) -> None:
        self.folder = folder
        self.relays = relays
        self.server = server
        self.wallet = wallet
        self._payer = payer
        self._organizer = secrets.token_hex(32)
        self._operator = secrets.token_hex(32)
        self._people: list[Attendee] = []
        self._not_for_logs = {self._organizer, self._operator}
        self.bot: Bot
        self.organizer: Attendee

    @property
    def people(self) -> Json:
        """Those of config.toml."""
        return {"organizer": _pubkey(self._organizer), "operator": _pubkey(self._operator)}

    async def begins(
        self,
        *,
        invoice_key: str | None = None,
        listed: bool = True,
        alone: bool = False,
        failpoints: str = "",
        **choices: Any,
    ) -> None:
        """The bot starts, and the organizer's client, unless the bot is to be `alone`.

        `listed`: the organizer has a DM relay list (10050).
        """
        key = invoice_key or self.wallet.invoice_key
        given = {"relays": self.relays} | self.people | choices
        self.bot = Bot(self.folder, self.server.url, key, **given)
        self._not_for_logs |= {key, self.bot.keys.keypair.secret.hex()}
        home = self.relays[:1]
        self.organizer = Attendee(
            "nostr-sdk", self.bot.keys.pubkey, home, home if listed else [], self._organizer
        )
        self._people.append(self.organizer)
        first = [] if alone else [self.organizer.enters()]
        await asyncio.gather(self.bot.start(failpoints), *first)

    async def clears(self) -> None:
        """Everybody but the organizer goes home."""
        leaving, self._people = self._people, [self.organizer]
        await asyncio.gather(*(one.leaves() for one in leaving if one is not self.organizer))

    async def ends(self) -> None:
        """Everybody goes home, and the bot stops."""
        await self.clears()
        await self.organizer.leaves()
        if self.bot.running:
            assert await self.bot.stop() == 0, self.bot.tail()

    async def abandons(self) -> None:
        """Whatever still runs is ended."""
        if self.bot.running:
            await self.bot.kill()
        await asyncio.gather(*(person.leaves() for person in self._people))

    async def on_sale(self, title: str = "Lisbon Meetup", **tags: Any) -> OnSale:
        """The organizer publishes a calendar event a week ahead and hears that it is on sale."""
        rows = self.tags_of(title, **tags)
        await self.organizer.does("publish", kind=31923, tags=rows, content="Among friends.")
        said = await self.organizer.hears(f"On sale: {title}. People buy it with: buy ")
        return OnSale(f"31923:{self.organizer.pubkey}:{rows[0][1]}", said.rsplit(" ", 1)[1])

    def tags_of(self, title: str, **tags: Any) -> list[list[str]]:
        """The tags of a calendar event a week ahead; `tags` replace or, if None, leave out."""
        start = int(time.time()) + WEEK
        given: Json = {
            "d": title.lower().replace(" ", "-"),
            "title": title,
            "start": start,
            "end": start + 3 * HOUR,
            "start_tzid": "Europe/Lisbon",
            "D": start // DAY,
            "location": "Praça do Comércio",
            "price": [PRICE, "SAT"],
            "stock": 100,
            "p": self.bot.keys.pubkey,
        } | tags
        return [
            [name, *map(str, value if isinstance(value, list) else [value])]
            for name, value in given.items()
            if value is not None
        ]

    async def attendee(
        self,
        client: ClientName = "nostr-tools",
        relays: list[str] | None = None,
        inbox: list[str] | None = None,
        secret: str | None = None,
    ) -> Attendee:
        """Somebody comes, with a client on some of the relays (the first, by default)."""
        where = relays or self.relays[:1]
        person = Attendee(client, self.bot.keys.pubkey, where, inbox, secret)
        self._people.append(person)
        self._not_for_logs |= {person.pubkey, person.secret}
        await person.enters()
        return person

    async def operator(self) -> Attendee:
        """The operator comes."""
        return await self.attendee("nostr-sdk", inbox=self.relays[:1], secret=self._operator)

    async def pays(self, bolt11: str) -> None:
        """The second wallet pays."""
        await asyncio.to_thread(self._payer.pay, bolt11)

    async def verifies(self, token: str) -> None:
        """`ticketbot verify` calls the ticket valid."""
        ran = await self.bot.does("verify", token)
        assert (ran.code, ran.out.splitlines()[0]) == (0, "valid"), ran

    async def audit(self) -> None:
        """Ledger and real wallet agree, and every invariant holds."""
        ran = await self.bot.does("audit")
        assert ran.code == 0, ran

    async def has_sent_everything(self, event: OnSale) -> None:
        """The one order of the event is paid, and nothing waits to be published."""

        async def done() -> bool:
            orders = await self.bot.shows("orders", "--event", event.code)
            status = await self.bot.shows("status")
            return orders[0]["state"] == "paid" and status["outbox_pending"] == 0

        await until(done, f"everything of {event.code} was sent")

    def reads_the_log(self) -> None:
        """No bug in it, and nothing that is nobody's business."""
        log = self.bot.log_file.read_text()
        assert "Traceback" not in log, log
        assert [one for one in {*self._not_for_logs, "TKT1:", "nsec1"} if one in log] == [], log

    async def orders(self) -> list[Json]:
        """The orders as `ticketbot orders` shows them, newest first."""
        return list(await self.bot.shows("orders"))


@contextlib.asynccontextmanager
async def evening(
    folder: Path, relays: list[str], server: LnbitsServer | None = None, **choices: Any
) -> AsyncIterator[Evening]:
    """An evening with its bot on `relays` and a wallet of its own; audited when it ends.

    `server` is an LNbits for this evening alone, which the shared one pays.
    """
    shared = await asyncio.to_thread(shared_server)
    server = server or shared
    wallet = await asyncio.to_thread(server.new_wallet, "bot")
    it = Evening(folder, relays, server, wallet, shared)
    try:
        await it.begins(**choices)
        yield it
        await it.ends()
        await it.audit()
        it.reads_the_log()
    finally:
        await it.abandons()


class NostrRelay:
    """PyPI's nostr-relay, in a process and a venv of its own (`make relay2`).

    Another opinion of what a relay is: it stores kind 24133, answers duplicates with OK false,
    refuses with an OK for no event and with NOTICE, and takes 4096 characters at most.
    TICKETBOT_NOSTR_RELAY_VENV names another venv.
    """

    def __init__(self, folder: Path, *, members_only: bool = False) -> None:
        self.folder = folder
        self.port = free_port()
        self.url = f"ws://127.0.0.1:{self.port}"
        self._process: subprocess.Popen[bytes] | None = None
        folder.mkdir(parents=True, exist_ok=True)
        config = {
            "storage": {
                "sqlalchemy.url": f"sqlite+aiosqlite:///{folder}/relay.sqlite3",
                "validators": [
                    "nostr_relay.validators.is_not_too_large",
                    "nostr_relay.validators.is_signed",
                    "nostr_relay.validators.is_recent",
                ],
            },
            "gunicorn": {"bind": f"127.0.0.1:{self.port}", "workers": 1},
            "authentication": {
                "enabled": members_only,
                "relay_urls": [self.url, self.url + "/"],
                "actions": {"query": "rw", "save": "rw"},
            },
        }
        (folder / "config.yaml").write_text(json.dumps(config))

    def start(self) -> None:
        program = nostr_relay_venv() / "bin" / "nostr-relay"
        with (self.folder / "relay.log").open("ab") as log:
            self._process = subprocess.Popen(
                [str(program), "-c", "config.yaml", "serve", "--use-uvicorn"],
                cwd=self.folder,
                env=_environment(HOME=str(self.folder)),
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        deadline = time.monotonic() + WITHIN
        while not self._answers():
            if time.monotonic() > deadline or self._process.poll() is not None:
                self.stop()
                raise RuntimeError(f"nostr-relay did not start:\n{self.log()[-3000:]}")
            time.sleep(0.05)

    def stop(self) -> None:
        if self._process is None:
            return
        process, self._process = self._process, None
        for number in (signal.SIGTERM, signal.SIGKILL):
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, number)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(5)
                return

    def admits(self, pubkey: str) -> None:
        """Whoever proves to have this key may read and write, where it is for members only."""
        program = nostr_relay_venv() / "bin" / "nostr-relay"
        words = ["-c", "config.yaml", "role", "set", "-p", pubkey, "-r", "rw"]
        subprocess.run(
            [str(program), *words],
            cwd=self.folder,
            env=_environment(HOME=str(self.folder)),
            check=True,
            capture_output=True,
        )

    def log(self) -> str:
        return (self.folder / "relay.log").read_text(errors="replace")

    def _answers(self) -> bool:
        try:
            socket.create_connection(("127.0.0.1", self.port), 1).close()
        except OSError:
            return False
        return True


def nostr_relay_venv() -> Path:
    """Where nostr-relay is installed; says how to install it where it is not."""
    named = os.environ.get("TICKETBOT_NOSTR_RELAY_VENV")
    venv = Path(named) if named else ROOT / ".cache" / "nostr-relay"
    if not (venv / "bin" / "nostr-relay").exists():
        raise FileNotFoundError(f"no nostr-relay in {venv}; run: make relay2")
    return venv


@contextlib.contextmanager
def nostr_relay(*, members_only: bool = False) -> Iterator[NostrRelay]:
    """A running nostr-relay with a fresh store."""
    with tempfile.TemporaryDirectory(prefix="nostr-relay-") as folder:
        relay = NostrRelay(Path(folder), members_only=members_only)
        relay.start()
        try:
            yield relay
        finally:
            relay.stop()


def read_picture(picture: bytes) -> str:
    """What a camera reads in a QR picture."""
    with Image.open(io.BytesIO(picture)) as image:
        [found] = zxingcpp.read_barcodes(image)
    return str(found.text)


def fetch_picture(qr_code: str) -> bytes:
    """The picture behind a `qr_code`: a URL of the bot's, or a data URI."""
    head = "data:image/png;base64,"
    if qr_code.startswith(head):
        return base64.b64decode(qr_code.removeprefix(head), validate=True)
    with _DIRECT.open(qr_code, timeout=10) as answer:
        assert answer.headers["Content-Type"] == "image/png"
        return bytes(answer.read())


def get(url: str) -> tuple[int, bytes]:
    """Status and body of a page of the bot's."""
    try:
        with _DIRECT.open(url, timeout=10) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read()


async def until(holds: Callable[[], Any], what: str, within: float = WITHIN) -> None:
    """Wait until something is so; it may be an awaitable's result."""
    try:
        async with asyncio.timeout(within):
            while True:
                so = holds()
                if await so if asyncio.iscoroutine(so) else so:
                    return
                await asyncio.sleep(0.1)
    except TimeoutError:
        raise TimeoutError(f"not within {within:.0f} s: {what}") from None


_TICKETBOT = (sys.executable, "-m", "ticketbot")
_DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def _environment(**more: str) -> dict[str, str]:
    """This process's, without what would configure a bot; the checkout can be imported."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith("TICKETBOT_")}
    return kept | {"PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"} | more


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


def _pubkey(secret: str) -> str:
    return Keys(bytes.fromhex(secret)).pubkey
