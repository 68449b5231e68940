"""The demo: a relay, a wallet, an organizer and an attendee around a real bot, in one process."""

from __future__ import annotations

import argparse
import asyncio

from ticketbot import log
from ticketbot.errors import Broken


def main(args: argparse.Namespace) -> int:
    """`ticketbot demo`: 0 when every step of the purchase worked."""
    from ticketbot.demo.play import play
    from ticketbot.demo.stage import Choices

    choices = Choices(
        once=args.once,
        port=args.port or 0,
        lnbits_url=args.lnbits_url,
        lnbits_key_file=args.lnbits_key_file,
        lnbits_payer_key_file=args.lnbits_payer_key_file,
    )
    log.configure(level="warning")
    try:
        asyncio.run(play(choices))
    except KeyboardInterrupt:
        if choices.once:
            raise
        print()
    except TimeoutError:
        raise Broken("the demo got no answer in time: the last line above says to what") from None
    return 0
