"""Where money is sent by name: Lightning addresses (LUD-16), LNURLs (LUD-01), their answers.

What a payee's server says is a stranger's word: nothing of it is believed that the invoice
itself does not say (LUD-06), and nothing of it is repeated but its reason for an error.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from hashlib import sha256
from typing import Any, NamedTuple

import orjson

from ticketbot.domain.bolt11 import read_bolt11
from ticketbot.domain.money import Sum
from ticketbot.domain.naming import quote, show
from ticketbot.domain.nip19 import decode
from ticketbot.errors import Malformed, NoInvoice

_ADDRESS = re.compile(r"([a-z0-9._+-]{1,64})@([a-z0-9.-]{1,253}(?::[0-9]{1,5})?)")
_LONGEST_REASON = 80
_AN_LNURL = "That LNURL"


class Offer(NamedTuple):
    """What a payee takes. `metadata` is its own description, which the invoice commits to."""

    callback: str
    least_msat: int
    most_msat: int
    metadata: str


def read_payee(text: str) -> str:
    """A Lightning address or `lnurl1…` in its one spelling; Malformed when it is neither."""
    word = text.strip()
    word = word[10:] if word[:10].lower() == "lightning:" else word
    if word[:6].lower() == "lnurl1":
        _hidden_url(word)
        return word.lower()
    return read_address(word)


def read_address(text: str) -> str:
    """A Lightning address (LUD-16) in small letters; Malformed when it is none."""
    name, at, host = text.strip().lower().rpartition("@")
    try:
        host = host if host.isascii() else host.encode("idna").decode()
    except UnicodeError:
        raise Malformed("not a Lightning address") from None
    address = name + at + host
    if not _ADDRESS.fullmatch(address):
        raise Malformed("not a Lightning address")
    return address


def url_of(payee: str, is_secure: Callable[[str], bool]) -> str:
    """Where a payee's offer is to be read. `is_secure`: whether a host is asked over https."""
    if payee.startswith("lnurl1"):
        return _hidden_url(payee)
    name, _, host = payee.rpartition("@")
    return f"{'https' if is_secure(host) else 'http'}://{host}/.well-known/lnurlp/{name}"


def no_payee(payee: str) -> NoInvoice:
    """There is nobody at this address whom money could be sent to."""
    return NoInvoice("payee-unknown", payee=_named(payee))


def turned_away(body: bytes, payee: str) -> NoInvoice:
    """What to say of an answer that is not a good one (HTTP 4xx)."""
    try:
        _said(body, payee)
    except NoInvoice as refusal:
        return refusal
    return no_payee(payee)


def read_offer(body: bytes, payee: str, amount_msat: int) -> Offer:
    """An offer that takes this amount (LUD-06, step 3); raises NoInvoice."""
    said = _said(body, payee)
    callback, metadata = said.get("callback"), said.get("metadata")
    least, most = said.get("minSendable"), said.get("maxSendable")
    if said.get("tag") != "payRequest" or not isinstance(callback, str) or not callback:
        raise no_payee(payee)
    if not isinstance(metadata, str) or not _describes(metadata):
        raise no_payee(payee)
    # bool is an int, too.
    if type(least) is not int or type(most) is not int or not 0 < least <= most:
        raise no_payee(payee)
    if not least <= amount_msat <= most:
        raise NoInvoice(
            "payee-range",
            payee=_named(payee),
            least=Sum(-(-least // 1_000) * 1_000),
            most=Sum(most // 1_000 * 1_000),
            amount=Sum(amount_msat),
        )
    return Offer(callback, least, most, metadata)


def read_invoice(
    body: bytes, payee: str, offer: Offer, amount_msat: int, *, network: str | None, now: int
) -> str:
    """The bolt11, exactly as it was asked for (LUD-06, steps 6 and 7); raises NoInvoice."""
    text = _said(body, payee).get("pr")
    wrong = NoInvoice("payee-wrong", payee=_named(payee))
    if not isinstance(text, str):
        raise wrong
    try:
        bolt11 = read_bolt11(text.strip())
    except Malformed:
        raise wrong from None
    good = (
        network in (None, bolt11.network)
        and bolt11.amount_msat == amount_msat
        and bolt11.description_hash == sha256(offer.metadata.encode()).hexdigest()
        and bolt11.expires_at > now
    )
    if not good:
        raise wrong
    return text.strip().lower()


def _said(body: bytes, payee: str) -> Mapping[str, Any]:
    """The object in an answer; NoInvoice with the payee's reason when that is all it says."""
    try:
        said = orjson.loads(body)
    except orjson.JSONDecodeError:
        raise no_payee(payee) from None
    if not isinstance(said, dict):
        raise no_payee(payee)
    status, reason = said.get("status"), said.get("reason")
    if not isinstance(status, str) or status.upper() != "ERROR":
        return said
    text = show(reason, _LONGEST_REASON).rstrip(".") if isinstance(reason, str) else ""
    if not text:
        raise no_payee(payee)
    raise NoInvoice("payee-refused", payee=_named(payee), text=text)


def _describes(metadata: str) -> bool:
    """Whether it is what LUD-06 wants: a JSON array of pairs with one `text/plain` among them."""
    try:
        pairs = orjson.loads(metadata)
    except orjson.JSONDecodeError:
        return False
    return isinstance(pairs, list) and any(
        isinstance(pair, list) and len(pair) == 2 and pair[0] == "text/plain" for pair in pairs
    )


def _hidden_url(lnurl: str) -> str:
    try:
        return decode("lnurl", lnurl).decode("ascii")
    except UnicodeDecodeError:
        raise Malformed("this lnurl is damaged: it hides no address") from None


def _named(payee: str) -> str:
    """A payee as a sentence may name it; a client would act on a whole LNURL."""
    return _AN_LNURL if payee.startswith("lnurl1") else quote(payee)
