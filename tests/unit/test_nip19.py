"""NIP-19: its own examples, nostr-sdk as a second opinion, and whatever people paste."""

from __future__ import annotations

from collections.abc import Callable

import nostr_sdk
import pytest
from bech32 import bech32_encode, convertbits
from hypothesis import given, settings
from hypothesis import strategies as st

from ticketbot.domain import nip19
from ticketbot.domain.nip19 import (
    Address,
    Profile,
    naddr_decode,
    naddr_encode,
    nevent_decode,
    note_decode,
    note_encode,
    nprofile_decode,
    npub_decode,
    npub_encode,
    nsec_decode,
    nsec_encode,
    read_event_id,
    read_pubkey,
)
from ticketbot.errors import Malformed

PUBKEY = "7e7e9c42a91bfef19fa929e5fda1b72e0ebc1a4c1141673e2794234d86addf4e"
NPUB = "npub10elfcs4fr0l0r8af98jlmgdh9c8tcxjvz9qkw038js35mp4dma8qzvjptg"
SECRET = "67dea2ed018072d675f5415ecfaed7d2597555e202d85b3d65ea4e58d2d92ffa"
NSEC = "nsec1vl029mgpspedva04g90vltkh6fvh240zqtv9k0t9af8935ke9laqsnlfe5"
FIATJAF = "3bf0c63fcb93463407af97a5e5ee64fa883d107ef9e558472c4eb9aaaefa459d"
NPROFILE = (
    "nprofile1qqsrhuxx8l9ex335q7he0f09aej04zpazpl0ne2cgukyawd24mayt8gpp4mhxue69uhhytnc9e3k7mgpz4"
    "mhxue69uhkg6nzv9ejuumpv34kytnrdaksjlyr9p"
)
HEX32 = st.binary(min_size=32, max_size=32).map(bytes.hex)


def test_the_examples_of_nip_19() -> None:
    assert npub_decode(NPUB) == PUBKEY
    assert npub_encode(PUBKEY) == NPUB
    assert nsec_decode(NSEC) == SECRET
    assert nsec_encode(SECRET) == NSEC
    assert nprofile_decode(NPROFILE) == Profile(FIATJAF, ("wss://r.x.com", "wss://djbas.sadkb.com"))


def test_nostr_sdk_agrees() -> None:
    key = nostr_sdk.PublicKey.parse(PUBKEY)
    relay = nostr_sdk.RelayUrl.parse("wss://relay.example")
    note = nostr_sdk.EventId.parse(SECRET)
    kind = nostr_sdk.Kind(31923)
    assert npub_encode(PUBKEY) == key.to_bech32()
    assert note_encode(SECRET) == note.to_bech32()
    assert note_decode(note.to_bech32()) == SECRET
    profile = nostr_sdk.Nip19Profile(key, [relay]).to_bech32()
    assert nprofile_decode(profile).pubkey == PUBKEY
    event = nostr_sdk.Nip19Event(note, key, kind, [relay]).to_bech32()
    read = nevent_decode(event)
    assert (read.id, read.author, read.kind) == (SECRET, PUBKEY, 31923)
    theirs = nostr_sdk.Nip19Coordinate(nostr_sdk.Coordinate(kind, key, "fête"), [relay])
    assert naddr_decode(theirs.to_bech32())[:3] == (31923, PUBKEY, "fête")
    ours = nostr_sdk.Nip19Coordinate.from_bech32(naddr_encode(31923, PUBKEY, "fête", ["wss://a.b"]))
    assert ours.coordinate().identifier() == "fête"
    assert ours.coordinate().public_key().to_hex() == PUBKEY


def test_a_public_key_in_any_form() -> None:
    for text in (NPUB, f"nostr:{NPUB}", f" NOSTR:{NPUB} ", NPUB.upper(), PUBKEY, PUBKEY.upper()):
        assert read_pubkey(text) == PUBKEY
    assert read_pubkey(f"nostr:{NPROFILE}") == FIATJAF


def test_an_event_in_any_form() -> None:
    naddr = naddr_encode(31923, PUBKEY, "Meet-Up", ["wss://relay.example"])
    assert len(naddr) > 90
    assert read_event_id(f"nostr:{naddr}") == f"31923:{PUBKEY}:Meet-Up"
    assert read_event_id(naddr.upper()) == f"31923:{PUBKEY}:Meet-Up"
    assert read_event_id(note_encode(SECRET)) == SECRET


