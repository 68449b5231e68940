"""What every test stands on: nothing leaves this machine, nothing outlives its loop."""

from __future__ import annotations

import ipaddress
import os
import shutil
import socket
import sys
import tempfile
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

from tests.order import Rooms

# a busy machine must not fail a test
settings.register_profile("ours", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("ours")

MEMORY = "/dev/shm"
ROOM = 2 * 2**30


def pytest_configure() -> None:
    """Ledgers lie in memory, where there is room: no test pulls the plug, and a disk takes its time
    over every commit.
    """
    if os.access(MEMORY, os.W_OK) and shutil.disk_usage(MEMORY).free > ROOM:
        os.environ["TMPDIR"] = tempfile.tempdir = MEMORY


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Who runs what, when workers share the tests by files."""
    return Rooms(config, log) if config.option.dist == "loadfile" else None


@pytest.fixture(autouse=True)
def loopback_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """A connection to any other host fails the test that tries it."""
    connect = socket.socket.connect

    def guarded(self: socket.socket, address: object) -> None:
        host = address[0] if isinstance(address, tuple) else None
        if isinstance(host, str) and not _is_here(host):
            pytest.fail(f"a test tried to reach {address}")
        connect(self, address)  # type: ignore[arg-type]

    monkeypatch.setattr(socket.socket, "connect", guarded)


def _is_here(host: str) -> bool:
    if host in ("localhost", ""):
        return True
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return False
    return address.is_loopback or address.is_unspecified


@pytest.fixture(autouse=True)
def nostr_sdk_forgets_the_loop() -> Iterator[None]:
    """nostr-sdk keeps the loop that it was given, also when the test that gave it is over."""
    yield
    sdk = sys.modules.get("nostr_sdk")
    if sdk is not None:
        sdk.uniffi_set_event_loop(None)
