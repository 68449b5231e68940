"""Logs: pretty on a terminal, a JSON object a line elsewhere, and never a secret in either,
nor an attendee.

Redaction looks at the finished line, so that it also covers tracebacks and nested values.
"""

from __future__ import annotations

import logging
import os
import re
import sys
import time
import traceback
from collections.abc import Callable, Iterable, MutableMapping
from typing import Any, BinaryIO, Literal, TextIO

import orjson
import structlog

Level = Literal["debug", "info", "warning", "error"]

_GONE = b"[redacted]"
_IS = rb"""(?:\\*["'])?\s*[:=]\s*b?(?:\\*["'])?"""  # between a name and its value
_HEX = rb"[0-9a-f]{16,}"
_VALUE = rb"""[^\s"'\\,;&}\])]"""
_SECRETS = (
    (b"nsec1", rb"nsec1[02-9ac-hj-np-z]{20,}"),
    (b"tkt1:", rb"tkt1:[a-z2-7]+"),
    (b"walletconnect:", rb"""nostr\+walletconnect:[^\s"'\\]+"""),
    (b"cashu", rb"cashu[ab][a-z0-9_=+/-]{8,}"),
    (b"/tickets/", rb"(?<=/tickets/)[a-z0-9_-]{16,}"),
    (b"/ws/", rb"(?<=/ws/)[a-z0-9_-]{16,}"),  # LNbits wants its key in the push channel's path
    (b"bearer", rb"(bearer\s+)" + _VALUE + rb"+"),
    (b"authorization", rb"(authorization" + _IS + rb"(?:[a-z]+\s+)?)" + _VALUE + rb"+"),
    (b"api-key", rb"(x-api-key" + _IS + rb")" + _VALUE + rb"+"),
    (b"_key", rb"(_key" + _IS + rb")" + _HEX),
    (b"-key", rb"(-key" + _IS + rb")" + _HEX),
    (b"nsec", rb"(nsec" + _IS + rb")" + _HEX),
    (b"secret", rb"(secret" + _IS + rb")" + _VALUE + rb"{8,}"),
    (b"passw", rb"(passw(?:or)?d" + _IS + rb")" + _VALUE + rb"+"),
    (b"@", rb"(?<=://)[^\s/@\"'\\]+(?=@)"),
)
_PEOPLE = (
    (b"npub1", rb"npub1[02-9ac-hj-np-z]{20,}"),
    (b"nprofile1", rb"nprofile1[02-9ac-hj-np-z]{20,}"),
    (b"lnbc", rb"lnbc[0-9a-z]{50,}"),
    (b"lntb", rb"lntb[0-9a-z]{50,}"),
    (b"lnurl1", rb"lnurl1[0-9a-z]{30,}"),
    (b"@", rb"[a-z0-9._+-]{1,64}@[a-z0-9-]+(?:\.[a-z0-9-]+)*\.[a-z]{2,}"),
)
_SHORTEST = 8  # a shorter "secret" would take half of every line with it
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


def redactor(secrets: Iterable[str] = (), *, people: bool) -> Callable[[bytes], bytes]:
    """A function that takes the secrets out of a line of UTF-8; `people` may stay in it or not."""
    whole = {secret.strip().lower().encode() for secret in secrets}
    known = sorted(secret for secret in whole if len(secret) >= _SHORTEST)
    rules = _SECRETS if people else (*_SECRETS, *_PEOPLE)
    marks = tuple(dict.fromkeys(mark for mark, _ in rules))
    pattern = re.compile(b"|".join(rule for _, rule in rules), re.IGNORECASE)

    def redact(line: bytes) -> bytes:
        lower = line.lower()
        for secret in known:
            if secret in lower:
                line = re.sub(re.escape(secret), _GONE, line, flags=re.IGNORECASE)
        # looking for a few words is five times as fast as one search for all patterns
        for mark in marks:
            if mark in lower:
                return pattern.sub(_replacement, line)
        return line

    return redact


def _replacement(found: re.Match[bytes]) -> bytes:
    """What stood there, but for the value: its name stays."""
    return b"".join(filter(None, found.groups())) + _GONE


def whereabouts(error: BaseException) -> str:
    """Which errors, and where they were raised: without their words, which may quote somebody.

    The innermost place first: `KeyError at attendee.py:120 < engine.py:214`.
    """
    if isinstance(error, BaseExceptionGroup):
        return "; ".join(map(whereabouts, error.exceptions))
    frames = [
        f"{frame.filename.rpartition('/')[2]}:{frame.lineno}"
        for frame in reversed(traceback.extract_tb(error.__traceback__))
    ]
    said = f"{type(error).__name__} at {' < '.join(frames) or '?'}"
    cause = error.__cause__ or error.__context__
    return said if cause is None else f"{said}, because of {whereabouts(cause)}"


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
