"""The few libsecp256k1 calls that Nostr needs, on objects that are parsed once and kept.

coincurve's own classes rebuild the keypair at every signature, verify after every
signature and multiply a point twice per key; this is the same library, called directly.
"""

from __future__ import annotations

import ctypes
import os
from typing import Any, NewType

from coincurve._libsecp256k1 import ffi, lib  # type: ignore[import-not-found]
from coincurve.context import GLOBAL_CONTEXT

from ticketbot.errors import Broken, Malformed

Point = NewType("Point", object)
"""A parsed public key, owned by libsecp256k1."""

_CONTEXT = GLOBAL_CONTEXT.ctx


def _keep_x(output: int, x: int, _y: int, _data: int) -> int:
    ctypes.memmove(output, x, 32)
    return 1


# cffi's own callbacks need memory that is both writable and executable, which
# systemd's MemoryDenyWriteExecute forbids; libffi's, behind ctypes, do not.
_CALLBACK = ctypes.CFUNCTYPE(ctypes.c_int, *[ctypes.c_void_p] * 4)(_keep_x)
_KEEP_X = ffi.cast(
    "int (*)(unsigned char *, const unsigned char *, const unsigned char *, void *)",
    ctypes.cast(_CALLBACK, ctypes.c_void_p).value,
)


class Keypair:
    """A secret scalar with its public key, parsed once. `pubkey` is x-only (BIP-340)."""

    __slots__ = ("_keypair", "_xonly", "pubkey", "secret")

    def __init__(self, secret: bytes) -> None:
        """`secret` is 32 bytes; Malformed when it is no scalar of the curve."""
        self.secret = secret
        self._keypair = ffi.new("secp256k1_keypair *")
        if len(secret) != 32 or not lib.secp256k1_keypair_create(_CONTEXT, self._keypair, secret):
            raise Malformed("not a secret key of the curve")
        self._xonly = ffi.new("secp256k1_xonly_pubkey *")
        lib.secp256k1_keypair_xonly_pub(_CONTEXT, self._xonly, ffi.NULL, self._keypair)
        pubkey = ffi.new("unsigned char[32]")
        lib.secp256k1_xonly_pubkey_serialize(_CONTEXT, pubkey, self._xonly)
        self.pubkey = _bytes(pubkey)

    @classmethod
    def fresh(cls) -> Keypair:
        """A new random keypair."""
        return cls(os.urandom(32))

    def __repr__(self) -> str:
        return f"Keypair({self.pubkey.hex()})"

    def sign(self, message: bytes, chance: bytes | None = None, *, check: bool = True) -> bytes:
        """The 64-byte BIP-340 signature of a 32-byte message.

        `chance` is BIP-340's auxiliary randomness (32 bytes); by default it is fresh.

        `check` verifies it before it is given out, as BIP-340 recommends: a signature
        spoiled by a fault can give the secret away (Broken). A key that signs once
        and is forgotten has nothing to lose.
        """
        if chance is None:
            chance = os.urandom(32)
        if (len(message), len(chance)) != (32, 32):
            raise ValueError("BIP-340 signs 32 bytes with 32 bytes of chance")
        signature = ffi.new("unsigned char[64]")
        good = lib.secp256k1_schnorrsig_sign32(_CONTEXT, signature, message, self._keypair, chance)
        if check:
            good = lib.secp256k1_schnorrsig_verify(_CONTEXT, signature, message, 32, self._xonly)
        if not good:
            raise Broken("a fresh signature does not verify: this machine computes wrongly")
        return _bytes(signature)


def parse_point(pubkey: bytes) -> Point:
    """The point with even y of an x-only key of 32 bytes; Malformed when there is none."""
    point = ffi.new("secp256k1_pubkey *")
    if len(pubkey) != 32 or not lib.secp256k1_ec_pubkey_parse(
        _CONTEXT, point, b"\x02" + pubkey, 33
    ):
        raise Malformed("not a public key of the curve")
    return Point(point)


def shared_x(secret: bytes, point: Point) -> bytes:
    """The unhashed x coordinate of secret × point (32 bytes, constant time)."""
    x = ffi.new("unsigned char[32]")
    if len(secret) != 32 or not lib.secp256k1_ecdh(_CONTEXT, x, point, secret, _KEEP_X, ffi.NULL):
        raise Malformed("not a secret key of the curve")
    return _bytes(x)


def verify(pubkey: bytes, message: bytes, signature: bytes) -> bool:
    """Whether `signature` (64 bytes) is x-only `pubkey`'s BIP-340 signature of `message`."""
    if len(pubkey) != 32 or len(signature) != 64:
        return False
    xonly = ffi.new("secp256k1_xonly_pubkey *")
    return bool(
        lib.secp256k1_xonly_pubkey_parse(_CONTEXT, xonly, pubkey)
        and lib.secp256k1_schnorrsig_verify(_CONTEXT, signature, message, len(message), xonly)
    )


def _bytes(array: Any) -> bytes:
    view: bytes = ffi.buffer(array)[:]
    return view
