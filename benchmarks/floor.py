"""The cryptographic floor: what one purchase costs when nothing but cryptography is done.

One request is opened (signature verified, gift wrap opened); three NIP-17 letters and one
kind 24133 are sealed in answer. No ledger, no relay, no wallet: no bot can be faster than
this on one core, so speeds are given as ratios of it.

    python -m benchmarks.floor [purchases]
"""

from __future__ import annotations

import json
import statistics
import sys
import time
from collections.abc import Callable
from typing import NamedTuple

import orjson

from ticketbot import nip44, secp
from ticketbot.domain.nostr import Event
from ticketbot.envelopes import Envelopes, Letter, Opened
from ticketbot.keys import Keys, parse_event, verify

ORDERED = (
    "Order K7Q2 · 2 × Lisbon Meetup = 42,000 sats · pay by 18:42 UTC\n"
    "nostr:naddr1qqxnzdesxqmnxvpexqunzvpcqyt8wumn8ghj7un9d3shjtnwdaehgu3wvfskueqzypve7elhmamff3sr5"
)
INVOICE = (
    "lnbc420u1" + "p5qqqsyqcyq5rqwzqfpp5qqqsyqcyq5rqwzqfqqqsyqcyq5rqwzqfqypqdpl2pkx2ctnv5s" * 4
)
TICKET = (
    "Your ticket for Lisbon Meetup, 1 March 2027, 19:00, Praça do Comércio\n"
    "Code H3J5-P2WM\nTKT1:" + "MFRGGZDFMZTWQ2LKNNWG23TP" * 8 + "\n"
    "https://tickets.example/t#TKT1:" + "MFRGGZDFMZTWQ2LKNNWG23TP" * 8
)
MACHINE_TICKET = json.dumps(
    {
        "type": "ticket",
        "request_id": "b7d1c0de-5eed-4bad-8f00-000000000001",
        "order_id": "0r3k5w7m9a2c4e6g",
        "ticket_id": "mfrggzdfmztwq2lk",
        "event_id": "31923:" + "ab" * 32 + ":lisbon-2027",
        "qr_code": "https://tickets.example/tickets/" + "x" * 43 + ".png",
        "note": "Doors open at 18:30",
        "token": "TKT1:" + "MFRGGZDFMZTWQ2LKNNWG23TP" * 8,
        "version": 1,
    }
)


class Purchase(NamedTuple):
    """What a buyer sends, and what the buyer is answered."""

    request: Event
    letters: list[Letter]


def prepare(envelopes: Envelopes, n: int) -> list[Purchase]:
    """`n` purchases, each by a buyer never seen before: what the bot pays for a stranger."""
    bot = envelopes.pubkey
    now = int(time.time())
    purchases = []
    for number in range(n):
        buyer = Keys(secp.Keypair.fresh().secret)
        ask = Letter("nip17", bot, now + number, "buy lisbon 2")
        request = Envelopes(buyer, peers=1).seal([ask])[0]
        letters = [
            Letter("nip17", buyer.pubkey, now, ORDERED),
            Letter("nip17", buyer.pubkey, now + 1, INVOICE),
            Letter("nip17", buyer.pubkey, now + 2, TICKET),
            Letter("24133", buyer.pubkey, now + 2, MACHINE_TICKET),
        ]
        purchases.append(Purchase(parse_event(orjson.loads(request.json)), letters))
    return purchases


def play(envelopes: Envelopes, purchases: list[Purchase]) -> float:
    """Seconds that the cryptography of `purchases` takes, each purchase by itself."""
    start = time.perf_counter()
    for request, letters in purchases:
        if not verify(request) or not isinstance(envelopes.open([request])[0], Opened):
            raise AssertionError("a prepared request does not open")
        envelopes.seal(letters)
    return time.perf_counter() - start


def purchase_floor(envelopes: Envelopes, n: int) -> float:
    """Seconds that one purchase costs at least, as the mean of `n` (prepared untimed)."""
    return play(envelopes, prepare(envelopes, n)) / n


def steps(envelopes: Envelopes, n: int = 200) -> dict[str, float]:
    """Microseconds of each step by itself: the median over `n` buyers."""
    purchases = prepare(envelopes, n)
    pair = secp.Keypair.fresh()
    point = secp.parse_point(secp.Keypair.fresh().pubkey)
    known = nip44.converse(pair.secret, point)
    payload = nip44.encrypt(known, TICKET)

    def median(step: Callable[[Purchase], object]) -> float:
        times = []
        for purchase in purchases:
            start = time.perf_counter()
            step(purchase)
            times.append(time.perf_counter() - start)
        return statistics.median(times) * 1e6

    return {
        "verify a request": median(lambda p: verify(p.request)),
        "open a stranger's request": median(lambda p: envelopes.open([p.request])),
        "open an acquaintance's request": median(lambda p: envelopes.open([p.request])),
        "seal one NIP-17 letter": median(lambda p: envelopes.seal(p.letters[:1])),
        "seal one 24133": median(lambda p: envelopes.seal(p.letters[3:])),
        "a fresh keypair": median(lambda p: secp.Keypair.fresh()),
        "sign": median(lambda p: pair.sign(bytes(32), check=False)),
        "sign, self-verified": median(lambda p: pair.sign(bytes(32))),
        "ECDH": median(lambda p: secp.shared_x(pair.secret, point)),
        "NIP-44 encrypt 500 bytes": median(lambda p: nip44.encrypt(known, TICKET)),
        "NIP-44 decrypt 500 bytes": median(lambda p: nip44.decrypt(known, payload)),
    }


def main() -> None:
    n = int(sys.argv[1]) if len(sys.argv) > 1 else 500
    envelopes = Envelopes(Keys(secp.Keypair.fresh().secret))
    purchase_floor(envelopes, 50)
    floors = sorted(purchase_floor(envelopes, n) for _ in range(5))
    print(f"{'one purchase, median of five slices':38} {floors[2] * 1e6:9.1f} µs")
    print(f"{'fastest and slowest slice':38} {floors[0] * 1e6:9.1f} µs {floors[4] * 1e6:9.1f} µs")
    print(f"{'purchases per second':38} {1 / floors[2]:9.0f}")
    for name, microseconds in steps(envelopes).items():
        print(f"{name:38} {microseconds:9.1f} µs")


if __name__ == "__main__":
    main()