def test_a_secret_key_is_never_repeated() -> None:
    for wrong in (NSEC, NSEC[:-1] + "q", NSEC + "x"):
        for read in (read_pubkey, read_event_id, nsec_decode, npub_decode):
            if read is nsec_decode and wrong == NSEC:
                continue
            with pytest.raises(Malformed) as caught:
                read(wrong)
            assert NSEC[5:30] not in str(caught.value)
    with pytest.raises(Malformed, match="secret key"):
        read_pubkey(NSEC)


def entity(prefix: str, data: bytes) -> str:
    bits = convertbits(data, 8, 5)
    assert bits is not None
    return bech32_encode(prefix, bits)


@pytest.mark.parametrize(
    ("read", "text", "words"),
    [
        (npub_decode, NPUB[:-1] + "q", "typing error"),
        (npub_decode, NPUB[:-1], "typing error"),
        (npub_decode, NPUB[:30] + NPUB[30:].upper(), "capital"),
        (npub_decode, NSEC, "expected npub1"),
        (npub_decode, "npub1", "too few"),
        (npub_decode, "npub1bio", "letters"),
        (npub_decode, "", "expected npub1"),
        (npub_decode, "npub1" + "q" * 6_000, "too long"),
        (npub_decode, entity("npub", b"a" * 31), "32 bytes"),
        (read_pubkey, PUBKEY[:-1], "64 hex digits"),
        (read_pubkey, "lisbon", "npub1"),
        (read_event_id, NPUB, "expected naddr1"),
        (nprofile_decode, entity("nprofile", b"\x01\x01a"), "32 bytes"),
        (nprofile_decode, entity("nprofile", b"\x00\x20abc"), "cut short"),
        (nprofile_decode, entity("nprofile", b"\x00"), "cut short"),
        (nevent_decode, entity("nevent", b"\x00\x20" + b"a" * 32 + b"\x03\x01a"), "4 bytes"),
        (naddr_decode, entity("naddr", b"\x00\x01d"), "incomplete"),
        (naddr_decode, entity("naddr", b"\x00\x01d\x03\x04" + b"\0" * 4), "32 bytes"),
        (
            naddr_decode,
            entity("naddr", b"\x00\x01\xff\x02\x20" + b"a" * 32 + b"\x03\x04" + b"\0" * 4),
            "no text",
        ),
    ],
)
def test_what_is_damaged_is_malformed(read: Callable[[str], object], text: str, words: str) -> None:
    with pytest.raises(Malformed, match=words):
        read(text)


def test_unknown_rows_are_passed_over() -> None:
    data = b"\x09\x02zz\x00\x20" + b"a" * 32 + b"\x01\x02\xff\xfe"
    assert nprofile_decode(entity("nprofile", data)) == Profile("61" * 32, ())


def test_an_identifier_that_no_naddr_can_hold() -> None:
    with pytest.raises(ValueError, match="bytes"):
        naddr_encode(31923, PUBKEY, "d" * 256)


@settings(deadline=None)
@given(HEX32)
def test_keys_come_back(key: str) -> None:
    assert npub_decode(npub_encode(key)) == key
    assert note_decode(note_encode(key)) == key
    assert nsec_decode(nsec_encode(key)) == key


@settings(deadline=None)
@given(
    st.integers(0, 2**32 - 1),
    HEX32,
    st.text(max_size=60),
    st.lists(st.from_regex(r"wss://[a-z]{1,60}", fullmatch=True), max_size=3),
)
def test_addresses_come_back(kind: int, key: str, d: str, relays: list[str]) -> None:
    assert naddr_decode(naddr_encode(kind, key, d, relays)) == Address(kind, key, d, tuple(relays))


@settings(deadline=None)
@given(
    st.text(max_size=80)
    | st.builds(
        entity,
        st.sampled_from(["npub", "nsec", "note", "nprofile", "nevent", "naddr"]),
        st.binary(max_size=120),
    )
)
def test_nothing_raises_anything_else(text: str) -> None:
    for name in ("npub", "nsec", "note", "nprofile", "nevent", "naddr"):
        try:
            getattr(nip19, f"{name}_decode")(text)
        except Malformed:
            continue
    for read in (read_pubkey, read_event_id):
        try:
            read(text)
        except Malformed:
            continue
