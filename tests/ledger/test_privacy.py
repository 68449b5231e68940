"""A stolen ledger names nobody: no attendee, no message, no token, no address to pay to.

What is searched are the bytes that a thief gets: the file, its WAL, a copy of it, the backup, the
wallet's own file and the log, beside a control that finds in them what may be there.
"""

from __future__ import annotations

import asyncio
import hashlib
import io
import logging
import re
import sqlite3
from collections.abc import AsyncIterator, Iterator
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

import orjson
import pytest
import structlog

from tests.story.cast import Person, Stage
from ticketbot import handlers, log
from ticketbot.cli.archive import Contents, write_archive
from ticketbot.demo.stage import run_relay
from ticketbot.domain.command import Help
from ticketbot.domain.nip19 import npub_encode
from ticketbot.domain.payment import Invoice, InvoiceAsk
from ticketbot.envelopes import Envelopes, Opened
from ticketbot.handlers.context import Context, Request
from ticketbot.keys import parse_event
from ticketbot.ledger.store import Tx
from ticketbot.replies.outcome import Reply

PURE = "jane.doe+vip@protonmail.example"  # what a program calls its request
ADDRESS = "whistleblower@getalby.example"


class Stolen(NamedTuple):
    """The files of a ledger at one moment, and what happened before."""

    files: dict[str, bytes]
    path: Path
    people: tuple[Person, Person]
    bolt11s: tuple[str, str]  # one that was paid, one that waits
    letters: list[bytes]  # keys of the inbox, as anybody can compute them from public data
    memos: list[str]  # what the wallet was told to write into invoices

    def where(self, secret: bytes) -> list[str]:
        """The files that show it, in any case of its letters."""
        return [name for name, data in self.files.items() if secret.lower() in data.lower()]


@pytest.fixture
async def stolen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Stolen]:
    out = io.BytesIO()
    root = logging.getLogger()
    before = root.handlers[:], root.level
    log.configure(stream=io.TextIOWrapper(out), pretty=False)
    monkeypatch.setitem(handlers.COMMANDS, Help, _stumbles)
    async with run_relay(0) as relay:
        stage = Stage(tmp_path, relay, operators=frozenset(), pays=True)
        alice, robot = Person(stage), Person(stage)
        for person in (stage.organizer, alice, robot):
            await stage.enters(person)
        await stage.opens()
        memos = _overhears(stage)
        bolt11s = ["", ""]
        sent = await _play(stage, alice, robot, bolt11s)
        files = {path.name: path.read_bytes() for path in tmp_path.glob("ledger.db*")}
        copy = tmp_path / "copy.db"
        with closing(sqlite3.connect(tmp_path / "ledger.db")) as db:
            db.execute("VACUUM INTO ?", (str(copy),))
        files[copy.name] = copy.read_bytes()
        files |= {path.name: path.read_bytes() for path in tmp_path.glob("wallet.db*")}
        files["log"] = out.getvalue()
        contents = Contents({}, "0" * 64)
        write_archive(tmp_path / "backup", stage.keys, contents, copy)
        files["backup"] = (tmp_path / "backup").read_bytes()
        letters = Envelopes(stage.keys).open([parse_event(orjson.loads(raw)) for raw in sent])
        keys = [letter.key for letter in letters if isinstance(letter, Opened)]
        yield Stolen(files, copy, (alice, robot), (bolt11s[0], bolt11s[1]), keys, memos)
        await stage.ends()
    structlog.reset_defaults()
    logging.captureWarnings(False)
    root.handlers[:], root.level = before


def _stumbles(request: Request, tx: Tx, ctx: Context) -> Reply:
    """A handler with a bug, whose error quotes whom it was serving."""
    raise ValueError(f"no help for {request.sender}, {npub_encode(request.sender)} (velociraptor)")


def _overhears(stage: Stage) -> list[str]:
    """Every memo that the wallet is asked for, from now on."""
    memos: list[str] = []
    create = stage.wallet.create

    async def heard(ask: InvoiceAsk) -> Invoice:
        memos.append(f"{ask.memo} {ask.external_id}")
        return await create(ask)

    stage.wallet.create = heard  # type: ignore[method-assign]
    return memos


async def _play(stage: Stage, alice: Person, robot: Person, bolt11s: list[str]) -> list[bytes]:
    """A purchase by DM and one by machine, both to the end and beyond; every letter sent."""
    event = await stage.organizer.has_on_sale()
    for slip in (f"buy lisbn {ADDRESS}", "i am velociraptor 912345678", f"refnd {ADDRESS}"):
        await alice.says(slip)
    await alice.says(npub_encode(alice.pubkey))
    await alice.says("help")  # poison: it breaks its handler
    await _until(stage, "SELECT 1 FROM quarantine")
    sent = [await alice.says("events velociraptor"), await alice.says("buy lisbon", "nip04")]
    await alice.pays(await alice.gets_an_invoice())
    await alice.gets_a_ticket()
    sent.append(await alice.says("buy lisbon 2"))
    late = await alice.gets_an_invoice()

    fields = f'"request_id":"{PURE}","event_id":"{event.address()}","quantity":1'
    sent.append(await robot.says(f'{{"type":"buy",{fields}}}', "24133"))
    invoice = await robot.is_told("invoice")
    await robot.pays(invoice["invoice"])
    await robot.gets_a_ticket()
    sent.append(await robot.says("buy lisbon 3"))
    too_late = await robot.gets_an_invoice()

    await stage.organizer.announces(status="cancelled", at=int(stage.clock()) + 2)
    await stage.organizer.hears("is off sale")
    await alice.pays(late)
    await alice.hears("goes back to you")
    await robot.pays(too_late)
    await robot.hears("goes back to you")
    bolt11s[:] = [stage.wallet.foreign_invoice(sats * 1000) for sats in (10_000, 15_000)]
    sent.append(await alice.says(f"refund {bolt11s[0]}"))
    await alice.hears("was sent to you")
    stage.wallet.can_pay = False
    sent.append(await robot.says(f"refund {bolt11s[1]}"))
    await robot.hears("Noted")
    await robot.says(f"refund {ADDRESS}")
    await robot.hears("Noted")
    return sent


