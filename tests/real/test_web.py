"""The bot's HTTP over a real socket: what it answers, and what it never says or writes down."""

from __future__ import annotations

import asyncio
import io
import json
import logging
import re
from collections.abc import AsyncIterator

import aiohttp
import pytest
import structlog
import zxingcpp
from PIL import Image
from yarl import URL

from ticketbot.domain.ticket import Claims, TicketKey
from ticketbot.errors import Broken
from ticketbot.metrics import Metrics, metrics
from ticketbot.web.app import make_app, serve
from ticketbot.web.pages import STATIC

KEY = TicketKey.from_bytes(bytes(range(32)))
TOKEN = KEY.sign(Claims("aebagbafaydqqcik", bytes(8), bytes(16), 1, 2, bytes(8), 1))
HEX = "0123456789abcdef0123456789abcdef"
BASE64URL = "Qm9iLXRoZS1idWlsZGVyLWlz_A-"
RARE_WORDS = ("TKT1", TOKEN[5:], HEX, BASE64URL)


class SmallDesk:
    """A bot with two tickets, as the web rooms see it."""

    bot_name = "Lisbon <b>&</b> Tickets"
    bot_npub = "npub1tickets"
    ticket_public_key = KEY.public

    def __init__(self) -> None:
        self.good = True
        self.asked: list[str] = []
        self.gate = asyncio.Event()
        self.gate.set()

    async def health(self) -> tuple[bool, dict[str, object]]:
        await self.gate.wait()
        return self.good, {"ledger": "open", "wallet": "ok" if self.good else "no answer for 40 s"}

    async def ticket_token(self, capability: str) -> str | None:
        self.asked.append(capability)
        if capability == "f" * 32:
            raise RuntimeError("the ledger is gone")
        return {HEX: TOKEN, BASE64URL: TOKEN}.get(capability)

    async def ticket_page(self, capability: str) -> bytes | None:
        return b"%PDF" if await self.ticket_token(capability) else None

    async def calendar_file(self, capability: str) -> bytes | None:
        return b"BEGIN:VCALENDAR" if await self.ticket_token(capability) else None


@pytest.fixture
def desk() -> SmallDesk:
    return SmallDesk()


@pytest.fixture
async def site(desk: SmallDesk) -> AsyncIterator[aiohttp.ClientSession]:
    async with (
        serve(make_app(desk, Metrics()), "127.0.0.1", 0) as port,
        aiohttp.ClientSession(f"http://127.0.0.1:{port}") as session,
    ):
        yield session


async def test_health_says_what_is_wrong(site: aiohttp.ClientSession, desk: SmallDesk) -> None:
    async with site.get("/health") as answer:
        assert answer.status == 200
        assert await answer.json() == {"ok": True, "ledger": "open", "wallet": "ok"}
    desk.good = False
    async with site.get("/health") as answer:
        assert answer.status == 503
        said = await answer.json()
        assert (said["ok"], said["wallet"]) == (False, "no answer for 40 s")


async def test_metrics_are_prometheus_text_with_every_name(desk: SmallDesk) -> None:
    counts = Metrics()
    counts.dm_received.labels("nip17", "buy").inc()
    counts.dm_sent.labels("24133", "accepted").inc()
    counts.invoices.labels("paid").inc(3)
    counts.checkins.labels("admitted").inc()
    counts.relay_connected.labels("wss://relay.example").set(1)
    counts.paid_to_ticket.observe(0.02)
    async with (
        serve(make_app(desk, counts), "127.0.0.1", 0) as port,
        aiohttp.ClientSession(f"http://127.0.0.1:{port}") as site,
        site.get("/metrics") as answer,
    ):
        assert answer.headers["Content-Type"].startswith("text/plain; version=0.0.4")
        text = await answer.text()
    for line in (
        'ticketbot_dm_received_total{command="buy",protocol="nip17"} 1.0',
        'ticketbot_dm_sent_total{protocol="24133",result="accepted"} 1.0',
        'ticketbot_invoices_total{state="paid"} 3.0',
        "ticketbot_tickets_issued_total 0.0",
        'ticketbot_checkins_total{result="admitted"} 1.0',
        'ticketbot_paid_to_ticket_seconds_bucket{le="0.025"} 1.0',
        'ticketbot_relay_connected{relay="wss://relay.example"} 1.0',
        "ticketbot_outbox_pending 0.0",
        "ticketbot_refunds_owed_sats 0.0",
        'ticketbot_build_info{version="0.1.0"} 1.0',
    ):
        assert line in text.split("\n")
    assert "process_resident_memory_bytes" in text


def test_a_process_has_one_set_of_metrics() -> None:
    assert metrics() is metrics()
    assert b"_created" not in metrics().text()


