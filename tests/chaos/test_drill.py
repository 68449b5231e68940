"""The drill with the real program: backup, sales, a dead disk, restore, and nobody has lost."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import time
from pathlib import Path

from tests.chaos.checker import check
from tests.chaos.daemon import Daemon
from tests.chaos.evening import WITHIN, tokens_in
from ticketbot.demo.client import Client
from ticketbot.demo.stage import run_relay
from ticketbot.keys import Keys


class Buyer(Client):
    """Somebody with a phone."""

    def __init__(self, daemon: Daemon) -> None:
        super().__init__(Keys(os.urandom(32)), daemon.keys.pubkey)

    async def gets_an_invoice(self) -> str:
        while not (text := (await self.next("lnbc", WITHIN)).text).startswith("lnbc"):
            pass
        return text

    async def gets_a_ticket(self) -> str:
        return tokens_in((await self.next("\nTKT1:", WITHIN)).text)[0]


async def command(daemon: Daemon, *words: str) -> str:
    """One of the program's other commands, as an operator types it."""
    done = await asyncio.to_thread(
        subprocess.run,
        [sys.executable, "-m", "ticketbot", *words, "--config", "config.toml"],
        cwd=daemon.folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done
    return done.stdout


async def announces(daemon: Daemon, organizer: Client, name: str, *rows: list[str]) -> None:
    start = str(int(time.time()) + 86_400)
    tags = [["d", name], ["title", name.title()], ["start", start], ["start_tzid", "UTC"]]
    await organizer.publish(31923, [*tags, *rows, ["p", daemon.keys.pubkey]], "")
    await organizer.next("On sale", WITHIN)


async def test_yesterdays_backup_and_what_others_know_give_everybody_a_ticket(
    tmp_path: Path,
) -> None:
    async with run_relay(0) as relay:
        organizer = Client(Keys(os.urandom(32)), "")
        daemon = Daemon(tmp_path, [relay], organizer.keys.pubkey)
        organizer._bot = daemon.keys.pubkey
        early, paid, late, free, unpaid = buyers = [Buyer(daemon) for _ in range(5)]
        for person in (organizer, *buyers):
            await person.connect(relay)
        await daemon.start()
        await announces(daemon, organizer, "lisbon", ["price", "5", "SAT"], ["stock", "9"])
        await early.write("buy lisbon")
        await daemon.purse.pay(await early.gets_an_invoice())
        tokens = {await early.gets_a_ticket()}
        await late.write("buy lisbon")
        lates = await late.gets_an_invoice()
        await command(daemon, "backup", "saved.backup")

        await paid.write("buy lisbon 2")
        await daemon.purse.pay(await paid.gets_an_invoice())
        pair = {await paid.gets_a_ticket(), await paid.gets_a_ticket()}
        await announces(daemon, organizer, "porto", ["stock", "9"])
        await free.write("buy porto")
        gift = await free.gets_a_ticket()
        await unpaid.write("buy lisbon")
        bolt11 = await unpaid.gets_an_invoice()
        await daemon.kill()
        await daemon.purse.pay(lates)
        for file in tmp_path.glob("ledger.db*"):
            file.unlink()
        (tmp_path / "ticket-key").unlink()

        await command(daemon, "restore", "saved.backup")
        await daemon.start()
        assert {await paid.gets_a_ticket(), await paid.gets_a_ticket()} == pair
        assert await free.gets_a_ticket() == gift
        tokens |= pair | {gift, await late.gets_a_ticket()}
        await unpaid.next("reached me late", WITHIN)
        await daemon.purse.pay(bolt11)
        tokens.add(await unpaid.gets_a_ticket())

        status = json.loads(await command(daemon, "status", "--json"))
        assert status["heartbeat"]["paused"] is None
        assert (status["tickets"], status["orders"]) == (6, 5)
        await command(daemon, "audit")
        assert await daemon.stop() == 0
        for person in (organizer, *buyers):
            await person.disconnect()
    assert await daemon.audit() == []
    assert (
        check(
            tmp_path / "ledger.db",
            daemon.purse.taken(),
            tokens,
            daemon.ticket_key(),
            daemon.purse.given(),
        )
        == []
    )
