"""Logs: pretty on a terminal, else a JSON object a line; no secret is in them, nor an attendee.

Redaction looks at the finished line, so that it also covers tracebacks and nested values.
"""

from __future__ import annotations

import logging
import os
import sys
import time
from collections.abc import Callable, Iterable, MutableMapping
from typing import Any, BinaryIO, Literal, TextIO

import orjson
import structlog

from ticketbot.redaction import redactor

Level = Literal["debug", "info", "warning", "error"]

_DEFAULT = orjson.OPT_NON_STR_KEYS


def configure(
    *,
    stream: TextIO | None = None,
    pretty: bool | None = None,
    secrets: Iterable[str] = (),
    level: Level = "info",
) -> None:
    """Send every log line of the process to `stream` (standard error).

    `pretty` is for people; by default it follows whether `stream` is a terminal. `secrets` are
    left out wherever they appear, as are nsecs, tickets, wallet links, Cashu and API keys; so
    are people's npubs, Lightning addresses and invoices.
    """
    out = stream or sys.stderr
    redact = redactor(secrets, people=False)
    render = _pretty() if (out.isatty() if pretty is None else pretty) else _json
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            _stamp(),
            structlog.processors.format_exc_info if render is _json else _as_is,
            lambda logger, method, event: redact(render(event)),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=lambda *args: Lines(out.buffer),
        cache_logger_on_first_use=True,
    )
    _adopt_stdlib()


class Lines:
    """The last step: one line, one write. The method names are those that structlog calls."""

    __slots__ = ("_stream",)

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream

    def msg(self, line: bytes) -> None:
        try:
            self._stream.write(line + b"\n")
            self._stream.flush()
        except (OSError, ValueError):
            return  # a full disk or a closed pipe under the log must not stop a sale

    debug = info = warning = error = critical = exception = msg
    log = warn = fatal = failure = msg


def _json(event: MutableMapping[str, Any]) -> bytes:
    try:
        return orjson.dumps(event, default=repr, option=_DEFAULT)
    except TypeError:  # lone surrogates, integers over 64 bits: orjson has no word for them
        return orjson.dumps({str(key): repr(value) for key, value in event.items()})


def _pretty() -> Callable[[MutableMapping[str, Any]], bytes]:
    # plain tracebacks: the rich ones show the values of local variables
    renderer = structlog.dev.ConsoleRenderer(
        colors="NO_COLOR" not in os.environ,
        exception_formatter=structlog.dev.plain_traceback,
    )

    def render(event: MutableMapping[str, Any]) -> bytes:
        return str(renderer(None, "", event)).encode(errors="backslashreplace")

    return render


def _stamp() -> structlog.typing.Processor:
    """Adds `timestamp`, ISO 8601 with milliseconds; the part down to seconds is kept for reuse."""
    kept = (-1, "")

    def stamp(logger: Any, method: str, event: MutableMapping[str, Any]) -> Any:
        nonlocal kept
        second, millisecond = divmod(time.time_ns() // 1_000_000, 1000)
        known, text = kept
        if second != known:
            text = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(second))
            kept = (second, text)
        event["timestamp"] = f"{text}.{millisecond:03d}Z"
        return event

    return stamp


def _as_is(logger: Any, method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    return event


class _Bridge(logging.Handler):
    """Hands what libraries log through `logging` to structlog."""

    def emit(self, record: logging.LogRecord) -> None:
        structlog.get_logger().log(
            record.levelno, record.getMessage(), logger=record.name, exc_info=record.exc_info
        )


def _adopt_stdlib() -> None:
    root = logging.getLogger()
    for handler in [handler for handler in root.handlers if isinstance(handler, _Bridge)]:
        root.removeHandler(handler)
    root.addHandler(_Bridge())
    root.setLevel(logging.WARNING)
    logging.captureWarnings(True)
