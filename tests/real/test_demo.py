"""`ticketbot demo --once`: one whole purchase on embedded parts, and on a real LNbits."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import os
import signal
import socket
import subprocess
import sys
import termios
from pathlib import Path

import pytest

from tests.real.lnbits import shared_server
from ticketbot.demo.play import play
from ticketbot.demo.stage import Choices
from ticketbot.errors import Broken
from ticketbot.wallets.fake import FakeWallet, PaymentFailed

LONGEST = 90


def demo(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "ticketbot", "demo", "--once", *arguments],
        capture_output=True,
        text=True,
        timeout=LONGEST,
        check=False,
    )


def test_the_demo_plays_a_whole_purchase() -> None:
    played = demo()
    assert played.returncode == 0, played.stderr
    assert played.stdout.startswith("FAKE MONEY")
    assert "alice | buy lisbon" in played.stdout
    assert "its signature is genuine" in played.stdout
    assert "every satoshi has one fate" in played.stdout


def test_the_demo_plays_on_a_real_lnbits(tmp_path: Path) -> None:
    server = shared_server()
    bot, payer = server.new_wallet("demo"), server.new_wallet("payer")
    server.fund(payer, 1000)
    for name, key in (("bot", bot.invoice_key), ("payer", payer.admin_key)):
        (tmp_path / name).touch(mode=0o600)
        (tmp_path / name).write_text(key)
    played = demo(
        "--lnbits-url",
        server.url,
        "--lnbits-key-file",
        str(tmp_path / "bot"),
        "--lnbits-payer-key-file",
        str(tmp_path / "payer"),
    )
    assert played.returncode == 0, played.stderr
    assert "FAKE MONEY" not in played.stdout
    assert "its signature is genuine" in played.stdout


def test_a_step_that_fails_is_one_sentence_and_not_a_success(tmp_path: Path) -> None:
    key = tmp_path / "key"
    key.write_text("x")
    played = demo("--lnbits-url", "http://127.0.0.1:9", "--lnbits-key-file", str(key))
    assert played.returncode == 1
    assert played.stderr.strip().splitlines()[-1].startswith("ticketbot: the demo got no answer")
    assert "Traceback" not in played.stderr


def test_ctrl_c_ends_the_demo_at_once() -> None:
    ours, its = os.openpty()
    played = subprocess.Popen(
        [sys.executable, "-m", "ticketbot", "demo"],
        stdin=its,
        stdout=its,
        stderr=its,
        start_new_session=True,
        preexec_fn=_on_terminal,
    )
    os.close(its)
    seen = b""
    with contextlib.suppress(OSError):  # how a terminal says that everybody has left
        while data := os.read(ours, 4096):
            seen += data
            if b"Ctrl-C ends the demo" in data:
                os.write(ours, b"lnbcfoo\n")
            if b"not paid: no such invoice" in data:
                os.write(ours, b"\x03")
    os.close(ours)
    assert played.wait(LONGEST) == 0, seen
    assert b"Traceback" not in seen


def _on_terminal() -> None:
    """Ctrl-C is a signal to who has this terminal, and is not ignored as in the background."""
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)
    signal.signal(signal.SIGINT, signal.default_int_handler)


async def test_money_that_does_not_come_ends_the_demo(monkeypatch: pytest.MonkeyPatch) -> None:
    async def refuse(self: FakeWallet, bolt11: str, amount_msat: int | None = None) -> None:
        raise PaymentFailed("no route")

    monkeypatch.setattr(FakeWallet, "receive", refuse)
    with pytest.raises((PaymentFailed, Broken)):
        await asyncio.wait_for(play(Choices(once=True)), LONGEST)


def test_a_port_that_is_taken_is_one_sentence() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        played = demo("--port", str(taken.getsockname()[1]))
    assert played.returncode == 1
    assert played.stderr.endswith("(Address already in use): choose another --port\n")
    assert "there is no such port" in demo("--port", "70000").stderr
