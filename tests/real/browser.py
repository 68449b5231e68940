"""A headless Chromium for the tests, driven by playwright; the machine's own, never a download."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from playwright.async_api import Browser, ViewportSize, async_playwright

PLACES = ("/usr/bin/chromium-headless-shell", "/usr/bin/chromium")
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
PHONE: ViewportSize = {"width": 390, "height": 844}


def chromium_path() -> str:
    """Where Chromium is; the test fails, and says what to install, where there is none."""
    for place in (os.environ.get("CHROMIUM", ""), *PLACES):
        if place and Path(place).exists():
            return place
    pytest.fail("no Chromium here: apt-get install chromium-headless-shell, or set CHROMIUM")


@asynccontextmanager
async def chromium() -> AsyncIterator[Browser]:
    """A running browser, gone when the block ends."""
    path = chromium_path()
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=path, args=FLAGS)
        try:
            yield browser
        finally:
            await browser.close()