async def _until(stage: Stage, sql: str) -> None:
    async with asyncio.timeout(10):
        while not await stage.app.store.transaction(lambda tx: tx.rows(sql)):
            await asyncio.sleep(0.02)


def _words(person: Person) -> Iterator[str]:
    """What the bot wrote to somebody, in pieces that nothing else contains."""
    for message in person.heard:
        for line in message.text.splitlines():
            if len(line) > 20 and not line.startswith(("lnbc", "nostr:")):
                yield line[:60]


async def test_the_search_finds_what_is_there(stolen: Stolen) -> None:
    """The control: titles and our own invoices are in the ledger, and in every file."""
    ledger = {"ledger.db", "ledger.db-wal", "ledger.db-shm", "copy.db"}
    assert set(stolen.files) >= ledger | {"wallet.db", "wallet.db-wal", "log", "backup"}
    assert stolen.where(b"inbox.quarantined") == ["log"]
    for known in (b"Lisbon Meetup", b"lnbcrt"):
        assert set(stolen.where(known)) >= {"ledger.db-wal", "copy.db"}


async def test_no_key_of_an_attendee(stolen: Stolen) -> None:
    for person in stolen.people:
        key = bytes.fromhex(person.pubkey)
        for shape in (key, person.pubkey.encode(), npub_encode(person.pubkey).encode()):
            assert stolen.where(shape) == []


async def test_no_name_that_a_program_gave(stolen: Stolen) -> None:
    with closing(sqlite3.connect(stolen.path)) as db:
        asked = "SELECT count(*), count(request_id), min(length(request_id)) FROM orders"
        orders, sealed, size = db.execute(asked).fetchone()
    assert (orders, sealed) == (4, 1)
    assert size == len(PURE) + 28  # nonce and tag
    for part in (PURE, "jane.doe", "protonmail"):
        assert stolen.where(part.encode()) == []


async def test_the_wallet_is_told_the_event_and_the_order(stolen: Stolen) -> None:
    assert len(stolen.memos) == 4
    for memo in stolen.memos:
        assert re.fullmatch(r"\d x Lisbon Meetup, order [0-9A-V]{4} [0-9a-v]{12}-1", memo), memo


async def test_no_word_of_a_message(stolen: Stolen) -> None:
    for written in (b"velociraptor", b"912345678", b"lisbn", b"buy lisbon", b'"request_id"'):
        assert stolen.where(written) == []
    answers = [words for person in stolen.people for words in _words(person)]
    assert len(answers) > 20
    assert [words for words in answers if stolen.where(words.encode())] == []


async def test_no_token(stolen: Stolen) -> None:
    texts = [message.text for person in stolen.people for message in person.heard]
    tokens = set(re.findall(r"TKT1:[A-Z2-7]+", "\n".join(texts)))
    assert len(tokens) == 2
    for token in tokens:
        assert stolen.where(token.encode()) == []
        assert stolen.where(token[60:120].encode()) == []
    pictures = set(re.findall(r"/tickets/([\w-]+)\.png", "\n".join(texts)))
    assert pictures
    assert [one for one in pictures if stolen.where(one.encode())] == []


async def test_no_place_where_money_goes_back_to(stolen: Stolen) -> None:
    with closing(sqlite3.connect(stolen.path)) as db:
        noted = db.execute("SELECT count(*) FROM refund WHERE destination IS NOT NULL").fetchone()
    assert noted == (2,)
    pieces = [bolt11[start : start + 32] for bolt11 in stolen.bolt11s for start in (8, 60, 120)]
    for place in (*pieces, ADDRESS, ADDRESS.partition("@")[0]):
        found = stolen.where(place.encode())
        assert [name for name in found if not name.startswith("wallet.db")] == []


async def test_no_message_is_recognised_by_who_guesses_it(stolen: Stolen) -> None:
    """Author, second and words can be guessed, and so can every hash of them."""
    with closing(sqlite3.connect(stolen.path)) as db:
        inbox = {bytes(row[0]) for row in db.execute("SELECT key FROM inbox")}
    assert len(inbox) > len(stolen.letters) == 7
    for key in stolen.letters:
        for guess in (key, hashlib.sha256(key).digest()):
            assert not {guess, guess[:16]} & inbox
            for part in (guess[:16], guess[:16].hex().encode(), guess[:8].hex().encode()):
                assert stolen.where(part) == []
