"""The operator's door: what may be typed, what is said, and which exit code it ends with."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from tests.unit.cli_house import ROOT, BotHouse, Ran, one_sentence, run
from ticketbot.cli import COMMANDS, main
from ticketbot.config import ConfigProblems, Problem
from ticketbot.domain.nip19 import npub_encode
from ticketbot.errors import Broken, Retry

NAMES = (
    *("run", "demo", "init", "doctor", "status", "events"),
    *("orders", "refund", "tell", "payouts", "audit", "backup", "restore", "keys", "verify"),
)


def test_the_contract_s_commands_are_all_there() -> None:
    assert tuple(COMMANDS) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_each_command_explains_itself(name: str, tmp_path: Path) -> None:
    ran = run(name, "--help", cwd=tmp_path)
    assert (ran.code, ran.err) == (0, "")
    assert "--config PATH" in ran.out
    assert ("--json" in ran.out) == COMMANDS[name].data


def test_help_imports_nothing_heavy() -> None:
    code = (
        "import sys\nfrom ticketbot.cli import main\n"
        "try: main(['--help'])\nexcept SystemExit: pass\n"
        "print([m for m in ('aiohttp', 'structlog', 'asyncio', 'sqlite3', 'cryptography',"
        " 'ticketbot.app', 'ticketbot.config') if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=True
    )
    assert done.stdout.splitlines()[-1] == "[]"


def test_public_keys_need_no_network(house: BotHouse) -> None:
    code = (
        "import sys\nfrom ticketbot.cli import main\nmain(['keys'])\n"
        "print([m for m in ('aiohttp', 'websockets', 'structlog') if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        cwd=house.folder,
        check=True,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT)},
    )
    assert done.stdout.splitlines()[-1] == "[]"


def test_json_of_what_prints_no_data_is_told_so(tmp_path: Path) -> None:
    for words in (["--json", "run"], ["run", "--json"]):
        assert "run prints no data" in run(*words, cwd=tmp_path).err


@pytest.mark.parametrize(
    "words",
    [
        [],
        ["sell"],
        ["orders", "--open", "--refunds"],
        ["orders", "show"],
        ["orders", "--last", "many"],
        ["backup"],
        ["restore"],
        ["verify"],
        ["tell"],
        ["tell", "status", "--json"],
        ["refund"],
        ["refund", "abcd", "--sent", "--to", "me@example.com"],
        ["status", "--colour"],
        ["--json", "run"],
        ["run", "--json"],
        ["demo", "--port", "high"],
        ["init", "--non-interactive", "--relay", "https://not.a.relay"],
        ["init", "--non-interactive", "--operator", "npub1wrong"],
        ["init", "--non-interactive", "--lnbits-url", "localhost"],
        ["init", "--non-interactive", "--name", ""],
    ],
)
def test_wrong_usage_is_2_and_touches_nothing(words: list[str], tmp_path: Path) -> None:
    ran = run(*words, cwd=tmp_path)
    assert ran.code == 2
    assert ran.err
    assert "Traceback" not in ran.err
    assert list(tmp_path.iterdir()) == []


def test_config_and_json_stand_before_or_after(house: BotHouse, tmp_path: Path) -> None:
    path = house.folder / "config.toml"
    before = run("--config", path, "--json", "keys", cwd=tmp_path)
    after = run("keys", "--json", "--config", path, cwd=tmp_path)
    between = run("--json", "keys", "--config", path, cwd=tmp_path)
    assert before.code == 0
    assert before == after == between
    assert before.data["pubkey"] == house.keys.pubkey


def test_a_subcommand_takes_them_too(house: BotHouse, tmp_path: Path) -> None:
    sold = house.sells()
    path = house.folder / "config.toml"
    words = ["show", sold.paid]
    ways = [
        ["--json", "--config", path, "orders", *words],
        ["orders", "--json", "--config", path, *words],
        ["orders", *words, "--json", "--config", path],
    ]
    answers = [run(*way, cwd=tmp_path) for way in ways]
    assert {answer.data["order_id"] for answer in answers} == {sold.paid}


def test_the_configuration_of_this_folder_is_found(house: BotHouse) -> None:
    assert house.run("keys").code == 0


# Bad input: one clear sentence to the operator.


def test_no_configuration(tmp_path: Path) -> None:
    one_sentence(run("status", cwd=tmp_path), 78, "./config.toml", "ticketbot init")


def test_a_configuration_that_is_not_there(tmp_path: Path) -> None:
    one_sentence(run("run", "--config", "no.toml", cwd=tmp_path), 78, "no.toml", "cannot be read")


def test_an_unknown_key_names_the_nearest(house: BotHouse) -> None:
    house.configure("relays =", "realys =")
    ran = house.run("status")
    assert ran.code == 78
    assert "nostr.realys: unknown key; the nearest known one is nostr.relays" in ran.err
    assert "Traceback" not in ran.err


def test_a_bad_npub(house: BotHouse) -> None:
    house.configure('operators = ["npub1', 'operators = ["npub1x')
    one_sentence(house.run("status"), 78, "bot.operators")


def test_a_relay_that_is_no_url(house: BotHouse) -> None:
    house.configure('"ws://127.0.0.1:9"', '"relay one"')
    one_sentence(house.run("run"), 78, "nostr.relays", '"relay one"')


def test_a_key_file_that_is_missing(house: BotHouse) -> None:
    (house.folder / "nsec").unlink()
    one_sentence(house.run("run"), 78, "nsec", "does not exist")


def test_a_key_file_that_all_can_read(house: BotHouse) -> None:
    (house.folder / "nsec").chmod(0o644)
    one_sentence(house.run("keys"), 78, "chmod 600")


def test_an_npub_in_place_of_the_nsec(house: BotHouse) -> None:
    house.write("nsec", npub_encode(house.keys.pubkey))
    one_sentence(house.run("keys"), 78, "npub")


def test_a_secret_that_is_none_of_the_curve_s(house: BotHouse) -> None:
    house.write("nsec", "0" * 64)
    one_sentence(house.run("keys"), 78, "bot.nsec_file", "curve")


def test_all_mistakes_at_once(house: BotHouse) -> None:
    house.configure('"ws://127.0.0.1:9"', '"relay one"')
    house.configure("name =", "nam =")
    ran = house.run("run")
    assert ran.code == 78
    assert ran.err.startswith("ticketbot: 2 mistakes in the configuration:\n  ")
    assert "nostr.relays" in ran.err
    assert "bot.nam: unknown key" in ran.err


def test_no_ledger_yet(house: BotHouse) -> None:
    one_sentence(house.run("status"), 1, "there is no ledger", "ticketbot run")


def test_a_ledger_newer_than_the_program(house: BotHouse) -> None:
    house.lists()
    db = sqlite3.connect(house.ledger)
    db.execute("PRAGMA user_version = 9999")
    db.close()
    for words in (["status"], ["run"], ["audit", "--offline"], ["backup", "x"]):
        one_sentence(house.run(*words), 1, "newer than this program")


def test_a_ledger_of_another_nsec(house: BotHouse) -> None:
    house.lists()
    house.write("nsec", os.urandom(32).hex())
    for words in (["status"], ["run"], ["audit"], ["backup", "x"]):
        one_sentence(house.run(*words), 1, "another nsec")


def test_a_ledger_that_is_no_ledger(house: BotHouse) -> None:
    house.ledger.write_bytes(b"not a database, but long enough to be taken for one" * 100)
    one_sentence(house.run("status"), 1, "ledger.db", "ticketbot restore")


def test_a_ledger_that_cannot_be_made(house: BotHouse) -> None:
    (house.folder / "file").write_text("")
    house.configure("[lightning]", '[ledger]\nurl = "sqlite:///file/ledger.db"\n[lightning]')
    one_sentence(house.run("run"), 1, "file")


def test_the_lnbits_key_is_needed(house: BotHouse) -> None:
    house.configure('wallet = "fake"', 'wallet = "lnbits"')
    one_sentence(house.run("status"), 78, "lnbits.invoice_key_file", "chmod 600")


def test_a_bug_is_one_line_and_its_traceback_a_choice(
    house: BotHouse, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(args: object) -> int:
        raise TypeError("unexpected nsec1" + "q" * 58)

    monkeypatch.setattr("ticketbot.cli.keys.keys", broken)
    monkeypatch.chdir(house.folder)
    assert main(["keys"]) == 1
    said = capsys.readouterr()
    one_sentence(
        Ran(1, said.out, said.err), 1, "this is a bug, please report: TypeError at test_cli.py:"
    )
    assert "nsec1q" not in said.err
    monkeypatch.setenv("TICKETBOT_DEBUG", "1")
    assert main(["keys"]) == 1
    said = capsys.readouterr()
    assert said.err.startswith("Traceback")
    assert "nsec1q" not in said.err


@pytest.mark.parametrize(
    ("errors", "code", "said"),
    [
        ([Broken("the key is wrong")], 1, "ticketbot: the key is wrong\n"),
        ([Retry("later"), ExceptionGroup("", [Broken("now")])], 1, "ticketbot: later\n"),
        ([Broken("no"), KeyError("oops")], 1, "ticketbot: this is a bug, please report: KeyError"),
        ([ConfigProblems((Problem("f", "k", "is wrong"),))], 78, "ticketbot: f: k: is wrong\n"),
        ([PermissionError(13, "Permission denied", "/x")], 1, "ticketbot: /x: Permission denied\n"),
    ],
)
def test_what_many_tasks_raise_is_told_once(
    errors: list[Exception],
    code: int,
    said: str,
    house: BotHouse,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def dies(args: object) -> int:
        raise ExceptionGroup("tasks", errors)

    monkeypatch.setattr("ticketbot.cli.keys.keys", dies)
    ran = house.calls("keys")
    assert ran.code == code
    assert ran.err.startswith(said)
    assert ran.err.count("\n") == 1


def test_debugging_is_no_unknown_variable(house: BotHouse) -> None:
    assert house.run("keys", env={"TICKETBOT_DEBUG": "1"}).code == 0


def test_a_reader_that_goes_away_is_no_bug(house: BotHouse) -> None:
    done = subprocess.run(
        ["/bin/sh", "-c", f"{sys.executable} -m ticketbot keys | true; echo ${{PIPESTATUS}}"],
        cwd=house.folder,
        capture_output=True,
        text=True,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT)},
        check=False,
    )
    assert "Traceback" not in done.stderr
    assert "bug" not in done.stderr


def test_a_terminal_without_the_letters_shows_a_mark(house: BotHouse) -> None:
    house.lists("東京 Übung ♥")
    ran = house.run("events", env={"PYTHONIOENCODING": "ascii"})
    assert ran.code == 0
    assert "?? ?bung ?" in ran.out


# init
