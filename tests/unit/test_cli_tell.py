"""`tell` and `refund`: operators' words to the running bot, over a socket beside the ledger."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import stat
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TypeVar

import pytest
from structlog.testing import capture_logs

from tests.unit.cli_house import BotHouse, Ran, one_sentence
from ticketbot import control, handlers
from ticketbot.app.parts import settings_of
from ticketbot.config import load
from ticketbot.config.values import LONGEST_SOCKET, Ledger
from ticketbot.crew import Crew
from ticketbot.domain.command import ShowStatus
from ticketbot.engine import Engine
from ticketbot.errors import Broken, Refused, Retry
from ticketbot.handlers.context import Context, Request
from ticketbot.ledger import journal, outbox
from ticketbot.ledger.store import Store, Tx
from ticketbot.ledger.vault import open_vault
from ticketbot.replies.outcome import Addressee, Reply, Said, Told

T = TypeVar("T")


@pytest.fixture
def folder() -> Iterator[Path]:
    """A short one: a Unix socket's path has at most 107 bytes."""
    with tempfile.TemporaryDirectory(prefix="tb") as name:
        yield Path(name)


@pytest.fixture
def house(folder: Path) -> BotHouse:
    return BotHouse(folder)


def door(house: BotHouse) -> Path:
    return house.ledger.with_suffix(".sock")


@asynccontextmanager
async def running(house: BotHouse) -> AsyncIterator[Engine]:
    """As much of a bot as answers its operator."""
    config = load(house.folder / "config.toml", {})
    store = Store(house.ledger, open_vault(house.keys))
    store.start()
    settings = settings_of(config, house.keys.pubkey)
    engine = Engine(store, Crew(house.keys), settings, house.ticket_key)
    try:
        async with control.serve(engine, config.ledger.socket):
            yield engine
    finally:
        await store.close()


async def types(house: BotHouse, *words: str, stdin: str = "") -> Ran:
    return await asyncio.to_thread(lambda: house.calls(*words, stdin=stdin))


async def look(house: BotHouse, work: Callable[[Tx], T]) -> T:
    return await asyncio.to_thread(house.change, work)


async def test_an_operators_command_is_carried_out_and_journalled(house: BotHouse) -> None:
    async with running(house):
        stopped = await types(house, "tell", "stop", "sales")
        status = await types(house, "tell", "-", stdin="status\n")
        resumed = await types(house, "tell", "resume sales")
    assert stopped == (
        0,
        "Sales are stopped. Open orders can still be paid. To sell again: resume sales\n",
        "",
    )
    assert status.out.startswith("Sales stopped · 0 events on sale\n")
    assert resumed.out == "Sales are open.\n"
    told = await look(house, lambda tx: journal.of(tx, "sales"))
    assert [(one.what, one.detail) for one in told] == [
        ("stopped", {"by": "command line"}),
        ("resumed", {"by": "command line"}),
    ]


