"""The bot with less patience: what waits for a minute or an hour waits for seconds here.

`python -m tests.chaos.hurried run --config config.toml` is `ticketbot run`, for evenings that end
before their spectators do. Nothing else about it is different.
"""

from __future__ import annotations

import sys

from ticketbot import cli, epilogue
from ticketbot.domain.listing import Listing
from ticketbot.handlers.attending import badges
from ticketbot.handlers.buying import offering
from ticketbot.handlers.context import Context
from ticketbot.handlers.rounds import thanking
from ticketbot.outbox import payer

LOOK, WAIT = 0.3, 1  # seconds between looks at what is over, and after an event
KEPT = 8  # seconds: long enough to answer on a busy machine
DAY = 6  # seconds from one payout by the clock to the next


def hurry() -> None:
    """From now on, in this process."""
    whole = offering._until

    def until(listing: Listing, tier: str, ctx: Context) -> int:
        return min(whole(listing, tier, ctx), ctx.now + KEPT)

    offering._until = until
    epilogue.EVERY = LOOK
    thanking.WAIT = badges.WAIT = WAIT
    payer.LOOK, payer.DAY = LOOK, DAY


if __name__ == "__main__":
    hurry()
    sys.exit(cli.main(sys.argv[1:]))
