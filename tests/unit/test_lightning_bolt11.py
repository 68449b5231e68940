"""bolt11: our reading and writing against PyPI's `bolt11` and the examples of BOLT-11."""

from __future__ import annotations

import random

import bolt11
import pytest
from bech32 import bech32_decode, bech32_encode
from coincurve import PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from ticketbot.domain.bolt11 import Bolt11, read_bolt11, write_bolt11
from ticketbot.errors import Malformed

# From BOLT-11: "Please make a donation of any amount" and "$3 for a cup of coffee".
DONATION = (
    "lnbc1pvjluezsp5zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zygspp5qqqsyqcyq5rqwzqfqqqsyqcyq5"
    "rqwzqfqqqsyqcyq5rqwzqfqypqdpl2pkx2ctnv5sxxmmwwd5kgetjypeh2ursdae8g6twvus8g6rfwvs8qun0dfjkxaq9qrsg"
    "q357wnc5r2ueh7ck6q93dj32dlqnls087fxdwk8qakdyafkq3yap9us6v52vjjsrvywa6rt52cm9r9zqt8r2t7mlcwspyetp5"
    "h2tztugp9lfyql"
)
COFFEE = (
    "lnbc2500u1pvjluezsp5zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zygspp5qqqsyqcyq5rqwzqfqqqsyqc"
    "yq5rqwzqfqqqsyqcyq5rqwzqfqypqdq5xysxxatsyp3k7enxv4jsxqzpu9qrsgquk0rl77nj30yxdy8j9vdx85fkpmdla2087"
    "ne0xh8nhedh8w27kyke0lp53ut353s06fv3qfegext0eh0ymjpf39tuven09sam30g4vgpfna3rh"
)
HASH = "0001020304050607080900010203040506070809000102030405060708090102"
NODE = PrivateKey(b"\x11" * 32)
hashes = st.binary(min_size=32, max_size=32)


def write(amount_msat: int | None = 21_000, memo: str | bytes = "ticket", **values: object) -> str:
    wanted: dict[str, object] = {
        "network": "bcrt",
        "payment_hash": bytes.fromhex(HASH),
        "payment_secret": b"\x22" * 32,
        "amount_msat": amount_msat,
        "memo": memo,
        "created_at": 1_800_000_000,
        "expiry_seconds": 660,
        "sign": NODE.sign_recoverable,
    }
    return write_bolt11(**(wanted | values))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "amount_msat", "lifetime"), [(DONATION, None, 3_600), (COFFEE, 250_000_000, 60)]
)
@pytest.mark.parametrize("spell", [str, str.upper])
def test_the_examples_of_bolt11(
    text: str, amount_msat: int | None, lifetime: int, spell: type[str]
) -> None:
    created_at = 1_496_314_658
    assert read_bolt11(spell(text)) == Bolt11(
        "bc", HASH, amount_msat, created_at, created_at + lifetime
    )


@given(
    network=st.sampled_from(["bc", "bcrt", "tb", "tbs"]),
    payment_hash=hashes,
    payment_secret=hashes,
    amount_msat=st.integers(1, 21_000_000 * 10**11),
    memo=st.text(min_size=1, max_size=150),
    created_at=st.integers(1_500_000_000, 2**33),
    expiry_seconds=st.integers(1, 2**39),
)
def test_what_is_written_reads_the_same_here_and_elsewhere(
    network: str,
    payment_hash: bytes,
    payment_secret: bytes,
    amount_msat: int,
    memo: str,
    created_at: int,
    expiry_seconds: int,
) -> None:
    text = write(
        amount_msat,
        memo,
        network=network,
        payment_hash=payment_hash,
        payment_secret=payment_secret,
        created_at=created_at,
        expiry_seconds=expiry_seconds,
    )

    theirs = bolt11.decode(text)
    assert read_bolt11(text) == Bolt11(
        network, payment_hash.hex(), amount_msat, created_at, created_at + expiry_seconds
    )
    assert (theirs.currency, theirs.payment_hash, theirs.amount_msat, theirs.date) == (
        network,
        payment_hash.hex(),
        amount_msat,
        created_at,
    )
    assert (theirs.payment_secret, theirs.description, theirs.expiry) == (
        payment_secret.hex(),
        memo,
        expiry_seconds,
    )
    assert theirs.signature is not None
    assert theirs.signature.recover_public_key() == NODE.public_key.format().hex()


