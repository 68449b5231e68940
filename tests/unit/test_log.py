"""Logs: a JSON object a line, no secrets anywhere, and never the reason that a sale fails."""

from __future__ import annotations

import io
import json
import logging
import re
import subprocess
import sys
import threading
import warnings
from collections.abc import Iterator

import pytest
import structlog

from ticketbot import log

NSEC = "nsec1vl029mgpspedva04g90vltkh6fvh240zqtv9k0t9af8935ke9laqsnlfe5"
TOKEN = "TKT1:" + "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567" * 5
WALLET = "nostr+walletconnect://b889ff5b?relay=wss%3A%2F%2Frelay.example&secret=71a8c14c1407c113"
CASHU = "cashuAeyJ0b2tlbiI6W3sibWludCI6Imh0dHBz_-=="
INVOICE_KEY = "0f" * 16
CAPABILITY = "Qm9_-x" * 5


class Output:
    """What was written to the logs."""

    def __init__(self) -> None:
        self.bytes = io.BytesIO()
        self.stream = io.TextIOWrapper(self.bytes, encoding="utf-8", write_through=True)

    def text(self) -> str:
        return self.bytes.getvalue().decode()

    def lines(self) -> list[dict[str, object]]:
        return [json.loads(line) for line in self.text().splitlines()]


@pytest.fixture
def output() -> Iterator[Output]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield Output()
    structlog.reset_defaults()
    structlog.contextvars.clear_contextvars()
    logging.captureWarnings(False)
    root.handlers[:], root.level = handlers, level


def test_a_line_is_one_json_object_with_what_was_bound(output: Output) -> None:
    log.configure(stream=output.stream)
    structlog.contextvars.bind_contextvars(order="o1")
    structlog.get_logger().bind(relay="wss://a").info("order.paid", amount_msat=5000)
    (line,) = output.lines()
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", str(line.pop("timestamp")))
    assert line == {
        "event": "order.paid",
        "level": "info",
        "order": "o1",
        "relay": "wss://a",
        "amount_msat": 5000,
    }


def test_levels_below_the_chosen_one_are_left_out(output: Output) -> None:
    log.configure(stream=output.stream, level="warning")
    logger = structlog.get_logger()
    logger.info("a")
    logger.warning("b")
    assert [line["event"] for line in output.lines()] == ["b"]


@pytest.mark.parametrize("pretty", [True, False])
@pytest.mark.parametrize(
    "secret",
    [NSEC, NSEC.upper(), TOKEN, TOKEN.lower(), WALLET, CASHU, INVOICE_KEY, CAPABILITY],
)
def test_no_secret_is_written(output: Output, secret: str, pretty: bool) -> None:
    log.configure(stream=output.stream, pretty=pretty, secrets=[INVOICE_KEY])
    text = f"/tickets/{secret}.png" if secret == CAPABILITY else secret
    logger = structlog.get_logger()
    logger.info(f"event {text}")
    logger.info("value", value=text, nested={"list": [text]}, error=ValueError(text))
    logger.info("bytes", value=text.encode())
    try:
        raise ValueError(f"cannot read {text}")
    except ValueError:
        logger.exception("traceback")
    logging.getLogger("aiohttp.client").warning("got %s", text)
    assert secret not in output.text()
    assert output.text().count("[redacted]") >= 7
    assert "ValueError: cannot read" in output.text()


@pytest.mark.parametrize(
    "value",
    [
        "Authorization: Bearer abc.def-123",
        {"X-Api-Key": "abc.def-123"},
        '{"x-api-key": "abc.def-123"}',
        "curl -H X-API-KEY:abc.def-123 http://127.0.0.1",
    ],
)
def test_keys_in_headers_are_left_out(output: Output, value: object) -> None:
    log.configure(stream=output.stream)
    structlog.get_logger().info("request", headers=value)
    assert "abc.def-123" not in output.text()
    assert "[redacted]" in output.text()
    output.lines()


def test_what_is_no_secret_stays(output: Output) -> None:
    log.configure(stream=output.stream, secrets=["", "short"])
    words = "a short nsec1 of TKT2:ABC, /tickets/x.png, a bearer, cashu and lnbc50u1p"
    structlog.get_logger().info("said", words=words)
    assert output.lines()[0]["words"] == words


@pytest.mark.parametrize("value", [2**70, "\ud800", {1: "one"}, {3, 4}, object(), b"\xff"])
@pytest.mark.parametrize("pretty", [True, False])
def test_any_value_can_be_logged(output: Output, value: object, pretty: bool) -> None:
    log.configure(stream=output.stream, pretty=pretty)
    structlog.get_logger().info("odd", value=value)
    assert "odd" in output.text()


def test_pretty_tracebacks_show_no_local_variables(output: Output) -> None:
    log.configure(stream=output.stream, pretty=True)
    try:
        hidden = "a local " + "value"
        raise ValueError(len(hidden))
    except ValueError:
        structlog.get_logger().exception("failed")
    assert "Traceback" in output.text()
    assert "a local value" not in output.text()


def test_a_terminal_gets_the_pretty_form_and_a_pipe_does_not(
    output: Output, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(output.stream, "isatty", lambda: True, raising=False)
    monkeypatch.setenv("NO_COLOR", "1")
    log.configure(stream=output.stream)
    structlog.get_logger().info("hello", order="o1")
    assert not output.text().startswith("{")
    assert "\x1b" not in output.text()


def test_libraries_are_heard_from_warnings_up(output: Output) -> None:
    log.configure(stream=output.stream)
    log.configure(stream=output.stream)  # a second call does not double the lines
    logging.getLogger("websockets").info("quiet")
    logging.getLogger("websockets").error("loud %d", 7)
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        warnings.warn("careful", stacklevel=1)
    lines = output.lines()
    assert [line["event"] for line in lines[:1]] == ["loud 7"]
    assert (lines[0]["logger"], lines[0]["level"]) == ("websockets", "error")
    assert "careful" in str(lines[1]["event"])
    assert len(lines) == 2


def test_a_full_disk_under_the_log_does_not_stop_the_caller(output: Output) -> None:
    full = open("/dev/full", "w")  # noqa: SIM115 - closing it fails too
    log.configure(stream=full, pretty=False)
    structlog.get_logger().info("lost")
    with pytest.raises(OSError, match="No space left"):
        full.close()
    structlog.get_logger().info("lost too: the stream is closed")


def test_lines_of_many_threads_do_not_mix(output: Output) -> None:
    log.configure(stream=output.stream)
    logger = structlog.get_logger()

    def write(name: int) -> None:
        for number in range(200):
            logger.info("line", thread=name, number=number)

    threads = [threading.Thread(target=write, args=[name]) for name in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    seen = {(line["thread"], line["number"]) for line in output.lines()}
    assert len(seen) == 800


def test_the_last_line_before_a_sudden_end_is_there() -> None:
    program = (
        "import os, structlog\n"
        "from ticketbot import log\n"
        "log.configure()\n"
        "structlog.get_logger().error('last words')\n"
        "os._exit(3)\n"
    )
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert ended.returncode == 3
    assert json.loads(ended.stderr)["event"] == "last words"
