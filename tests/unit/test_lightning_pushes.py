"""The LNbits client: its push channel, and the key that must not be seen."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
import traceback
from collections.abc import AsyncIterator

import pytest
from aiohttp import WSMsgType, web
from structlog.testing import capture_logs

from tests.unit.lnbits_stand import ASK, KEY, serving
from ticketbot.errors import Broken, Retry
from ticketbot.wallets.lnbits import LNbits


class Channel:
    """A push channel: each connection runs `talk(socket, number)`."""

    def __init__(self) -> None:
        self.opened: list[float] = []
        self.refuse = 0
        self.ping = True

    async def handle(self, request: web.Request) -> web.StreamResponse:
        self.opened.append(time.monotonic())
        if len(self.opened) <= self.refuse:
            return web.Response(status=403, text=f"no channel {request.path}")
        socket = web.WebSocketResponse(autoping=self.ping)
        await socket.prepare(request)
        await self.talk(socket, len(self.opened))
        async for message in socket:
            assert message.type is WSMsgType.PING
        return socket

    async def talk(self, socket: web.WebSocketResponse, number: int) -> None:
        """Nothing, by default."""


@pytest.fixture
async def channel() -> AsyncIterator[tuple[Channel, LNbits]]:
    channel = Channel()
    app = web.Application()
    app.router.add_get(f"/api/v1/ws/{KEY}", channel.handle)
    async with serving(app) as url:
        wallet = LNbits(url, KEY, timeout=2, heartbeat=0.4)
        yield channel, wallet
        await wallet.close()


async def hints_of(wallet: LNbits, number: int) -> list[str | None]:
    async with contextlib.aclosing(wallet.hints()) as hints:
        async with asyncio.timeout(15):
            return [await anext(hints) for _ in range(number)]


async def test_a_silent_dead_channel_is_noticed(channel: tuple[Channel, LNbits]) -> None:
    stand, wallet = channel
    stand.ping = False  # it stays open, and answers no ping

    assert await hints_of(wallet, 2) == [None, None]


async def test_a_channel_that_lives_is_kept(channel: tuple[Channel, LNbits]) -> None:
    stand, wallet = channel
    async with contextlib.aclosing(wallet.hints()) as hints:
        assert await anext(hints) is None
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(1.5):
                await anext(hints)
    assert len(stand.opened) == 1


async def test_reconnecting_waits_longer_each_time(channel: tuple[Channel, LNbits]) -> None:
    stand, wallet = channel
    stand.refuse = 3

    assert await hints_of(wallet, 1) == [None]

    waits = [b - a for a, b in zip(stand.opened, stand.opened[1:], strict=False)]
    assert len(waits) == 3
    for wait, longest in zip(waits, (0.5, 1.0, 2.0), strict=True):
        assert longest / 2 <= wait


async def test_a_flood_of_pushes_becomes_reconcile(channel: tuple[Channel, LNbits]) -> None:
    stand, wallet = channel
    arrived = asyncio.Event()

    async def talk(socket: web.WebSocketResponse, number: int) -> None:
        for count in range(1_200):
            payment = {"payment_hash": f"{count:064x}", "amount": 1}
            await socket.send_json({"payment": payment})
        arrived.set()

    stand.talk = talk  # type: ignore[method-assign]
    async with contextlib.aclosing(wallet.hints()) as hints:
        first = await anext(hints)
        await arrived.wait()
        await asyncio.sleep(0.3)
        second = await anext(hints)
        rest = [await anext(hints) for _ in range(100)]

    assert (first, second) == (None, None)
    assert rest[-1] is not None


async def test_a_push_that_is_too_large_breaks_the_channel_and_no_more(
    channel: tuple[Channel, LNbits],
) -> None:
    stand, wallet = channel

    async def talk(socket: web.WebSocketResponse, number: int) -> None:
        if number == 1:
            await socket.send_str("x" * 300_000)

    stand.talk = talk  # type: ignore[method-assign]

    assert await hints_of(wallet, 2) == [None, None]


async def test_the_key_is_nowhere_to_be_read(
    channel: tuple[Channel, LNbits], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, "aiohttp.client")
    stand, wallet = channel
    stand.refuse = 1
    errors: list[BaseException] = []
    with capture_logs() as logs:
        await hints_of(wallet, 1)
        for question in (wallet.create(ASK), wallet.find("o-1"), wallet.balance()):
            with pytest.raises(Broken) as caught:
                await question
            errors.append(caught.value)
    nowhere = LNbits("http://127.0.0.1:9", KEY, timeout=1)
    with pytest.raises(Retry) as lost:
        await nowhere.balance()
    await nowhere.close()
    errors.append(lost.value)
    told = [repr(logs), caplog.text, repr(wallet), repr(vars(wallet)), repr(wallet.health())]
    told += ["".join(traceback.format_exception(error)) for error in errors]

    assert [entry["event"] for entry in logs] == ["hints.lost", "hints.open"]
    assert all(KEY not in text for text in told)
