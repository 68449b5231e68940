"""The ticket as a JWT: read by libraries that nobody here wrote, and refused to whoever forges."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given
from hypothesis import strategies as st
from joserfc import jws
from joserfc.jwk import KeySet, OKPKey

from ticketbot.domain.jwt_ticket import jwk, read_jwt, read_ticket, sign_jwt
from ticketbot.domain.ticket import Claims, Reason, TicketInvalid, TicketKey

SEED = bytes(range(32))
KEY = TicketKey.from_bytes(SEED)
CLAIMS = Claims("aebagbafaydqqcik", b"E" * 8, b"H" * 16, 1_800_000_000, 1_900_000_000, b"N" * 8, 3)
JWT = sign_jwt(CLAIMS, KEY)
BODY: dict[str, Any] = {
    "ticket_id": "aebagbafaydqqcik",
    "event": "45" * 8,
    "holder": "48" * 16,
    "nonce": "4e" * 8,
    "version": 3,
    "iat": 1_800_000_000,
    "exp": 1_900_000_000,
}
HEADER = {"alg": "EdDSA", "kid": jwk(KEY.public)["kid"], "typ": "ticket+jwt"}


def b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def signed(header: dict[str, Any], body: object, key: Ed25519PrivateKey | None = None) -> str:
    """A JWT made by hand, as a forger would."""
    text = f"{b64(json.dumps(header).encode())}.{b64(json.dumps(body).encode())}"
    private = key or Ed25519PrivateKey.from_private_bytes(SEED)
    return f"{text}.{b64(private.sign(text.encode()))}"


def refused(text: str) -> Reason:
    with pytest.raises(TicketInvalid) as caught:
        read_jwt(text, KEY.public)
    return caught.value.reason


def test_what_was_signed_is_read_back() -> None:
    assert read_jwt(JWT, KEY.public) == CLAIMS
    assert read_ticket(f"  {JWT}\n", KEY.public) == CLAIMS
    assert read_ticket(KEY.sign(CLAIMS), KEY.public) == CLAIMS
    assert sign_jwt(CLAIMS, KEY) == JWT


def test_the_thumbprint_is_that_of_the_standard() -> None:
    """The key and the thumbprint of RFC 8037, appendices A.2 and A.3."""
    public = base64.urlsafe_b64decode("11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo=")
    assert jwk(public)["kid"] == "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"


@pytest.mark.filterwarnings("ignore:EdDSA is deprecated")  # RFC 9864 has a name for each curve
def test_another_library_reads_it_with_nothing_but_the_published_key() -> None:
    keys = KeySet.import_key_set({"keys": [jwk(KEY.public)]})  # type: ignore[typeddict-item]
    read = jws.deserialize_compact(JWT, keys, algorithms=["EdDSA"])
    assert json.loads(read.payload) == BODY
    assert read.headers() == HEADER


@pytest.mark.filterwarnings("ignore:EdDSA is deprecated")  # RFC 9864 has a name for each curve
def test_what_another_library_signs_with_the_key_is_read() -> None:
    private = OKPKey.import_key({**jwk(KEY.public), "d": b64(SEED)})  # type: ignore[arg-type]
    text = jws.serialize_compact(HEADER, json.dumps(BODY), private, algorithms=["EdDSA"])
    assert read_jwt(text, KEY.public) == CLAIMS


def test_no_algorithm_is_no_signature() -> None:
    for name in ("none", "None", "NONE"):
        head, body = b64(json.dumps(HEADER | {"alg": name}).encode()), JWT.split(".")[1]
        for signature in ("", JWT.split(".")[2]):
            assert refused(f"{head}.{body}.{signature}") in (Reason.BAD_SIGNATURE, Reason.DAMAGED)


@pytest.mark.parametrize("algorithm", ["HS256", "HS512"])
def test_a_shared_secret_is_no_signature(algorithm: str) -> None:
    """The public key as a secret that everybody knows: the classic confusion."""
    public = Ed25519PrivateKey.from_private_bytes(SEED).public_key()
    pem = public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    digest = {"HS256": hashlib.sha256, "HS512": hashlib.sha512}[algorithm]
    for secret in (KEY.public, pem, b64(KEY.public).encode()):
        text = f"{b64(json.dumps(HEADER | {'alg': algorithm}).encode())}.{JWT.split('.')[1]}"
        forged = f"{text}.{b64(hmac.new(secret, text.encode(), digest).digest())}"
        assert refused(forged) is Reason.BAD_SIGNATURE


def test_another_key_signs_nothing_here() -> None:
    mallory = Ed25519PrivateKey.generate()
    hers = TicketKey(mallory)
    assert refused(sign_jwt(CLAIMS, hers)) is Reason.BAD_SIGNATURE
    assert refused(signed(HEADER, BODY, mallory)) is Reason.BAD_SIGNATURE
    for header in (
        HEADER | {"jwk": jwk(hers.public)},
        HEADER | {"jku": "https://evil.example/jwks.json"},
        HEADER | {"x5u": "https://evil.example/x"},
    ):
        assert refused(signed(header, BODY, mallory)) is Reason.BAD_SIGNATURE


@pytest.mark.parametrize(
    "header",
    [
        HEADER | {"kid": jwk(bytes(32))["kid"]},
        {name: HEADER[name] for name in ("alg", "typ")},
        HEADER | {"typ": "JWT"},
        HEADER | {"typ": None},
        HEADER | {"crit": ["exp"]},
        HEADER | {"crit": ["b64"], "b64": False},
        HEADER | {"kid": 7},
        HEADER | {"alg": "Ed25519"},
        HEADER | {"alg": ["EdDSA"]},
    ],
)
def test_a_header_that_is_not_ours(header: dict[str, Any]) -> None:
    assert refused(signed(header, BODY)) in (Reason.BAD_SIGNATURE, Reason.DAMAGED)


@pytest.mark.parametrize(
    "body",
    [
        *({name: value for name, value in BODY.items() if name != lost} for lost in BODY),
        BODY | {"ticket_id": "../../etc/passwd"},
        BODY | {"event": "45" * 7},
        BODY | {"holder": "zz" * 16},
        BODY | {"nonce": 7},
        BODY | {"version": "3"},
        BODY | {"version": True},
        BODY | {"iat": -1},
        BODY | {"exp": 1.5},
        [],
        "text",
        None,
    ],
)
def test_a_body_that_is_no_tickets(body: object) -> None:
    """Even signed with the key: nothing but a ticket is read."""
    assert refused(signed(HEADER, body)) is Reason.DAMAGED


@pytest.mark.parametrize(
    "text", ["", "TKT1:", "a.b", "a.b.c.d", "…", f"{JWT}x" * 9, "ey.ey.", JWT.replace(".", ",")]
)
def test_what_is_no_jwt(text: str) -> None:
    assert refused(text) in (Reason.NOT_A_TICKET, Reason.DAMAGED)


@given(at=st.integers(0, len(JWT) - 1), to=st.sampled_from("ABCdef123-_."))
def test_a_changed_letter_is_never_another_ticket(at: int, to: str) -> None:
    changed = JWT[:at] + to + JWT[at + 1 :]
    try:
        assert read_jwt(changed, KEY.public) == CLAIMS  # the last letter has bits that are not used
    except TicketInvalid:
        assert changed != JWT


@given(st.text(max_size=60))
def test_any_text_is_read_or_refused(text: str) -> None:
    for form in (text, f"{text}.{text}.{text}", f"{JWT.rpartition('.')[0]}.{text}"):
        with pytest.raises(TicketInvalid):
            read_ticket(form, KEY.public)


def test_the_other_way_round_a_token_is_no_jwt() -> None:
    assert refused(KEY.sign(CLAIMS)) is Reason.NOT_A_TICKET
    assert jwt.get_unverified_header(JWT) == HEADER
