"""Every command there is, and `kill -9` between its decision and the commit: a real bot, a real
relay, the shop of tests/story/shop.py. Afterwards whoever asked is answered once.
"""

from __future__ import annotations

import asyncio
import signal
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tests.chaos import visits
from tests.chaos.daemon import Daemon
from tests.story.examples import EXAMPLES, Example
from tests.story.shop import build, key_of, keys_of
from ticketbot.demo.client import Client
from ticketbot.demo.stage import run_relay

WITHIN = 40.0


@asynccontextmanager
async def a_bot(folder: Path, relay: str) -> AsyncIterator[Daemon]:
    """The process whose ledger the shop is; it does not outlive the block."""
    daemon = Daemon(folder, [relay], key_of("organizer"))
    daemon.keys = keys_of("bot")
    (folder / "nsec").write_text(daemon.keys.keypair.secret.hex() + "\n")
    config = folder / "config.toml"
    named = config.read_text().replace("operators = []", f'operators = ["{key_of("operator")}"]')
    config.write_text(named)
    try:
        yield daemon
    finally:
        if daemon.alive:
            await daemon.kill()


@pytest.mark.long
@pytest.mark.parametrize("example", EXAMPLES, ids=lambda one: one.name)
async def test_answered_once_after_a_kill(tmp_path: Path, example: Example) -> None:
    values = await build(tmp_path, int(time.time()))
    text = example.filled(values)
    async with run_relay(0) as relay, a_bot(tmp_path, relay) as daemon:
        who = Client(keys_of(example.who), key_of("bot"))
        await who.connect(relay)
        await daemon.start("engine.letter-answered=kill")
        machine = text.startswith("{")
        sealed = await who.write(text, "24133" if machine else "nip17")
        assert await daemon.dies(WITHIN) == -signal.SIGKILL
        assert who.heard == []
        await daemon.start()
        if machine:  # no relay keeps it: programs ask again
            await asyncio.sleep(1)
            await who.send(sealed)
        await who.next("", WITHIN)
        await asyncio.sleep(0.5)  # whatever else is said
        assert await daemon.stop() == 0, daemon.tail()
        await who.disconnect()
    visits.keep(daemon.log)
    told = {one.key: one.text for one in who.heard}
    assert all(told[one.key] == one.text for one in who.heard)  # I3
    assert Counter(told.values()).most_common(1)[0][1] == 1
    broken = [line for found in await daemon.audit() for line in found.broken]
    assert [line for line in broken if values["orphan"] not in line] == []
