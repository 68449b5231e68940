"""The lean layer over libsecp256k1, held to coincurve's own classes and to the kernel."""

from __future__ import annotations

import errno
import hashlib
import subprocess
import sys
from typing import Any

import coincurve
import pytest
from coincurve._libsecp256k1 import lib  # type: ignore[import-not-found]

from ticketbot import secp
from ticketbot.errors import Broken, Malformed

ALICE, BOB = secp.Keypair(b"\x01" * 32), secp.Keypair(b"\x02" * 32)
MESSAGE = hashlib.sha256(b"a ticket").digest()
ORDER = bytes.fromhex("fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141")

UNDER_MDWE = """
import ctypes, mmap
PR_SET_MDWE, REFUSE_EXEC_GAIN = 65, 1
libc = ctypes.CDLL(None, use_errno=True)
refused = libc.prctl(PR_SET_MDWE, REFUSE_EXEC_GAIN, 0, 0, 0)
reason = ctypes.get_errno()
if not refused:
    try:
        mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
    except PermissionError:
        pass
    else:
        raise SystemExit("the kernel still gives memory to write and execute")
from ticketbot import secp
point = secp.parse_point(secp.Keypair(bytes([2]) * 32).pubkey)
print(refused, reason, secp.shared_x(bytes([1]) * 32, point).hex())
"""


class Spoiled:
    """libsecp256k1 on a machine that flips a bit in every signature, and keeps count."""

    def __init__(self, lib: Any) -> None:
        self._lib = lib
        self.verified = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._lib, name)

    def secp256k1_schnorrsig_sign32(self, context: Any, signature: Any, *rest: Any) -> int:
        done: int = self._lib.secp256k1_schnorrsig_sign32(context, signature, *rest)
        signature[40] ^= 4
        return done

    def secp256k1_schnorrsig_verify(self, *args: Any) -> int:
        self.verified += 1
        good: int = self._lib.secp256k1_schnorrsig_verify(*args)
        return good


def test_signatures_agree_with_coincurve() -> None:
    theirs = coincurve.PrivateKey(ALICE.secret)
    assert ALICE.pubkey == theirs.public_key_xonly.format()
    assert theirs.public_key_xonly.verify(ALICE.sign(MESSAGE), MESSAGE)
    assert secp.verify(ALICE.pubkey, MESSAGE, theirs.sign_schnorr(MESSAGE))
    assert ALICE.sign(MESSAGE) != ALICE.sign(MESSAGE)  # fresh randomness in every one


def test_verify_refuses_what_was_not_signed() -> None:
    signature = ALICE.sign(MESSAGE)
    assert not secp.verify(BOB.pubkey, MESSAGE, signature)
    assert not secp.verify(ALICE.pubkey, bytes(32), signature)
    assert not secp.verify(ALICE.pubkey, MESSAGE, signature[:-1])
    assert not secp.verify(ALICE.pubkey, MESSAGE, signature + b"!")
    assert not secp.verify(ALICE.pubkey[:-1], MESSAGE, signature)
    assert not secp.verify(ALICE.pubkey + b"!", MESSAGE, signature)
    assert not secp.verify(b"\xff" * 32, MESSAGE, signature)


def test_the_shared_x_is_that_of_the_product() -> None:
    ours = secp.shared_x(ALICE.secret, secp.parse_point(BOB.pubkey))
    product = coincurve.PublicKey(b"\x02" + BOB.pubkey).multiply(ALICE.secret)
    assert ours == product.format()[1:]
    assert ours == secp.shared_x(BOB.secret, secp.parse_point(ALICE.pubkey))


@pytest.mark.parametrize("secret", [b"", bytes(32), ORDER, b"\xff" * 32, b"\x01" * 31, b"1" * 33])
def test_a_number_outside_the_curve_is_no_secret(secret: bytes) -> None:
    with pytest.raises(Malformed, match="secret key"):
        secp.Keypair(secret)
    with pytest.raises(Malformed, match="secret key"):
        secp.shared_x(secret, secp.parse_point(BOB.pubkey))


@pytest.mark.parametrize("pubkey", [b"", bytes(32), b"\xff" * 32, BOB.pubkey[:31], b"\x02" * 33])
def test_a_number_outside_the_curve_is_no_point(pubkey: bytes) -> None:
    with pytest.raises(Malformed, match="public key"):
        secp.parse_point(pubkey)


def test_only_digests_are_signed() -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        ALICE.sign(b"a ticket")


def test_a_spoiled_signature_is_not_given_out(monkeypatch: pytest.MonkeyPatch) -> None:
    spoiled = Spoiled(lib)
    monkeypatch.setattr(secp, "lib", spoiled)
    with pytest.raises(Broken, match="computes wrongly"):
        ALICE.sign(MESSAGE)
    assert spoiled.verified == 1
    ALICE.sign(MESSAGE, check=False)
    assert spoiled.verified == 1


def test_no_repr_shows_a_secret() -> None:
    assert ALICE.secret.hex() not in repr(ALICE)
    assert ALICE.pubkey.hex() in repr(ALICE)


def test_fresh_keys_are_fresh() -> None:
    assert len({secp.Keypair.fresh().secret for _ in range(100)}) == 100


def test_it_works_where_memory_is_never_writable_and_executable() -> None:
    """systemd's MemoryDenyWriteExecute: kernels before 6.3 answer EINVAL to the request."""
    run = subprocess.run([sys.executable, "-c", UNDER_MDWE], capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    refused, reason, x = run.stdout.split()
    assert refused == "0" or int(reason) == errno.EINVAL
    assert bytes.fromhex(x) == secp.shared_x(ALICE.secret, secp.parse_point(BOB.pubkey))
