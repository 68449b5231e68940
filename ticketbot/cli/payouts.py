"""`payouts`: what organizers have earned, and what is on its way to them."""

from __future__ import annotations

import time
from argparse import Namespace
from typing import NamedTuple

from ticketbot.cli.opening import open_house
from ticketbot.cli.output import at, sats, show, show_json, table
from ticketbot.domain.nip19 import npub_encode
from ticketbot.domain.payout import Account, Payout, payable
from ticketbot.domain.statement import COLUMNS, row_of, write_csv
from ticketbot.domain.when import HOUR
from ticketbot.ledger import payouts as ledger
from ticketbot.ledger import shares
from ticketbot.ledger.store import Tx

SHOWN_KEY = 16  # letters of an npub: enough to tell organizers apart


class Standing(NamedTuple):
    """One organizer (hex key): every event that anything was paid for."""

    organizer: str
    accounts: list[Account]


class Open(NamedTuple):
    """A payout that is not sent, and where it shall go."""

    payout: Payout
    destination: str | None


def payouts(args: Namespace) -> int:
    """Accounts, and payouts that are due or being sent; `--csv`: statements of all events."""
    house, now = open_house(args), int(time.time())
    delay = house.config.payouts.delay_hours * HOUR
    found, waiting = house.look(lambda tx: _read(tx, delay))
    if args.csv:
        show(write_csv([one for standing in found for one in standing.accounts]))
    elif args.json:
        show_json(_json(found, waiting, now))
    elif not found:
        show("No organizer has earned anything yet.")
    else:
        _tell(found, waiting, now)
    return 0


def _read(tx: Tx, delay: int) -> tuple[list[Standing], list[Open]]:
    found = [Standing(one, shares.accounts_of(tx, one, delay)) for one in shares.organizers(tx)]
    waiting = [Open(one, ledger.destination(tx, one.id)) for one in ledger.open_all(tx, 1000)]
    return found, waiting


def _tell(found: list[Standing], waiting: list[Open], now: int) -> None:
    headings = (
        *("organizer", ">earned", ">given back", ">commission", ">paid out", ">fees"),
        *(">balance", ">payable"),
    )
    show(table(headings, [_line(one, now) for one in found]))
    show("")
    if not waiting:
        show("Nothing is on its way to them.")
        return
    rows = [
        (
            one.payout.id,
            at(one.payout.decided_at),
            sats(one.payout.amount_msat),
            _short(one.payout.organizer),
            one.payout.state.value,
            one.destination or "not told yet",
        )
        for one in waiting
    ]
    show(table(("payout", "decided", ">sats", "organizer", "state", "where to"), rows))


def _line(one: Standing, now: int) -> tuple[object, ...]:
    sums = _sums(one, now)
    return (_short(one.organizer), *(sats(amount) for amount in sums.values()))


def _sums(one: Standing, now: int) -> dict[str, int]:
    return {
        "earned_msat": sum(account.gross for account in one.accounts),
        "refunded_msat": sum(account.refunded for account in one.accounts),
        "commission_msat": sum(account.commission for account in one.accounts),
        "paid_out_msat": sum(account.paid for account in one.accounts),
        "fees_msat": sum(account.fees for account in one.accounts),
        "balance_msat": sum(account.balance for account in one.accounts),
        "payable_msat": payable(one.accounts, now),
    }


def _json(found: list[Standing], waiting: list[Open], now: int) -> dict[str, object]:
    return {
        "organizers": [
            {
                "organizer": npub_encode(one.organizer),
                **_sums(one, now),
                "events": [
                    {
                        "event_id": account.event_id,
                        **dict(zip(COLUMNS, row_of(account), strict=True)),
                    }
                    for account in one.accounts
                ],
            }
            for one in found
        ],
        "payouts": [
            {
                "payout_id": one.payout.id,
                "organizer": npub_encode(one.payout.organizer),
                "amount_msat": one.payout.amount_msat,
                "state": one.payout.state.value,
                "decided_at": one.payout.decided_at,
                "destination": one.destination,
            }
            for one in waiting
        ],
    }


def _short(pubkey: str) -> str:
    return f"{npub_encode(pubkey)[:SHOWN_KEY]}…"
