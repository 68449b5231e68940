"""config.toml, credentials and environment, read into frozen values.

`load` tells every mistake at once; `write_example` writes a commented file to start from.
"""

from __future__ import annotations

from ticketbot.config.example import Answers, example, write_example, write_secret
from ticketbot.config.load import SEARCHED, load
from ticketbot.config.reader import ConfigProblems, Problem
from ticketbot.config.values import (
    ANYONE,
    Bot,
    Commission,
    Config,
    Ledger,
    Lightning,
    Limits,
    Lnbits,
    Nostr,
    Payouts,
    Sales,
    Secret,
    Web,
)

__all__ = [
    "ANYONE",
    "SEARCHED",
    "Answers",
    "Bot",
    "Commission",
    "Config",
    "ConfigProblems",
    "Ledger",
    "Lightning",
    "Limits",
    "Lnbits",
    "Nostr",
    "Payouts",
    "Problem",
    "Sales",
    "Secret",
    "Web",
    "example",
    "load",
    "write_example",
    "write_secret",
]
