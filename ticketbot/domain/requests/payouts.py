"""What organizers' programs ask about their money."""

from __future__ import annotations

from collections.abc import Mapping

from ticketbot.domain.command import AskPayout, PayOutTo, ShowBalance, ShowStatement
from ticketbot.domain.requests.fields import Asked

LONGEST_ADDRESS = 400

REQUESTS: Mapping[str, Asked] = {
    "balance": lambda f: ShowBalance(),
    "payout": lambda f: AskPayout(f.maybe_event(), f.maybe("to", LONGEST_ADDRESS)),
    "payout-to": lambda f: PayOutTo(f.text("to", LONGEST_ADDRESS)),
    "statement": lambda f: ShowStatement(f.maybe_event()),
}
