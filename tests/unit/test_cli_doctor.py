"""`doctor`: each thing that can be wrong is found, named, and told how to mend."""

from __future__ import annotations

import asyncio
import contextlib
import json
import shutil
import sqlite3
import time
from email.utils import formatdate
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from aiohttp import web

from tests.real.relays import awkward_relay, free_port
from tests.unit.cli_house import BotHouse, Ran, opened
from tests.unit.strangers import serve
from ticketbot.cli import checks, doctor
from ticketbot.cli.checks import Check
from ticketbot.demo.stage import run_relay
from ticketbot.keys import event_json


class Diagnosis(NamedTuple):
    """What doctor said, by the name of each check."""

    ran: Ran
    checks: dict[str, dict[str, str]]

    def verdict(self, name: str) -> str:
        return self.checks[name]["verdict"]

    def says(self, name: str) -> str:
        return self.checks[name]["says"]


async def examine(house: BotHouse) -> Diagnosis:
    """Doctor as a process, while the relays of this test go on in this one."""
    ran = await asyncio.to_thread(house.run, "doctor", "--json")
    found = json.loads(ran.out)
    assert found["ok"] == (ran.code == 0)
    return Diagnosis(ran, {check["name"]: check for check in found["checks"]})


# Relays


async def test_a_house_in_order(tmp_path: Path) -> None:
    async with run_relay(0) as relay:
        house = BotHouse(tmp_path / "bot", relay)
        found = await examine(house)
    assert (found.ran.code, found.ran.err) == (0, "")
    assert found.verdict(f"relay {relay}") == "ok"
    assert "came back" in found.says(f"relay {relay}")
    assert found.verdict("10050") == "warn", "it is published by the first run"
    assert found.verdict("wallet invoice") == "ok"
    assert "FAKE MONEY" in found.says("wallet")


async def test_a_table_for_people(tmp_path: Path) -> None:
    house = BotHouse(tmp_path / "bot", dead := f"ws://127.0.0.1:{free_port()}")
    ran = await asyncio.to_thread(house.run, "doctor")
    assert ran.code == 1
    assert ran.err == "ticketbot: 1 check failed\n"
    rows = [line for line in ran.out.splitlines() if line.startswith(f"relay {dead}")]
    assert "FAIL  cannot be reached" in rows[0]
    assert "What to do:" in ran.out
    assert "take it out of `relays`" in rows[1]


async def test_a_relay_that_asks_who_we_are(tmp_path: Path) -> None:
    async with awkward_relay(auth_read=True, auth_write=True) as relay:
        found = await examine(BotHouse(tmp_path / "bot", relay.url))
        assert relay.said("AUTH")
    assert found.verdict(f"relay {relay.url}") == "ok"


async def test_each_relay_is_judged_by_itself(tmp_path: Path) -> None:
    habits: dict[str, dict[str, Any]] = {
        "refuses": {"refuse": lambda event: "blocked: not you" if event["kind"] == 1059 else None},
        "forgets": {"refuse_query": lambda filters: None, "limit": 0},
        "picky": {"document": b'{"limitation":{"created_at_lower_limit":3600}}'},
    }
    async with contextlib.AsyncExitStack() as stack:
        relays = {
            name: await stack.enter_async_context(awkward_relay(**habit))
            for name, habit in habits.items()
        }
        house = BotHouse(tmp_path / "bot", next(iter(relays.values())).url)
        urls = ", ".join(f'"{relay.url}"' for relay in relays.values())
        house.configure(f'relays = ["{relays["refuses"].url}"]', f"relays = [{urls}]")
        found = await examine(house)
    said = {name: found.checks[f"relay {relay.url}"] for name, relay in relays.items()}
    assert (said["refuses"]["verdict"], said["forgets"]["verdict"]) == ("FAIL", "FAIL")
    assert "blocked: not you" in said["refuses"]["says"]
    assert "does not give it back" in said["forgets"]["says"]
    assert said["picky"]["verdict"] == "warn"
    assert "gift wraps may be 2 days old" in said["picky"]["says"]
    assert found.ran.code == 1


async def test_the_list_of_dm_relays(tmp_path: Path) -> None:
    async with awkward_relay() as relay:
        house = BotHouse(tmp_path / "bot", relay.url)
        await asyncio.to_thread(house.beats)
        assert (await examine(house)).verdict("10050") == "FAIL", "it runs, and is not to be found"
        for url, verdict in (("wss://old.example", "warn"), (relay.url, "ok")):
            note = house.keys.sign_event(int(time.time()), 10050, [["relay", url]], "")
            relay.stored.clear()
            relay.store(json.loads(event_json(note)))
            assert (await examine(house)).verdict("10050") == verdict


async def test_nobody_else_s_letters_are_touched(tmp_path: Path) -> None:
    """Doctor writes one letter, to the bot itself, and reads nothing else."""
    async with awkward_relay() as relay:
        house = BotHouse(tmp_path / "bot", relay.url)
        await examine(house)
        events = [message[1] for message in relay.said("EVENT") if message[1]["kind"] < 20_000]
    assert [(event["kind"], event["tags"]) for event in events] == [
        (1059, [["p", house.keys.pubkey]])
    ]


# The clock


