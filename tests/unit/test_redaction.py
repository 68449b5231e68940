"""Whatever a line looks like, no secret and no attendee stands in it."""

from __future__ import annotations

import base64
import io
import json
import logging
from collections.abc import Callable, Iterator

import pytest
import structlog
from hypothesis import example, given
from hypothesis import strategies as st

from ticketbot import log, redaction
from ticketbot.domain.nip19 import npub_encode

BECH32 = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
HEX = "0123456789abcdef"
BASE32 = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
KNOWN = "7e57" * 16  # as the configuration has it

hexes = st.text(HEX, min_size=32, max_size=64)
cases = st.sampled_from([str.lower, str.upper])
around = st.text(st.characters(codec="utf-8"), max_size=20)

KEY_NAMES = ("invoice_key", "admin_key", "ticket-key", "X-Api-Key", "nsec", "field_key", "secret")
NOTATIONS = ("{}: {}", "{}={}", '"{}": "{}"', "'{}': b'{}'", '{{"{}":"{}"}}', '\\"{}\\":\\"{}\\"')


def bech32(prefix: str, size: int) -> st.SearchStrategy[str]:
    return st.text(BECH32, min_size=size, max_size=size).map(lambda data: f"{prefix}1{data}")


def jwt_of(raw: bytes) -> str:
    """A ticket as a JWT, three parts of base64url without their padding."""
    parts = (b'{"alg":"EdDSA","typ":"ticket+jwt"}', b'{"ticket_id":"' + raw.hex().encode(), raw)
    return ".".join(base64.urlsafe_b64encode(part).decode().rstrip("=") for part in parts)


def nip98_of(raw: bytes) -> str:
    """An event that signs a request, without the word that stands before it."""
    return base64.b64encode(b'{"id":"' + raw.hex().encode() + b'"}').decode()


secrets = st.one_of(
    st.tuples(cases, bech32("nsec", 58)).map(lambda pair: pair[0](pair[1])),
    st.tuples(cases, st.text(BASE32, min_size=188, max_size=188)).map(
        lambda pair: pair[0](f"TKT1:{pair[1]}")
    ),
    hexes.map(lambda key: f"nostr+walletconnect://{key}?relay=wss%3A%2F%2Fr.example&secret={key}"),
    hexes.map(lambda key: f"cashuA{key}=="),
    hexes.map(lambda key: f"wss://relay.example/{key}"),
    hexes.map(lambda key: f"ws://127.0.0.1:7777/inbox?token={key}"),
    st.text(BASE32, min_size=32, max_size=32).map(lambda letters: f"door1{letters.lower()}"),
    st.binary(min_size=40, max_size=120).map(lambda raw: jwt_of(raw)),
    st.binary(min_size=40, max_size=120).map(lambda raw: nip98_of(raw)),
    cases.map(lambda case: case(KNOWN)),
)
people = st.one_of(
    st.tuples(cases, bech32("npub", 58)).map(lambda pair: pair[0](pair[1])),
    bech32("nprofile", 80),
    bech32("lnurl", 60),
    st.tuples(cases, bech32("lnbc50u", 180)).map(lambda pair: pair[0](pair[1])),
    bech32("lnbcrt9m", 180),
    st.from_regex(r"\A[a-z0-9._-]{1,12}@[a-z]{2,9}\.(?:com|example|co\.uk)\Z"),
)


def written(pretty: bool, **values: object) -> str:
    """A line of the log, and the same by way of a library and a traceback."""
    out = io.BytesIO()
    log.configure(stream=io.TextIOWrapper(out), pretty=pretty, secrets=[KNOWN])
    text = str(values["text"])
    logger = structlog.get_logger()
    logger.error("said", **values)
    logging.getLogger("aiohttp.client").error("%s", text)
    try:
        raise ValueError(text)
    except ValueError as error:
        logger.error("failed", exc_info=error, nested={"deep": [text, {text: text}]})
    return out.getvalue().decode()


