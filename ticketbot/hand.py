"""One hand of the crew: a process that opens and seals, `python -m ticketbot.hand`.

Its standard input is one end of a socket pair. The bot's secret comes first, then batches;
every frame is four bytes of length and that many of `marshal`, which is as fast as copying, and
made for two interpreters of one build. It ends when the bot does: nothing more can be read.
"""

from __future__ import annotations

import marshal
import signal
import socket
from collections.abc import Sequence
from typing import Any, Literal, Protocol

from ticketbot.domain.nostr import Event
from ticketbot.envelopes import Envelopes, Letter, Mould, Opened, Sealed
from ticketbot.errors import Malformed
from ticketbot.keys import Keys

Kind = Literal["open", "seal"]
Item = Event | Letter
Answer = Opened | Sealed | Malformed

LENGTH_BYTES = 4


class Readable(Protocol):
    """What can be read from."""

    def read(self, size: int, /) -> bytes:
        """So many bytes, or fewer at its end."""


def do(envelopes: Envelopes, kind: Kind, batch: Sequence[Any]) -> list[Any]:
    """The work itself, wherever it is done."""
    return envelopes.open(batch) if kind == "open" else envelopes.try_seal(batch)


def write_batch(kind: Kind, batch: Sequence[Item]) -> bytes:
    """A batch as a frame."""
    return _frame((kind, [_plain(item) for item in batch]))


def read_answers(kind: Kind, payload: bytes) -> list[Any]:
    """What a hand has answered; without the frame's length."""
    made = Opened if kind == "open" else Sealed
    return [Malformed(one) if type(one) is str else made(*one) for one in marshal.loads(payload)]


def main() -> None:
    """Work until the bot closes its end."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)  # systemd asks all; the bot still needs its hands
    with socket.socket(fileno=0) as bot, bot.makefile("rwb") as line:
        envelopes = Envelopes(Keys(_read(line)))
        line.write(_frame(None))  # ready
        line.flush()
        while frame := _read(line):
            kind, rows = marshal.loads(frame)
            batch = [_event(row) if kind == "open" else _letter(row) for row in rows]
            answers = do(envelopes, kind, batch)
            line.write(_frame([_plain(answer) for answer in answers]))
            line.flush()


def _frame(content: Any) -> bytes:
    payload = marshal.dumps(content)
    return len(payload).to_bytes(LENGTH_BYTES, "big") + payload


def _read(line: Readable) -> bytes:
    return line.read(int.from_bytes(line.read(LENGTH_BYTES), "big"))


def _plain(one: Item | Answer) -> tuple[Any, ...] | str:
    if isinstance(one, Malformed):
        return str(one)
    if isinstance(one, Letter) and one.mould is not None:
        return (*one[:-1], tuple(one.mould))
    return tuple(one)


def _event(row: tuple[Any, ...]) -> Event:
    return Event(*row)


def _letter(row: tuple[Any, ...]) -> Letter:
    return Letter._make((*row[:-1], row[-1] and Mould(*row[-1])))


if __name__ == "__main__":
    main()