@given(description_hash=hashes)
def test_a_hash_in_place_of_the_description(description_hash: bytes) -> None:
    text = write(None, description_hash)

    theirs = bolt11.decode(text)
    assert read_bolt11(text).description_hash == description_hash.hex() == theirs.description_hash
    assert read_bolt11(text).amount_msat is None
    assert read_bolt11(write(1_000)).description_hash is None


@pytest.mark.parametrize(
    ("amount_msat", "prefix"),
    [
        (1_000, "lnbcrt10n1"),
        (1, "lnbcrt10p1"),
        (100_000, "lnbcrt1u1"),
        (250_000_000, "lnbcrt2500u1"),
        (2_000_000_000, "lnbcrt20m1"),
        (100_000_000_000, "lnbcrt11"),
    ],
)
def test_amounts_are_written_short(amount_msat: int, prefix: str) -> None:
    assert write(amount_msat).startswith(prefix)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "lnbc",
        "lnbc1",
        "not an invoice",
        "LNBC" + COFFEE[4:],
        COFFEE[:-1],
        COFFEE[:-1] + "q",
        COFFEE + "q",
        "ln" + COFFEE,
        COFFEE.replace("lnbc", "lnxx"),
        COFFEE.replace("2500u", "02500u"),
        COFFEE.replace("2500u", "2501u"),
        COFFEE.replace("2500u", "2500x"),
        COFFEE.replace("z", "b", 1),
        COFFEE + "é",
        "lnbc1" + "q" * 8_000,
        "lnurl1dp68gurn8ghj7um9wfmxjcm99e3k7mf0v9cxj0m385ekvcenxc6r2c35xvukxefcv5mkvv34x5ekzd3ev56nyd3h",
    ],
    ids=range(17),
)
def test_rubbish_is_malformed(text: str) -> None:
    with pytest.raises(Malformed):
        read_bolt11(text)


def test_every_slip_of_the_finger_is_noticed() -> None:
    rng = random.Random(11)
    text = write()
    for at in range(len(text)):
        other = rng.choice("023456789acdefghjklmnpqrstuvwxyz")
        if other != text[at]:
            with pytest.raises(Malformed):
                read_bolt11(text[:at] + other + text[at + 1 :])


@given(st.text(alphabet="lnbcrt1qpzry9x8gf2tvdw0s3jn54khce6mua7l", max_size=300))
def test_nothing_but_malformed_ever_comes_out(text: str) -> None:
    with pytest.raises(Malformed):
        read_bolt11("lnbc" + text)


def test_fields_are_read_once_and_by_length() -> None:
    """BOLT-11: a `p` field of another length is skipped; of two the first counts."""
    assert read_bolt11(write(expiry_seconds=0)).expires_at == 1_800_000_000
    with pytest.raises(Malformed, match="payment hash"):
        read_bolt11(write(payment_hash=b"\x01" * 31))
    with pytest.raises(Malformed, match="outlive"):
        read_bolt11(write(expiry_seconds=2**40))


def test_of_two_fields_the_first_counts() -> None:
    def field(letter: str, values: list[int]) -> list[int]:
        tag = "qpzry9x8gf2tvdw0s3jn54khce6mua7l".index(letter)
        return [tag, len(values) // 32, len(values) % 32, *values]

    fields = field("p", [1] * 52) + field("p", [2] * 52) + field("x", [10]) + field("x", [20])
    values = [0, 0, 0, 0, 0, 0, 5, *fields, *([0] * 104)]

    read = read_bolt11(bech32_encode("lnbc", values))

    assert read.payment_hash.startswith("08421084210")
    assert (read.created_at, read.expires_at) == (5, 15)


@pytest.mark.parametrize("length", [1, 2, 3, 54])
def test_a_field_that_is_cut_off_is_malformed(length: int) -> None:
    field = [1, 1, 20, *([1] * 52)][:length]
    values = [0] * 7 + field + [0] * 104

    with pytest.raises(Malformed, match="cut off"):
        read_bolt11(bech32_encode("lnbc", values))


@pytest.mark.parametrize(
    ("prefix", "why"),
    [("lnbcrt15p", "below one millisatoshi"), ("lnbcrt21000001", "more than there is")],
)
def test_amounts_that_cannot_be_are_malformed(prefix: str, why: str) -> None:
    _, values = bech32_decode(write())
    with pytest.raises(Malformed, match=why):
        read_bolt11(bech32_encode(prefix, values))