@pytest.mark.parametrize("words", ["buy lisbon", "tickets", "stop salse", "x" * 3000, "status"])
async def test_what_is_refused_is_one_sentence_and_exit_code_1(
    house: BotHouse, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuses(request: Request, tx: Tx, ctx: Context) -> Reply:
        journal.note(tx, ctx.now, "sales", "half done")
        raise Refused("bad-request", "order-unknown", order="ABCD")

    monkeypatch.setitem(handlers.OPERATOR_COMMANDS, ShowStatus, refuses)
    await asyncio.to_thread(house.lists)
    async with running(house):
        one_sentence(await types(house, "tell", words), 1)
    assert await look(house, lambda tx: tx.rows("SELECT 1 FROM orders")) == []
    assert await look(house, lambda tx: journal.of(tx, "sales")) == []


async def test_others_are_told_by_message_and_not_on_the_console(
    house: BotHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    def tells(request: Request, tx: Tx, ctx: Context) -> Reply:
        buyer = Addressee(house.organizer.pubkey, "nip17")
        return [Said("operator-resumed"), Told(buyer, Said("welcome"), "order:thanks")]

    monkeypatch.setitem(handlers.OPERATOR_COMMANDS, ShowStatus, tells)
    async with running(house) as engine:
        woken = asyncio.Event()
        engine.wake = woken.set
        ran = await types(house, "tell", "status")
        assert woken.is_set()
    assert ran.out == "Sales are open.\n"
    rows = await look(house, lambda tx: outbox.due(tx, "message", 2**40, frozenset(), 9))
    assert [(row.key, row.body["to"]) for row in rows] == [
        ("order:thanks:0", house.organizer.pubkey)
    ]


async def test_the_socket_is_the_bots_alone_and_goes_with_it(house: BotHouse) -> None:
    async with running(house):
        mode = door(house).stat().st_mode
        assert stat.S_ISSOCK(mode)
        assert stat.S_IMODE(mode) == 0o600
    assert not door(house).exists()


async def test_a_socket_that_a_killed_bot_left_is_replaced(house: BotHouse) -> None:
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(str(door(house)))
    async with running(house):
        assert (await types(house, "tell", "status")).code == 0


async def test_a_place_that_cannot_be_had_does_not_stop_the_bot(house: BotHouse) -> None:
    door(house).write_text("somebody's file")
    with capture_logs() as logs:
        async with running(house):
            pass
    (line,) = [line for line in logs if line["event"] == "control.closed"]
    assert (line["log_level"], str(door(house)) in line["error"]) == ("warning", True)
    assert door(house).read_text() == "somebody's file"


async def test_a_path_that_is_too_long_is_said_and_stops_nothing(folder: Path) -> None:
    deep = folder / ("d" * 120)
    house = BotHouse(deep)
    with capture_logs() as logs:
        async with running(house):
            ran = await types(house, "tell", "status")
    assert [line["event"] for line in logs] == ["control.closed"]
    one_sentence(ran, 1, "longer than a Unix socket's", "by DM")


def test_the_longest_path_that_a_socket_may_have() -> None:
    room = "x" * (LONGEST_SOCKET - len("/.sock"))
    assert Ledger("", Path(f"/{room}.db")).socket == Path(f"/{room}.sock")
    assert Ledger("", Path(f"/{room}x.db")).socket is None
    umlauts = Ledger("", Path(f"/{'ü' * 60}.db"))  # bytes are counted, not letters
    assert umlauts.socket is None


def test_a_bot_that_does_not_run(house: BotHouse) -> None:
    one_sentence(house.run("tell", "status"), 1, "the bot is not running", "ticketbot run")
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(str(door(house)))
    one_sentence(house.calls("tell", "status"), 1, "the bot is not running")


async def test_a_bot_that_cannot(house: BotHouse, monkeypatch: pytest.MonkeyPatch) -> None:
    async with running(house) as engine:

        async def is_full(line: str) -> object:
            raise Retry("the disk is full")

        async def fails(line: str) -> object:
            raise Broken("no")

        monkeypatch.setattr(engine, "command", is_full)
        one_sentence(await types(house, "tell", "status"), 1, "the disk is full")
        monkeypatch.setattr(engine, "command", fails)
        one_sentence(await types(house, "tell", "status"), 1, "its log says why")


async def test_nothing_else_is_answered(house: BotHouse) -> None:
    async with running(house):
        asked = {
            b"GET / HTTP/1.1\r\nHost: x\r\n\r\n": b"405",
            b"POST /orders HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n": b"404",
            b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\n\xff": b"400",
            b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 20000\r\n\r\n" + b"x" * 20000: b"413",
        }
        for request, status in asked.items():
            reader, writer = await asyncio.open_unix_connection(door(house))
            writer.write(request)
            assert (await reader.readline()).split()[1] == status
            writer.close()


def test_what_is_owed_for_an_order_needs_no_running_bot(house: BotHouse) -> None:
    sold = house.sells()
    ran = house.calls("refund", sold.owed[-4:])
    assert (ran.code, ran.err) == (0, "")
    assert "4,000" in ran.out
    (one,) = house.calls("refund", sold.owed, "--json").data
    assert (one["refund_id"], one["state"]) == (f"{sold.owed}-r1", "due")
    assert house.calls("refund", sold.paid, "--json").data == []
    one_sentence(house.calls("refund", "zzzzzzzz", "--sent"), 1, "no order's id ends in")
    one_sentence(house.calls("refund", sold.owed, "--sent"), 1, "the bot is not running")


@pytest.mark.parametrize(
    ("words", "stdin", "line"),
    [
        (["--sent"], "", "refund {order} sent"),
        (["--to", "me@example.com"], "", "refund {order} to me@example.com"),
        (["--to", "-"], "me@example.com\n", "refund {order} to me@example.com"),
    ],
)
async def test_what_the_bot_is_asked_about_a_refund(
    house: BotHouse,
    words: list[str],
    stdin: str,
    line: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    sold = await asyncio.to_thread(house.sells)
    heard = []
    async with running(house) as engine:
        answer = engine.command

        async def hears(text: str) -> object:
            heard.append(text)
            return await answer("refunds")

        monkeypatch.setattr(engine, "command", hears)
        ran = await types(house, "refund", sold.owed[-4:], *words, stdin=stdin)
    assert ran.code == 0
    assert heard == [line.format(order=sold.owed)]


def test_only_light_rooms_are_opened(house: BotHouse) -> None:
    """An operator who is in a hurry does not wait for a web server's half second."""
    code = (
        "import sys\nfrom ticketbot.cli import main\nmain(['tell', 'status'])\n"
        "import json\nprint(json.dumps([m for m in ('aiohttp', 'structlog') if m in sys.modules]))"
    )
    ran = house.python(code)
    assert json.loads(ran.out) == []
    assert os.path.lexists(house.ledger) is False
