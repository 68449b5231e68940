"""Proof of work: the example of NIP-13, and what does not count."""

from __future__ import annotations

import pytest

from ticketbot.domain.nostr import Event, Tags
from ticketbot.domain.work import leading_zeros, mine, proven
from ticketbot.keys import Keys, verify

# The example of NIP-13 itself.
MINED = Event(
    id="000006d8c378af1779d2feebc7603a125d99eca0ccf1085959b307f64e5dd358",
    pubkey="a48380f4cfcc1ad5378294fcac36439770f9c878dd880ffa94bb74ea54a6f243",
    created_at=1651794653,
    kind=1,
    tags=[["nonce", "776797", "20"]],
    content="It's just me mining my own business",
    sig="284622fc0a3f4f1303455d5175f7ba962a3300d136085b9566801bc2e0699de0"
    "c7e31e44c81fb40ad9049173742e904713c3594a1da0fc5d2382a25c11aba977",
)
KEYS = Keys(b"\3" * 32)


def test_the_example_of_the_nip() -> None:
    assert verify(MINED)
    assert leading_zeros(MINED.id) == 21
    assert proven(MINED) == 20


@pytest.mark.parametrize(
    ("digits", "zeros"),
    [
        ("f" * 64, 0),
        ("7" + "f" * 63, 1),
        ("00" + "f" * 62, 8),
        ("002f" + "0" * 60, 10),
        ("0" * 63 + "1", 255),
        ("0" * 64, 256),
    ],
)
def test_zeros_are_counted_in_bits(digits: str, zeros: int) -> None:
    assert leading_zeros(digits) == zeros


@pytest.mark.parametrize(
    ("tags", "bits"),
    [
        ([["nonce", "776797", "20"]], 20),
        ([["p", "ab"], ["nonce", "776797", "21"]], 21),
        ([["nonce", "776797", "8"]], 8),  # no more than was aimed at
        ([["nonce", "776797", "22"]], 0),  # not what was aimed at
        ([["nonce", "776797", "999"]], 0),
        ([["nonce", "776797"]], 0),  # luck is not work
        ([["nonce", "776797", "-20"]], 0),
        ([["nonce", "776797", "٢٠"]], 0),
        ([["nonce", "776797", "2e1"]], 0),
        ([["nonce", "776797", "9" * 5000]], 0),
        ([["nonce", "1", "20"], ["nonce", "2", "1"]], 0),
        ([["nonce"]], 0),
        ([[]], 0),
        ([], 0),
    ],
    ids=repr,
)
def test_only_the_committed_target_counts(tags: Tags, bits: int) -> None:
    assert proven(MINED._replace(tags=tags)) == bits


def test_what_is_mined_is_proven() -> None:
    body = (1_900_000_000, 4)
    tags = mine(KEYS.pubkey, *body, [["p", "ab" * 32]], "text", 9)
    event = KEYS.sign_event(*body, tags, "text")
    assert verify(event)
    assert proven(event) == 9
    assert event.tag("p") == "ab" * 32
