"""The systemd unit: without a mistake, tight, and in step with the program."""

from __future__ import annotations

import shutil
import subprocess
from collections import defaultdict
from pathlib import Path

import pytest

from ticketbot.config import ConfigProblems

SYSTEMD = Path(__file__).parents[2] / "systemd"
UNIT = SYSTEMD / "ticketbot.service"


def systemd(tool: str, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    if shutil.which(tool) is None:
        pytest.fail(f"{tool} is missing: apt-get install systemd", pytrace=False)
    return subprocess.run([tool, *arguments], capture_output=True, text=True, timeout=60)


def settings(text: str) -> dict[str, list[str]]:
    """Every setting of a unit, with its values in order."""
    found = defaultdict(list)
    for line in text.splitlines():
        name, equals, value = line.partition("=")
        if equals and not line.startswith("#"):
            found[name].append(value)
    return found


def verified(tmp_path: Path, text: str) -> str:
    """What `systemd-analyze verify` says of a unit whose program exists on this machine."""
    unit = tmp_path / "ticketbot.service"
    program = settings(text)["ExecStart"][0].split()[0]
    unit.write_text(text.replace(program, "/bin/true"))
    return systemd("systemd-analyze", "verify", "--man=no", unit).stderr


def test_systemd_finds_no_mistake(tmp_path: Path) -> None:
    assert verified(tmp_path, UNIT.read_text()) == ""


def test_systemd_would_find_a_mistake(tmp_path: Path) -> None:
    text = UNIT.read_text().replace("ProtectClock=", "ProtectClocks=")
    assert "ProtectClocks" in verified(tmp_path, text)


def test_the_unit_is_hardened() -> None:
    judged = systemd(
        "systemd-analyze", "security", "--no-pager", "--offline=true", "--threshold=15", UNIT
    )
    assert judged.returncode == 0, judged.stdout
    assert "OK" in judged.stdout


def test_a_soft_unit_would_be_noticed(tmp_path: Path) -> None:
    soft = tmp_path / "ticketbot.service"
    soft.write_text(UNIT.read_text().replace("SystemCallFilter", "#"))
    judged = systemd("systemd-analyze", "security", "--offline=true", "--threshold=15", soft)
    assert judged.returncode != 0


def test_the_unit_and_the_program_agree() -> None:
    unit = settings(UNIT.read_text())
    assert unit["Type"] == ["notify"]
    assert unit["NotifyAccess"] == ["main"]
    assert unit["RestartPreventExitStatus"] == [str(ConfigProblems.exit_code)]
    assert unit["ExecStart"][0].split()[1:] == ["run", "--config", "/etc/ticketbot/config.toml"]
    assert int(unit["TimeoutStopSec"][0]) > 20  # what the bot takes to stop, at most
    assert unit["LimitCORE"] == ["0"]  # a core file would hold every key
    credentials = [value.partition(":")[0] for value in unit["LoadCredential"]]
    assert credentials == ["nsec", "ticket_key", "lnbits_invoice_key"]


def test_the_bot_may_listen_beside_its_ledger() -> None:
    unit = settings(UNIT.read_text())
    assert "AF_UNIX" in unit["RestrictAddressFamilies"][0].split()
    assert unit["StateDirectory"] == ["ticketbot"]  # which ProtectSystem=strict leaves writable


def test_the_units_user_can_be_made() -> None:
    users = SYSTEMD / "ticketbot.sysusers"
    made = systemd("systemd-sysusers", "--dry-run", users)
    assert made.returncode == 0, made.stderr
    unit = settings(UNIT.read_text())
    assert f"u {unit['User'][0]} " in users.read_text()
