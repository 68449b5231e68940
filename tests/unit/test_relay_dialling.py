"""Dialling: whom, through what, with which certificate; and what a relay says of itself."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import orjson
import pytest

from tests.real.relays import PATIENT, AwkwardRelay, awkward_relay, running, sealed, until, wrap
from tests.unit.strangers import SocksProxy, certificate, serving
from ticketbot.errors import Broken
from ticketbot.relay import nip11
from ticketbot.relay.dial import Dialer
from ticketbot.relay.guard import Guard
from ticketbot.relay.link import Unreachable
from ticketbot.relay.nip11 import Limits, read_limits
from ticketbot.relay.terms import Timing
from ticketbot.relays import Ok

# what a relay says of itself


def document(**limitation: Any) -> bytes:
    return orjson.dumps({"name": "a relay", "limitation": limitation})


async def test_limits_are_read_and_reported() -> None:
    said = document(created_at_lower_limit=3600, min_pow_difficulty=20, auth_required=True)
    async with awkward_relay(document=said) as relay, running(relay.url) as rig:
        await until(lambda: len(rig.pool.status()[relay.url].warnings) == 3)
        age, work, auth = rig.pool.status()[relay.url].warnings
        assert "3600 s" in age
        assert "20 bits" in work
        assert "authentication" in auth
        assert relay.described == 1


async def test_what_is_longer_than_the_relay_takes_is_not_sent() -> None:
    async with awkward_relay(document=document(max_message_length=500)) as relay:
        async with running(relay.url) as rig:
            await rig.live()
            await until(lambda: relay.described == 1)
            await asyncio.sleep(0.1)
            short, long = sealed(wrap(1)), sealed(wrap(2))
            long = long._replace(json=long.json[:-1] + b" " * 500 + b"}")
            batch = [(short, [relay.url]), (long, [relay.url])]
            said = await rig.pool.publish(batch)
            assert said[0] == {relay.url: Ok(True, "")}
            assert not said[1][relay.url].accepted
            assert "the relay takes 500" in said[1][relay.url].text
            assert {event[1]["id"] for event in relay.said("EVENT")} & {long.event_id} == set()


async def test_a_document_that_is_too_long_says_nothing() -> None:
    said = document(max_message_length=10, padding="x" * 70_000)
    async with awkward_relay(document=said) as relay, running(relay.url) as rig:
        await rig.live()
        await until(lambda: relay.described == 1)
        await asyncio.sleep(0.1)
        assert (await rig.pool.publish([(sealed(wrap(1)), [relay.url])]))[0][relay.url].accepted


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"not json",
        b"[]",
        b'{"limitation":[]}',
        b'{"limitation":{"max_message_length":"7","max_limit":-1,"min_pow_difficulty":true}}',
    ],
)
def test_rubbish_says_nothing(body: bytes) -> None:
    assert read_limits(body) == Limits()
    assert Limits().warnings() == ()


def test_two_days_are_enough_for_gift_wraps() -> None:
    assert read_limits(document(created_at_lower_limit=172_800)).warnings() == ()
    assert len(read_limits(document(created_at_lower_limit=172_799)).warnings()) == 1


@pytest.mark.parametrize("behaviour", ["redirect", "hang", "not http"])
async def test_a_document_is_not_chased(behaviour: str, monkeypatch: pytest.MonkeyPatch) -> None:
    import aiohttp

    monkeypatch.setattr(nip11, "_TIMEOUT", aiohttp.ClientTimeout(total=0.3))
    asked: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append(await reader.readuntil(b"\r\n\r\n"))
        if behaviour == "redirect":
            writer.write(b"HTTP/1.1 302 Found\r\nContent-Length: 0\r\nLocation: /there\r\n\r\n")
        elif behaviour == "not http":
            writer.write(b"\x00\x01\x02 hello\r\n\r\n")
        else:
            await reader.read()

    async with serving(serve) as port, aiohttp.ClientSession() as session:
        url = f"ws://127.0.0.1:{port}"
        assert await nip11.fetch_limits(session, Guard([url]), url, None) == Limits()
        assert await nip11.fetch_limits(session, Guard([]), url, None) == Limits()
    assert len(asked) == 1


# proxies


@pytest.fixture
async def relay() -> AsyncIterator[AwkwardRelay]:
    async with awkward_relay() as relay:
        yield relay


@pytest.mark.parametrize("scheme", ["socks5", "socks5h"])
async def test_through_a_proxy_names_are_resolved_there(relay: AwkwardRelay, scheme: str) -> None:
    relay.document = document(auth_required=True)
    proxy = SocksProxy(relay.port)
    async with serving(proxy.serve) as port:
        address = f"{scheme}://127.0.0.1:{port}"
        async with running("ws://relay.onion", "ws://relay2.invalid:81", proxy=address) as rig:
            await rig.live()
            await rig.pool.publish([(sealed(wrap(1)), ["ws://stranger.invalid"])])
    assert set(proxy.asked) == {
        ("relay.onion", 80),
        ("relay2.invalid", 81),
        ("stranger.invalid", 80),
    }
    assert relay.described == 0  # nothing is asked past the proxy


async def test_a_proxy_that_is_down_is_only_a_status() -> None:
    async with running("wss://relay.example", proxy="socks5h://127.0.0.1:1") as rig:
        await until(lambda: bool(rig.pool.status()["wss://relay.example"].last_error))
        assert not rig.task.done()


def test_a_proxy_of_another_kind_is_the_operators_to_mend() -> None:
    with pytest.raises(Broken, match="socks5h"):
        Dialer(Guard([]), Timing(), proxy="http://127.0.0.1:3128")


async def test_the_environment_names_no_proxy(
    relay: AwkwardRelay, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("ALL_PROXY", "SOCKS_PROXY", "HTTP_PROXY", "WS_PROXY", "HTTPS_PROXY"):
        monkeypatch.setenv(name, "socks5://127.0.0.1:1")
        monkeypatch.setenv(name.lower(), "socks5://127.0.0.1:1")
    relay.document = document(auth_required=True)
    async with running(relay.url) as rig:
        await rig.live()
        await until(lambda: bool(rig.pool.status()[relay.url].warnings))


async def test_a_redirect_is_not_followed(relay: AwkwardRelay) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 302 Found\r\nContent-Length: 0\r\nLocation: ")
        writer.write(relay.url.encode() + b"\r\n\r\n")

    async with serving(serve) as port, running(url := f"ws://127.0.0.1:{port}") as rig:
        await until(lambda: "302" in rig.pool.status()[url].last_error)
        assert relay.connected == 0


# TLS


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Certificate and key for relay.test and 127.0.0.1, signed by themselves."""
    folder = tmp_path_factory.mktemp("tls")
    return certificate(folder / "relay.pem", "relay.test", "127.0.0.1")


