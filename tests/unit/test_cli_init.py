"""`ticketbot init`, and what a terminal shows."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.unit.cli_house import ROOT, BotHouse, one_sentence, run
from ticketbot.domain.nip19 import npub_encode


@pytest.fixture
def house(tmp_path: Path) -> BotHouse:
    return BotHouse(tmp_path)


def test_init_makes_a_house_in_which_everything_works(tmp_path: Path) -> None:
    ran = run("init", "--non-interactive", "--wallet", "fake", "--json", cwd=tmp_path)
    assert ran.code == 0, ran
    assert sorted(path.name for path in tmp_path.iterdir()) == ["config.toml", "nsec", "ticket-key"]
    for name in ("nsec", "ticket-key"):
        assert (tmp_path / name).stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "nsec").read_text().startswith("nsec1")
    keys = run("keys", "--json", cwd=tmp_path)
    assert keys.code == 0
    told = ran.data
    assert {key: told[key] for key in keys.data} == keys.data
    assert told["next"][-1] == "ticketbot run"


def test_init_says_what_is_public_and_what_comes_next(tmp_path: Path) -> None:
    ran = run("init", "--non-interactive", "--config", "etc/bot.toml", cwd=tmp_path)
    assert ran.code == 0
    assert "npub1" in ran.out
    assert "24133" in ran.out
    assert "ticketbot doctor --config etc/bot.toml" in ran.out
    assert (tmp_path / "nsec").exists() is False
    assert (tmp_path / "etc/lnbits-invoice-key").exists() is False
    assert "Invoice/read key" in ran.out


def test_init_copies_the_invoice_key(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("ab" * 16 + "\n")
    words = ["--lnbits-url", "http://127.0.0.1:5001/", "--lnbits-key-file", "key"]
    assert run("init", "--non-interactive", *words, cwd=tmp_path).code == 0
    made = tmp_path / "lnbits-invoice-key"
    assert made.read_text() == "ab" * 16 + "\n"
    assert made.stat().st_mode & 0o777 == 0o600
    assert run("keys", cwd=tmp_path).code == 0
    assert 'url = "http://127.0.0.1:5001"' in (tmp_path / "config.toml").read_text()


def test_init_overwrites_nothing(house: BotHouse) -> None:
    before = {path: path.read_bytes() for path in house.folder.iterdir()}
    ran = house.run("init", "--non-interactive")
    one_sentence(ran, 1, "exists already", "ticketbot init --config bot/config.toml")
    assert {path: path.read_bytes() for path in house.folder.iterdir()} == before


def test_the_readme_leads_past_the_example_in_the_checkout(house: BotHouse) -> None:
    """Word for word, in a checkout, which has a config.toml."""
    told = (ROOT / "README.md").read_text().partition("### Operate")[2].split("```")[1]
    steps = [line.partition("#")[0] for line in told.splitlines() if "venv venv" not in line]
    first = "\n".join(steps[1:]).partition("init")[0] + "init --non-interactive --wallet fake"
    program = house.folder / "venv" / "bin" / "ticketbot"
    program.parent.mkdir(parents=True)
    program.write_text(f'#!/bin/sh\nPYTHONPATH={ROOT} exec {sys.executable} -m ticketbot "$@"\n')
    program.chmod(0o755)
    done = subprocess.run(["sh", "-ec", first], cwd=house.folder, capture_output=True, check=False)
    assert done.returncode == 0, done
    assert (house.folder / "bot" / "config.toml").exists()


def test_init_keeps_a_key_that_is_there_and_says_so(house: BotHouse) -> None:
    (house.folder / "config.toml").unlink()
    (house.folder / "ticket-key").unlink()
    ran = house.run("init", "--non-interactive", "--wallet", "fake")
    assert ran.code == 0
    assert "kept as it was" in ran.out
    assert npub_encode(house.keys.pubkey) in ran.out


def test_init_asks_little(tmp_path: Path) -> None:
    answers = ["Porto Tickets", "nonsense", "wss://one.example, wss://two.example", "", "fake"]
    ran = run("init", cwd=tmp_path, stdin="\n".join(answers) + "\n")
    assert ran.code == 0, ran
    text = (tmp_path / "config.toml").read_text()
    assert 'name = "Porto Tickets"' in text
    assert 'relays = ["wss://one.example", "wss://two.example"]' in text
    assert 'wallet = "fake"' in text
    assert "'nonsense' is not a relay" in ran.out
    assert run("keys", cwd=tmp_path).code == 0


def test_init_understands_what_people_type(tmp_path: Path) -> None:
    answers = ["", "one.example wss://two.example", "", "FAKE"]
    ran = run("init", cwd=tmp_path, stdin="\n".join(answers) + "\n")
    assert ran.code == 0, ran
    text = (tmp_path / "config.toml").read_text()
    assert 'relays = ["wss://one.example", "wss://two.example"]' in text
    assert 'wallet = "fake"' in text
    ran = run(
        "init", "--non-interactive", "--lnbits-url", "localhost:5000", cwd=_made(tmp_path / "b")
    )
    one_sentence(ran, 2, "'localhost:5000' is not a web address, like http://127.0.0.1:5000")


def test_init_without_anybody_to_ask(tmp_path: Path) -> None:
    ran = run("init", cwd=tmp_path)
    assert ran.code == 1
    assert "--non-interactive" in ran.err
    assert list(tmp_path.iterdir()) == []


def test_on_a_terminal_the_invoice_key_is_not_shown(tmp_path: Path) -> None:
    key = "5ec2e7" * 5 + "ab"
    npub = npub_encode(os.urandom(32).hex())
    answers = ["", "", npub, "", "", key]
    seen = at_a_terminal(["init"], answers, tmp_path)
    assert "npub1" in seen
    assert key not in seen
    assert (tmp_path / "lnbits-invoice-key").read_text() == f"{key}\n"
    text = (tmp_path / "config.toml").read_text()
    assert f'operators = ["{npub}"]' in text
    assert f'organizers = ["{npub}"]' in text
    assert run("keys", cwd=tmp_path).code == 0


def test_on_a_terminal_long_work_shows_how_far_it_is(house: BotHouse) -> None:
    house.sells()
    seen = at_a_terminal(["backup", "b"], [], house.folder)
    for step in ("copying the ledger … 100 %", "checking the copy …", "reading it back … 100 %"):
        assert step in seen
    assert "…" not in house.run("backup", "c").err


def at_a_terminal(words: list[str], answers: list[str], cwd: Path) -> str:
    """All that a terminal shows of a command whose prompts get these answers."""
    ours, its = os.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "ticketbot", *words],
        cwd=cwd,
        stdin=its,
        stdout=its,
        stderr=its,
        start_new_session=True,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT)},
    )
    os.close(its)
    seen, left = b"", list(answers)
    with contextlib.suppress(OSError):  # how a terminal says that everybody has left
        while data := os.read(ours, 4096):
            seen += data
            if left and data.endswith(b": "):
                os.write(ours, f"{left.pop(0)}\n".encode())
    os.close(ours)
    assert process.wait(30) == 0, seen
    assert not left
    return seen.decode()


def test_no_secret_is_ever_shown(house: BotHouse) -> None:
    house.sells()
    secrets = [(house.folder / name).read_text().strip() for name in ("nsec", "ticket-key")]
    for words in (["keys"], ["keys", "--json"], ["status"], ["audit"], ["backup", "b"]):
        ran = house.run(*words)
        assert ran.code == 0, ran
        assert not [one for one in secrets if one in ran.out + ran.err]


def test_keys_are_given_in_every_form(house: BotHouse) -> None:
    data = house.run("keys", "--json").data
    assert data["npub"] == npub_encode(house.keys.pubkey)
    assert data["ticket_public_key"] == house.ticket_key.public.hex()
    jwk = data["ticket_jwk"]
    assert (jwk["kty"], jwk["crv"], jwk["alg"]) == ("OKP", "Ed25519", "EdDSA")
    shown = house.run("keys").out
    assert json.dumps(jwk) in shown
    assert data["npub"] in shown


def _made(folder: Path) -> Path:
    folder.mkdir()
    return folder