@pytest.mark.parametrize("capability", [HEX, BASE64URL])
async def test_a_picture_shows_its_ticket_and_is_kept_nowhere(
    site: aiohttp.ClientSession, capability: str
) -> None:
    async with site.get(f"/tickets/{capability}.png") as answer:
        assert answer.status == 200
        assert answer.content_type == "image/png"
        assert answer.headers["Cache-Control"] == "no-store"
        assert answer.headers["Referrer-Policy"] == "no-referrer"
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Cross-Origin-Resource-Policy"] == "cross-origin"
        picture = await answer.read()
    with Image.open(io.BytesIO(picture)) as image:
        (code,) = zxingcpp.read_barcodes(image)
    assert code.text == TOKEN


@pytest.mark.parametrize(
    ("ending", "kind", "body"),
    [
        ("pdf", "application/pdf", b"%PDF"),
        ("ics", "text/calendar; charset=utf-8", b"BEGIN:VCALENDAR"),
    ],
)
async def test_files_have_their_kind_and_are_kept_nowhere(
    site: aiohttp.ClientSession, ending: str, kind: str, body: bytes
) -> None:
    async with site.get(f"/tickets/{HEX}.{ending}") as answer:
        assert answer.status == 200 and await answer.read() == body
        assert answer.headers["Content-Type"] == kind
        assert answer.headers["Cache-Control"] == "no-store"
        assert answer.headers["X-Robots-Tag"] == "noindex"
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Content-Disposition"].endswith(f'.{ending}"')


@pytest.mark.parametrize("ending", ["pdf", "ics"])
@pytest.mark.parametrize("capability", ["e" * 32, "short", "a" * 65, "%2e%2e%2fetc"])
async def test_files_without_a_capability_are_not_found(
    site: aiohttp.ClientSession, ending: str, capability: str
) -> None:
    async with site.get(URL(f"/tickets/{capability}.{ending}", encoded=True)) as answer:
        assert answer.status == 404


@pytest.mark.parametrize(
    ("capability", "is_asked"),
    [
        ("e" * 32, True),
        ("short", False),
        ("a" * 65, False),
        (HEX + "%0a", False),
        ("..%2f" + HEX, False),
        (HEX[:-1] + "%c3%a9", False),
    ],
)
async def test_a_picture_that_is_not_there(
    site: aiohttp.ClientSession, desk: SmallDesk, capability: str, is_asked: bool
) -> None:
    async with site.get(URL(f"/tickets/{capability}.png", encoded=True)) as answer:
        assert answer.status == 404
        assert answer.headers["Cache-Control"] == "no-store"
        assert await answer.text() == "404: Not Found"
    assert bool(desk.asked) == is_asked


@pytest.mark.parametrize(
    "path", ["/nothing", "/t/", "/t/words.js", "/t/../app.py", "/static/page.js"]
)
async def test_an_unknown_path_is_a_plain_404(site: aiohttp.ClientSession, path: str) -> None:
    async with site.get(URL(path, encoded=True)) as answer:
        assert (answer.status, answer.content_type) == (404, "text/plain")
        assert path not in await answer.text()


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/", 200),
        ("GET", "/t", 200),
        ("GET", "/t/page.js", 200),
        ("GET", "/health", 200),
        ("GET", f"/tickets/{HEX}.png", 200),
        ("GET", "/nothing", 404),
        ("POST", "/t", 405),
        ("GET", f"/tickets/{'f' * 32}.png", 500),
    ],
)
async def test_every_answer_is_guarded(
    site: aiohttp.ClientSession, method: str, path: str, status: int
) -> None:
    async with site.request(method, path) as answer:
        assert answer.status == status
        policy = answer.headers["Content-Security-Policy"]
        assert policy.startswith("default-src 'none'")
        assert "unsafe" not in policy
        assert "frame-ancestors 'none'" in policy or path.endswith(".js")
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Referrer-Policy"] == "no-referrer"
        assert answer.headers["Server"] == "ticketbot"


