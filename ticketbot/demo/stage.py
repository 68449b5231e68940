"""What the demo stands on: an embedded relay and a real bot with a ledger in a temporary folder."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import NamedTuple

from ticketbot.app import App
from ticketbot.config.values import (
    ANYONE,
    Bot,
    Config,
    Ledger,
    Lightning,
    Limits,
    Lnbits,
    Nostr,
    Privacy,
    Sales,
    Secret,
    Web,
)
from ticketbot.errors import Broken
from ticketbot.lightning import Wallet
from ticketbot.wallets.fake import FakeWallet
from ticketbot.wallets.lnbits import LNbits


class Choices(NamedTuple):
    """What the command line asked for. Key files hold LNbits keys."""

    once: bool = False
    port: int = 0
    lnbits_url: str | None = None
    lnbits_key_file: Path | None = None
    lnbits_payer_key_file: Path | None = None


@asynccontextmanager
async def run_relay(port: int) -> AsyncIterator[str]:
    """A real relay in this process; its URL. Port 0: any that is free."""
    try:
        from nostr_sdk import LocalRelayBuilder, RateLimit
    except ImportError:
        raise Broken(
            "the demo's relay is missing: use `make demo`, or pip install '.[demo]'"
        ) from None
    if port:
        _check_port(port)
    builder = LocalRelayBuilder().addr("127.0.0.1")
    builder = builder.rate_limit(RateLimit(max_reqs=200, notes_per_minute=100_000))
    relay = (builder.port(port) if port else builder).build()
    await relay.run()
    try:
        yield str(await relay.url()).rstrip("/")
    finally:
        relay.shutdown()


@asynccontextmanager
async def run_bot(choices: Choices, relay: str, folder: Path) -> AsyncIterator[App]:
    """A bot that sells what anybody publishes, while the block runs."""
    config = _config(choices, relay, folder)
    wallet: Wallet = FakeWallet()
    if config.lnbits is not None:
        wallet = LNbits(config.lnbits.url, config.lnbits.invoice_key.reveal())
    app = App(config, wallet)
    stop = asyncio.Event()
    running = asyncio.create_task(app.run(stop))
    ready = asyncio.create_task(app.ready.wait())
    try:
        await asyncio.wait({running, ready}, return_when=asyncio.FIRST_COMPLETED)
        if running.done():
            running.result()
        yield app
    finally:
        ready.cancel()
        stop.set()
        with contextlib.suppress(asyncio.CancelledError):
            await running


def _config(choices: Choices, relay: str, folder: Path) -> Config:
    lnbits = None
    if choices.lnbits_url is not None:
        if choices.lnbits_key_file is None:
            raise Broken("--lnbits-url needs --lnbits-key-file, a file with the invoice key")
        key = Secret(choices.lnbits_key_file.read_text().strip())
        lnbits = Lnbits(choices.lnbits_url.rstrip("/"), key, None, 200)
    port = _free_port()
    return Config(
        file=folder / "config.toml",
        bot=Bot(
            name="Demo Tickets",
            about="A demo. Send me: events",
            nsec=Secret(os.urandom(32).hex()),
            ticket_key=None,
            ticket_key_file=folder / "ticket-key",
            operators=frozenset(),
            organizers=ANYONE,
        ),
        nostr=Nostr((relay,), "always", None, True),
        lightning=Lightning("lnbits" if lnbits else "fake"),
        lnbits=lnbits,
        ledger=Ledger(f"sqlite:///{folder / 'ledger.db'}", folder / "ledger.db"),
        web=Web("127.0.0.1", port, f"http://127.0.0.1:{port}"),
        sales=Sales(600, 2, 10),
        limits=Limits(60),
        privacy=Privacy(90),
        warnings=(),
    )


def _check_port(port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except (OSError, OverflowError) as error:
            why = getattr(error, "strerror", None) or "there is no such port"
            raise Broken(f"port {port} cannot be used ({why}): choose another --port") from None


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