@pytest.fixture
async def secure(authority: Path) -> AsyncIterator[AwkwardRelay]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(authority)
    async with awkward_relay(tls=context) as relay:
        yield relay


class FixedGuard(Guard):
    """A guard whose look-ups find the loopback."""

    async def addresses(self, url: str) -> list[str] | None:
        return ["127.0.0.1"]


async def test_the_certificate_must_be_for_the_name_not_the_address(
    secure: AwkwardRelay, authority: Path
) -> None:
    trusting = ssl.create_default_context(cafile=authority)
    dialer = Dialer(FixedGuard([]), PATIENT, tls=trusting)
    link = await dialer.dial(f"wss://relay.test:{secure.port}", 1000)
    link.send([b'["REQ","x",{"kinds":[1]}]'])
    assert await link.receive() == [b'["EOSE", "x"]']
    await link.close(1)
    with pytest.raises(Unreachable, match=r"other\.test"):
        await dialer.dial(f"wss://other.test:{secure.port}", 1000)


async def test_an_unknown_authority_is_not_trusted(secure: AwkwardRelay) -> None:
    async with running(secure.url) as rig:
        await until(lambda: "CERTIFICATE" in rig.pool.status()[secure.url].last_error)
        assert rig.pool.deaf


async def test_the_document_comes_from_the_checked_address(
    secure: AwkwardRelay, authority: Path
) -> None:
    import aiohttp

    secure.document = document(auth_required=True)
    trusting = ssl.create_default_context(cafile=authority)
    guard = FixedGuard([])
    async with aiohttp.ClientSession() as session:
        url = f"wss://relay.test:{secure.port}"
        assert (await nip11.fetch_limits(session, guard, url, trusting)).auth_required
        other = f"wss://other.test:{secure.port}"
        assert await nip11.fetch_limits(session, guard, other, trusting) == Limits()


async def test_a_host_that_never_answers_is_given_up() -> None:
    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()

    async with serving(silent) as port:
        url = f"ws://127.0.0.1:{port}"
        with pytest.raises(Unreachable, match=r"within 0\.2 s"):
            await Dialer(Guard([url]), Timing(dial=0.2)).dial(url, 1000)


async def test_the_next_address_is_tried(relay: AwkwardRelay) -> None:
    class TwoAddresses(Guard):
        async def addresses(self, url: str) -> list[str] | None:
            return ["127.0.0.99", "127.0.0.1"]

    link = await Dialer(TwoAddresses([]), PATIENT).dial(f"ws://relay.test:{relay.port}", 1000)
    await link.close(1)
    assert relay.connected == 1
