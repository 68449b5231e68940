"""Every error answers one question: whose move is it?

TicketbotError
├── Refused   the person who asked: told in a sentence what to do next
├── NoInvoice the person who gave the Lightning address: told why it cannot be paid to
├── Retry     the clock: the same thing is tried again later
├── Broken    the operator: told which key, which file, what it should look like
└── Malformed nobody: the bytes are rubbish, count them and go on
"""

from __future__ import annotations

from typing import Literal

RefusalCode = Literal[
    "sold-out",
    "unknown-event",
    "not-on-sale",
    "too-many",
    "bad-request",
    "try-later",
    "not-yours",
]


class TicketbotError(Exception):
    """Root of all errors that ticketbot raises on purpose."""

    def __init__(self, message: str = "") -> None:
        super().__init__(message or (self.__doc__ or "").split("\n")[0])


class Refused(TicketbotError):
    """The request cannot be granted; the person is told why and what to do next.

    `code` is the machine code of the contract; `sentence` the key of a text in
    `locales/`, filled with `values`.
    """

    def __init__(self, code: RefusalCode, sentence: str, /, **values: object) -> None:
        super().__init__(f"{code}: {sentence}")
        self.code: RefusalCode = code
        self.sentence = sentence
        self.values = values


class NoInvoice(TicketbotError):
    """A Lightning address or LNURL does not give the invoice that was asked of it.

    `sentence` is the key of a text in `locales/`, filled with `values`. Another attempt at
    the same address would most likely end the same way.
    """

    def __init__(self, sentence: str, /, **values: object) -> None:
        super().__init__(sentence)
        self.sentence = sentence
        self.values = values


class Retry(TicketbotError):
    """Nothing is known yet; the same step is tried again later."""


class Broken(TicketbotError):
    """Something that only the operator can mend."""


class Malformed(TicketbotError):
    """Bytes from outside that are not what they claim to be."""
