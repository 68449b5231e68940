"""Which relay URLs may be dialled, and how they are spelled."""

from __future__ import annotations

import socket
from typing import Any

import pytest

from ticketbot.relay import guard as guard_module
from ticketbot.relay.guard import Guard, NotDiallable, host_and_port, normal


@pytest.mark.parametrize(
    ("url", "spelled"),
    [
        ("wss://relay.example.com", "wss://relay.example.com"),
        (" WSS://Relay.Example.COM/ ", "wss://relay.example.com"),
        ("wss://relay.example.com:443/", "wss://relay.example.com"),
        ("ws://relay.example.com:80", "ws://relay.example.com"),
        ("wss://relay.example.com:7777/inbox/?a=B#x", "wss://relay.example.com:7777/inbox/?a=B"),
        ("wss://[2606:4700::1111]:443/", "wss://[2606:4700::1111]"),
        ("wss://bücher.example/", "wss://xn--bcher-kva.example"),
        ("ws://user:Pass@relay.example", "ws://user:Pass@relay.example"),
    ],
)
def test_one_spelling(url: str, spelled: str) -> None:
    assert normal(url) == spelled
    assert normal(spelled) == spelled


@pytest.mark.parametrize(
    "url",
    [
        "",
        "relay.example",
        "https://relay.example",
        "wss://",
        "wss:///path",
        "wss://a:b",
        "wss://[::1",
    ],
)
def test_no_url_of_a_relay(url: str) -> None:
    with pytest.raises(NotDiallable):
        normal(url)


def test_where_a_url_leads() -> None:
    assert host_and_port("wss://relay.example/x") == ("relay.example", 443)
    assert host_and_port("ws://[::1]:81") == ("::1", 81)


@pytest.mark.parametrize(
    "url",
    [
        "ws://relay.example.com",
        "wss://localhost",
        "wss://relay.localhost",
        "wss://printer.local",
        "wss://db.internal",
        "wss://router.lan",
        "wss://box.home.arpa",
        "wss://intranet",
        "wss://127.0.0.1",
        "wss://127.1",
        "wss://2130706433",
        "wss://0x7f.0.0.1",
        "wss://0x7f.1",
        "wss://[::1]",
        "wss://[::ffff:127.0.0.1]",
        "wss://[::ffff:7f00:1]",
        "wss://169.254.169.254/latest",
        "wss://user:pass@relay.example.com",
        "wss://relay.example.com/a b",
        "wss://relay.example.com/\u00e9",
        "wss://relay.example.com/" + "x" * 600,
        "wss://abcdefgh.onion",
    ],
)
async def test_what_strangers_may_not_name(url: str) -> None:
    guard = Guard(["ws://127.0.0.1:7777"])
    assert not guard.permits(url)
    with pytest.raises(NotDiallable):
        await guard.addresses(url)


@pytest.mark.parametrize(
    "url", ["wss://relay.example.com", "wss://8.8.8.8:7777", "wss://relay_1.example.com/inbox?x=1"]
)
def test_what_strangers_may_name(url: str) -> None:
    assert Guard([]).permits(url)


async def test_our_own_relays_may_be_anywhere() -> None:
    guard = Guard(["ws://127.0.0.1:7777"])
    assert guard.permits("ws://127.0.0.1:7777")
    assert await guard.addresses("ws://127.0.0.1:7777") is None
    assert not guard.permits("ws://127.0.0.1:7778")


async def test_tests_may_dial_the_loopback() -> None:
    assert await Guard([], allow_private=True).addresses("ws://127.0.0.1:1") is None


async def test_behind_a_proxy_no_name_is_looked_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guard_module, "resolve", None)
    guard = Guard([], by_name_only=True)
    assert await guard.addresses("wss://relay.example.com") is None
    assert await guard.addresses("wss://abcdefgh.onion") is None
    assert not guard.permits("wss://127.0.0.1")


async def _addresses(monkeypatch: pytest.MonkeyPatch, *found: str) -> list[str] | None:
    def getaddrinfo(host: str, port: int, *rest: Any, **more: Any) -> list[Any]:
        assert (host, port) == ("relay.example.com", 443)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (ip, port)) for ip in found]

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    return await Guard([]).addresses("wss://relay.example.com")


async def test_the_checked_addresses_are_the_dialled_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    found = await _addresses(monkeypatch, "8.8.8.8", "2606:4700::1111", "8.8.8.8")
    assert found == ["8.8.8.8", "2606:4700::1111"]


@pytest.mark.parametrize("private", ["127.0.0.1", "::ffff:127.0.0.1", "10.0.0.1", "::1"])
async def test_a_name_that_leads_home(monkeypatch: pytest.MonkeyPatch, private: str) -> None:
    with pytest.raises(NotDiallable, match="private"):
        await _addresses(monkeypatch, "8.8.8.8", private)