@pytest.mark.parametrize(
    ("ahead", "verdict"), [(0, "ok"), (-5, "ok"), (60, "warn"), (-60, "warn"), (3600, "FAIL")]
)
async def test_the_clock(ahead: int, verdict: str, tmp_path: Path) -> None:
    async def tell(request: web.Request) -> web.Response:
        return web.Response(headers={"Date": formatdate(time.time() + ahead, usegmt=True)})

    async with serve(web.get("/", tell)) as url:
        house = BotHouse(tmp_path / "bot", url.replace("http", "ws"))
        check = await checks._check_clock(opened(house))
    assert check.verdict == verdict
    if verdict != "ok":
        assert ("behind" if ahead > 0 else "ahead of") in check.says


async def test_a_clock_that_nobody_tells(tmp_path: Path) -> None:
    house = BotHouse(tmp_path / "bot", f"ws://127.0.0.1:{free_port()}")
    check = await checks._check_clock(opened(house))
    assert (check.verdict, "not checked" in check.says) == ("skip", True)


# The public address


@pytest.mark.parametrize(
    ("status", "text", "runs", "verdict"),
    [
        (200, '{"ok": true, "ledger": "ok"}', True, "ok"),
        (503, '{"ok": false, "ledger": "ok", "wallet": "down"}', True, "warn"),
        (200, "<html>welcome to nginx", True, "FAIL"),
        (502, "bad gateway", True, "FAIL"),
        (502, "bad gateway", False, "warn"),
    ],
)
async def test_the_public_address(
    status: int, text: str, runs: bool, verdict: str, tmp_path: Path
) -> None:
    async def health(request: web.Request) -> web.Response:
        return web.Response(status=status, text=text)

    async with serve(web.get("/health", health)) as url:
        house = BotHouse(tmp_path / "bot")
        house.configure(
            "[lightning]", f'[web]\nlisten = "127.0.0.1:0"\npublic_url = "{url}"\n[lightning]'
        )
        check = await checks._check_public(opened(house), runs)
    assert check.verdict == verdict


async def test_a_public_address_that_leads_nowhere(tmp_path: Path) -> None:
    house = BotHouse(tmp_path / "bot")
    url = f"http://127.0.0.1:{free_port()}"
    house.configure(
        "[lightning]", f'[web]\nlisten = "127.0.0.1:0"\npublic_url = "{url}"\n[lightning]'
    )
    assert (await checks._check_public(opened(house), True)).verdict == "FAIL"
    assert (await checks._check_public(opened(house), False)).verdict == "warn"


# This machine


def here(house: BotHouse, now: int | None = None) -> dict[str, Check]:
    found = doctor.inside(opened(house), now or int(time.time()))
    return {check.name: check for check in found if check.name != "configuration"}


def test_a_machine_in_order(tmp_path: Path) -> None:
    house = BotHouse(tmp_path / "bot")
    house.sells()
    house.beats()
    assert house.calls("backup", tmp_path / "b").code == 0
    assert {check.verdict for check in here(house).values()} == {"ok"}


def test_a_backup_grows_old(tmp_path: Path) -> None:
    house = BotHouse(tmp_path / "bot")
    house.sells()
    assert here(house)["backup"].verdict == "warn"
    assert house.calls("backup", tmp_path / "b").code == 0
    later = int(time.time()) + 10 * 86_400
    assert here(house)["backup"].verdict == "ok"
    assert here(house, later)["backup"] == Check(
        "backup", "warn", "10 days old", "`ticketbot backup PATH`, daily"
    )


def test_a_ledger_whose_books_are_broken(tmp_path: Path) -> None:
    house = BotHouse(tmp_path / "bot")
    house.sells()
    db = sqlite3.connect(house.ledger)
    db.execute("UPDATE ticket SET state = 'void'")
    db.commit()
    db.close()
    check = here(house)["ledger"]
    assert check.verdict == "FAIL"
    assert "I1" in check.says


def test_a_ledger_without_its_ticket_key(tmp_path: Path) -> None:
    house = BotHouse(tmp_path / "bot")
    (house.folder / "ticket-key").unlink()
    assert here(house)["keys"].verdict == "warn"
    house.lists()
    assert here(house)["keys"].verdict == "FAIL"


def test_a_disk_that_is_nearly_full(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = shutil.disk_usage(tmp_path)._replace(free=100 * 2**20)
    monkeypatch.setattr(doctor.shutil, "disk_usage", lambda folder: usage)
    check = here(BotHouse(tmp_path / "bot"))["disk"]
    assert (check.verdict, check.says) == ("FAIL", "100 MB free")


def test_a_folder_that_takes_nothing(tmp_path: Path) -> None:
    house = BotHouse(tmp_path / "bot")
    (house.folder / "file").write_text("")
    house.configure("[lightning]", '[ledger]\nurl = "sqlite:///file/ledger.db"\n[lightning]')
    check = here(house)["ledger"]
    assert check.verdict == "FAIL"
    assert "nothing can be written" in check.says


def test_a_configuration_with_mistakes_is_78_here_too(tmp_path: Path) -> None:
    house = BotHouse(tmp_path / "bot")
    house.configure("relays", "realys")
    assert house.run("doctor").code == 78
