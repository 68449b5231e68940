"""Amounts: whole sats in prices, msat in the bot."""

from __future__ import annotations

import re
from decimal import Decimal

from ticketbot.domain.naming import FieldProblem, quote

SAT = 1000
HIGHEST_PRICE = 100 * 100_000_000 * SAT  # 100 BTC a seat: any order of it fits 64 bits

_MSAT_OF: dict[str, Decimal] = {
    **dict.fromkeys(("", "sat", "sats", "satoshi", "satoshis"), Decimal(SAT)),
    **dict.fromkeys(("msat", "msats", "millisat", "millisats"), Decimal(1)),
    **dict.fromkeys(("btc", "xbt", "bitcoin", "₿"), Decimal(100_000_000 * SAT)),
}
_SIGNS = {"$": "USD", "€": "EUR", "£": "GBP", "¥": "JPY", "R$": "BRL"}

_NUMBER = re.compile(r"[0-9]+(?:\.[0-9]+)?|\.[0-9]+")
_NEGATIVE = re.compile(r"[-−–] ?[0-9.,]+")
_SEPARATED = re.compile(r"[0-9]+(?:[.,'’_\s]+[0-9]+)+[.,]?")
_WITH_UNIT = re.compile(r"(?P<number>[-−–]?[0-9][0-9.,'’_ ]*?) *(?P<unit>[^\W\d_]+|[$€£¥₿])")
_LONGEST_TEXT = 100
_LONGEST_NUMBER = 24  # within the 28 digits that Decimal keeps exactly


class PriceProblem(FieldProblem):
    """A price that is not an exact number of whole sats."""


def read_price(number: str, currency: str) -> int:
    """A price in msat, from the two values of NIP-99's `["price","<number>","<currency>"]`.

    Bare numbers, sat(s), msat(s) and btc are read; `free` and 0 are free. PriceProblem says
    what is wrong: separators, a sign, a unit inside the number, a fraction of a sat, fiat.
    """
    number, currency = number.strip()[:_LONGEST_TEXT], currency.strip()[:_LONGEST_TEXT]
    if number.lower() == "free":
        return 0
    text = quote(number)
    if not _NUMBER.fullmatch(number):
        raise _not_a_number(number, text)
    factor = _MSAT_OF.get(currency.lower())
    if factor is None:
        raise _unknown_currency(currency)
    if len(number) > _LONGEST_NUMBER:
        raise PriceProblem("price-whole" if "." in number else "price-high", text=text)
    msat = Decimal(number) * factor
    if msat > HIGHEST_PRICE:
        raise PriceProblem("price-high", text=text)
    if msat % SAT or ("." in number and factor <= SAT):
        raise PriceProblem("price-whole", text=f"{text} {quote(currency)}".strip())
    return int(msat)


def format_sats(msat: int) -> str:
    """`42,000 sats`, `1 sat`, `free`; a rest below one sat is shown as decimals."""
    if msat == 0:
        return "free"
    whole, rest = divmod(abs(msat), SAT)
    fraction = f".{rest:03}".rstrip("0") if rest else ""
    unit = "sat" if (whole, rest) == (1, 0) else "sats"
    return f"{'-' if msat < 0 else ''}{whole:,}{fraction} {unit}"


class Sum(int):
    """An amount in msat that a sentence names; none is `0 sats`, and not free of charge.

    Languages write it in their own way: replies/local.py.
    """


def _not_a_number(number: str, text: str) -> PriceProblem:
    if _NEGATIVE.fullmatch(number):
        return PriceProblem("price-negative", text=text)
    if _SEPARATED.fullmatch(number):
        return PriceProblem("price-comma", text=text)
    if split := _WITH_UNIT.fullmatch(number):
        if split["unit"].lower() not in _MSAT_OF:
            return _unknown_currency(split["unit"])
        return PriceProblem(
            "price-unit-inside", text=text, number=split["number"], unit=split["unit"].upper()
        )
    if number[:1] in _SIGNS:
        return _unknown_currency(number[0])
    return PriceProblem("price-number", text=text)


def _unknown_currency(currency: str) -> PriceProblem:
    name = _SIGNS.get(currency, currency.upper())
    if re.fullmatch(r"[A-Z]{3}", name):
        return PriceProblem("price-fiat", currency=name)
    return PriceProblem("price-currency", currency=quote(currency))
