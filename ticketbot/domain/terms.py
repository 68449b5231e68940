"""What an organizer lets holders do with their tickets: hand them on, give them back.

["transfer", "never"]           they stay with who bought them
["refund_until", "48h"]         given back until two days before the start; also unix seconds
["refund_fee", "10%"]           less a tenth of the price; or so many sats of each ticket
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from ticketbot.domain.money import SAT, read_price
from ticketbot.domain.naming import FieldProblem, quote
from ticketbot.domain.sheet import Sheet
from ticketbot.domain.when import DAY, HOUR, read_stamp

_BEFORE = re.compile(r"([0-9]{1,4}) *(h|hours?|d|days?)", re.IGNORECASE)
_PERCENT = re.compile(r"([0-9]{1,3}) *%")


@dataclass(frozen=True, slots=True)
class Terms:
    """`refund_until` in unix seconds, at most the event's start; None: nothing is given back.

    Of each ticket's price the organizer keeps `fee_percent`, or `fee_msat`.
    """

    transferable: bool = True
    refund_until: int | None = None
    fee_percent: int = 0
    fee_msat: int = 0

    def fee(self, price_msat: int) -> int:
        """What is kept of a price: whole sats, rounded down, never more than the price."""
        share = price_msat * self.fee_percent // 100 // SAT * SAT
        return min(price_msat, share + self.fee_msat)


def read_terms(sheet: Sheet, start: int | None) -> Terms:
    """The terms in a note's tags; what is wrong with them is noted in the sheet."""
    until = sheet.maybe("refund_until", lambda text: _until(text, start or 0))
    percent, msat = sheet.read("refund_fee", (0, 0), lambda: _fee(sheet))
    if (percent or msat) and until is None:
        sheet.blame("refund_fee", FieldProblem("refund-fee-alone"))
    return Terms(_transferable(sheet), until, percent, msat)


def _transferable(sheet: Sheet) -> bool:
    wish = sheet.read("transfer", None, lambda: sheet.one("transfer"))
    if wish is None or wish.lower() == "always":
        return True
    if wish.lower() != "never":
        sheet.blame("transfer", FieldProblem("transfer-value", text=quote(wish)))
    return False


def _until(text: str, start: int) -> int:
    if found := _BEFORE.fullmatch(text):
        unit = HOUR if found[2].lower().startswith("h") else DAY
        return max(1, start - int(found[1]) * unit)
    return min(read_stamp(text), start)


def _fee(sheet: Sheet) -> tuple[int, int]:
    rows = {(number.strip(), unit.strip()) for number, unit in sheet.padded("refund_fee", 2)}
    if len(rows) > 1:
        raise FieldProblem("given-twice")
    if not rows:
        return 0, 0
    number, unit = rows.pop()
    if found := _PERCENT.fullmatch(number + unit):
        if int(found[1]) > 100:
            raise FieldProblem("refund-fee-high")
        return int(found[1]), 0
    return 0, read_price(number, unit)