async def test_no_ticket_is_ever_written_down(
    site: aiohttp.ClientSession, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    with structlog.testing.capture_logs() as lines:
        for path in (
            f"/tickets/{HEX}.png",
            f"/tickets/{BASE64URL}.png",
            f"/tickets/{HEX}.jpg",
            f"/{HEX}",
            f"/t?{TOKEN}",
            f"/tickets/{'f' * 32}.png",
        ):
            async with site.get(path):
                pass
    routes = [(line["route"], line["status"]) for line in lines]
    assert routes == [
        ("/tickets/{capability}.png", 200),
        ("/tickets/{capability}.png", 200),
        ("unknown", 404),
        ("unknown", 404),
        ("/t", 200),
        ("/tickets/{capability}.png", 500),
    ]
    written = json.dumps(lines) + caplog.text
    assert not [word for word in (*RARE_WORDS, "f" * 32) if word in written]
    assert "the ledger is gone" in caplog.text


@pytest.mark.parametrize(
    "request_bytes",
    [
        b"GET /" + b"a" * 5_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\nX: " + b"a" * 10_000 + b"\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00",
    ],
)
async def test_too_much_or_no_http_is_turned_away(
    site: aiohttp.ClientSession, request_bytes: bytes
) -> None:
    async with site.get("/health") as answer:
        port = answer.url.port
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(request_bytes)
    try:
        assert b" 400 " in await asyncio.wait_for(reader.readline(), 5)
    finally:
        writer.close()
        await writer.wait_closed()
    async with site.get("/health") as answer:
        assert answer.status == 200


async def test_pages_are_filled_in_and_escaped(site: aiohttp.ClientSession) -> None:
    for path in ("/", "/t"):
        async with site.get(path) as answer:
            assert answer.content_type == "text/html"
            page = await answer.text()
        assert "Lisbon &lt;b&gt;&amp;&lt;/b&gt; Tickets" in page
        assert "<b>" not in page
        assert KEY.public.hex() in page
        assert "$" not in page
    async with site.get("/") as answer:
        assert "npub1tickets" in await answer.text()


@pytest.mark.parametrize(
    ("asked", "language", "words"),
    [
        ("es", "es", "Entradas por mensaje"),
        ("es-MX,es;q=0.9,en;q=0.8", "es", "Envíame un mensaje: <kbd>events</kbd>"),
        ("en;q=0.5, ES;q=0.7", "es", "<kbd>buy</kbd> y su código"),
        ("fr-CH, fr;q=0.9, es;q=0.4, en;q=0.3, *;q=0.1", "es", "¿Se perdió un mensaje?"),
        ("en-GB, es;q=0.95, en;q=0.9", "en", "Tickets by message"),
        ("es;q=0", "en", "Tickets by message"),
        ("fr, de;q=0.5", "en", "Send me a DM: <kbd>events</kbd>"),
        ("es;q=many, <b>, ;;q=1", "en", "Lost a message?"),
        ("", "en", "Choose one"),
    ],
)
async def test_the_front_page_speaks_the_browsers_language(
    site: aiohttp.ClientSession, asked: str, language: str, words: str
) -> None:
    async with site.get("/", headers={"Accept-Language": asked}) as answer:
        page = await answer.text()
        assert "Accept-Language" in answer.headers["Vary"]
    assert f'<html lang="{language}">' in page
    assert words in page
    assert "Lisbon &lt;b&gt;&amp;&lt;/b&gt; Tickets" in page


async def test_pages_need_nobody_else(site: aiohttp.ClientSession) -> None:
    for path in ("/", "/t", "/t/page.js", "/t/page.css", "/t/icon.svg", "/t/sw.js"):
        async with site.get(path) as answer:
            assert answer.status == 200
            text = (await answer.text()).replace("http://www.w3.org/2000/svg", "")
        assert not re.search(
            r"(https?:)?//[a-z0-9.-]+\.[a-z]", re.sub(r"/\*.*?\*/", "", text, flags=re.S)
        )
        if path in ("/", "/t"):
            assert not re.search(r"<script(?![^>]*src=)|<style|\sstyle=|\son\w+=", text)


async def test_a_browser_that_has_a_page_is_not_sent_it_again(site: aiohttp.ClientSession) -> None:
    async with site.get("/t/page.js") as answer:
        tag = answer.headers["ETag"]
        assert answer.headers["Content-Encoding"] == "gzip"
        assert int(answer.headers["Content-Length"]) < 12_000
        assert await answer.read() == (STATIC / "page.js").read_bytes()
    async with site.get("/t/page.js", headers={"If-None-Match": tag}) as answer:
        assert answer.status == 304
    async with site.get("/t/page.js", headers={"Accept-Encoding": "identity"}) as answer:
        assert "Content-Encoding" not in answer.headers
        assert await answer.read() == (STATIC / "page.js").read_bytes()


async def test_an_address_in_use_is_the_operators_move(desk: SmallDesk) -> None:
    async with serve(make_app(desk, Metrics()), "127.0.0.1", 0) as port:
        said = f"^127.0.0.1:{port} cannot be used: another program listens there; .*`web.listen`$"
        with pytest.raises(Broken, match=said):
            async with serve(make_app(desk, Metrics()), "127.0.0.1", port):
                pytest.fail("two servers on one port")


async def test_a_stop_lets_what_is_in_hand_finish(desk: SmallDesk) -> None:
    desk.gate.clear()
    async with aiohttp.ClientSession() as session:
        async with serve(make_app(desk, Metrics()), "127.0.0.1", 0) as port:
            url = f"http://127.0.0.1:{port}/health"
            asked = asyncio.create_task(session.get(url))
            await asyncio.sleep(0.1)
            asyncio.get_running_loop().call_later(0.2, desk.gate.set)
        async with await asked as answer:
            assert answer.status == 200
        with pytest.raises(aiohttp.ClientConnectorError):
            await session.get(url)