@pytest.fixture(autouse=True)
def _logs_are_put_back() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    structlog.reset_defaults()
    logging.captureWarnings(False)
    root.handlers[:], root.level = handlers, level


@given(secrets | people, around, around, st.booleans())
@example(f"nsec1{BECH32}{BECH32[:26]}", "\n", "\n", False)
@example("me@getalby.com", "\n", "", False)
@example(f"lnbc50u1{BECH32 * 5}", "lightning:\n", "\x00", False)
def test_no_secret_and_nobody_whatever_stands_around(
    secret: str, before: str, after: str, pretty: bool
) -> None:
    # where a secret ends must be seen: more of its own letters would be more of it
    line = written(pretty, text=f"{before} {secret} {after}", glued=f"{before}\n{secret}\n{after}")
    assert secret not in line
    core = secret[8:40] if len(secret) > 60 else secret
    assert core not in line
    assert "[redacted]" in line


@given(hexes, st.sampled_from(KEY_NAMES), st.sampled_from(NOTATIONS), st.booleans(), cases)
def test_hex_behind_the_name_of_a_key(
    key: str, name: str, notation: str, pretty: bool, case: Callable[[str], str]
) -> None:
    shown = notation.format(name, case(key))
    assert case(key) not in written(pretty, text=shown, value={name: case(key)})


@given(st.text(BASE32 + HEX, min_size=8, max_size=40), st.booleans())
def test_what_http_proves_itself_with(word: str, pretty: bool) -> None:
    for text in (
        f"Authorization: Basic {word}==",
        f"authorization: Nostr {word}",
        f"{{'Authorization': 'Bearer {word}'}}",
        f"Authorization: Bearer  {word}",
        f"GET https://me:{word}@relay.example/ failed",
        f"wss://{word}@relay.example",
        f"no answer from http://127.0.0.1:5000/api/v1/ws/{word * 2}",
        f"password={word}&next=/",
    ):
        assert word not in written(pretty, text=text).replace("redacted", ""), text


@given(around)
def test_what_is_said_stays_a_line_of_json(text: str) -> None:
    said = written(False, text=text, other=f'secret="{text}" nsec: {KNOWN}')
    assert all(json.loads(line) for line in said.split("\n") if line)


@pytest.mark.parametrize(
    "text",
    [
        "payment 8d3f0a51e8c4ab2c8d3f0a51e8c4ab2c8d3f0a51e8c4ab2c8d3f0a51e8c4ab2c is undecided",
        "order 1k2m3n4p5q6r: relay wss://nos.lol/inbox, key order:1k2m:ticket:0",
        "bot.nsec_file: nsec does not exist; `ticketbot init` makes a key for the bot",
        "lnbits-invoice-key: lnbits.invoice_key_file does not exist",
        "the secret is in a file, the password in another, a bearer, too",
        "naddr1qqqhsqgnwaenhockeyj2aen8qqqhsqgnwaenhockeyj3 and eyJ alone",
    ],
)
def test_what_an_operator_needs_stays(text: str) -> None:
    assert written(False, text=text).count(text) >= 2
    redact = redaction.redactor(people=True)
    assert redact(text.encode()).decode() == text


def test_the_command_line_may_name_people_and_no_secret() -> None:
    npub = npub_encode("2" * 64)
    text = f"{npub} and me@getalby.com sent nsec1{BECH32}{BECH32[:26]}".encode()
    assert (
        redaction.redactor(people=True)(text).decode()
        == f"{npub} and me@getalby.com sent [redacted]"
    )


def test_whereabouts_tell_where_and_not_what() -> None:
    def ask() -> None:
        raise KeyError("npub of a guest")

    try:
        try:
            ask()
        except KeyError as inner:
            raise ValueError("a guest's words") from inner
    except ValueError as error:
        said = redaction.whereabouts(ExceptionGroup("a guest", [error, OSError("a guest")]))
    assert "guest" not in said
    assert said.startswith("ValueError at test_redaction.py:")
    assert "because of KeyError at test_redaction.py:" in said
    assert said.endswith("; OSError at ?")
