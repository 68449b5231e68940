"""What `ticketbot run` runs: one bot, until it is told to stop."""

from __future__ import annotations

import asyncio
import contextlib

from ticketbot.app import App
from ticketbot.config import Config
from ticketbot.service import SingleInstance, notify, spare_collections, stop_signals, watchdog

RELAYS_ANSWER = 1.0  # seconds until READY is said without those that are silent


def serve(config: Config) -> int:
    """Run the bot until it is told to stop; 0 after a graceful stop. The lock is held meanwhile."""
    lock = config.ledger.path.with_suffix(".lock")
    lock.parent.mkdir(parents=True, exist_ok=True)
    with SingleInstance(lock):
        asyncio.run(_serve(config))
    return 0


async def _serve(config: Config) -> None:
    with stop_signals() as stop:
        app = App(config)
        async with asyncio.TaskGroup() as tasks:
            running = tasks.create_task(app.run(stop))
            greeting = tasks.create_task(_greet(app))
            pings = tasks.create_task(
                watchdog(lambda: app.store.transaction(lambda tx: tx.row("SELECT 1")))
            )
            await running
            greeting.cancel()
            pings.cancel()


async def _greet(app: App) -> None:
    """Say READY once everything listens; relays get a moment to answer before they are counted."""
    await app.ready.wait()
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(RELAYS_ANSWER):
            while not all(state.connected for state in app.pool.status().values()):
                await asyncio.sleep(0.02)
    await app.look_around()
    spare_collections()
    print(f"READY: {await app.summary()}", flush=True)  # noqa: T201  the contract's line
    await notify("READY=1", f"STATUS={await app.summary()}")
