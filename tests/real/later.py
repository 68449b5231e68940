"""`ticketbot` on a machine whose clock has gone on: python -m tests.real.later HOURS run

The wallet and the relays, whose clocks have not, are not asked for the time: they would be
believed. What is looked for once a minute after an event is looked for every second.
"""

from __future__ import annotations

import sys
import time


def main() -> int:
    """Move the clock, before anything of ticketbot's takes hold of it; then be ticketbot."""
    seconds = 3600 * int(sys.argv.pop(1))
    real = time.time
    time.time = lambda: real() + seconds

    from ticketbot import epilogue
    from ticketbot.app import App
    from ticketbot.cli import main as ticketbot

    App._clocks = lambda self: {}  # type: ignore[method-assign]
    epilogue.EVERY = 1.0
    return ticketbot()


if __name__ == "__main__":
    sys.exit(main())
