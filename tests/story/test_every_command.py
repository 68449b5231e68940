"""What holds for every command there is: cut off, written by a stranger, written twice.

The program dies when everything is decided and nothing committed, at `engine.letter-answered`;
relays bring the letter again. In tests/chaos/test_command_kills.py it is a real process.
"""

from __future__ import annotations

import asyncio
import hashlib
import re
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import get_args

import pytest

from tests.machine.clockwork import Death
from tests.story.examples import EXAMPLES, Example, read
from tests.story.shop import Shop, Told, build, key_of
from ticketbot import reception
from ticketbot.domain.command import ChooseLanguage, Command, OnlyAsked

NOON = 1_900_000_000
SAID = {"person", "inbox", "outbox", "request", "promo_guess", "sqlite_sequence"}
"""Tables that grow when anybody says anything at all."""
every_command = pytest.mark.parametrize("example", EXAMPLES, ids=lambda one: one.name)


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, str]]:
    folder = tmp_path_factory.mktemp("shop")
    return folder, asyncio.run(build(folder, NOON))


@pytest.fixture
def values(built: tuple[Path, dict[str, str]]) -> dict[str, str]:
    return built[1]


@pytest.fixture
def folder(built: tuple[Path, dict[str, str]], tmp_path: Path) -> Path:
    return Path(shutil.copytree(built[0], tmp_path / "shop"))


def tables(folder: Path) -> dict[str, str]:
    """A digest of every table's rows."""
    with closing(sqlite3.connect(folder / "ledger.db")) as db:
        names = [row[0] for row in db.execute("SELECT name FROM sqlite_schema WHERE type='table'")]
        return {
            name: hashlib.sha256(
                repr(db.execute(f"SELECT * FROM {name}").fetchall()).encode()
            ).hexdigest()
            for name in names
        }


def alike(told: list[Told]) -> list[Told]:
    """Without the wallet's part in it, which makes every invoice of its own."""
    return [one._replace(text=re.sub(r"lnbc\w+", "lnbc", one.text)) for one in told]


def sizes(folder: Path) -> dict[str, int]:
    """How many rows every table has."""
    with closing(sqlite3.connect(folder / "ledger.db")) as db:
        names = [row[0] for row in db.execute("SELECT name FROM sqlite_schema WHERE type='table'")]
        return {name: db.execute(f"SELECT count(*) FROM {name}").fetchone()[0] for name in names}


async def undisturbed(folder: Path, example: Example, text: str) -> list[Told]:
    shop = Shop(folder, NOON)
    await shop.hears(shop.letter(example.who, text))
    told = await shop.told()
    await shop.closes()
    return told


def test_there_is_an_example_of_every_command(values: dict[str, str]) -> None:
    for one in EXAMPLES:
        assert type(read(one.filled(values))) is one.kind, one.text
    assert {one.kind for one in EXAMPLES} == set(get_args(Command))


@pytest.mark.parametrize(
    "example",
    [one for one in EXAMPLES if not issubclass(one.kind, OnlyAsked)],
    ids=lambda one: one.name,
)
async def test_the_example_does_something(
    folder: Path, values: dict[str, str], example: Example
) -> None:
    """A control: what is refused to everybody would show nothing here."""
    before = tables(folder)
    await undisturbed(folder, example, example.filled(values))
    after = tables(folder)
    ignored = SAID - {"person"} if example.kind is ChooseLanguage else SAID
    assert {name for name in after if after[name] != before[name]} - ignored


@every_command
async def test_cut_off_before_it_is_written(
    folder: Path, values: dict[str, str], example: Example, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever was cut off is told the very same as who was not, once, and so is everybody else."""
    text = example.filled(values)
    other = Path(shutil.copytree(folder, folder.parent / "undisturbed"))
    wanted = await undisturbed(other, example, text)
    assert any(one.to == key_of(example.who) for one in wanted)
    before = tables(folder)

    shop = Shop(folder, NOON)
    letter = shop.letter(example.who, text)
    with monkeypatch.context() as trap:
        trap.setattr(reception, "failpoint", _dies)
        with pytest.raises(Death):
            await shop.hears(letter)
    shop.store.vanish()
    assert tables(folder) == before

    shop = Shop(folder, NOON)
    await shop.hears(letter)
    await shop.hears(letter)  # from another relay
    assert alike(await shop.told()) == alike(wanted)
    assert await shop.told() == []
    assert await shop.broken() == []
    await shop.closes()
    assert sizes(folder) == sizes(other)


def _dies(name: str) -> None:
    if name == "engine.letter-answered":
        raise Death(name)


@every_command
async def test_by_somebody_who_may_not(
    folder: Path, values: dict[str, str], example: Example
) -> None:
    """A stranger is answered, gets no ticket and changes nothing."""
    before = tables(folder)
    shop = Shop(folder, NOON)
    await shop.hears(shop.letter("stranger", example.filled(values)))
    told = await shop.told()
    assert {one.to for one in told} == {key_of("stranger")}
    assert not any("TKT1:" in one.text for one in told if "validate" not in example.text)
    assert await shop.broken() == []
    await shop.closes()
    after = tables(folder)
    changed = {name for name in after if after[name] != before[name]} - SAID
    if example.alone:
        assert changed == set()


@every_command
async def test_twice(folder: Path, values: dict[str, str], example: Example) -> None:
    """The same words a minute later are a letter of their own: answered, and nothing breaks."""
    shop = Shop(folder, NOON)
    for _ in range(2):
        await shop.hears(shop.letter(example.who, example.filled(values)))
        assert any(one.to == key_of(example.who) for one in await shop.told())
        assert await shop.broken() == []
        shop.now += 60
    await shop.closes()
    assert sizes(folder)["quarantine"] == 0
