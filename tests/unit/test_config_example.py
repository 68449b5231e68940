"""The commented config.toml, and the files that `ticketbot init` makes."""

from __future__ import annotations

import os
import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ticketbot.config import Answers, Web, example, load, write_example, write_secret
from ticketbot.errors import Broken

# the key pair of NIP-19's examples
NSEC = "nsec1vl029mgpspedva04g90vltkh6fvh240zqtv9k0t9af8935ke9laqsnlfe5"
NPUB = "npub180cvv07tjdrrgpa0j7j7tmnyl2yr6yr7l8j4s3evf6u64th6gkwsyjh6w6"
KEY = "ab" * 16


def test_the_example_in_the_repository_is_the_one_that_init_writes() -> None:
    root = Path(__file__).parents[2]
    assert (root / "config.toml").read_text() == example(Answers())


def test_the_example_loads_as_it_is(tmp_path: Path) -> None:
    write_example(tmp_path / "config.toml", Answers())
    write_secret(tmp_path / "nsec", NSEC)
    write_secret(tmp_path / "lnbits-invoice-key", KEY)
    config = load(tmp_path / "config.toml", {})
    assert config.bot.name == "Lisbon Tickets"
    assert config.web == Web("127.0.0.1", 8080, None)


_TEXTS = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1).filter(str.strip)


@given(name=_TEXTS, about=_TEXTS)
def test_answers_come_back_as_they_were_given(name: str, about: str) -> None:
    bot = tomllib.loads(example(Answers(name=name, about=about)))["bot"]
    assert (bot["name"], bot["about"]) == (name, about)


def test_init_writes_what_load_reads(tmp_path: Path) -> None:
    answers = Answers(operators=(NPUB,), organizers=("*",), public_url="https://t.example")
    write_example(tmp_path / "config.toml", answers)
    write_secret(tmp_path / "nsec", NSEC)
    write_secret(tmp_path / "lnbits-invoice-key", KEY)
    config = load(tmp_path / "config.toml", {})
    assert config.warnings == ()
    assert config.web == Web("127.0.0.1", 8080, "https://t.example")
    assert (tmp_path / "nsec").stat().st_mode & 0o777 == 0o600


def test_nothing_is_written_over(tmp_path: Path) -> None:
    write_secret(tmp_path / "nsec", NSEC)
    with pytest.raises(Broken, match="exists already"):
        write_secret(tmp_path / "nsec", "1" * 64)
    with pytest.raises(Broken, match="No such file"):
        write_example(tmp_path / "no" / "config.toml", Answers())
    assert (tmp_path / "nsec").read_text().strip() == NSEC
    assert os.listdir(tmp_path) == ["nsec"]
