"""Which hosts are of the public internet."""

from __future__ import annotations

import pytest

from ticketbot.domain.addresses import is_literal, is_public, may_be_public


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "10.1.2.3",
        "172.16.0.1",
        "192.168.1.1",
        "169.254.169.254",
        "100.64.0.1",
        "0.0.0.0",
        "255.255.255.255",
        "224.0.0.1",
        "198.18.0.1",
        "240.0.0.1",
        "::",
        "::1",
        "::ffff:127.0.0.1",
        "::ffff:8.8.8.8",
        "::127.0.0.1",
        "fe80::1",
        "fe80::1%eth0",
        "fc00::1",
        "ff02::1",
        "2001:db8::1",
        "2002:7f00:1::1",
        "2001:0:7f00:1::1",
        "64:ff9b::127.0.0.1",
        "64:ff9b::10.0.0.1",
        "192.0.0.8",
        "3fff::1",
        "not an address",
    ],
)
def test_private_addresses(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize(
    "address", ["8.8.8.8", "1.1.1.1", "2606:4700:4700::1111", "64:ff9b::8.8.8.8"]
)
def test_public_addresses(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize(
    "host",
    [
        "",
        "localhost",
        "relay.localhost",
        "printer.local",
        "db.internal",
        "router.lan",
        "box.home.arpa",
        "intranet",
        "127.1",
        "2130706433",
        "0x7f.1",
        "0177.0.0.1",
        "127.0.0.1",
        "::1",
        "::ffff:127.0.0.1",
        "169.254.169.254",
        "example.com.",
        "exa mple.com",
        "a@example.com",
        "example.com/x",
        "abcdefgh.onion",
    ],
)
def test_hosts_that_strangers_may_not_name(host: str) -> None:
    assert not may_be_public(host)


@pytest.mark.parametrize("host", ["example.com", "a_b.example.com", "xn--bcher-kva.de", "8.8.8.8"])
def test_hosts_that_strangers_may_name(host: str) -> None:
    assert may_be_public(host)
    assert is_literal(host) == (host == "8.8.8.8")


def test_hidden_services_are_for_who_has_a_proxy() -> None:
    assert may_be_public("abcdefgh.onion", onion=True)
    assert not may_be_public("127.0.0.1", onion=True)
