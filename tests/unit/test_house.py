"""Facts about the house itself, so that they stay true."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LONGEST = 400
EVERYWHERE = ("/", "/tmp", "/home", "/opt", "/srv", "/root")
CONTRACT = {
    "bot": "name about nsec_file ticket_key_file operators organizers",
    "nostr": "relays ephemeral_tickets",
    "lightning": "wallet",
    "lnbits": "url invoice_key_file admin_key_file requests_per_minute",
    "ledger": "url",
    "web": "listen public_url",
    "sales": "hold_seconds max_holds_per_buyer max_tickets_per_order",
    "queue": "keep_minutes",
    "door": "open_hours",
    "attendance": "mode thanks",
    "limits": "messages_per_minute",
    "privacy": "purge_days",
    "changes": "refund_hours",
    "reminders": "hours_before last_call_hours quiet_hours",
    "performance": "crypto_workers",
    "commission": "ppm",
    "payouts": "delay_hours minimum_sats schedule",
}
TARGETS = ("demo", "test", "test-long", "check", "bench")


def ours(*patterns: str) -> Iterator[Path]:
    """The project's own files: those that git has, or would take."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", *patterns],
        cwd=ROOT,
        capture_output=True,
        check=True,
    )
    for name in listed.stdout.decode().split("\0"):
        if name and (ROOT / name).is_file():
            yield ROOT / name


def text(path: Path) -> str:
    """The file's text; empty when it is none."""
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        return ""


def test_no_file_is_too_long_to_live_in() -> None:
    long = {
        str(path.relative_to(ROOT)): lines
        for path in ours("*.py", "*.js", "*.mjs", "*.sql")
        if "static" not in path.parts and (lines := text(path).count("\n")) > LONGEST
    }
    assert long == {}


def test_no_file_knows_where_it_was_written() -> None:
    folders = [f"{ROOT}/", f"{Path.home()}/"]
    if str(ROOT.parent) not in EVERYWHERE:
        folders.append(f"{ROOT.parent}/")
    found = [
        f"{path.relative_to(ROOT)}: {folder}"
        for path in ours()
        for folder in folders
        if folder in text(path)
    ]
    assert found == []


@pytest.mark.parametrize(
    "lock", sorted((ROOT / "requirements").glob("*.lock")), ids=lambda p: p.name
)
def test_locks_hold_hashes_and_no_addresses(lock: Path) -> None:
    lines = text(lock).splitlines()
    pins = [line for line in lines if re.match(r"[a-z0-9]", line)]
    assert pins
    assert [
        line for line in pins if not re.fullmatch(r"[a-zA-Z0-9._-]+==\S+ (;.* )?\\", line)
    ] == []
    assert text(lock).count("--hash=sha256:") >= len(pins)
    assert [line for line in lines if "://" in line or " @ " in line] == []
    options = [line for line in lines if line.startswith("-")]
    assert options == []


@pytest.mark.parametrize("folder", ["tests/real/js", "ticketbot/web/page"])
def test_node_locks_hold_hashes_and_no_addresses(folder: str) -> None:
    lock = text(ROOT / folder / "package-lock.json")
    assert '"integrity": "sha512-' in lock
    assert '"resolved"' not in lock


def test_what_needs_an_old_bitstring_gets_it() -> None:
    project = tomllib.loads(text(ROOT / "pyproject.toml"))["project"]
    assert "bitstring<5" in project["optional-dependencies"]["test"]
    assert re.search(r"^bitstring==4", text(ROOT / "requirements" / "lnbits.lock"), re.M)


def test_the_demo_runs_what_the_tests_have_tested() -> None:
    def pins(name: str) -> set[str]:
        return set(re.findall(r"^\S+==\S+", text(ROOT / "requirements" / name), re.M))

    assert pins("demo.lock") <= pins("dev.lock")


def test_every_key_of_the_contract_is_in_the_example() -> None:
    example = text(ROOT / "config.toml")
    said = tomllib.loads(re.sub(r"^# (public_url =)", r"\1", example, flags=re.M))
    assert {section: " ".join(keys) for section, keys in said.items()} == CONTRACT


def test_every_key_is_documented_for_operators() -> None:
    keys = re.findall(r"^(?:# )?([a-z_]+) = ", text(ROOT / "config.toml"), re.M)
    page = text(ROOT / "docs" / "operating.md")
    assert [key for key in keys if f"`{key}`" not in page] == []


def test_make_has_the_targets_of_the_contract() -> None:
    makefile = text(ROOT / "Makefile")
    assert [name for name in TARGETS if not re.search(rf"^{name}:", makefile, re.M)] == []


def test_only_the_bot_reads_variables_of_its_prefix() -> None:
    """A bot that is started beside the tests refuses a variable that it does not know."""
    read = re.compile(r"environ(?:\.get\(|\[)\"(TICKETBOT_\w+)")
    found = [
        f"{path.relative_to(ROOT)}: {name}"
        for path in ours("tests", "benchmarks", "Makefile")
        for name in read.findall(text(path))
    ]
    assert found == []


def test_every_module_says_what_it_is_for() -> None:
    silent = [
        str(path.relative_to(ROOT))
        for path in ours("ticketbot/*.py")
        if text(path).strip() and not text(path).startswith('"""')
    ]
    assert silent == []


def test_the_wheel_holds_all_that_the_program_reads(tmp_path: Path) -> None:
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", tmp_path],
        cwd=ROOT,
        capture_output=True,
        check=True,
    )
    (wheel,) = tmp_path.glob("*.whl")
    packed = {name for name in zipfile.ZipFile(wheel).namelist() if "dist-info" not in name}
    kept = {str(path.relative_to(ROOT)) for path in ours("ticketbot")}
    assert packed == {name for name in kept if not name.startswith("ticketbot/web/page/")}
